//! Writing members one after the other. What is written depends on names and bytes alone.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

use super::{BLOCK_LENGTH, END, Member, header, padding};
use crate::digest::Sha256Digest;

/// How much is copied at once.
const BUFFER: usize = 1 << 20;

/// Writes the members of one bundle.
#[derive(Debug)]
pub(crate) struct ArchiveWriter<'a, W: Write> {
    out: &'a mut W,
    written: u64,
}

impl<'a, W: Write> ArchiveWriter<'a, W> {
    pub(crate) fn new(out: &'a mut W) -> Self {
        Self { out, written: 0 }
    }

    /// Writes a member that is in memory.
    pub(crate) fn put(&mut self, member: Member, content: &[u8]) -> io::Result<()> {
        self.head(member, content.len() as u64)?;
        self.out.write_all(content)?;
        self.tail(content.len() as u64)
    }

    /// Writes a blob from a reader, which must yield exactly `size` bytes; says what their digest
    /// is and how many there were, so that the caller can refuse them.
    pub(crate) fn copy(
        &mut self,
        member: Member,
        size: u64,
        source: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
    ) -> io::Result<Copied> {
        self.head(member, size)?;
        let mut buffer = vec![0; BUFFER];
        let mut hasher = Sha256::new();
        let mut length = 0_u64;
        // One byte more than promised is asked for, so that a source that goes on is noticed.
        let mut source = source.take(size.saturating_add(1));
        loop {
            let read = match source.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Copied::SourceFailed(error)),
            };
            hasher.update(&buffer[..read]);
            self.out.write_all(&buffer[..read])?;
            length += read as u64;
            progress(read as u64);
        }
        if length == size {
            self.tail(size)?;
        }
        Ok(Copied::Done { digest: Sha256Digest::from_bytes(hasher.finalize().into()), length })
    }

    /// How many bytes were written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Writes the end marker; says how long the file is.
    pub(crate) fn finish(mut self) -> io::Result<u64> {
        self.write(&END)?;
        self.out.flush()?;
        Ok(self.written)
    }

    fn head(&mut self, member: Member, size: u64) -> io::Result<()> {
        self.write(&header(&member.to_string(), size))
    }

    fn tail(&mut self, size: u64) -> io::Result<()> {
        self.written += size;
        let zeros = [0; BLOCK_LENGTH];
        let length = usize::try_from(padding(size)).expect("padding is below 512");
        self.write(&zeros[..length])
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// What came out of a blob's source.
pub(crate) enum Copied {
    /// It ended.
    Done { digest: Sha256Digest, length: u64 },
    /// It could not be read.
    SourceFailed(io::Error),
}
