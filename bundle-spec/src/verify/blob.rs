//! Reading one blob. No byte is handed out before it was hashed and compared.
//!
//! A small blob is checked as a whole, a large one chunk by chunk and at its end as a whole. So at
//! most 8 MiB are held back, and what a consumer has received was signed even when a later part of
//! the medium is bad.

use std::{
    fmt,
    io::{self, Read, Seek, SeekFrom},
};

use sha2::{Digest as _, Sha256};

use super::VerifiedBundle;
use crate::{
    archive::Member,
    chunk::{CHUNK_SIZE, LARGE_BLOB, chunks_of},
    digest::Sha256Digest,
    error::BundleError,
};

/// Where a blob is and what it must be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) digest: Sha256Digest,
    pub(super) start: u64,
    pub(super) size: u64,
    /// Number of its first chunk in the table.
    pub(super) first_chunk: u64,
}

impl Place {
    pub(super) fn is_large(&self) -> bool {
        self.size > LARGE_BLOB
    }

    pub(super) fn digest_error(&self, found: Sha256Digest) -> BundleError {
        let (member, expected) = (Member::Blob(self.digest).to_string(), self.digest);
        BundleError::BlobDigest { member, found, expected }
    }

    pub(super) fn chunk_error(&self, chunk: u64) -> BundleError {
        let from = chunk * CHUNK_SIZE;
        let to = self.size.min(from + CHUNK_SIZE);
        BundleError::BlobChunk { blob: self.digest, from: self.start + from, to: self.start + to }
    }
}

/// The checked content of one blob.
pub struct BlobReader<'a, R> {
    bundle: &'a mut VerifiedBundle<R>,
    place: Place,
    /// How much of the blob was read from the source.
    read: u64,
    /// Digest of all that was read; used for large blobs.
    whole: Sha256,
    buffer: Vec<u8>,
    /// How much of the buffer was handed out.
    given: usize,
    failed: bool,
}

impl<R: Read + Seek> VerifiedBundle<R> {
    /// Reads a blob. Errors of the bundle come through [`io::Error`]; see [`BundleError::from_io`].
    pub fn blob(&mut self, digest: &Sha256Digest) -> Result<BlobReader<'_, R>, BundleError> {
        let place = self.place(digest)?;
        Ok(BlobReader {
            bundle: self,
            place,
            read: 0,
            whole: Sha256::new(),
            buffer: Vec::new(),
            given: 0,
            failed: false,
        })
    }

    /// Reads a blob of at most `max` bytes into memory.
    pub fn read_blob(&mut self, digest: &Sha256Digest, max: u64) -> Result<Vec<u8>, BundleError> {
        let size = self.place(digest)?.size;
        if size > max {
            return Err(BundleError::Limit {
                what: format!("length of blob {digest}"),
                found: size,
                limit: max,
            });
        }
        let mut bytes = Vec::new();
        match self.blob(digest)?.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(BundleError::unwrap_io(error)),
        }
    }

    fn place(&self, digest: &Sha256Digest) -> Result<Place, BundleError> {
        let blobs = &self.manifest.blobs;
        let at = blobs.binary_search_by_key(digest, |blob| blob.digest);
        let at = at.map_err(|_| BundleError::BlobAbsent { blob: *digest })?;
        let first_chunk = blobs[..at].iter().map(|blob| chunks_of(blob.size)).sum();
        Ok(Place { digest: *digest, start: self.places[at], size: blobs[at].size, first_chunk })
    }

    /// All blobs in file order.
    pub(super) fn all_places(&self) -> Vec<Place> {
        let mut first_chunk = 0;
        let blobs = self.manifest.blobs.iter().zip(&self.places);
        blobs
            .map(|(blob, start)| {
                let place =
                    Place { digest: blob.digest, start: *start, size: blob.size, first_chunk };
                first_chunk += chunks_of(blob.size);
                place
            })
            .collect()
    }
}

impl<R: Read + Seek> BlobReader<'_, R> {
    /// The blob's length.
    pub fn size(&self) -> u64 {
        self.place.size
    }

    /// Fills the buffer with the next checked piece; leaves it empty at the end.
    fn fill(&mut self) -> Result<(), BundleError> {
        self.given = 0;
        self.buffer.clear();
        let left = self.place.size - self.read;
        // An empty blob has a digest too.
        if left == 0 && (self.read > 0 || self.place.digest == Sha256Digest::of(b"")) {
            return Ok(());
        }
        let piece = if self.place.is_large() { left.min(CHUNK_SIZE) } else { left };
        let from = self.place.start + self.read;
        let source = &mut self.bundle.source;
        // Another blob may have been read in between.
        source.seek(SeekFrom::Start(from)).map_err(BundleError::Read)?;
        let length = source.take(piece).read_to_end(&mut self.buffer).map_err(BundleError::Read)?;
        if length as u64 != piece {
            let what = Member::Blob(self.place.digest).to_string();
            return Err(BundleError::Truncated { end: from + length as u64, what });
        }
        let digest = Sha256Digest::of(&self.buffer);
        if self.place.is_large() {
            let chunk = self.read / CHUNK_SIZE;
            if self.bundle.chunks.get(self.place.first_chunk + chunk) != Some(digest) {
                return Err(self.place.chunk_error(chunk));
            }
            self.whole.update(&self.buffer);
        } else if digest != self.place.digest {
            return Err(self.place.digest_error(digest));
        }
        self.read += piece;
        if self.place.is_large() && self.read == self.place.size {
            let found = Sha256Digest::from_bytes(self.whole.finalize_reset().into());
            if found != self.place.digest {
                return Err(self.place.digest_error(found));
            }
        }
        Ok(())
    }
}

impl<R: Read + Seek> Read for BlobReader<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return Err(io::Error::other("the blob was refused before"));
        }
        let is_empty = self.given == self.buffer.len() && !out.is_empty();
        if is_empty && let Err(error) = self.fill() {
            // Nothing that was read and not checked may leak into a second attempt.
            self.failed = true;
            self.buffer.clear();
            return Err(error.into_io());
        }
        let ready = &self.buffer[self.given..];
        let length = ready.len().min(out.len());
        out[..length].copy_from_slice(&ready[..length]);
        self.given += length;
        Ok(length)
    }
}

impl<R> fmt::Debug for BlobReader<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobReader")
            .field("place", &self.place)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}
