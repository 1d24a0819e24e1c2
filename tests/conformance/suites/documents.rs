//! The list of differences is told in two places, which must agree.

use std::{fs, path::Path};

use rivet_conformance::differences::DIFFERENCES;

#[test]
fn the_documentation_lists_exactly_the_differences_that_the_tests_allow() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("docs/compatibility.md")).unwrap();
    let documented: Vec<&str> =
        text.lines().filter(|line| line.starts_with("| `")).map(str::trim).collect();
    let expected: Vec<String> = DIFFERENCES
        .iter()
        .map(|it| format!("| `{}` | {} | {} | {} |", it.id, it.upstream, it.ours, it.reason))
        .collect();
    assert_eq!(documented, expected);
}

#[test]
fn every_difference_is_shown_by_a_test() {
    let mut sources = String::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("suites"), &mut sources);
    for difference in DIFFERENCES {
        let named = format!("\"{}\"", difference.id);
        assert!(sources.contains(&named), "no test shows {}", difference.id);
    }
}

fn collect(directory: &Path, sources: &mut String) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else {
            sources.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
