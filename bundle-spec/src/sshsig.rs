//! Signatures: OpenSSH's SSHSIG, restricted to one key type, one hash and our namespaces.
//!
//! `ssh-keygen -Y sign` makes them and `ssh-keygen -Y verify` checks them. The namespace says what
//! kind of document was signed, so that a signature over one kind cannot be replayed over another.
//! The public key inside says who signed, not that the signer is trusted.

pub(crate) mod wire;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Signature;
use sha2::{Digest as _, Sha512};

use crate::{
    error::{BundleError, printable},
    keys::{ALGORITHM, PublicKey, SignError, Signer},
};

const MAGIC: &[u8] = b"SSHSIG";
const VERSION: [u8; 4] = [0, 0, 0, 1];
const HASH: &[u8] = b"sha512";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
const END: &str = "-----END SSH SIGNATURE-----\n";

/// Width of `ssh-keygen`'s lines, which is what we write.
const WIDTH: usize = 70;
/// The other width that is read: that of PEM as most libraries write it.
const PEM_WIDTH: usize = 76;

/// What kind of document a signature is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// `manifest.json` of a bundle.
    BundleManifest,
    /// A root document.
    BundleRoot,
}

impl Purpose {
    /// The SSHSIG namespace. Part of what is signed: never change, never reuse.
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::BundleManifest => "rivet-bundle-manifest@v1",
            Self::BundleRoot => "rivet-bundle-root@v1",
        }
    }

    fn from_namespace(namespace: &[u8]) -> Option<Self> {
        [Self::BundleManifest, Self::BundleRoot]
            .into_iter()
            .find(|purpose| purpose.namespace().as_bytes() == namespace)
    }
}

/// One signature: who, for which kind of document, and the 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSig {
    key: PublicKey,
    purpose: Purpose,
    signature: [u8; 64],
}

impl SshSig {
    /// Signs `message` as a document of this kind.
    pub fn sign(signer: &dyn Signer, purpose: Purpose, message: &[u8]) -> Result<Self, SignError> {
        let signature = signer.sign(&signed_data(purpose, message))?;
        let made = Self { key: signer.public().clone(), purpose, signature };
        // A signer outside of this process may answer with anything.
        made.verify(purpose, message).map_err(SignError::new)?;
        Ok(made)
    }

    /// Reads an armored signature: the two marker lines, base64 between them, nothing else.
    pub fn parse(armored: &[u8]) -> Result<Self, BundleError> {
        let text = std::str::from_utf8(armored).map_err(|_| refused("it is not text"))?;
        let body = text.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
        let body = body.ok_or_else(|| {
            refused(
                "it does not consist of one -----BEGIN SSH SIGNATURE----- block and nothing else",
            )
        })?;
        let encoded = unwrap_lines(body).ok_or_else(|| {
            refused("its lines are not 70 or 76 characters wide and ended by a line feed")
        })?;
        let bytes = STANDARD.decode(encoded).map_err(|_| refused("it is not base64"))?;
        Self::from_wire(&bytes)
    }

    fn from_wire(bytes: &[u8]) -> Result<Self, BundleError> {
        let damaged = || refused("its structure is damaged");
        let rest =
            bytes.strip_prefix(MAGIC).ok_or_else(|| refused("it does not start with SSHSIG"))?;
        let mut rest =
            rest.strip_prefix(&VERSION).ok_or_else(|| refused("its version is not 1"))?;
        let key = wire::take(&mut rest).ok_or_else(damaged)?;
        let namespace = wire::take(&mut rest).ok_or_else(damaged)?;
        let reserved = wire::take(&mut rest).ok_or_else(damaged)?;
        let hash = wire::take(&mut rest).ok_or_else(damaged)?;
        let mut inner = wire::take(&mut rest).ok_or_else(damaged)?;
        if !rest.is_empty() {
            return Err(refused("there are bytes after its end"));
        }
        let key = PublicKey::from_ssh_blob(key).map_err(|error| refused(&error.to_string()))?;
        let purpose = Purpose::from_namespace(namespace).ok_or_else(|| {
            refused(&format!("its namespace \"{}\" is not ours", printable(namespace)))
        })?;
        if !reserved.is_empty() {
            return Err(refused("its reserved field is not empty"));
        }
        if hash != HASH {
            return Err(refused("its hash is not sha512"));
        }
        let algorithm = wire::take(&mut inner).ok_or_else(damaged)?;
        let signature = wire::take(&mut inner).ok_or_else(damaged)?;
        if algorithm != ALGORITHM.as_bytes() || !inner.is_empty() {
            return Err(damaged());
        }
        let signature = signature.try_into().map_err(|_| damaged())?;
        Ok(Self { key, purpose, signature })
    }

    fn to_wire(&self) -> Vec<u8> {
        let mut inner = Vec::new();
        wire::put(&mut inner, ALGORITHM.as_bytes());
        wire::put(&mut inner, &self.signature);

        let mut bytes = [MAGIC, &VERSION].concat();
        wire::put(&mut bytes, &self.key.ssh_blob());
        wire::put(&mut bytes, self.purpose.namespace().as_bytes());
        wire::put(&mut bytes, b"");
        wire::put(&mut bytes, HASH);
        wire::put(&mut bytes, &inner);
        bytes
    }

    /// The form that files hold, byte for byte as `ssh-keygen` writes it.
    pub fn to_armored(&self) -> String {
        let encoded = STANDARD.encode(self.to_wire());
        let mut text = BEGIN.to_owned();
        for (at, character) in encoded.chars().enumerate() {
            if at > 0 && at % WIDTH == 0 {
                text.push('\n');
            }
            text.push(character);
        }
        text.push('\n');
        text + END
    }

    /// Who made it.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What kind of document it is for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Whether the key inside signed exactly `message` as a document of this kind.
    pub fn verify(&self, purpose: Purpose, message: &[u8]) -> Result<(), BundleError> {
        self.expect_purpose(purpose)?;
        let signature = Signature::from_bytes(&self.signature);
        let fits = self.key.verifying().verify_strict(&signed_data(purpose, message), &signature);
        fits.map_err(|_| BundleError::SignatureInvalid {
            key: self.key.id(),
            document: match purpose {
                Purpose::BundleManifest => "manifest.json".to_owned(),
                Purpose::BundleRoot => "the root document".to_owned(),
            },
        })
    }

    pub(crate) fn expect_purpose(&self, purpose: Purpose) -> Result<(), BundleError> {
        if self.purpose == purpose {
            return Ok(());
        }
        let (found, expected) = (self.purpose.namespace(), purpose.namespace());
        Err(refused(&format!("its namespace is {found}, expected {expected}")))
    }
}

/// What ed25519 signs: SSHSIG's preamble and the message's SHA-512.
fn signed_data(purpose: Purpose, message: &[u8]) -> Vec<u8> {
    let mut data = MAGIC.to_vec();
    wire::put(&mut data, purpose.namespace().as_bytes());
    wire::put(&mut data, b"");
    wire::put(&mut data, HASH);
    wire::put(&mut data, &Sha512::digest(message));
    data
}

/// Joins lines that are all full but the last, which is not empty.
fn unwrap_lines(body: &str) -> Option<String> {
    let body = body.strip_suffix('\n')?;
    let lines: Vec<&str> = body.split('\n').collect();
    let (last, full) = lines.split_last()?;
    let fits = |width: usize| {
        full.iter().all(|line| line.len() == width) && (1..=width).contains(&last.len())
    };
    (fits(WIDTH) || fits(PEM_WIDTH)).then(|| lines.concat())
}

fn refused(reason: &str) -> BundleError {
    BundleError::SignatureFormat { file: "the signature".to_owned(), reason: reason.to_owned() }
}
