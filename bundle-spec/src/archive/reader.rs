//! Reading headers in order, and refusing everything that the writer does not write.
//!
//! Lengths come from the file and are believed by nobody: content is read into memory only up to
//! a limit of the format, in steps, so that a lie about a length costs no memory.

use std::io::{self, Read, Seek, SeekFrom};

use super::{BLOCK, BLOCK_LENGTH, END, Member, diagnose, header, padding};
use crate::error::BundleError;

/// Reads one bundle from front to back.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    source: R,
    at: u64,
    length: u64,
    last: Option<Member>,
}

/// One well-formed header, or the beginning of the end marker.
pub(crate) enum Next {
    /// A member and the length of its content.
    Member { member: Member, size: u64 },
    /// A block of zeros; it has not been taken.
    End,
}

impl<R: Read + Seek> Reader<R> {
    /// Starts at the first byte.
    pub(crate) fn new(mut source: R) -> Result<Self, BundleError> {
        let length = source.seek(SeekFrom::End(0)).map_err(BundleError::Read)?;
        source.seek(SeekFrom::Start(0)).map_err(BundleError::Read)?;
        Ok(Self { source, at: 0, length, last: None })
    }

    /// Where the next byte comes from.
    pub(crate) fn position(&self) -> u64 {
        self.at
    }

    /// How long the file is.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn into_source(self) -> R {
        self.source
    }

    /// Looks at the next header without taking it.
    pub(crate) fn peek(&mut self) -> Result<Next, BundleError> {
        let mut block = [0; BLOCK_LENGTH];
        self.read(&mut block, "a tar header")?;
        self.seek(self.at - BLOCK)?;
        if block == [0; BLOCK_LENGTH] {
            return Ok(Next::End);
        }
        let diagnose::Found { member, size } = diagnose::read(&block, self.at)?;
        if self.last.is_some_and(|last| member <= last) {
            let expected = "a member later in the order".to_owned();
            return Err(BundleError::Order { at: self.at, found: member.to_string(), expected });
        }
        Ok(Next::Member { member, size })
    }

    /// Takes the header of this member, which must be next.
    pub(crate) fn take_header(&mut self, member: Member, size: u64) -> Result<(), BundleError> {
        let mut block = [0; BLOCK_LENGTH];
        self.read(&mut block, "a tar header")?;
        // The bytes may have changed since they were looked at: what decides is this comparison.
        if block != header(&member.to_string(), size) {
            let (at, expected) = (self.at - BLOCK, member.to_string());
            let found = "a header that changed while it was read".to_owned();
            return Err(BundleError::Order { at, found, expected });
        }
        self.last = Some(member);
        Ok(())
    }

    /// Takes content into memory, with the padding after it.
    pub(crate) fn content(&mut self, member: Member, size: u64) -> Result<Vec<u8>, BundleError> {
        let name = member.to_string();
        self.expect_room(size, &name)?;
        let mut bytes = Vec::new();
        let read =
            self.source.by_ref().take(size).read_to_end(&mut bytes).map_err(BundleError::Read)?;
        self.at += read as u64;
        if read as u64 != size {
            return Err(BundleError::Truncated { end: self.at, what: name });
        }
        self.padding(member, size)?;
        Ok(bytes)
    }

    /// Passes over content; says where it starts.
    pub(crate) fn skip(&mut self, member: Member, size: u64) -> Result<u64, BundleError> {
        let start = self.at;
        self.expect_room(size, &member.to_string())?;
        self.seek(start + size)?;
        self.padding(member, size)?;
        Ok(start)
    }

    /// Takes the end marker, after which nothing may follow.
    pub(crate) fn end(&mut self) -> Result<(), BundleError> {
        let mut zeros = [0; END.len()];
        let start = self.at;
        self.read(&mut zeros, "the end marker")?;
        if zeros != END || self.at != self.length {
            let odd = zeros.iter().position(|byte| *byte != 0).unwrap_or(END.len());
            return Err(BundleError::Trailer { at: start + odd as u64 });
        }
        Ok(())
    }

    fn padding(&mut self, member: Member, size: u64) -> Result<(), BundleError> {
        let mut bytes = [0; BLOCK_LENGTH];
        let bytes = &mut bytes[..usize::try_from(padding(size)).expect("padding is below 512")];
        self.read(bytes, "padding")?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Err(BundleError::Padding { after: member.to_string() });
        }
        Ok(())
    }

    fn expect_room(&self, size: u64, what: &str) -> Result<(), BundleError> {
        if size <= self.length.saturating_sub(self.at) {
            return Ok(());
        }
        Err(BundleError::Truncated { end: self.length, what: what.to_owned() })
    }

    fn read(&mut self, buffer: &mut [u8], what: &str) -> Result<(), BundleError> {
        self.source.read_exact(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                BundleError::Truncated { end: self.length, what: what.to_owned() }
            }
            _ => BundleError::Read(error),
        })?;
        self.at += buffer.len() as u64;
        Ok(())
    }

    fn seek(&mut self, to: u64) -> Result<(), BundleError> {
        self.source.seek(SeekFrom::Start(to)).map_err(BundleError::Read)?;
        self.at = to;
        Ok(())
    }
}
