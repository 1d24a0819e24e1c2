//! A bundle can be checked and made again without believing rivetctl.

use std::{fs, process::Command};

use camino::Utf8PathBuf;
use rivetctl_e2e::{bin, run::Run, vendor::Vendor};

#[test]
fn verify_txt_accepts_a_good_bundle_and_hands_out_its_rivetctl() {
    let vendor = Vendor::shared();
    let check = taken_out(&vendor, "good");
    let tool = vendor.path("by-hand-rivetctl");

    let run = Run::of(sh(&check).args(["VERIFY.txt", vendor.fingerprint(), tool.as_str()])).ok();

    assert_eq!(run.stdout.lines().last(), Some("BUNDLE-OK"), "{}", run.stdout);
    assert!(fs::read(&tool).unwrap() == fs::read(bin::path("rivetctl")).unwrap());
    Run::of(Command::new(&tool).arg("--version")).ok();
}

#[test]
fn verify_txt_refuses_one_changed_byte_of_any_file() {
    let vendor = Vendor::shared();
    let check = taken_out(&vendor, "changed");
    let mut files = Vec::new();
    for dir in ["", "sig", "root", "blobs/sha256"] {
        let entries =
            check.join(dir).read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
        files.extend(
            entries.filter(|path| path.is_file() && path.file_name() != Some("VERIFY.txt")),
        );
    }
    assert!(files.len() > 5, "{files:?}");

    for path in files {
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 1;
        fs::write(&path, bad).unwrap();

        let run = Run::of(sh(&check).args(["VERIFY.txt", vendor.fingerprint()]));

        assert_ne!(run.status, 0, "{path} was accepted: {}", run.stdout);
        assert!(!run.stdout.contains("BUNDLE-OK"), "{path}: {}", run.stdout);
        fs::write(&path, good).unwrap();
    }
    Run::of(sh(&check).args(["VERIFY.txt", vendor.fingerprint()])).ok();
}

#[test]
fn bundling_twice_gives_the_same_bytes_before_signatures() {
    let vendor = Vendor::shared();
    let flags = ["--sign-later", "--created", "2026-01-01T00:00:00Z"];
    let (one, two) = (vendor.path("one.rvb"), vendor.path("two.rvb"));

    vendor.try_bundle(&one, &flags).ok();
    vendor.try_bundle(&two, &flags).ok();

    assert!(fs::read(one).unwrap() == fs::read(two).unwrap());
}

/// The bundle's members in a directory of their own.
fn taken_out(vendor: &Vendor, name: &str) -> Utf8PathBuf {
    let dir = vendor.path(&format!("by-hand-{name}"));
    fs::create_dir(&dir).unwrap();
    let mut tar = bin::bare("tar");
    Run::of(tar.args(["-xf", vendor.bundle().as_str(), "-C", dir.as_str()])).ok();
    dir
}

fn sh(dir: &Utf8PathBuf) -> Command {
    let mut command = bin::bare("sh");
    command.current_dir(dir);
    command
}
