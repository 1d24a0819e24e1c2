//! Key files against the system's own `ssh-keygen`, both ways.

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use camino_tempfile::Utf8TempDir;

use super::*;
use crate::error::Explain as _;

fn directory() -> Utf8TempDir {
    camino_tempfile::tempdir().unwrap()
}

fn passphrase(directory: &Utf8TempDir, text: &str) -> Passphrase {
    let path = directory.path().join(format!("passphrase-{text}"));
    std::fs::write(&path, format!("{text}\n")).unwrap();
    Passphrase::from_file(&path).unwrap()
}

fn ssh_keygen(arguments: &[&str]) -> String {
    let answer = Command::new("ssh-keygen").args(arguments).output().unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    String::from_utf8(answer.stdout).unwrap()
}

fn unlock(path: &Utf8Path, passphrase: Option<Passphrase>) -> Result<SecretKey, SigningError> {
    match read(path)? {
        KeyFile::Private(key) => key.unlock(|| {
            passphrase.ok_or_else(|| SigningError::NoTerminal { path: path.to_owned() })
        }),
        KeyFile::Public(key) => panic!("{key}"),
    }
}

#[test]
fn ssh_keygen_reads_our_keys() {
    let directory = directory();
    for (name, secret) in [("plain", None), ("locked", Some("correct horse"))] {
        let path = directory.path().join(name);
        let secret_file = secret.map(|text| passphrase(&directory, text));
        let made = create(&path, "a comment", secret_file.as_ref()).unwrap();

        // -y asks for the private half, and so for the passphrase.
        let public = ssh_keygen(&["-y", "-P", secret.unwrap_or(""), "-f", path.as_str()]);
        assert_eq!(public.trim(), format!("{} a comment", made.public));
        let listed = ssh_keygen(&["-lf", made.public_path.as_str()]);
        assert!(listed.contains(&made.public.id().to_string()), "{listed}");
    }
}

#[test]
fn we_read_the_keys_of_ssh_keygen() {
    let directory = directory();
    for (name, secret) in [("plain", ""), ("locked", "correct horse")] {
        let path = directory.path().join(name);
        ssh_keygen(&["-q", "-t", "ed25519", "-N", secret, "-C", "x", "-f", path.as_str()]);
        let expected = public_key_of(&format!("{path}.pub")).unwrap();

        let phrase = (!secret.is_empty()).then(|| passphrase(&directory, secret));
        let key = unlock(&path, phrase).unwrap();
        assert_eq!(*key.public(), expected);
        assert_eq!(public_key_of(path.as_str()).unwrap(), expected);
    }
}

#[test]
fn a_new_key_is_private_and_never_overwrites() {
    let directory = directory();
    let path = directory.path().join("key");
    let made = create(&path, "", None).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);

    let before = std::fs::read(&path).unwrap();
    assert_eq!(create(&path, "", None).unwrap_err().code(), "RCTL-KEY-EXISTS");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(create(&path, "", None).unwrap_err().code(), "RCTL-KEY-EXISTS");
    assert!(!path.exists());
    std::fs::write(&path, &before).unwrap();
    std::fs::remove_file(&made.public_path).unwrap();
    assert_eq!(create(&path, "", None).unwrap_err().code(), "RCTL-KEY-EXISTS");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_wrong_or_missing_passphrase_is_told_apart() {
    let directory = directory();
    let path = directory.path().join("key");
    create(&path, "", Some(&passphrase(&directory, "right"))).unwrap();

    let wrong = unlock(&path, Some(passphrase(&directory, "wrong"))).unwrap_err();
    assert_eq!(wrong.code(), "RCTL-KEY-PASSPHRASE-WRONG");
    assert_eq!(unlock(&path, None).unwrap_err().code(), "RCTL-KEY-PASSPHRASE-MISSING");
    assert!(unlock(&path, Some(passphrase(&directory, "right"))).is_ok());
}

#[test]
fn an_open_unencrypted_key_that_others_can_read_is_refused() {
    let directory = directory();
    let path = directory.path().join("key");
    create(&path, "", None).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(unlock(&path, None).unwrap_err().code(), "RCTL-KEY-EXPOSED");
}

#[test]
fn keys_of_other_kinds_are_refused_by_name() {
    let directory = directory();
    let path = directory.path().join("ecdsa");
    ssh_keygen(&["-q", "-t", "ecdsa", "-N", "", "-f", path.as_str()]);
    let error = unlock(&path, None).unwrap_err();
    assert_eq!(error.code(), "RCTL-KEY-ALGORITHM", "{error}");
    let error = public_key_of(&format!("{path}.pub")).unwrap_err();
    assert_eq!(error.code(), "RCTL-KEY-ALGORITHM", "{error}");
}

#[test]
fn what_is_no_key_file_is_refused() {
    let directory = directory();
    let path = directory.path().join("x");
    for bytes in [
        &b""[..],
        b"hello",
        b"ssh-ed25519",
        b"ssh-ed25519 AAAA",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\n",
        b"\xff\xfe",
        "a".repeat(70_000).as_bytes(),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let Err(error) = read(&path) else { panic!("{bytes:?}") };
        assert_eq!(error.code(), "RCTL-KEY-FORMAT");
    }
    assert_eq!(public_key_of("ssh-rsa AAAA").unwrap_err().code(), "RCTL-KEY-ALGORITHM");
}

#[test]
fn a_public_key_is_read_from_the_command_line_with_its_comment() {
    let key = SecretKey::from_seed([7; 32]).public().clone();
    assert_eq!(public_key_of(&format!("{key} somebody")).unwrap(), key);
}
