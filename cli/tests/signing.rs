//! Keys, root documents and signatures, made by `rivetctl` and checked with the system's OpenSSH.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

#[allow(dead_code, unreachable_pub, reason = "each test file uses a part of the desk")]
mod vendor;

use std::process::{Command, Stdio};

use bundle_spec::BundleError;
use vendor::Vendor;

/// What `ssh-keygen -Y verify` says about a document and its signature.
fn ssh_keygen_accepts(
    vendor: &Vendor,
    document: &str,
    signature: &str,
    key: &str,
    namespace: &str,
) -> bool {
    let public = std::fs::read_to_string(vendor.path(&format!("{key}.pub"))).unwrap();
    vendor.write("allowed_signers", format!("signer {public}").as_bytes());
    Command::new("ssh-keygen")
        .args(["-Y", "verify", "-f", vendor.path("allowed_signers").as_str(), "-I", "signer"])
        .args(["-n", namespace, "-s", vendor.path(signature).as_str()])
        .stdin(std::fs::File::open(vendor.path(document)).unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

fn key_hex(vendor: &Vendor, key: &str) -> String {
    let public = std::fs::read_to_string(vendor.path(&format!("{key}.pub"))).unwrap();
    let words: Vec<&str> = public.split_ascii_whitespace().take(2).collect();
    words.join(" ").parse::<bundle_spec::PublicKey>().unwrap().id().hex()
}

#[test]
fn ssh_keygen_accepts_our_signatures() {
    let vendor = Vendor::new();
    assert_eq!(vendor.bundle("notes.rvb", &[]).status, 0);
    let taken_out = Command::new("tar")
        .args(["-xf", "../notes.rvb"])
        .current_dir({
            std::fs::create_dir(vendor.path("out")).unwrap();
            vendor.path("out")
        })
        .status()
        .unwrap();
    assert!(taken_out.success());

    let signature = format!("out/sig/{}.sshsig", key_hex(&vendor, "release.key"));
    let manifest = "rivet-bundle-manifest@v1";
    assert!(ssh_keygen_accepts(&vendor, "out/manifest.json", &signature, "release.key", manifest));
    assert!(!ssh_keygen_accepts(&vendor, "out/manifest.json", &signature, "root.key", manifest));
    let root = format!("out/root/1.{}.sshsig", key_hex(&vendor, "root.key"));
    assert!(ssh_keygen_accepts(
        &vendor,
        "out/root/1.json",
        &root,
        "root.key",
        "rivet-bundle-root@v1"
    ));
    assert!(!ssh_keygen_accepts(&vendor, "out/root/1.json", &root, "root.key", manifest));
}

#[test]
fn four_eyes_sign_one_after_the_other() {
    let vendor = Vendor::empty();
    vendor.keys(&["root.key", "a.key", "b.key", "c.key"]);
    let new = [
        "key",
        "root",
        "new",
        "--product=notes",
        "--root-key=root.key.pub",
        "--release-key=a.key.pub",
        "--release-key=b.key.pub",
    ];
    assert_eq!(vendor.refused(&new), "RCTL-ROOT-NO-THRESHOLD");
    vendor.ok(&[&new[..], &["--release-threshold=2"]].concat());
    vendor.ok(&["key", "root", "sign", "root/1.json", "--key=root.key"]);
    vendor.product();
    let run = vendor.ok(&["bundle", "--key=a.key", "-o", "notes.rvb"]);
    assert!(run.stderr.contains("1 of 2 signatures"), "{}", run.stderr);
    assert!(vendor.verify("notes.rvb").is_err());

    let before = std::fs::read(vendor.path("notes.rvb")).unwrap();
    vendor.ok(&["sign", "notes.rvb", "--key=b.key", "--detached"]);
    let side = format!("notes.rvb.{}.sshsig", key_hex(&vendor, "b.key"));
    assert!(vendor.path(&side).exists());
    assert!(std::fs::read(vendor.path("notes.rvb")).unwrap() == before);
    assert_eq!(
        vendor.refused(&["sign", "notes.rvb", "--key=a.key", "--detached"]),
        "RCTL-SIGN-TWICE"
    );

    let merged = vendor.ok(&["--json", "sign", "notes.rvb", "--merge"]).result();
    assert_eq!(merged["signers"].as_array().unwrap().len(), 2);
    assert!(!vendor.path(&side).exists());
    assert_eq!(vendor.verify("notes.rvb").unwrap().signers().len(), 2);
    assert_eq!(vendor.refused(&["sign", "notes.rvb", "--merge"]), "RCTL-SIGN-NOTHING");
}

#[test]
fn a_side_file_that_is_no_signature_of_this_bundle_stops_the_merge() {
    let vendor = Vendor::new();
    vendor.keys(&["other.key"]);
    assert_eq!(vendor.bundle("notes.rvb", &[]).status, 0);
    assert_eq!(vendor.bundle("newer.rvb", &["--sequence=8"]).status, 0);
    vendor.ok(&["sign", "newer.rvb", "--key=other.key", "--detached"]);
    let hex = key_hex(&vendor, "other.key");
    let side = format!("notes.rvb.{hex}.sshsig");
    let before = std::fs::read(vendor.path("notes.rvb")).unwrap();

    std::fs::copy(vendor.path(&format!("newer.rvb.{hex}.sshsig")), vendor.path(&side)).unwrap();
    assert_eq!(vendor.run(&["sign", "notes.rvb", "--merge"]).status, 3);
    vendor.write(&side, b"nonsense");
    assert_eq!(vendor.run(&["sign", "notes.rvb", "--merge"]).status, 3);
    std::fs::remove_file(vendor.path(&side)).unwrap();
    vendor.ok(&["sign", "notes.rvb", "--key=other.key", "--detached"]);
    let wrong = side.replace(&hex[..4], if hex.starts_with("0000") { "1111" } else { "0000" });
    std::fs::rename(vendor.path(&side), vendor.path(&wrong)).unwrap();
    assert_eq!(vendor.refused(&["sign", "notes.rvb", "--merge"]), "RCTL-SIGN-NAME");
    assert!(std::fs::read(vendor.path("notes.rvb")).unwrap() == before);
}

#[test]
fn nobody_signs_what_is_no_bundle() {
    let vendor = Vendor::new();
    vendor.write("notes.rvb", &[0; 10_240]);
    let before = vendor.list(".");
    for how in [&["--detached"][..], &[]] {
        let run = vendor.run(&[&["sign", "notes.rvb", "--key=release.key"], how].concat());
        assert!(run.code().starts_with("RVB-"), "{}", run.stderr);
        assert_eq!(run.status, 3);
    }
    assert_eq!(vendor.list("."), before);
}

#[test]
fn a_passphrase_file_opens_an_encrypted_key() {
    let vendor = Vendor::new();
    vendor.write("passphrase", b"correct horse\n");
    vendor.write("wrong", b"battery staple\n");
    vendor.ok(&["key", "new", "--out=locked.key", "--passphrase-file=passphrase"]);
    assert_eq!(vendor.bundle("notes.rvb", &[]).status, 0);

    let sign = ["sign", "notes.rvb", "--key=locked.key", "--detached"];
    assert_eq!(vendor.refused(&sign), "RCTL-KEY-PASSPHRASE-MISSING");
    assert_eq!(
        vendor.refused(&[&sign[..], &["--passphrase-file=wrong"]].concat()),
        "RCTL-KEY-PASSPHRASE-WRONG"
    );
    let run = vendor.run_with(&sign, &[("RIVETCTL_PASSPHRASE_FILE", "passphrase")]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(
        vendor.refused(&["key", "new", "--out=locked.key", "--no-passphrase"]),
        "RCTL-KEY-EXISTS"
    );
    assert_eq!(vendor.refused(&["key", "new", "--out=x.key"]), "RCTL-KEY-PASSPHRASE-MISSING");
}

#[test]
fn a_root_is_shown_with_both_forms_of_its_fingerprint() {
    let vendor = Vendor::new();
    let shown = vendor.ok(&["--json", "key", "root", "show"]).result();
    let fingerprint: bundle_spec::Fingerprint =
        shown["fingerprint"].as_str().unwrap().parse().unwrap();
    assert_eq!(shown["fingerprint_hex"], fingerprint.hex());
    let bytes = std::fs::read(vendor.path("root/1.json")).unwrap();
    assert_eq!(bundle_spec::Fingerprint::of(&bytes), fingerprint);
    assert_eq!(shown["signatures"][0]["enough"], true);
}

/// Takes the release key away from `release.key` and gives it to `next.key`.
fn rotate(vendor: &Vendor) {
    vendor.keys(&["next.key"]);
    let old = vendor.ok(&["--json", "key", "root", "show"]).result();
    let old = old["release"]["keys"][0].as_str().unwrap();
    let revoke = format!("--revoke-key={old}");
    vendor.ok(&[
        "key",
        "root",
        "rotate",
        "--from=root/1.json",
        "--add-release-key=next.key.pub",
        &revoke,
    ]);
}

#[test]
fn a_rotation_takes_a_stolen_key_out_of_use() {
    let vendor = Vendor::new();
    assert_eq!(vendor.bundle("old.rvb", &[]).status, 0);
    rotate(&vendor);

    // Not signed yet: no bundle may carry it.
    assert_eq!(vendor.bundle("notes.rvb", &[]).code(), "RCTL-ROOT-THRESHOLD");
    vendor.ok(&["key", "root", "sign", "root/2.json", "--key=root.key"]);
    let run = vendor.bundle("notes.rvb", &[]);
    assert_eq!((run.code(), run.status), ("RCTL-ROOT-KEY-REVOKED", 3));

    vendor.ok(&["bundle", "--key=next.key", "-o", "notes.rvb"]);
    let bundle = vendor.verify("notes.rvb").unwrap();
    assert_eq!(bundle.root().document().version, 2);
    assert_eq!(bundle.root().document().revoked_keys.len(), 1);
}

#[test]
fn a_new_root_needs_the_old_keys_and_its_own() {
    let vendor = Vendor::new();
    vendor.keys(&["new-root.key", "stranger.key"]);
    let old = key_hex(&vendor, "root.key");
    let remove = format!("--remove-root-key={old}");
    vendor.ok(&[
        "key",
        "root",
        "rotate",
        "--from=root/1.json",
        "--add-root-key=new-root.key.pub",
        &remove,
    ]);
    let stranger = ["key", "root", "sign", "root/2.json", "--key=stranger.key"];
    assert_eq!(vendor.refused(&stranger), "RCTL-ROOT-STRANGER");

    vendor.ok(&["key", "root", "sign", "root/2.json", "--key=new-root.key"]);
    assert_eq!(vendor.bundle("notes.rvb", &[]).code(), "RCTL-ROOT-THRESHOLD");
    vendor.ok(&["key", "root", "sign", "root/2.json", "--key=root.key"]);
    assert_eq!(vendor.bundle("notes.rvb", &[]).status, 0);
    assert_eq!(vendor.verify("notes.rvb").unwrap().root().document().version, 2);
}

#[test]
fn a_root_directory_with_a_hole_or_a_stray_file_is_refused() {
    let vendor = Vendor::new();
    rotate(&vendor);
    vendor.ok(&["key", "root", "sign", "root/2.json", "--key=root.key"]);

    std::fs::rename(vendor.path("root/1.json"), vendor.path("1.json")).unwrap();
    assert_eq!(vendor.bundle("notes.rvb", &[]).code(), "RCTL-ROOT-GAP");
    std::fs::rename(vendor.path("1.json"), vendor.path("root/1.json")).unwrap();
    vendor.write("root/notes.txt", b"hello");
    assert_eq!(vendor.bundle("notes.rvb", &[]).code(), "RCTL-ROOT-NAME");
    std::fs::remove_file(vendor.path("root/notes.txt")).unwrap();

    let signature_of = |root: u8| format!("root/{root}.{}.sshsig", key_hex(&vendor, "root.key"));
    let signature = signature_of(1);
    let good = std::fs::read(vendor.path(&signature)).unwrap();
    let other = std::fs::read(vendor.path(&signature_of(2))).unwrap();
    vendor.write(&signature, &other);
    assert_eq!(vendor.bundle("notes.rvb", &[]).status, 3);
    vendor.write(&signature, &good);
    vendor.write("root/2.json", &std::fs::read(vendor.path("root/1.json")).unwrap());
    assert_eq!(vendor.bundle("notes.rvb", &[]).code(), "RCTL-ROOT-NUMBER");
}

/// A rotation of root 1 with one change.
fn with(more: &str) -> [&str; 5] {
    ["key", "root", "rotate", "--from=root/1.json", more]
}

#[test]
fn a_change_that_changes_nothing_is_refused() {
    let vendor = Vendor::new();
    let rotate = ["key", "root", "rotate", "--from=root/1.json"];
    assert_eq!(vendor.refused(&rotate), "RCTL-ROOT-CHANGE");
    assert_eq!(vendor.refused(&with("--add-root-key=root.key.pub")), "RCTL-ROOT-CHANGE");
    let unknown = format!("--remove-root-key={}", "0".repeat(64));
    assert_eq!(vendor.refused(&with(&unknown)), "RCTL-ROOT-CHANGE");
    assert_eq!(vendor.refused(&with("--root-threshold=5")), "RVB-ROOT-FORMAT");
    assert_eq!(vendor.list("root").len(), 2);

    vendor.ok(&with("--revoke-release=7"));
    vendor.ok(&["key", "root", "sign", "root/2.json", "--key=root.key"]);
    assert_eq!(vendor.bundle("notes.rvb", &[]).code(), "RCTL-ROOT-RELEASE-REVOKED");
    assert_eq!(vendor.refused(&with("--reset-floor=3")), "RCTL-ROOT-EXISTS");
}

#[test]
fn signatures_that_do_not_verify_are_not_carried_on() {
    let vendor = Vendor::new();
    assert_eq!(vendor.bundle("notes.rvb", &[]).status, 0);
    let mut bytes = std::fs::read(vendor.path("notes.rvb")).unwrap();
    // One letter of the description, inside the manifest.
    let at = bytes.windows(5).position(|window| window == b"Notes").unwrap();
    bytes[at] = b'V';
    vendor.write("notes.rvb", &bytes);

    vendor.keys(&["other.key"]);
    let run = vendor.run(&["sign", "notes.rvb", "--key=other.key"]);
    assert_eq!(run.status, 3, "{}", run.stderr);
    assert!(matches!(vendor.verify("notes.rvb"), Err(BundleError::SignatureInvalid { .. })));
}
