//! Keys: ed25519 only, in OpenSSH's notation.
//!
//! A [`PublicKey`] is a canonical encoding of a point that is not of small order, because nothing
//! else can be constructed. What is compared is the 32 bytes; a [`KeyId`] is for people and file
//! names and never decides anything by itself.

use std::{error::Error, fmt, str::FromStr};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::{
    digest::Sha256Digest,
    error::{BundleError, printable},
    sshsig::wire,
};

/// The only key type of version 1 of the format.
pub(crate) const ALGORITHM: &str = "ssh-ed25519";

/// An ed25519 public key. Its text form is `ssh-ed25519 AAAA…` without a comment.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Takes the 32 bytes of a key; refuses weak keys and encodings that are not canonical.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BundleError> {
        let refused = |reason: &str| BundleError::KeyFormat { reason: reason.to_owned() };
        if !is_canonical(bytes) {
            return Err(refused("the point is not in its canonical encoding"));
        }
        let key = VerifyingKey::from_bytes(bytes)
            .map_err(|_| refused("it is not a point on the curve"))?;
        // A key of small order verifies signatures over any message.
        if key.is_weak() {
            return Err(refused("the point is of small order"));
        }
        Ok(Self(key))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The key as SSH writes it: the algorithm and the point, each with its length.
    pub fn ssh_blob(&self) -> Vec<u8> {
        let mut blob = Vec::with_capacity(51);
        wire::put(&mut blob, ALGORITHM.as_bytes());
        wire::put(&mut blob, self.as_bytes());
        blob
    }

    /// Reads what [`ssh_blob`](Self::ssh_blob) writes.
    pub fn from_ssh_blob(blob: &[u8]) -> Result<Self, BundleError> {
        let refused = |reason: &str| BundleError::KeyFormat { reason: reason.to_owned() };
        let mut rest = blob;
        let algorithm = wire::take(&mut rest).ok_or_else(|| refused("its encoding is damaged"))?;
        if algorithm != ALGORITHM.as_bytes() {
            let reason =
                format!("its type is {}, and only {ALGORITHM} is accepted", printable(algorithm));
            return Err(BundleError::KeyFormat { reason });
        }
        let point = wire::take(&mut rest).and_then(|point| <&[u8; 32]>::try_from(point).ok());
        match point {
            Some(point) if rest.is_empty() => Self::from_bytes(point),
            _ => Err(refused("its encoding is damaged")),
        }
    }

    /// Its identifier, for people and file names.
    pub fn id(&self) -> KeyId {
        KeyId(Sha256Digest::of(&self.ssh_blob()))
    }

    pub(crate) fn verifying(&self) -> &VerifyingKey {
        &self.0
    }
}

/// Whether the y coordinate is below 2^255 - 19. (A set sign over x = 0 is of small order anyway.)
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let top = bytes[31] & 0x7f == 0x7f && bytes[1..31].iter().all(|byte| *byte == 0xff);
    !(top && bytes[0] >= 0xed)
}

impl FromStr for PublicKey {
    type Err = BundleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || BundleError::KeyFormat {
            reason: format!(
                "\"{}\" is not of the form {ALGORITHM} AAAA...",
                printable(text.as_bytes())
            ),
        };
        let encoded = text.strip_prefix(ALGORITHM).and_then(|rest| rest.strip_prefix(' '));
        let blob = STANDARD.decode(encoded.ok_or_else(refused)?).map_err(|_| refused())?;
        Self::from_ssh_blob(&blob)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = BundleError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ALGORITHM} {}", STANDARD.encode(self.ssh_blob()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// SHA-256 of a key in SSH's encoding: `SHA256:…` for people, 64 digits in file names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct KeyId(Sha256Digest);

impl KeyId {
    /// The 64 lower-case hexadecimal digits of file names.
    pub fn hex(&self) -> String {
        self.0.to_hex()
    }

    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        Sha256Digest::from_hex(text).ok().map(Self)
    }
}

/// `SHA256:` and the 43 characters of unpadded base64.
pub(crate) fn openssh_form(digest: &Sha256Digest) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(digest.as_bytes()))
}

/// Reads `SHA256:<43 base64>`.
pub(crate) fn from_openssh_form(text: &str) -> Option<Sha256Digest> {
    let bytes = STANDARD_NO_PAD.decode(text.strip_prefix("SHA256:")?).ok()?;
    Some(Sha256Digest::from_bytes(bytes.try_into().ok()?))
}

impl FromStr for KeyId {
    type Err = BundleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digest = from_openssh_form(text).or_else(|| Sha256Digest::from_hex(text).ok());
        digest.map(Self).ok_or_else(|| BundleError::KeyFormat {
            reason: format!(
                "\"{}\" is not a key id: expected SHA256: and 43 base64 characters, or 64 hexadecimal digits",
                printable(text.as_bytes())
            ),
        })
    }
}

impl TryFrom<String> for KeyId {
    type Error = BundleError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&openssh_form(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Whatever holds a private key: a file, an agent, a device.
pub trait Signer {
    /// The public half.
    fn public(&self) -> &PublicKey;
    /// The raw ed25519 signature over `data`.
    fn sign(&self, data: &[u8]) -> Result<[u8; 64], SignError>;
}

/// A signature could not be made.
#[derive(Debug, thiserror::Error)]
#[error("failed to sign")]
pub struct SignError(#[source] Box<dyn Error + Send + Sync>);

impl SignError {
    /// Wraps what went wrong in a [`Signer`].
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

/// An ed25519 private key in memory, erased when it is dropped.
pub struct SecretKey {
    key: SigningKey,
    public: PublicKey,
}

impl SecretKey {
    /// The key that grows from these 32 secret bytes.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let seed = zeroize::Zeroizing::new(seed);
        let key = SigningKey::from_bytes(&seed);
        // A clamped scalar times the base point is canonical and never of small order.
        let public = PublicKey(key.verifying_key());
        Self { key, public }
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }
}

impl Signer for SecretKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, data: &[u8]) -> Result<[u8; 64], SignError> {
        Ok(self.key.sign(data).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public.id())
    }
}
