//! Fingerprints: what an operator gets on paper and types.

use std::{fmt, str::FromStr};

use crate::{
    digest::Sha256Digest,
    error::printable,
    keys::{from_openssh_form, openssh_form},
};

/// SHA-256 of a root document's bytes, shown as `SHA256:` and 43 base64 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(Sha256Digest);

/// Text that is none of the three forms of a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{found}\" is not a fingerprint: expected SHA256: and 43 base64 characters, or 64 hexadecimal digits"
)]
pub struct ParseFingerprintError {
    found: String,
}

impl Fingerprint {
    /// The fingerprint of these bytes.
    pub fn of(root_document: &[u8]) -> Self {
        Self(Sha256Digest::of(root_document))
    }

    /// The 64 hexadecimal digits that `sha256sum` prints.
    pub fn hex(&self) -> String {
        self.0.to_hex()
    }
}

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = || Sha256Digest::from_hex(text.strip_prefix("sha256:").unwrap_or(text)).ok();
        let found = from_openssh_form(text).or_else(hex);
        found.map(Self).ok_or_else(|| ParseFingerprintError { found: printable(text.as_bytes()) })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&openssh_form(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
