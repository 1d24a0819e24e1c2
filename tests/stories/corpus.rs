//! Every hostile bundle is refused, with the code that it deserves, by the program itself.

use std::{collections::BTreeSet, fs};

use rivetctl_e2e::{
    bin,
    corpus::{Good, Row, rows},
};
use serde_json::Value;

#[test]
fn the_good_bundle_that_all_rows_start_from_is_accepted() {
    let good = Good::pack();
    assert_eq!(verdict(good.bytes(), &good), Ok(()));
}

#[test]
fn every_row_of_the_corpus_is_refused_with_its_code() {
    let good = Good::pack();
    let rows = rows();
    let wrong: Vec<String> = rows.iter().filter_map(|row| complaint(row, &good)).collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn rows_have_names_of_their_own() {
    let rows = rows();
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids.len(), rows.len());
}

/// What is wrong with the verdict on a row, if anything.
fn complaint(row: &Row, good: &Good) -> Option<String> {
    let found = verdict(&row.bytes(good), good);
    if found == Err(row.code.to_owned()) {
        return None;
    }
    Some(format!("{} {}: expected {}, found {found:?}", row.id, row.what, row.code))
}

/// Runs `rivetctl verify`: accepted, or the code of the refusal.
fn verdict(bytes: &[u8], good: &Good) -> Result<(), String> {
    let scratch = camino_tempfile::tempdir().unwrap();
    let path = scratch.path().join("row.rvb");
    fs::write(&path, bytes).unwrap();

    let output = bin::rivetctl()
        .args(["--json", "verify", path.as_str()])
        .args(["--root-fingerprint", &good.fingerprint().to_string()])
        .output()
        .unwrap();

    let document: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("no JSON: {}", String::from_utf8_lossy(&output.stderr)))?;
    match output.status.code() {
        Some(0) => Ok(()),
        Some(3) => Err(document["error"]["code"].as_str().unwrap_or("no code").to_owned()),
        other => Err(format!("exit {other:?}: {}", document["error"])),
    }
}
