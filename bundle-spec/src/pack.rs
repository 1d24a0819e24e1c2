//! Writing bundles. The same inputs give the same bytes, up to the signatures.
//!
//! Blobs come from a [`BlobStore`] by digest and are hashed again while they are copied, so that a
//! damaged cache cannot become a signed bundle.

mod resign;
mod verify_txt;

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
};

use serde::{Deserialize, Serialize};

pub use resign::with_signatures;
pub use verify_txt::VERIFY_TXT;

use crate::{
    archive::{
        ArchiveWriter, Copied, MAX_BLOBS, MAX_MANIFEST, MAX_ROOTS, MAX_SIGNATURES, Member, stored,
    },
    chunk::{CHUNK_SIZE, ChunkHasher, LARGE_BLOB},
    digest::Sha256Digest,
    error::BundleError,
    keys::SignError,
    manifest::{
        ChunkTable, Engine, FileEntry, Image, Manifest, Platform, Pool, SCHEMA, Template, Tool,
    },
    root::RootDocument,
    sshsig::{Purpose, SshSig},
    sums::sums_of,
    text::{Line, Name, Version},
};

/// Where the content of blobs comes from.
pub trait BlobStore {
    /// Opens a blob for reading from its first byte. It may be opened twice.
    fn open(&self, digest: &Sha256Digest) -> io::Result<Box<dyn Read + Send + '_>>;
}

/// What is known of a [`Manifest`] before packing; the fields mean what they mean there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of the manifest and are described there")]
pub struct Draft {
    pub rivetctl_min: Version,
    pub product: Name,
    pub channel: Name,
    pub version: Version,
    pub release_seq: u64,
    pub min_from_seq: u64,
    pub created: u64,
    pub not_after: Option<u64>,
    pub audience: Option<Name>,
    pub description: Option<Line>,
    pub platforms: Vec<Platform>,
    pub engines: Vec<Engine>,
    pub tools: Vec<Tool>,
    pub images: Vec<Image>,
    pub templates: Vec<Template>,
    pub config_schema: Option<Sha256Digest>,
    pub pools: Vec<Pool>,
    pub allowed_risks: Vec<Line>,
    pub revoked_releases: Vec<u64>,
}

/// What is added after the manifest is known, and is not covered by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignatureRegion {
    /// Signatures over the manifest.
    pub signatures: Vec<SshSig>,
    /// Root documents, so that a site which trusts an older one can follow.
    pub roots: Vec<SignedRoot>,
}

/// A root document and the signatures over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRoot {
    /// The document's exact bytes.
    pub bytes: Vec<u8>,
    /// The signatures.
    pub signatures: Vec<SshSig>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedBundle {
    /// The bytes of `manifest.json`.
    pub manifest_bytes: Vec<u8>,
    /// Their SHA-256: the identity of the bundle.
    pub bundle_id: Sha256Digest,
    /// Length of the bundle in bytes.
    pub length: u64,
}

/// Why a bundle was not written. The output may hold a part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message says what its fields mean")]
pub enum PackError {
    /// The store has no such blob, or cannot read it.
    #[error("failed to read blob {digest}")]
    Blob { digest: Sha256Digest, source: io::Error },
    /// The store's content is not what its name says.
    #[error(
        "the content of blob {expected} has digest {found} and {length} bytes, expected {size}"
    )]
    Content { expected: Sha256Digest, found: Sha256Digest, length: u64, size: u64 },
    /// The inputs do not make a bundle that a verifier would accept.
    #[error("these inputs do not make a valid bundle")]
    Invalid(#[from] BundleError),
    /// No signature was made.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The output could not be written.
    #[error("failed to write the bundle")]
    Write(#[source] io::Error),
}

/// How many bytes [`pack`] reports as progress for these blobs: large ones are read twice.
pub fn work(blobs: &BTreeMap<Sha256Digest, u64>) -> u64 {
    blobs.values().map(|size| if *size > LARGE_BLOB { 2 * size } else { *size }).sum()
}

/// Writes a bundle to `out`.
///
/// `signatures` is called once, with the bytes of the manifest, before anything is written.
/// `progress` is called with the number of bytes done since its last call; see [`work`].
pub fn pack(
    draft: Draft,
    blobs: &BTreeMap<Sha256Digest, u64>,
    store: &dyn BlobStore,
    out: &mut impl Write,
    signatures: &mut dyn FnMut(&[u8]) -> Result<SignatureRegion, SignError>,
    progress: &mut dyn FnMut(u64),
) -> Result<PackedBundle, PackError> {
    if blobs.len() > MAX_BLOBS {
        let rule = format!("there are {} blobs, at most {MAX_BLOBS} are allowed", blobs.len());
        return Err(BundleError::ManifestRule { rule }.into());
    }
    let table = chunk_digests(blobs, store, progress)?;
    let manifest = complete(draft, blobs, &table);
    manifest.check()?;
    let manifest_bytes = manifest.to_bytes();
    limit("length of manifest.json", manifest_bytes.len() as u64, MAX_MANIFEST)?;
    let region = signatures(&manifest_bytes)?;

    let mut archive = ArchiveWriter::new(out);
    write_head(&mut archive, &manifest_bytes, &region)?;
    let write = PackError::Write;
    archive.put(Member::Sums, manifest.sums_text().as_bytes()).map_err(write)?;
    archive.put(Member::VerifyTxt, VERIFY_TXT.as_bytes()).map_err(write)?;
    for FileEntry { digest, size } in &manifest.blobs {
        let member = Member::Blob(*digest);
        if manifest.chunk_table.is_some_and(|chunks| chunks.blob == *digest) {
            archive.put(member, &table).map_err(write)?;
            continue;
        }
        let mut source = open(store, digest)?;
        let copied = archive.copy(member, *size, &mut source, progress).map_err(write)?;
        expect_content(*digest, *size, copied)?;
    }
    let length = archive.finish().map_err(write)?;
    Ok(PackedBundle { bundle_id: Sha256Digest::of(&manifest_bytes), manifest_bytes, length })
}

fn open<'a>(
    store: &'a dyn BlobStore,
    digest: &Sha256Digest,
) -> Result<Box<dyn Read + Send + 'a>, PackError> {
    store.open(digest).map_err(|source| PackError::Blob { digest: *digest, source })
}

fn expect_content(expected: Sha256Digest, size: u64, copied: Copied) -> Result<(), PackError> {
    match copied {
        Copied::Done { digest, length } if digest == expected && length == size => Ok(()),
        Copied::Done { digest: found, length } => {
            Err(PackError::Content { expected, found, length, size })
        }
        Copied::SourceFailed(source) => Err(PackError::Blob { digest: expected, source }),
    }
}

/// The first pass: the chunk digests of all large blobs.
fn chunk_digests(
    blobs: &BTreeMap<Sha256Digest, u64>,
    store: &dyn BlobStore,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<u8>, PackError> {
    let mut table = Vec::new();
    let mut buffer = vec![0; 1 << 20];
    for (digest, size) in blobs.iter().filter(|(_, size)| **size > LARGE_BLOB) {
        let mut chunks = ChunkHasher::default();
        let mut source = open(store, digest)?.take(*size);
        loop {
            match source.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => {
                    chunks.update(&buffer[..read]);
                    progress(read as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(source) => return Err(PackError::Blob { digest: *digest, source }),
            }
        }
        table.extend(chunks.finish());
    }
    Ok(table)
}

fn complete(draft: Draft, blobs: &BTreeMap<Sha256Digest, u64>, table: &[u8]) -> Manifest {
    let mut blobs = blobs.clone();
    let chunk_table = (!table.is_empty()).then(|| Sha256Digest::of(table));
    blobs.extend(chunk_table.map(|digest| (digest, table.len() as u64)));
    let blobs: Vec<_> =
        blobs.into_iter().map(|(digest, size)| FileEntry { digest, size }).collect();
    let verify_txt = FileEntry {
        digest: Sha256Digest::of(VERIFY_TXT.as_bytes()),
        size: VERIFY_TXT.len() as u64,
    };
    let sums = sums_of(&verify_txt, &blobs);
    Manifest {
        schema: SCHEMA.to_owned(),
        rivetctl_min: draft.rivetctl_min,
        product: draft.product,
        channel: draft.channel,
        version: draft.version,
        release_seq: draft.release_seq,
        min_from_seq: draft.min_from_seq,
        created: draft.created,
        not_after: draft.not_after,
        audience: draft.audience,
        description: draft.description,
        platforms: draft.platforms,
        engines: draft.engines,
        tools: draft.tools,
        images: draft.images,
        templates: draft.templates,
        config_schema: draft.config_schema,
        pools: draft.pools,
        allowed_risks: draft.allowed_risks,
        revoked_releases: draft.revoked_releases,
        chunk_table: chunk_table.map(|blob| ChunkTable { blob, chunk_size: CHUNK_SIZE }),
        sums: Sha256Digest::of(sums.as_bytes()),
        payload_size: payload_size(sums.len() as u64, &verify_txt, &blobs),
        verify_txt,
        blobs,
    }
}

/// Bytes from the header of `SHA256SUMS` to the end of the file.
fn payload_size(sums: u64, verify_txt: &FileEntry, blobs: &[FileEntry]) -> u64 {
    // Sizes too large for the format are refused by the manifest's rules; here they only must not overflow.
    let sizes = [sums, verify_txt.size].into_iter().chain(blobs.iter().map(|blob| blob.size));
    let end = crate::archive::END.len() as u64;
    sizes.map(|size| stored(size.min(crate::archive::MAX_CONTENT))).sum::<u64>() + end
}

/// Writes the manifest and the signature region, in the one order.
pub(crate) fn write_head<W: Write>(
    archive: &mut ArchiveWriter<'_, W>,
    manifest: &[u8],
    region: &SignatureRegion,
) -> Result<(), PackError> {
    let mut members = BTreeMap::new();
    for (key, text) in armored(&region.signatures, Purpose::BundleManifest, manifest)? {
        members.insert(Member::Signature(key), text);
    }
    limit("number of root documents", region.roots.len() as u64, MAX_ROOTS as u64)?;
    for root in &region.roots {
        let version = RootDocument::parse(&root.bytes)?.version;
        let again = members.insert(Member::Root { version, signer: None }, root.bytes.clone());
        if again.is_some() {
            return Err(BundleError::RootSequence { after: version, found: version }.into());
        }
        for (key, text) in armored(&root.signatures, Purpose::BundleRoot, &root.bytes)? {
            members.insert(Member::Root { version, signer: Some(key) }, text);
        }
    }
    archive.put(Member::Manifest, manifest).map_err(PackError::Write)?;
    for (member, content) in members {
        archive.put(member, &content).map_err(PackError::Write)?;
    }
    Ok(())
}

/// Signature files by key; what does not fit the document is refused here rather than at a site.
fn armored(
    signatures: &[SshSig],
    purpose: Purpose,
    document: &[u8],
) -> Result<BTreeMap<crate::keys::KeyId, Vec<u8>>, PackError> {
    let mut files = BTreeMap::new();
    for signature in signatures {
        signature.verify(purpose, document)?;
        files.insert(signature.key().id(), signature.to_armored().into_bytes());
    }
    limit("signatures over one document", files.len() as u64, MAX_SIGNATURES as u64)?;
    Ok(files)
}

fn limit(what: &str, found: u64, limit: u64) -> Result<(), PackError> {
    if found <= limit {
        return Ok(());
    }
    Err(BundleError::Limit { what: what.to_owned(), found, limit }.into())
}
