//! Reads an archive, and accepts nothing that an engine would not have written.
//!
//! Every header, every byte of filling and the end are compared with what [`super::Archive`] writes,
//! every content with its SHA-256. So links, other names, other types, other sizes, further entries
//! and further bytes are all one and the same mistake: not what the manifest says. Memory is bounded
//! by the manifest.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::{
    ArchiveError, File, Manifest, Sha256Hex,
    manifest::{DIGEST_ENTRY, MANIFEST_ENTRY, MANIFEST_MAX},
    tar,
};

/// How many bytes of a file are in memory at once.
const PIECE: usize = 128 << 10;

/// Takes what is read. What it has been given is known to be good only once [`read`] has returned.
pub trait Receiver {
    /// Why it takes no more.
    type Error: From<ArchiveError>;

    /// This is what will come.
    fn begin(&mut self, manifest: &Manifest) -> Result<(), Self::Error>;

    /// A file begins.
    fn file(&mut self, file: &File) -> Result<(), Self::Error>;

    /// A piece of the file.
    fn piece(&mut self, piece: &[u8]) -> Result<(), Self::Error>;

    /// The file is whole, and its content is what the manifest says.
    fn end_of_file(&mut self) -> Result<(), Self::Error>;
}

/// Reads `archive` to its end and gives what is in it to `receiver`.
pub fn read<R: Receiver>(mut archive: impl Read, receiver: &mut R) -> Result<Manifest, R::Error> {
    let manifest = manifest(&mut archive)?;
    receiver.begin(&manifest)?;
    for file in &manifest.files {
        let name = file.entry();
        if block(&mut archive, &name)? != tar::header(&name, file.bytes) {
            return Err(ArchiveError::Entry(name).into());
        }
        receiver.file(file)?;
        let (mut hasher, mut left) = (Sha256::new(), file.bytes);
        let mut buffer = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
        while left > 0 {
            let count = buffer.len().min(usize::try_from(left).unwrap_or(PIECE));
            let piece = &mut buffer[..count];
            fill(&mut archive, piece, &name)?;
            hasher.update(&*piece);
            receiver.piece(piece)?;
            left -= u64::try_from(count).unwrap_or(left);
        }
        if Sha256Hex::from_hasher(hasher) != file.sha256 {
            return Err(ArchiveError::Damaged(name).into());
        }
        nothing(&mut archive, tar::padding(file.bytes), &name)?;
        receiver.end_of_file()?;
    }
    nothing(&mut archive, 2 * tar::BLOCK, "the end of the archive")?;
    let mut beyond = [0];
    match archive.read(&mut beyond) {
        Ok(0) => Ok(manifest),
        Ok(_) => Err(ArchiveError::Trailing.into()),
        Err(error) => Err(ArchiveError::Unreadable(error.to_string()).into()),
    }
}

/// Reads `archive` to its end and checks every byte of it.
pub fn verify(archive: impl Read) -> Result<Manifest, ArchiveError> {
    read(archive, &mut Nobody)
}

/// Looks only.
struct Nobody;

impl Receiver for Nobody {
    type Error = ArchiveError;

    fn begin(&mut self, _: &Manifest) -> Result<(), ArchiveError> {
        Ok(())
    }

    fn file(&mut self, _: &File) -> Result<(), ArchiveError> {
        Ok(())
    }

    fn piece(&mut self, _: &[u8]) -> Result<(), ArchiveError> {
        Ok(())
    }

    fn end_of_file(&mut self) -> Result<(), ArchiveError> {
        Ok(())
    }
}

fn manifest(archive: &mut impl Read) -> Result<Manifest, ArchiveError> {
    let header = block(archive, MANIFEST_ENTRY)?;
    let bytes = tar::stated_size(&header)?;
    if header != tar::header(MANIFEST_ENTRY, bytes) {
        return Err(ArchiveError::NotAnArchive);
    }
    if bytes > MANIFEST_MAX {
        return Err(ArchiveError::Manifest(format!("it is larger than {MANIFEST_MAX} bytes")));
    }
    let manifest = content(archive, bytes, MANIFEST_ENTRY)?;
    let expected = Manifest::digest_line(&manifest);
    let length = u64::try_from(expected.len()).unwrap_or(u64::MAX);
    if block(archive, DIGEST_ENTRY)? != tar::header(DIGEST_ENTRY, length) {
        return Err(ArchiveError::Entry(DIGEST_ENTRY.to_owned()));
    }
    if content(archive, length, DIGEST_ENTRY)? != expected.as_bytes() {
        return Err(ArchiveError::Damaged(MANIFEST_ENTRY.to_owned()));
    }
    Manifest::from_bytes(&manifest)
}

fn content(archive: &mut impl Read, bytes: u64, name: &str) -> Result<Vec<u8>, ArchiveError> {
    let mut content = vec![0; usize::try_from(bytes).unwrap_or(0)];
    fill(archive, &mut content, name)?;
    nothing(archive, tar::padding(bytes), name)?;
    Ok(content)
}

fn block(archive: &mut impl Read, name: &str) -> Result<tar::Block, ArchiveError> {
    let mut block = [0; tar::BLOCK];
    fill(archive, &mut block, name)?;
    Ok(block)
}

fn nothing(archive: &mut impl Read, count: usize, name: &str) -> Result<(), ArchiveError> {
    let mut filling = [0; 2 * tar::BLOCK];
    fill(archive, &mut filling[..count], name)?;
    if filling.iter().any(|byte| *byte != 0) {
        return Err(ArchiveError::Entry(name.to_owned()));
    }
    Ok(())
}

fn fill(archive: &mut impl Read, buffer: &mut [u8], name: &str) -> Result<(), ArchiveError> {
    archive.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::Truncated(name.to_owned()),
        _ => ArchiveError::Unreadable(error.to_string()),
    })
}

#[cfg(test)]
mod tests;
