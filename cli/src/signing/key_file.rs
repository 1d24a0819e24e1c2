//! Key files in OpenSSH's own format, so that `ssh-keygen` and `ssh-add` read ours and we read
//! theirs.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
};

use bundle_spec::{PublicKey, SecretKey};
use camino::{Utf8Path, Utf8PathBuf};
use ssh_key::{
    Cipher, Kdf, LineEnding, PrivateKey,
    private::{Ed25519Keypair, KeypairData},
};
use zeroize::Zeroizing;

use super::{Passphrase, SigningError};
use crate::error::FileError;

/// Longest key file that is read.
const MAX_FILE: u64 = 64 * 1024;

/// Work factor of the passphrase: what ssh-keygen uses since OpenSSH 9.4.
const BCRYPT_ROUNDS: u32 = 24;

const PRIVATE_HEADER: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";

/// What a key file turned out to hold.
pub(super) enum KeyFile {
    Private(Box<LockedKey>),
    Public(PublicKey),
}

/// A private key as it lies in its file, perhaps encrypted.
pub(super) struct LockedKey {
    path: Utf8PathBuf,
    key: PrivateKey,
}

/// A key that was just written.
#[derive(Debug)]
pub(crate) struct NewKey {
    pub(crate) private_path: Utf8PathBuf,
    pub(crate) public_path: Utf8PathBuf,
    pub(crate) public: PublicKey,
}

/// Makes a new key and writes `path` (mode 0600) and `path.pub`; neither may exist.
pub(crate) fn create(
    path: &Utf8Path,
    comment: &str,
    passphrase: Option<&Passphrase>,
) -> Result<NewKey, SigningError> {
    let public_path = Utf8PathBuf::from(format!("{path}.pub"));
    for path in [path, &public_path] {
        if path.symlink_metadata().is_ok() {
            return Err(SigningError::Exists { path: path.to_owned() });
        }
    }

    let mut seed = Zeroizing::new([0; 32]);
    fill_random(&mut *seed)?;
    let public = SecretKey::from_seed(*seed).public().clone();
    let pem = encode(&seed, comment, passphrase, path)?;
    let line = match comment {
        "" => format!("{public}\n"),
        comment => format!("{public} {comment}\n"),
    };

    write_new(path, pem.as_bytes(), 0o600)?;
    if let Err(error) = write_new(&public_path, line.as_bytes(), 0o644) {
        // Half a key pair would stand in the way of the next attempt.
        let _ = std::fs::remove_file(path);
        return Err(error);
    }
    Ok(NewKey { private_path: path.to_owned(), public_path, public })
}

/// Reads a key file of either kind.
pub(super) fn read(path: &Utf8Path) -> Result<KeyFile, SigningError> {
    let (text, mode) = read_text(path)?;
    if !text.trim_start().starts_with(PRIVATE_HEADER) {
        return parse_public(path, &text).map(KeyFile::Public);
    }
    let key = parse_private(path, &text)?;
    if !key.is_encrypted() && mode & 0o077 != 0 {
        return Err(SigningError::Exposed { path: path.to_owned(), mode });
    }
    Ok(KeyFile::Private(Box::new(LockedKey { path: path.to_owned(), key })))
}

/// The public key that an argument names: `ssh-ed25519 AAAA…` itself, or a key file's path.
///
/// A private key file will do, because OpenSSH keeps the public half in it in the clear.
pub(crate) fn public_key_of(argument: &str) -> Result<PublicKey, SigningError> {
    if argument.starts_with("ssh-") {
        return parse_public(Utf8Path::new("the command line"), argument);
    }
    let path = Utf8Path::new(argument);
    let (text, _) = read_text(path)?;
    if !text.trim_start().starts_with(PRIVATE_HEADER) {
        return parse_public(path, &text);
    }
    let key = parse_private(path, &text)?;
    public_half(path, &key)
}

fn parse_private(path: &Utf8Path, text: &str) -> Result<PrivateKey, SigningError> {
    PrivateKey::from_openssh(text.trim_start().as_bytes()).map_err(|error| match error {
        ssh_key::Error::AlgorithmUnknown | ssh_key::Error::AlgorithmUnsupported { .. } => {
            let found = "another algorithm".to_owned();
            SigningError::Algorithm { path: path.to_owned(), found }
        }
        error => SigningError::NotAKey { path: path.to_owned(), found: error.to_string() },
    })
}

impl LockedKey {
    /// The signing key; asks for the passphrase only when there is one.
    pub(super) fn unlock(
        self,
        passphrase: impl FnOnce() -> Result<Passphrase, SigningError>,
    ) -> Result<SecretKey, SigningError> {
        let public = public_half(&self.path, &self.key)?;
        let key = if self.key.is_encrypted() {
            let wrong = |_| SigningError::WrongPassphrase { path: self.path.clone() };
            self.key.decrypt(passphrase()?.as_bytes()).map_err(wrong)?
        } else {
            self.key
        };
        let KeypairData::Ed25519(pair) = key.key_data() else {
            let found = format!("type {}", key.algorithm());
            return Err(SigningError::Algorithm { path: self.path, found });
        };
        let secret = SecretKey::from_seed(*Zeroizing::new(pair.private.to_bytes()));
        // The file names its public key twice; signing under the wrong one would help nobody.
        if *secret.public() != public {
            let found = "its public and private halves differ".to_owned();
            return Err(SigningError::NotAKey { path: self.path, found });
        }
        Ok(secret)
    }
}

fn public_half(path: &Utf8Path, key: &PrivateKey) -> Result<PublicKey, SigningError> {
    let Some(public) = key.public_key().key_data().ed25519() else {
        let found = format!("type {}", key.algorithm());
        return Err(SigningError::Algorithm { path: path.to_owned(), found });
    };
    PublicKey::from_bytes(&public.0)
        .map_err(|error| SigningError::NotAKey { path: path.to_owned(), found: error.to_string() })
}

/// Reads `ssh-ed25519 AAAA… comment`, one line.
fn parse_public(path: &Utf8Path, text: &str) -> Result<PublicKey, SigningError> {
    let not_a_key =
        |found: &str| SigningError::NotAKey { path: path.to_owned(), found: found.to_owned() };
    let text = text.trim();
    if text.lines().count() != 1 {
        return Err(not_a_key("expected one line, \"ssh-ed25519 AAAA…\""));
    }
    let mut words = text.split_ascii_whitespace();
    let (Some(algorithm), Some(data)) = (words.next(), words.next()) else {
        return Err(not_a_key("expected \"ssh-ed25519 AAAA…\""));
    };
    if algorithm != "ssh-ed25519" {
        if algorithm.starts_with("ssh-")
            || algorithm.starts_with("ecdsa-")
            || algorithm.starts_with("sk-")
        {
            let found = format!("type {}", algorithm.escape_default());
            return Err(SigningError::Algorithm { path: path.to_owned(), found });
        }
        return Err(not_a_key("expected \"ssh-ed25519 AAAA…\""));
    }
    format!("{algorithm} {data}")
        .parse::<PublicKey>()
        .map_err(|error| not_a_key(&error.to_string()))
}

fn encode(
    seed: &[u8; 32],
    comment: &str,
    passphrase: Option<&Passphrase>,
    path: &Utf8Path,
) -> Result<Zeroizing<String>, SigningError> {
    let refused = |error: ssh_key::Error| SigningError::NotAKey {
        path: path.to_owned(),
        found: error.to_string(),
    };
    let pair = Ed25519Keypair::from_seed(seed);
    let mut key = PrivateKey::new(KeypairData::Ed25519(pair), comment).map_err(refused)?;
    if let Some(passphrase) = passphrase {
        let mut salt = vec![0; 16];
        fill_random(&mut salt)?;
        let mut check = [0; 4];
        fill_random(&mut check)?;
        let kdf = Kdf::Bcrypt { salt, rounds: BCRYPT_ROUNDS };
        key = key
            .encrypt_with(Cipher::Aes256Ctr, kdf, u32::from_le_bytes(check), passphrase.as_bytes())
            .map_err(refused)?;
    }
    key.to_openssh(LineEnding::LF).map_err(refused)
}

fn fill_random(bytes: &mut [u8]) -> Result<(), SigningError> {
    getrandom::fill(bytes).map_err(|error| SigningError::Random { found: error.to_string() })
}

fn write_new(path: &Utf8Path, bytes: &[u8], mode: u32) -> Result<(), SigningError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(FileError::on("create", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(FileError::on("write", path))?;
    Ok(())
}

fn read_text(path: &Utf8Path) -> Result<(Zeroizing<String>, u32), SigningError> {
    let file = File::open(path).map_err(FileError::on("read the key", path))?;
    let mode = file.metadata().map_err(FileError::on("read the key", path))?.mode() & 0o7777;
    let mut text = Zeroizing::new(String::new());
    let not_text =
        |found: &str| SigningError::NotAKey { path: path.to_owned(), found: found.to_owned() };
    file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => not_text("it is not text"),
        _ => FileError::on("read the key", path)(error).into(),
    })?;
    if text.len() as u64 > MAX_FILE {
        return Err(not_text("it is longer than 64 KiB"));
    }
    Ok((text, mode))
}

#[cfg(test)]
mod tests;
