//! Writes the archive of a checkpoint, piece by piece.

use std::{
    fs,
    io::{self, Read as _},
    path::PathBuf,
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{
    BackupError, Manifest, Sha256Hex,
    checkpoints::InUse,
    manifest::{DATABASE, DIGEST_ENTRY, MANIFEST_ENTRY},
    tar,
};

/// How many bytes of a file are in memory at once.
const PIECE: usize = 128 << 10;

/// A checkpoint that is about to be read, and is not deleted meanwhile.
#[derive(Debug)]
pub struct Opened {
    /// What it consists of.
    pub manifest: Manifest,
    /// Its content.
    pub archive: Archive,
}

/// The archive of a checkpoint.
#[derive(Debug)]
pub struct Archive {
    manifest: Manifest,
    dir: PathBuf,
    _in_use: InUse,
}

/// Whoever took the pieces takes no more.
#[derive(Debug)]
pub struct Gone;

impl Archive {
    pub(super) fn new(manifest: Manifest, dir: PathBuf, in_use: InUse) -> Self {
        Self { manifest, dir, _in_use: in_use }
    }

    /// Gives the archive to `take`, piece by piece, until it takes no more. Reading waits for the
    /// disk. A file that is not what the manifest says is an error, before its last piece is given:
    /// whoever counts finds the archive too short.
    pub fn write(self, mut take: impl FnMut(Bytes) -> Result<(), Gone>) -> Result<(), BackupError> {
        let manifest = self.manifest.to_bytes();
        let digest = Manifest::digest_line(&manifest).into_bytes();
        for (name, content) in [(MANIFEST_ENTRY, manifest), (DIGEST_ENTRY, digest)] {
            if take(whole_entry(name, &content)).is_err() {
                return Ok(());
            }
        }
        for file in &self.manifest.files {
            let damaged =
                || BackupError::Damaged { id: self.manifest.id.clone(), file: file.name.clone() };
            if take(Bytes::copy_from_slice(&tar::header(&file.entry(), file.bytes))).is_err() {
                return Ok(());
            }
            let path = self.dir.join(DATABASE).join(file.name.as_str());
            let mut content = fs::File::open(path)?.take(file.bytes);
            let (mut hasher, mut left) = (Sha256::new(), file.bytes);
            while left > 0 {
                let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
                content.read_exact(&mut piece).map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => damaged(),
                    _ => error.into(),
                })?;
                hasher.update(&piece);
                left -= u64::try_from(piece.len()).unwrap_or(left);
                if left == 0 {
                    piece.resize(piece.len() + tar::padding(file.bytes), 0);
                    if Sha256Hex::from_hasher(hasher.clone()) != file.sha256 {
                        return Err(damaged());
                    }
                }
                if take(piece.into()).is_err() {
                    return Ok(());
                }
            }
        }
        // Whoever has gone has all files already.
        let _ = take(Bytes::from_static(&[0; 2 * tar::BLOCK]));
        Ok(())
    }
}

fn whole_entry(name: &str, content: &[u8]) -> Bytes {
    let bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
    let mut entry = tar::header(name, bytes).to_vec();
    entry.extend_from_slice(content);
    entry.resize(entry.len() + tar::padding(bytes), 0);
    entry.into()
}
