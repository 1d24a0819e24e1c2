//! Names: the closed set of members, in the one order that they may have.

use std::{fmt, str::FromStr};

use crate::{
    digest::Sha256Digest,
    error::{BundleError, printable},
    keys::KeyId,
    manifest::rules::MAX_INTEGER,
};

/// A member of a bundle. The order of this type is the order in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// `manifest.json`.
    Manifest,
    /// `sig/<key>.sshsig`: a signature over the manifest.
    Signature(KeyId),
    /// `root/<version>.json`, or with a signer `root/<version>.<key>.sshsig`.
    Root {
        /// Position in the chain.
        version: u64,
        /// None for the document, else whose signature over it this is.
        signer: Option<KeyId>,
    },
    /// `SHA256SUMS`.
    Sums,
    /// `VERIFY.txt`.
    VerifyTxt,
    /// `blobs/sha256/<digest>`.
    Blob(Sha256Digest),
}

impl Member {
    /// Reads a name as it stands in a header.
    pub(crate) fn parse(name: &[u8]) -> Result<Self, BundleError> {
        let known = std::str::from_utf8(name).ok().and_then(Self::known);
        known.ok_or_else(|| BundleError::MemberName { found: printable(name) })
    }

    fn known(name: &str) -> Option<Self> {
        match name {
            "manifest.json" => return Some(Self::Manifest),
            "SHA256SUMS" => return Some(Self::Sums),
            "VERIFY.txt" => return Some(Self::VerifyTxt),
            _ => (),
        }
        if let Some(hex) = name.strip_prefix("blobs/sha256/") {
            return Sha256Digest::from_hex(hex).ok().map(Self::Blob);
        }
        if let Some(rest) = name.strip_prefix("sig/") {
            return KeyId::from_hex(rest.strip_suffix(".sshsig")?).map(Self::Signature);
        }
        let (version, kind) = name.strip_prefix("root/")?.split_once('.')?;
        let version = parse_version(version)?;
        if kind == "json" {
            return Some(Self::Root { version, signer: None });
        }
        let signer = Some(KeyId::from_hex(kind.strip_suffix(".sshsig")?)?);
        Some(Self::Root { version, signer })
    }
}

/// A decimal number from 1 without leading zeros.
fn parse_version(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let version = if plain { u64::from_str(text).ok()? } else { return None };
    (1..=MAX_INTEGER).contains(&version).then_some(version)
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest => f.write_str("manifest.json"),
            Self::Signature(key) => write!(f, "sig/{}.sshsig", key.hex()),
            Self::Root { version, signer: None } => write!(f, "root/{version}.json"),
            Self::Root { version, signer: Some(key) } => {
                write!(f, "root/{version}.{}.sshsig", key.hex())
            }
            Self::Sums => f.write_str("SHA256SUMS"),
            Self::VerifyTxt => f.write_str("VERIFY.txt"),
            Self::Blob(digest) => write!(f, "blobs/sha256/{}", digest.to_hex()),
        }
    }
}
