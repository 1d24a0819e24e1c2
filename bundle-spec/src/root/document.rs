//! The root document itself: its fields, their rules and its bytes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    error::BundleError,
    keys::{KeyId, PublicKey},
    manifest::rules::{MAX_INTEGER, is_rising},
    text::Name,
};

/// The only value of [`RootDocument::schema`] this crate reads.
pub const ROOT_SCHEMA: &str = "rivet-root/1";

/// Longest root document.
pub(crate) const MAX_BYTES: u64 = 256 << 10;

/// Most keys in a role; also bounds what a verifier computes.
const MAX_KEYS: usize = 64;

/// Which keys speak for a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootDocument {
    /// Always [`ROOT_SCHEMA`].
    pub schema: String,
    /// The product, and only this one.
    pub product: Name,
    /// Position in the chain, 1 or more.
    pub version: u64,
    /// Keys that may sign root documents; kept offline.
    pub root: Role,
    /// Keys that may sign releases.
    pub release: Role,
    /// Keys that no longer count in any role, ascending.
    pub revoked_keys: Vec<KeyId>,
    /// Releases that must not be installed any more, ascending.
    pub revoked_releases: Vec<u64>,
    /// Lowers the highest sequence that sites remember to this one, once, when they first see
    /// this document: the way back after somebody signed a release with an absurd sequence.
    pub reset_floor: Option<u64>,
}

/// A set of keys and how many of them must sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// How many distinct keys must sign; at least 1, at most the number of keys.
    pub threshold: u32,
    /// The keys, each once.
    pub keys: Vec<PublicKey>,
}

impl RootDocument {
    /// Reads a document; only bytes that [`to_bytes`](Self::to_bytes) writes are accepted.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let refused = |reason: String| BundleError::RootFormat {
            document: "the document".to_owned(),
            reason,
        };
        if bytes.len() as u64 > MAX_BYTES {
            let (found, limit) = (bytes.len() as u64, MAX_BYTES);
            return Err(BundleError::Limit {
                what: "length of a root document".to_owned(),
                found,
                limit,
            });
        }
        let document: Self = serde_json::from_slice(bytes)
            .map_err(|error| refused(crate::manifest::rules::json_reason(&error)))?;
        document.check().map_err(refused)?;
        if document.to_bytes() != bytes {
            return Err(refused(
                "it is not spelt as rivetctl writes it (order of fields, spaces)".to_owned(),
            ));
        }
        Ok(document)
    }

    /// The bytes that are signed and whose hash is the fingerprint.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("the fields are strings and numbers")
    }

    fn check(&self) -> Result<(), String> {
        if self.schema != ROOT_SCHEMA {
            return Err(format!("its schema is {:?}, expected {ROOT_SCHEMA:?}", self.schema));
        }
        if !(1..=MAX_INTEGER).contains(&self.version) {
            return Err(format!("its version is {}, expected 1 to {MAX_INTEGER}", self.version));
        }
        self.root.check("root")?;
        self.release.check("release")?;
        // One stolen key must not be enough to sign releases and to name new keys.
        if let Some(key) = self.root.keys.iter().find(|key| self.release.keys.contains(key)) {
            return Err(format!("key {} is in both roles", key.id()));
        }
        if !is_rising(&self.revoked_keys) || !is_rising(&self.revoked_releases) {
            return Err("its revocations are not in ascending order, each once".to_owned());
        }
        let sequences = self.revoked_releases.iter().chain(&self.reset_floor);
        match sequences.into_iter().find(|sequence| **sequence > MAX_INTEGER) {
            Some(sequence) => Err(format!("sequence {sequence} is above {MAX_INTEGER}")),
            None => Ok(()),
        }
    }
}

impl Role {
    fn check(&self, name: &str) -> Result<(), String> {
        let count = self.keys.len();
        if count > MAX_KEYS {
            return Err(format!("role {name} has {count} keys, at most {MAX_KEYS} are allowed"));
        }
        let distinct: BTreeSet<_> = self.keys.iter().map(PublicKey::as_bytes).collect();
        if distinct.len() != count {
            return Err(format!("role {name} has a key twice"));
        }
        if self.threshold == 0 || u64::from(self.threshold) > count as u64 {
            let threshold = self.threshold;
            return Err(format!("role {name} has threshold {threshold} and {count} key(s)"));
        }
        Ok(())
    }
}
