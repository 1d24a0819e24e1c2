//! From bytes on a medium to content that may be used.
//!
//! ```text
//! UnverifiedBundle::open    head only, bounded, nothing parsed
//!   └─ verify(trust)        roots, signatures, manifest, then every header of the payload
//!        └─ VerifiedBundle  blobs; each byte is hashed before it is handed out
//! ```

mod blob;
mod check;
mod head;
mod payload;

use std::io::{Read, Seek};

pub use blob::BlobReader;

use self::head::Head;
use crate::{
    archive::reader::Reader,
    chunk::ChunkDigests,
    digest::Sha256Digest,
    error::BundleError,
    keys::KeyId,
    manifest::Manifest,
    pack::{SignatureRegion, SignedRoot},
    root::TrustedRoot,
    sshsig::{Purpose, SshSig},
};

/// A bundle that nobody has vouched for: what it offers is [`verify`](Self::verify).
#[derive(Debug)]
pub struct UnverifiedBundle<R> {
    reader: Reader<R>,
    head: Head,
}

/// A bundle that enough trusted keys signed and whose members are exactly those that were signed.
///
/// [`UnverifiedBundle::verify`] is the only way to get one, so holding one is the proof. Blobs are
/// read from the same open source, and hashed in the read that hands them out.
#[derive(Debug)]
pub struct VerifiedBundle<R> {
    source: R,
    manifest: Manifest,
    bundle_id: Sha256Digest,
    root: TrustedRoot,
    root_chain: Vec<SignedRoot>,
    signers: Vec<KeyId>,
    /// Where each blob's content starts, in the order of the manifest.
    places: Vec<u64>,
    chunks: ChunkDigests,
}

impl<R: Read + Seek> UnverifiedBundle<R> {
    /// Reads what stands before the payload, within the limits of the format. Parses no document.
    pub fn open(source: R) -> Result<Self, BundleError> {
        let mut reader = Reader::new(source)?;
        let head = Head::read(&mut reader)?;
        Ok(Self { reader, head })
    }

    /// Adds a signature that came in a file next to the bundle. It counts like one inside.
    pub fn add_side_signature(&mut self, armored: &[u8]) -> Result<(), BundleError> {
        let signature =
            SshSig::parse(armored).map_err(|error| error.in_file("the side signature"))?;
        signature.expect_purpose(Purpose::BundleManifest)?;
        self.head.signatures.push(signature);
        Ok(())
    }

    /// The carried root documents by version: bytes, to be compared with a fingerprint.
    pub fn roots(&self) -> Vec<&[u8]> {
        self.head.roots.iter().map(|(_, root)| root.bytes.as_slice()).collect()
    }

    /// The manifest's bytes, for somebody who is about to sign them. They prove nothing.
    pub fn bytes_to_sign(&self) -> &[u8] {
        &self.head.manifest
    }

    /// The signatures and root documents, for writing the bundle again with others.
    pub fn signature_region(&self) -> SignatureRegion {
        SignatureRegion {
            signatures: self.head.signatures.clone(),
            roots: self.head.roots.iter().map(|(_, root)| root.clone()).collect(),
        }
    }

    /// Checks everything but the content of blobs, which is checked when it is read.
    pub fn verify(self, trust: &TrustedRoot) -> Result<VerifiedBundle<R>, BundleError> {
        let Self { mut reader, head } = self;
        if head.signatures.is_empty() {
            return Err(BundleError::Unsigned);
        }
        let (root, root_chain) = head.follow_roots(trust)?;
        let signers = head.check_signatures(&root)?;
        // Only now is it worth handing these bytes to a parser.
        let manifest = Manifest::parse(&head.manifest)?;
        if manifest.product != root.document().product {
            let (found, expected) = (manifest.product, root.document().product.clone());
            return Err(BundleError::Product { found, expected });
        }
        let places = payload::walk(&mut reader, &manifest)?;
        let bundle_id = Sha256Digest::of(&head.manifest);
        let source = reader.into_source();
        let chunks = ChunkDigests::default();
        let mut verified = VerifiedBundle {
            source,
            manifest,
            bundle_id,
            root,
            root_chain,
            signers,
            places,
            chunks,
        };
        verified.load_chunk_table()?;
        Ok(verified)
    }

    pub(crate) fn into_payload(self) -> (R, u64) {
        (self.reader.into_source(), self.head.payload)
    }
}

impl<R: Read + Seek> VerifiedBundle<R> {
    /// What the signers promised.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of the manifest's exact bytes: the identity of the bundle.
    pub fn bundle_id(&self) -> Sha256Digest {
        self.bundle_id
    }

    /// The newest trusted root document, after following those that the bundle carries.
    pub fn root(&self) -> &TrustedRoot {
        &self.root
    }

    /// The carried documents that led from the given root to [`root`](Self::root).
    pub fn root_chain(&self) -> &[SignedRoot] {
        &self.root_chain
    }

    /// The release keys that signed, in ascending order.
    pub fn signers(&self) -> &[KeyId] {
        &self.signers
    }

    /// The bytes of all blobs: what [`check_all`](Self::check_all) reports as progress.
    pub fn blob_bytes(&self) -> u64 {
        self.manifest.blobs.iter().map(|blob| blob.size).sum()
    }

    fn load_chunk_table(&mut self) -> Result<(), BundleError> {
        if let Some(table) = self.manifest.chunk_table {
            let bytes = self.read_blob(&table.blob, crate::chunk::MAX_TABLE)?;
            self.chunks = ChunkDigests::new(&self.manifest, bytes)?;
        }
        Ok(())
    }
}
