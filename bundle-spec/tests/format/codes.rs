//! Codes are documentation: every one is listed, and nothing else is.

use std::collections::BTreeSet;

fn codes(text: &str) -> BTreeSet<&str> {
    let is_code = |c: char| c.is_ascii_uppercase() || c == '-';
    text.match_indices("RVB-")
        .map(|(at, _)| text[at..].split(|c| !is_code(c)).next().unwrap_or_default())
        .filter(|code| !code.ends_with('-'))
        .collect()
}

#[test]
fn every_code_is_documented_and_every_documented_code_exists() {
    let mut in_code = codes(include_str!("../../src/error.rs"));
    in_code.extend(codes(include_str!("../../src/policy/error.rs")));
    assert_eq!(in_code, codes(include_str!("../../../docs/error-codes.md")));
}

#[test]
fn the_specification_names_only_codes_that_exist() {
    let known = codes(include_str!("../../../docs/error-codes.md"));
    let named = codes(include_str!("../../../docs/bundle-spec.md"));
    assert!(named.is_subset(&known), "{:?}", named.difference(&known));
}
