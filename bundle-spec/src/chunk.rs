//! Chunk digests: SHA-256 of every 4 MiB of a large blob.
//!
//! They let several threads hash one blob, say which bytes of a medium are bad, and bound what is
//! held back before it may be used. The table is a blob like any other, pinned by the manifest.

use sha2::{Digest as _, Sha256};

use crate::{digest::Sha256Digest, error::BundleError, manifest::Manifest};

/// Blobs above this length have chunk digests.
pub const LARGE_BLOB: u64 = 8 << 20;

/// Bytes per chunk; the last chunk of a blob may be shorter.
pub const CHUNK_SIZE: u64 = 4 << 20;

/// Longest table: what a small blob may be, so that the table never needs a table.
pub const MAX_TABLE: u64 = LARGE_BLOB;

/// How many chunk digests a blob of `size` bytes has.
pub const fn chunks_of(size: u64) -> u64 {
    if size > LARGE_BLOB { size.div_ceil(CHUNK_SIZE) } else { 0 }
}

/// The digests of a checked table.
#[derive(Debug, Default)]
pub(crate) struct ChunkDigests(Vec<u8>);

impl ChunkDigests {
    /// Takes the table's bytes, whose digest was checked.
    pub(crate) fn new(manifest: &Manifest, bytes: Vec<u8>) -> Result<Self, BundleError> {
        let chunks: u64 = manifest.blobs.iter().map(|blob| chunks_of(blob.size)).sum();
        let expected = chunks * 32;
        if bytes.len() as u64 == expected {
            return Ok(Self(bytes));
        }
        let rule = format!("the chunk table has {} bytes, expected {expected}", bytes.len());
        Err(BundleError::ManifestRule { rule })
    }

    /// The digest of chunk number `at` of all.
    pub(crate) fn get(&self, at: u64) -> Option<Sha256Digest> {
        let from = usize::try_from(at).ok()?.checked_mul(32)?;
        let bytes = self.0.get(from..from.checked_add(32)?)?;
        Some(Sha256Digest::from_bytes(bytes.try_into().ok()?))
    }
}

/// Computes the chunk digests of one blob from pieces of any length.
#[derive(Debug, Default)]
pub(crate) struct ChunkHasher {
    hasher: Sha256,
    filled: u64,
    table: Vec<u8>,
}

impl ChunkHasher {
    pub(crate) fn update(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let room = usize::try_from(CHUNK_SIZE - self.filled).unwrap_or(usize::MAX);
            let (now, later) = piece.split_at(room.min(piece.len()));
            self.hasher.update(now);
            self.filled += now.len() as u64;
            if self.filled == CHUNK_SIZE {
                self.close();
            }
            piece = later;
        }
    }

    /// The digests of all chunks, concatenated.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.close();
        }
        self.table
    }

    fn close(&mut self) {
        self.table.extend_from_slice(&self.hasher.finalize_reset());
        self.filled = 0;
    }
}
