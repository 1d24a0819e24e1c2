//! `VERIFY.txt` followed to the letter, with the tools of the system.

use std::{
    path::Path,
    process::{Command, Output},
};

use bundle_spec::{Fingerprint, RootDocument, Sha256Digest, SignedRoot};

use super::sample::{
    Dir, NEXT_ROOT_KEY, RELEASE_KEY, ROOT_KEY, SECOND_RELEASE_KEY, STRANGER, Sample, Tar, good,
    key, root, sign, signed_root,
};

/// Takes a bundle out into an empty directory below `dir`, with tar.
fn extract(dir: &Dir, bundle: &[u8]) {
    dir.write("notes.rvb", bundle);
    let check = dir.path().join("check");
    std::fs::create_dir(&check).unwrap();
    let tar =
        Command::new("tar").args(["-xf", "../notes.rvb"]).current_dir(&check).status().unwrap();
    assert!(tar.success());
}

fn run(check: &Path, arguments: &[&str]) -> Output {
    Command::new("sh").arg("VERIFY.txt").args(arguments).current_dir(check).output().unwrap()
}

/// Extracts and follows; gives what was said last.
fn follow(bundle: &[u8], fingerprint: &str) -> String {
    let dir = Dir::new();
    extract(&dir, bundle);
    outcome(&run(&dir.path().join("check"), &[fingerprint]))
}

fn outcome(output: &Output) -> String {
    let said = String::from_utf8_lossy(if output.status.success() {
        &output.stdout
    } else {
        &output.stderr
    });
    let last = said.lines().last().unwrap_or_default().to_owned();
    assert_eq!(output.status.success(), last == "BUNDLE-OK", "{said}");
    assert!(!output.stdout.ends_with(b"BUNDLE-OK\n") || output.status.success());
    last
}

fn fingerprint() -> String {
    Fingerprint::of(&root(1).to_bytes()).to_string()
}

#[test]
fn a_good_bundle_is_accepted_with_the_fingerprint_in_every_form() {
    let fingerprint = Fingerprint::of(&root(1).to_bytes());
    for form in
        [fingerprint.to_string(), fingerprint.hex(), format!("sha256:{}", fingerprint.hex())]
    {
        assert_eq!(follow(&good(), &form), "BUNDLE-OK");
    }
    assert_eq!(follow(&Sample::large().signed_by(&[RELEASE_KEY]), &fingerprint.hex()), "BUNDLE-OK");
}

#[test]
fn another_fingerprint_is_refused() {
    let other = Fingerprint::of(b"other").to_string();
    assert!(
        follow(&good(), &other).contains("no root document in this bundle has that fingerprint")
    );
    assert!(follow(&good(), "SHA256:short").contains("is not a fingerprint"));
    assert!(follow(&good(), "").contains("is not a fingerprint"));
}

#[test]
fn a_changed_byte_in_any_member_is_refused() {
    let members = Tar::parse(&good()).0.len();
    for at in 0..members {
        let mut tar = Tar::parse(&good());
        let name = String::from_utf8_lossy(&tar.0[at].0[..100]).trim_end_matches('\0').to_owned();
        if name == "VERIFY.txt" {
            continue; // It is the program itself, run from a good copy below.
        }
        let middle = tar.0[at].1.len() / 2;
        tar.0[at].1[middle] ^= 1;
        let said = follow(&tar.bytes(), &fingerprint());
        assert!(said.starts_with("REFUSED"), "{name}: {said}");
    }
}

#[test]
fn a_changed_verify_txt_is_refused_by_a_good_copy_of_it() {
    let mut tar = Tar::parse(&good());
    let at = tar.at("VERIFY.txt");
    tar.0[at].1[3] ^= 1;
    let dir = Dir::new();
    extract(&dir, &tar.bytes());
    let copy = dir.write("copy.txt", bundle_spec::pack::VERIFY_TXT);
    let check = dir.path().join("check");
    let output =
        Command::new("sh").arg(copy).arg(fingerprint()).current_dir(check).output().unwrap();
    assert!(outcome(&output).contains("a file is not what was signed"));
}

#[test]
fn a_changed_blob_with_sums_made_again_is_refused() {
    let mut tar = Tar::parse(&good());
    let last = tar.0.len() - 1;
    let before = Sha256Digest::of(&tar.0[last].1).to_hex();
    tar.0[last].1[0] ^= 1;
    let after = Sha256Digest::of(&tar.0[last].1).to_hex();
    let sums_at = tar.at("SHA256SUMS");
    let sums = String::from_utf8(tar.0[sums_at].1.clone()).unwrap();
    tar.set(sums_at, sums.replace(&format!("{before}  "), &format!("{after}  ")).as_bytes());
    assert!(
        follow(&tar.bytes(), &fingerprint()).contains("SHA256SUMS is not the one that was signed")
    );
}

#[test]
fn extra_files_are_refused_wherever_they_are() {
    for (name, reason) in [
        ("extra", "nothing else in this directory"),
        (".hidden", "nothing else in this directory"),
        ("sig/extra", "a file in sig has a strange name"),
        ("root/1.txt", "a file in root has a strange name"),
        ("blobs/extra", "expected only sha256 in blobs"),
        ("blobs/sha256/extra", "other blobs than those"),
    ] {
        let dir = Dir::new();
        extract(&dir, &good());
        std::fs::write(dir.path().join("check").join(name), b"x").unwrap();
        let said = outcome(&run(&dir.path().join("check"), &[&fingerprint()]));
        assert!(said.contains(reason), "{name}: {said}");
    }
}

#[test]
fn a_link_in_place_of_a_file_is_refused() {
    let dir = Dir::new();
    extract(&dir, &good());
    let check = dir.path().join("check");
    std::fs::rename(check.join("manifest.json"), dir.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", check.join("manifest.json")).unwrap();
    assert!(
        outcome(&run(&check, &[&fingerprint()])).contains("manifest.json is not a regular file")
    );
}

#[test]
fn a_strangers_signature_is_not_enough() {
    let said = follow(&Sample::small().signed_by(&[STRANGER]), &fingerprint());
    assert!(said.contains("is signed by 0 key(s) of role release"), "{said}");
    let two = Sample::small().signed_by(&[RELEASE_KEY, STRANGER]);
    assert_eq!(follow(&two, &fingerprint()), "BUNDLE-OK");
}

/// The code path of a chain: what is said when the site trusts root 1 and these are carried.
fn follow_chain(roots: &[SignedRoot], signers: &[u8]) -> String {
    let bundle = Sample::small().pack(|manifest| bundle_spec::SignatureRegion {
        signatures: signers.iter().map(|seed| sign(*seed, manifest)).collect(),
        roots: roots.to_vec(),
    });
    follow(&bundle, &fingerprint())
}

fn second(change: impl FnOnce(&mut RootDocument)) -> RootDocument {
    let mut next = root(2);
    next.root.keys = vec![key(NEXT_ROOT_KEY).public().clone()];
    change(&mut next);
    next
}

#[test]
fn the_chain_of_roots_is_followed_and_counted() {
    let first = signed_root(&root(1), &[ROOT_KEY]);
    let chain = |next: &RootDocument, by: &[u8]| [first.clone(), signed_root(next, by)];
    let both = [ROOT_KEY, NEXT_ROOT_KEY];

    assert_eq!(follow_chain(&chain(&second(|_| ()), &both), &[RELEASE_KEY]), "BUNDLE-OK");
    let said = follow_chain(&chain(&second(|_| ()), &[NEXT_ROOT_KEY]), &[RELEASE_KEY]);
    assert!(said.contains("0 key(s) of role root of root/1.json"), "{said}");
    let said = follow_chain(&chain(&second(|_| ()), &[ROOT_KEY]), &[RELEASE_KEY]);
    assert!(said.contains("0 key(s) of role root of root/2.json"), "{said}");

    let two = second(|next| next.release.threshold = 2);
    let said = follow_chain(&chain(&two, &both), &[RELEASE_KEY]);
    assert!(said.contains("1 key(s) of role release of root/2.json, which asks for 2"), "{said}");
    assert_eq!(follow_chain(&chain(&two, &both), &[RELEASE_KEY, SECOND_RELEASE_KEY]), "BUNDLE-OK");

    let revoking = second(|next| next.revoked_keys = vec![key(RELEASE_KEY).public().id()]);
    let said = follow_chain(&chain(&revoking, &both), &[RELEASE_KEY]);
    assert!(said.contains("0 key(s) of role release"), "{said}");
    assert_eq!(follow_chain(&chain(&revoking, &both), &[SECOND_RELEASE_KEY]), "BUNDLE-OK");

    let gap = [first.clone(), signed_root(&root(3), &[ROOT_KEY])];
    let said = follow_chain(&gap, &[RELEASE_KEY]);
    assert!(said.contains("there is a gap before root/3.json"), "{said}");

    let other = second(|next| next.product = "other".parse().unwrap());
    let said = follow_chain(&chain(&other, &both), &[RELEASE_KEY]);
    assert!(said.contains("another product or version"), "{said}");
}

#[test]
fn a_manifest_of_another_product_is_refused() {
    let mut sample = Sample::small();
    sample.draft.product = "other".parse().unwrap();
    let said = follow(&sample.signed_by(&[RELEASE_KEY]), &fingerprint());
    assert!(said.contains("the manifest is of another product"), "{said}");
}

#[test]
fn rivetctl_comes_out_checked_and_ready_to_run() {
    if std::env::consts::ARCH != "x86_64" {
        return;
    }
    let dir = Dir::new();
    extract(&dir, &good());
    let check = dir.path().join("check");
    assert_eq!(outcome(&run(&check, &[&fingerprint(), "../rivetctl"])), "BUNDLE-OK");
    let ran = Command::new(dir.path().join("rivetctl")).output().unwrap();
    assert_eq!(ran.stdout, b"rivetctl of the bundle\n");
    // Never over something that is there.
    assert!(outcome(&run(&check, &[&fingerprint(), "../rivetctl"])).contains("exists already"));
    // And a second check still finds the directory as it was taken out.
    assert_eq!(outcome(&run(&check, &[&fingerprint()])), "BUNDLE-OK");
}
