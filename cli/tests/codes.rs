//! Every error code of the connected side is explained in the documentation, and no other.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

/// The modules whose codes are in the section "Producing".
const SOURCES: [&str; 10] = [
    "src/produce",
    "src/produce.rs",
    "src/signing",
    "src/signing.rs",
    "src/compose",
    "src/compose.rs",
    "src/commands/key",
    "src/commands/sign.rs",
    "src/commands/bundle.rs",
    "src/docker.rs",
];

fn files(path: &Utf8Path) -> Vec<Utf8PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = path.read_dir_utf8().unwrap();
    entries.flat_map(|entry| files(entry.unwrap().path())).collect()
}

fn codes(text: &str, quote: char) -> BTreeSet<String> {
    text.split(quote)
        .filter(|word| {
            word.starts_with("RCTL-") && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'-')
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_code_is_explained_and_every_explanation_has_its_code() {
    let crate_root = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = SOURCES.iter().flat_map(|source| files(&crate_root.join(source)));
    let mut used: BTreeSet<String> = sources
        .filter(|path| !path.as_str().ends_with("tests.rs"))
        .flat_map(|path| codes(&std::fs::read_to_string(path).unwrap(), '"'))
        .collect();
    used.insert("RCTL-FILE".to_owned());

    let page = std::fs::read_to_string(crate_root.join("../docs/error-codes-rivetctl.md")).unwrap();
    let (_, section) = page.split_once("\n## Producing\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    assert_eq!(codes(section, '`'), used);
}
