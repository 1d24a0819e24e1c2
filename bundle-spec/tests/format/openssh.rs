//! Signatures against the system's `ssh-keygen`, both ways. OpenSSH is a requirement of the tests.

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
};

use bundle_spec::{PublicKey, Purpose, SshSig};

use super::sample::{Dir, RELEASE_KEY, key};

const MESSAGE: &[u8] = b"{\"any\":\"document\"}";

fn ssh_keygen(dir: &Path, arguments: &[&str], input: Option<&Path>) -> bool {
    let mut command = Command::new("ssh-keygen");
    command.args(arguments).current_dir(dir).stdout(Stdio::null()).stderr(Stdio::null());
    match input {
        Some(path) => command.stdin(File::open(path).unwrap()),
        None => command.stdin(Stdio::null()),
    };
    command.status().unwrap().success()
}

fn accepted_by_ssh_keygen(signature: &SshSig, namespace: &str, message: &[u8]) -> bool {
    let dir = Dir::new();
    dir.write("signers", format!("signer {}\n", signature.key()));
    dir.write("sig", signature.to_armored());
    let message = dir.write("message", message);
    let arguments = ["-Y", "verify", "-f", "signers", "-I", "signer", "-n", namespace, "-s", "sig"];
    ssh_keygen(dir.path(), &arguments, Some(&message))
}

#[test]
fn ssh_keygen_accepts_our_signatures_and_only_for_their_document() {
    for purpose in [Purpose::BundleManifest, Purpose::BundleRoot] {
        let signature = SshSig::sign(&key(RELEASE_KEY), purpose, MESSAGE).unwrap();
        assert!(accepted_by_ssh_keygen(&signature, purpose.namespace(), MESSAGE));
        assert!(!accepted_by_ssh_keygen(&signature, "file", MESSAGE));
        assert!(!accepted_by_ssh_keygen(&signature, purpose.namespace(), b"another"));
    }
}

#[test]
fn we_accept_signatures_of_ssh_keygen_and_write_them_the_same() {
    let dir = Dir::new();
    assert!(ssh_keygen(
        dir.path(),
        &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "key"],
        None
    ));
    dir.write("message", MESSAGE);
    let namespace = Purpose::BundleManifest.namespace();
    assert!(ssh_keygen(dir.path(), &["-Y", "sign", "-f", "key", "-n", namespace, "message"], None));

    let armored = std::fs::read_to_string(dir.path().join("message.sig")).unwrap();
    let signature = SshSig::parse(armored.as_bytes()).unwrap();
    signature.verify(Purpose::BundleManifest, MESSAGE).unwrap();
    assert!(signature.verify(Purpose::BundleManifest, b"another").is_err());
    assert_eq!(signature.to_armored(), armored);
    let public = std::fs::read_to_string(dir.path().join("key.pub")).unwrap();
    assert_eq!(signature.key(), &public.trim_end().parse::<PublicKey>().unwrap());
}

#[test]
fn signatures_of_ssh_keygen_for_other_purposes_and_with_other_keys_are_refused() {
    let dir = Dir::new();
    assert!(ssh_keygen(dir.path(), &["-q", "-t", "ed25519", "-N", "", "-f", "ed"], None));
    assert!(ssh_keygen(dir.path(), &["-q", "-t", "ecdsa", "-N", "", "-f", "ec"], None));
    let namespace = Purpose::BundleManifest.namespace();
    for arguments in [
        ["-Y", "sign", "-f", "ed", "-n", "file", "message"],
        ["-Y", "sign", "-f", "ec", "-n", namespace, "message"],
    ] {
        dir.write("message", MESSAGE);
        let _ = std::fs::remove_file(dir.path().join("message.sig"));
        assert!(ssh_keygen(dir.path(), &arguments, None));
        let armored = std::fs::read(dir.path().join("message.sig")).unwrap();
        assert_eq!(SshSig::parse(&armored).unwrap_err().code().as_str(), "RVB-SIG-FORMAT");
    }
    // The right key and namespace with a hash that is not ours.
    dir.write("message", MESSAGE);
    let _ = std::fs::remove_file(dir.path().join("message.sig"));
    let arguments = ["-Y", "sign", "-O", "hashalg=sha256", "-f", "ed", "-n", namespace, "message"];
    if ssh_keygen(dir.path(), &arguments, None) {
        let armored = std::fs::read(dir.path().join("message.sig")).unwrap();
        assert_eq!(SshSig::parse(&armored).unwrap_err().code().as_str(), "RVB-SIG-FORMAT");
    }
}

#[test]
fn key_ids_are_those_that_ssh_keygen_shows() {
    let dir = Dir::new();
    let public = key(RELEASE_KEY).public().clone();
    dir.write("key.pub", format!("{public}\n"));
    let shown = Command::new("ssh-keygen")
        .args(["-l", "-f", "key.pub"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert_eq!(shown.split(' ').nth(1), Some(public.id().to_string().as_str()));
}
