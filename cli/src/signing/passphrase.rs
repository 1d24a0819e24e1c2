//! Where a passphrase comes from: a file, or the terminal. It is wiped when it is dropped.

use std::{fmt, io::IsTerminal as _};

use camino::Utf8Path;
use zeroize::Zeroizing;

use super::SigningError;
use crate::error::FileError;

/// Longest passphrase file that is read: longer is certainly another file.
const MAX_FILE: u64 = 64 * 1024;

/// A passphrase. It has no `Display`, and its `Debug` says nothing.
pub(crate) struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// The first line of `path`.
    pub(crate) fn from_file(path: &Utf8Path) -> Result<Self, SigningError> {
        let meta =
            std::fs::metadata(path).map_err(FileError::on("read the passphrase file", path))?;
        if meta.len() > MAX_FILE {
            return Err(SigningError::Passphrase {
                reason: "the passphrase file is longer than 64 KiB",
            });
        }
        let text = std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(FileError::on("read the passphrase file", path))?;
        Self::new(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
    }

    /// Asks for a new passphrase, twice.
    pub(crate) fn choose(path: &Utf8Path) -> Result<Self, SigningError> {
        let first = ask(path, &format!("Passphrase for the new key {path}: "))?;
        let second = ask(path, "The same again: ")?;
        if *first != *second {
            return Err(SigningError::Passphrase { reason: "the two passphrases differ" });
        }
        Self::new(first)
    }

    fn new(text: Zeroizing<String>) -> Result<Self, SigningError> {
        if text.is_empty() {
            return Err(SigningError::Passphrase { reason: "the passphrase is empty" });
        }
        Ok(Self(text))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// The passphrase of an existing key: from the file when one is named, else from the terminal.
pub(super) fn for_key(
    path: &Utf8Path,
    file: Option<&Utf8Path>,
) -> Result<Passphrase, SigningError> {
    match file {
        Some(file) => Passphrase::from_file(file),
        None => Passphrase::new(ask(path, &format!("Passphrase for {path}: "))?),
    }
}

fn ask(path: &Utf8Path, prompt: &str) -> Result<Zeroizing<String>, SigningError> {
    let missing = || SigningError::NoTerminal { path: path.to_owned() };
    // rpassword talks to /dev/tty, which can exist although nobody watches it.
    if !std::io::stdin().is_terminal() {
        return Err(missing());
    }
    rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|_| missing())
}
