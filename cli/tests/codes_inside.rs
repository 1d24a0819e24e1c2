//! Every code that rivetctl can print is explained in the documentation, and only those are.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::{collections::BTreeSet, fs, path::Path};

/// Modules whose codes are in the section "Inside".
const INSIDE: [&str; 13] = [
    "src/site",
    "src/install",
    "src/runtime",
    "src/engine_api.rs",
    "src/docker.rs",
    "src/error.rs",
    "src/commands/audit.rs",
    "src/commands/inspect.rs",
    "src/commands/status.rs",
    "src/commands/token.rs",
    "src/commands/uninstall.rs",
    "src/commands/install.rs",
    "src/commands/trust.rs",
];

#[test]
fn every_code_of_the_inside_is_documented_and_no_other() {
    let mut in_code = BTreeSet::new();
    for path in INSIDE {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path), &mut in_code);
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/error-codes-rivetctl.md");
    let docs = fs::read_to_string(docs).unwrap();
    let section =
        docs.split("\n## ").find(|section| section.trim_start_matches("## ").starts_with("Inside"));

    let documented = codes(section.unwrap(), "`RCTL-");

    assert_eq!(documented, in_code);
}

fn collect(path: &Path, found: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), found);
        }
    } else {
        found.extend(codes(&fs::read_to_string(path).unwrap(), "\"RCTL-"));
    }
}

fn codes(text: &str, opening: &str) -> BTreeSet<String> {
    let is_code = |c: char| c.is_ascii_uppercase() || c == '-';
    let after = text.split(opening).skip(1);
    after.map(|rest| rest.split(|c| !is_code(c)).next().unwrap_or_default().to_owned()).collect()
}
