//! Every hostile bundle is refused, with the code that it deserves, by the program itself.

use std::{collections::BTreeSet, fs, process::Command};

use camino::Utf8Path;
use rivetctl_e2e::{
    bin,
    corpus::{Good, ReleaseRow, Row, release_rows, rows},
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
fn every_release_that_a_site_must_refuse_is_refused_with_its_code() {
    let good = Good::pack();
    let rows = release_rows();
    let wrong: Vec<String> = rows.iter().filter_map(|row| release_complaint(row, &good)).collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn rows_have_names_of_their_own() {
    let (rows, releases) = (rows(), release_rows());
    let names = rows.iter().map(|row| row.id.as_str()).chain(releases.iter().map(|row| row.id));
    assert_eq!(names.collect::<BTreeSet<&str>>().len(), rows.len() + releases.len());
}

/// The same for a row that needs a site: `install` plans, and must not get as far as a plan.
fn release_complaint(row: &ReleaseRow, good: &Good) -> Option<String> {
    let scratch = camino_tempfile::tempdir().unwrap();
    let bundle = scratch.path().join("row.rvb");
    fs::write(&bundle, row.bytes(good)).unwrap();
    let root = scratch.path().join("site");
    remember(&root, row, good);

    let found = judgement(
        bin::rivetctl()
            .env("HOME", scratch.path())
            .args(["--json", "install", bundle.as_str(), "--root", root.as_str()])
            .args(["--runtime", "binary", "--port", "46420", "--dry-run"]),
    );
    if found == Err(row.code.to_owned()) {
        return None;
    }
    Some(format!("{} {}: expected {}, found {found:?}", row.id, row.what, row.code))
}

/// A site that trusts the product and has the row's memory of it.
fn remember(root: &Utf8Path, row: &ReleaseRow, good: &Good) {
    let document = root.with_extension("json");
    fs::write(&document, good.root()).unwrap();
    let added = bin::rivetctl()
        .args(["trust", "add", document.as_str(), "--root", root.as_str()])
        .args(["--root-fingerprint", &good.fingerprint().to_string()])
        .output()
        .unwrap();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    if let Some(seen) = row.site.seen_json() {
        fs::write(root.join("trust/sample-notes/seen.json"), seen).unwrap();
    }
    if row.site.denies_expired {
        fs::write(root.join("not-after"), "deny\n").unwrap();
    }
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
    judgement(
        bin::rivetctl()
            .args(["--json", "verify", path.as_str()])
            .args(["--root-fingerprint", &good.fingerprint().to_string()]),
    )
}

/// Accepted, or the code of a refusal for lack of trust, which has an exit status of its own.
fn judgement(command: &mut Command) -> Result<(), String> {
    let output = command.output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("no JSON: {}", String::from_utf8_lossy(&output.stderr)))?;
    match output.status.code() {
        Some(0) => Ok(()),
        Some(3) => Err(document["error"]["code"].as_str().unwrap_or("no code").to_owned()),
        other => Err(format!("exit {other:?}: {}", document["error"])),
    }
}
