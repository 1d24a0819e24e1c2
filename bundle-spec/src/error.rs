//! Everything that can be wrong with a bundle: one variant per thing that somebody would do
//! differently, each with a stable code.
//!
//! Codes are for scripts, tickets and documentation; they never change and are never reused.
//! Text from a bundle is escaped before it gets into a variant, so that every message is safe to
//! print.

use std::{fmt, io};

use crate::{digest::Sha256Digest, keys::KeyId, text::Name};

/// A stable name of one kind of failure, such as `RVB-TAR-ORDER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(&'static str);

impl ErrorCode {
    pub(crate) const fn new(code: &'static str) -> Self {
        Self(code)
    }

    /// The code as text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Who has to act on a [`BundleError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Do not install: whoever made the bundle has to explain or replace it.
    Bundle,
    /// The bundle may be fine: fix the disk or the medium here, and try again.
    Environment,
}

/// Why a bundle, signature, key or root document was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message says what its fields mean")]
pub enum BundleError {
    /// The operating system would not give us the bytes.
    #[error("failed to read the bundle")]
    Read(#[source] io::Error),

    /// The file stops before the format says it may.
    #[error("the bundle ends at byte {end}, inside {what}")]
    Truncated { end: u64, what: String },

    /// The sum in a tar header does not fit the header.
    #[error("the tar header at byte {at} has a wrong checksum")]
    Checksum { at: u64 },

    /// A member that is not a regular file.
    #[error(
        "the tar header at byte {at} has type '{found}', and only regular files (type '0') belong in a bundle"
    )]
    MemberType { at: u64, found: String },

    /// A header that our packer would have written differently.
    #[error(
        "the tar header at byte {at} has an unexpected {field}: found {found}, expected {expected}"
    )]
    Header { at: u64, field: &'static str, found: String, expected: String },

    /// A member where it must not stand, or a second time.
    #[error("the tar header at byte {at} is for {found}, where {expected} was expected")]
    Order { at: u64, found: String, expected: String },

    /// Bytes other than zero between two members.
    #[error("the padding after {after} is not zero")]
    Padding { after: String },

    /// Something other than two zero blocks at the end.
    #[error(
        "byte {at} is behind the last member, where only two zero blocks and the end of the file belong"
    )]
    Trailer { at: u64 },

    /// More or fewer bytes than were signed.
    #[error("the payload is {found} bytes long, but {expected} were signed")]
    Length { found: u64, expected: u64 },

    /// A member name outside the closed set.
    #[error("\"{found}\" is not the name of a bundle member")]
    MemberName { found: String },

    /// More than the format allows.
    #[error("{what}: found {found}, at most {limit} allowed")]
    Limit { what: String, found: u64, limit: u64 },

    /// The manifest is not the JSON that a packer writes.
    #[error("manifest.json is not a manifest: {reason}")]
    ManifestJson { reason: String },

    /// A manifest of a version that this program does not know.
    #[error("the manifest has schema {found:?}, and this program reads {expected:?}")]
    ManifestSchema { found: String, expected: &'static str },

    /// Fields of the manifest that do not fit each other.
    #[error("the manifest breaks a rule: {rule}")]
    ManifestRule { rule: String },

    /// A manifest for a product that the signer does not speak for.
    #[error("the bundle is for product {found}, but the root document is for {expected}")]
    Product { found: Name, expected: Name },

    /// Not a public key that is accepted.
    #[error("not an accepted public key: {reason}")]
    KeyFormat { reason: String },

    /// Not a signature that is accepted.
    #[error("{file} is not an accepted signature: {reason}")]
    SignatureFormat { file: String, reason: String },

    /// Nobody signed it.
    #[error("the bundle is not signed")]
    Unsigned,

    /// Somebody signed it, but nobody who may.
    #[error(
        "the bundle is signed by {}, which the trusted root does not accept for releases",
        join(signers)
    )]
    Untrusted { signers: Vec<KeyId> },

    /// Fewer release keys signed than the root asks for.
    #[error("the bundle is signed by {found} release key(s), and the root asks for {needed}")]
    Threshold { found: usize, needed: u32 },

    /// A signature that does not fit what it stands beside.
    #[error("the signature of key {key} does not fit {document}")]
    SignatureInvalid { key: KeyId, document: String },

    /// Not a root document.
    #[error("{document} is not a root document: {reason}")]
    RootFormat { document: String, reason: String },

    /// A gap in the chain of root documents.
    #[error("root {found} cannot follow root {after}: a root follows its predecessor by exactly 1")]
    RootSequence { after: u64, found: u64 },

    /// A root document that too few of the right keys signed.
    #[error(
        "root {version} is signed by {found} of the {needed} root key(s) that root {by} asks for"
    )]
    RootThreshold { version: u64, by: u64, found: usize, needed: u32 },

    /// The bundle's root documents do not lead to the one that is trusted.
    #[error(
        "root {version} in the bundle is not the trusted one: its fingerprint is {found}, the trusted one is {expected}"
    )]
    RootUnknown { version: u64, found: String, expected: String },

    /// A root document other than the one whose fingerprint was given.
    #[error("the root document has fingerprint {found}, expected {expected}")]
    RootFingerprint { found: String, expected: String },

    /// Content that is not what its digest says.
    #[error("{member} has digest {found}, but {expected} was signed")]
    BlobDigest { member: String, found: Sha256Digest, expected: Sha256Digest },

    /// A piece of a large blob that is not what was signed.
    #[error("bytes {from} to {to} of the bundle file (in blob {blob}) are not what was signed")]
    BlobChunk { blob: Sha256Digest, from: u64, to: u64 },

    /// The archive and the manifest disagree about a member.
    #[error("the archive and its manifest disagree: {difference}")]
    BlobList { difference: String },

    /// `SHA256SUMS` is not the one that follows from the manifest.
    #[error("SHA256SUMS is not the list that follows from the manifest")]
    Sums,

    /// Somebody asked for a blob that the bundle does not have.
    #[error("the bundle has no blob {blob}")]
    BlobAbsent { blob: Sha256Digest },
}

fn join(signers: &[KeyId]) -> String {
    signers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl BundleError {
    /// The stable code.
    pub const fn code(&self) -> ErrorCode {
        ErrorCode(match self {
            Self::Read(_) => "RVB-READ",
            Self::Truncated { .. } => "RVB-TAR-TRUNCATED",
            Self::Checksum { .. } => "RVB-TAR-CHECKSUM",
            Self::MemberType { .. } => "RVB-TAR-TYPE",
            Self::Header { .. } => "RVB-TAR-HEADER",
            Self::Order { .. } => "RVB-TAR-ORDER",
            Self::Padding { .. } => "RVB-TAR-PADDING",
            Self::Trailer { .. } => "RVB-TAR-TRAILER",
            Self::Length { .. } => "RVB-TAR-LENGTH",
            Self::MemberName { .. } => "RVB-NAME",
            Self::Limit { .. } => "RVB-LIMIT",
            Self::ManifestJson { .. } => "RVB-MANIFEST-JSON",
            Self::ManifestSchema { .. } => "RVB-MANIFEST-SCHEMA",
            Self::ManifestRule { .. } => "RVB-MANIFEST-RULE",
            Self::Product { .. } => "RVB-POLICY-PRODUCT",
            Self::KeyFormat { .. } => "RVB-KEY-FORMAT",
            Self::SignatureFormat { .. } => "RVB-SIG-FORMAT",
            Self::Unsigned => "RVB-SIG-UNSIGNED",
            Self::Untrusted { .. } => "RVB-SIG-UNTRUSTED",
            Self::Threshold { .. } => "RVB-SIG-THRESHOLD",
            Self::SignatureInvalid { .. } => "RVB-SIG-INVALID",
            Self::RootFormat { .. } => "RVB-ROOT-FORMAT",
            Self::RootSequence { .. } => "RVB-ROOT-SEQUENCE",
            Self::RootThreshold { .. } => "RVB-ROOT-THRESHOLD",
            Self::RootUnknown { .. } => "RVB-ROOT-UNKNOWN",
            Self::RootFingerprint { .. } => "RVB-ROOT-FINGERPRINT",
            Self::BlobDigest { .. } => "RVB-BLOB-DIGEST",
            Self::BlobChunk { .. } => "RVB-BLOB-CHUNK",
            Self::BlobList { .. } => "RVB-BLOB-LIST",
            Self::Sums => "RVB-BLOB-SUMS",
            Self::BlobAbsent { .. } => "RVB-BLOB-ABSENT",
        })
    }

    /// Whose problem it is. No catch-all arm: a new variant must take a side.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Read(_) => Fault::Environment,
            Self::Truncated { .. }
            | Self::Checksum { .. }
            | Self::MemberType { .. }
            | Self::Header { .. }
            | Self::Order { .. }
            | Self::Padding { .. }
            | Self::Trailer { .. }
            | Self::Length { .. }
            | Self::MemberName { .. }
            | Self::Limit { .. }
            | Self::ManifestJson { .. }
            | Self::ManifestSchema { .. }
            | Self::ManifestRule { .. }
            | Self::Product { .. }
            | Self::KeyFormat { .. }
            | Self::SignatureFormat { .. }
            | Self::Unsigned
            | Self::Untrusted { .. }
            | Self::Threshold { .. }
            | Self::SignatureInvalid { .. }
            | Self::RootFormat { .. }
            | Self::RootSequence { .. }
            | Self::RootThreshold { .. }
            | Self::RootUnknown { .. }
            | Self::RootFingerprint { .. }
            | Self::BlobDigest { .. }
            | Self::BlobChunk { .. }
            | Self::BlobList { .. }
            | Self::Sums
            | Self::BlobAbsent { .. } => Fault::Bundle,
        }
    }

    /// What to do about it, as one or two sentences.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Read(_) => {
                "Check the medium and the permissions of the file, and run the command again."
            }
            Self::Truncated { .. } => {
                "The file was cut short, most often by a copy that did not finish: compare its size with the original's and copy it again."
            }
            Self::Checksum { .. }
            | Self::Padding { .. }
            | Self::Trailer { .. }
            | Self::Length { .. } => {
                "The file was changed after it was made, most often by a bad copy: copy it again. If a fresh copy is refused too, do not use it and ask the vendor."
            }
            Self::MemberType { .. }
            | Self::Header { .. }
            | Self::Order { .. }
            | Self::MemberName { .. } => {
                "No bundle is written like this: the file is damaged, is not a bundle, or was packed again by another program. Get it from the vendor anew."
            }
            Self::Limit { .. } => {
                "The format does not allow this much. Ask the vendor for a bundle made with rivetctl."
            }
            Self::ManifestJson { .. } | Self::ManifestRule { .. } => {
                "The bundle was signed with contents that rivetctl does not produce. Ask the vendor to make it again with rivetctl."
            }
            Self::ManifestSchema { .. } => {
                "The bundle needs another version of rivetctl: use the one inside the bundle, as VERIFY.txt in it describes."
            }
            Self::Product { .. } => {
                "Give the bundle of the product that this root document belongs to, or add trust in the other product with its own fingerprint."
            }
            Self::KeyFormat { .. } => {
                "Give an ed25519 public key in OpenSSH form: ssh-ed25519 AAAA..."
            }
            Self::SignatureFormat { .. } => {
                "Signatures are made with rivetctl sign, or with ssh-keygen -Y sign and an ed25519 key. Remove this one and sign again."
            }
            Self::Unsigned => {
                "Get the signed bundle from the vendor, or put its signature file next to it as <bundle>.<key>.sshsig."
            }
            Self::Untrusted { .. } => {
                "Do not install it. Compare the key with the vendor's over another channel; if the vendor changed keys, the bundle has to carry the root document that says so."
            }
            Self::Threshold { .. } => {
                "Ask the vendor for the missing signatures: they can be put next to the bundle as <bundle>.<key>.sshsig."
            }
            Self::SignatureInvalid { .. } => {
                "The signed document or the signature was changed: copy the bundle again. If a fresh copy is refused too, do not use it and ask the vendor."
            }
            Self::RootFormat { .. } => {
                "Root documents are made with rivetctl key root. Ask the vendor for the right one."
            }
            Self::RootSequence { .. } => {
                "A root document in between is missing: ask the vendor for a bundle that carries the whole chain."
            }
            Self::RootThreshold { .. } => {
                "Do not trust it. Ask the vendor for a root document signed by enough root keys of the old and the new root."
            }
            Self::RootUnknown { .. } => {
                "Do not install it. Compare the fingerprint of the vendor's root document over another channel."
            }
            Self::RootFingerprint { .. } => {
                "Compare the fingerprint you were given character by character. If it was typed right, this is not the vendor's root document."
            }
            Self::BlobDigest { .. } | Self::BlobChunk { .. } => {
                "The medium or a copy changed these bytes: copy the bundle again. If a fresh copy is refused too, do not use it and ask the vendor."
            }
            Self::BlobList { .. } | Self::Sums => {
                "Members were added, removed or changed after signing. Do not use this file; get it from the vendor anew."
            }
            Self::BlobAbsent { .. } => {
                "This is a fault of the program that asked: please report it."
            }
        }
    }

    /// Makes it travel through [`io::Read`].
    pub(crate) fn into_io(self) -> io::Error {
        match self {
            Self::Read(error) => error,
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        }
    }

    /// Gets back the error that a [`BlobReader`](crate::BlobReader) sent through [`io::Read`].
    pub fn from_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// The same by value; any other error of reading stays what it is.
    pub(crate) fn unwrap_io(error: io::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(Self::Read)
    }

    /// Names the file in which a signature or key error was found.
    pub(crate) fn in_file(self, name: &str) -> Self {
        match self {
            Self::SignatureFormat { reason, .. } => {
                Self::SignatureFormat { file: name.to_owned(), reason }
            }
            other => other,
        }
    }
}

/// Untrusted bytes as printable ASCII, at most 100 of them.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(100)];
    let dots = if shown.len() < bytes.len() { "..." } else { "" };
    format!("{}{dots}", shown.escape_ascii())
}
