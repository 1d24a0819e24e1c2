//! `SHA256SUMS`: the manifest's digests in the form that `sha256sum -c` reads.
//!
//! The file is derived. A verifier makes it again from the manifest and compares bytes, so that
//! there is one source of truth.

use std::fmt::Write as _;

use crate::manifest::{FileEntry, Manifest};

/// The bytes of `SHA256SUMS` for these files.
pub fn sums_of(verify_txt: &FileEntry, blobs: &[FileEntry]) -> String {
    let mut text = format!("{}  VERIFY.txt\n", verify_txt.digest.to_hex());
    for blob in blobs {
        let hex = blob.digest.to_hex();
        writeln!(text, "{hex}  blobs/sha256/{hex}").expect("a string takes any text");
    }
    text
}

impl Manifest {
    /// The bytes of `SHA256SUMS` that follow from this manifest.
    pub fn sums_text(&self) -> String {
        sums_of(&self.verify_txt, &self.blobs)
    }
}
