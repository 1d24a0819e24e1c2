//! Root documents: which keys speak for a product, and how that changes.
//!
//! Trust starts from a [`Fingerprint`] that came another way than the bundle. From there a chain
//! leads on: root N + 1 is accepted when enough root keys of N and enough of N + 1 signed it.
//! Thresholds count distinct 32-byte keys, never signatures or names of keys.

mod document;
mod fingerprint;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use document::MAX_BYTES as MAX_ROOT_BYTES;
pub use document::{ROOT_SCHEMA, Role, RootDocument};
pub use fingerprint::{Fingerprint, ParseFingerprintError};

use crate::{
    error::BundleError,
    keys::{KeyId, PublicKey},
    sshsig::{Purpose, SshSig},
};

/// A root document that is trusted, with its exact bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedRoot {
    document: RootDocument,
    bytes: Vec<u8>,
}

impl TrustedRoot {
    /// Trusts the document that has this fingerprint. The fingerprint is the trust: it came from
    /// a person, so the document's own signatures add nothing here.
    pub fn bootstrap(bytes: &[u8], fingerprint: &Fingerprint) -> Result<Self, BundleError> {
        let found = Fingerprint::of(bytes);
        if found != *fingerprint {
            let (found, expected) = (found.to_string(), fingerprint.to_string());
            return Err(BundleError::RootFingerprint { found, expected });
        }
        Self::reload(bytes)
    }

    /// Reads back a document that was trusted before, from the host's own trust store.
    pub fn reload(bytes: &[u8]) -> Result<Self, BundleError> {
        Ok(Self { document: RootDocument::parse(bytes)?, bytes: bytes.to_vec() })
    }

    /// Follows the chain by one document.
    pub fn advance(&self, next_bytes: &[u8], signatures: &[SshSig]) -> Result<Self, BundleError> {
        let next = Self::self_signed_by(RootDocument::parse(next_bytes)?, next_bytes, signatures)?;
        let (from, to) = (&self.document, &next.document);
        if to.product != from.product {
            let reason = format!("it is for product {}, expected {}", to.product, from.product);
            return Err(BundleError::RootFormat {
                document: format!("root {}", to.version),
                reason,
            });
        }
        if to.version != from.version + 1 {
            return Err(BundleError::RootSequence { after: from.version, found: to.version });
        }
        from.expect_root_threshold(to.version, signatures)?;
        Ok(next)
    }

    /// The document.
    pub fn document(&self) -> &RootDocument {
        &self.document
    }

    /// Its exact bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its fingerprint, to be compared over another channel.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.bytes)
    }

    /// A document whose signatures all fit and reach its own threshold. That alone is no trust.
    pub(crate) fn self_signed(bytes: &[u8], signatures: &[SshSig]) -> Result<Self, BundleError> {
        Self::self_signed_by(RootDocument::parse(bytes)?, bytes, signatures)
    }

    fn self_signed_by(
        document: RootDocument,
        bytes: &[u8],
        signatures: &[SshSig],
    ) -> Result<Self, BundleError> {
        for signature in signatures {
            signature.verify(Purpose::BundleRoot, bytes).map_err(|error| match error {
                BundleError::SignatureInvalid { key, .. } => {
                    let document = format!("root document {}", document.version);
                    BundleError::SignatureInvalid { key, document }
                }
                other => other,
            })?;
        }
        document.expect_root_threshold(document.version, signatures)?;
        Ok(Self { document, bytes: bytes.to_vec() })
    }
}

impl RootDocument {
    /// The distinct release keys that made these signatures, which must have been verified.
    pub(crate) fn release_signers(&self, signatures: &[SshSig]) -> BTreeSet<KeyId> {
        let keys = self.signers(&self.release, signatures);
        keys.into_values().map(PublicKey::id).collect()
    }

    fn expect_root_threshold(
        &self,
        version: u64,
        signatures: &[SshSig],
    ) -> Result<(), BundleError> {
        let (found, needed) = (self.signers(&self.root, signatures).len(), self.root.threshold);
        if found as u64 >= u64::from(needed) {
            return Ok(());
        }
        Err(BundleError::RootThreshold { version, by: self.version, found, needed })
    }

    /// The keys of a role among those that signed, each once however often it signed.
    fn signers<'a>(
        &self,
        role: &Role,
        signatures: &'a [SshSig],
    ) -> BTreeMap<&'a [u8; 32], &'a PublicKey> {
        let counts = |key: &&PublicKey| role.keys.contains(key) && !self.revokes(key);
        let keys = signatures.iter().map(SshSig::key).filter(counts);
        keys.map(|key| (key.as_bytes(), key)).collect()
    }

    fn revokes(&self, key: &PublicKey) -> bool {
        self.revoked_keys.contains(&key.id())
    }
}
