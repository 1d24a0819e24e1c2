//! Fields as bytes that sort like the fields, and back.

use super::Id;

/// Writes the fields of one key.
#[derive(Debug)]
pub struct KeyWriter(Vec<u8>);

impl KeyWriter {
    /// Starts a key of the table with this tag.
    pub fn new(tag: u8) -> Self {
        Self(vec![tag])
    }

    /// Appends text so that it ends before everything that it is a prefix of.
    ///
    /// A zero byte is written as `00 FF`, and `00 00` ends the text: nothing that continues the
    /// text can sort before its end.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for &byte in text.as_bytes() {
            self.0.push(byte);
            if byte == 0 {
                self.0.push(0xFF);
            }
        }
        self.0.extend_from_slice(&[0, 0]);
        self
    }

    /// Appends a number, most significant byte first.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Appends a small number, most significant byte first.
    pub fn short(&mut self, number: u32) -> &mut Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Appends bytes as they are. They have to be the last field: nothing marks their end.
    pub fn rest(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Appends an id: always 19 bytes.
    pub fn id(&mut self, id: &Id) -> &mut Self {
        self.0.extend_from_slice(id.as_bytes());
        self
    }

    /// The bytes of the key.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// A stored key is not what its table's keys look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key is not one of this table")]
pub struct KeyError;

/// Reads the fields of one key.
#[derive(Debug)]
pub struct KeyReader<'k>(&'k [u8]);

impl<'k> KeyReader<'k> {
    /// Reads `bytes` from the start.
    pub fn new(bytes: &'k [u8]) -> Self {
        Self(bytes)
    }

    /// Steps over the tag.
    pub fn tag(&mut self, tag: u8) -> Result<(), KeyError> {
        if self.take(1)? == [tag] { Ok(()) } else { Err(KeyError) }
    }

    /// Reads what [`KeyWriter::text`] wrote.
    pub fn text(&mut self) -> Result<String, KeyError> {
        let mut text = Vec::new();
        loop {
            match self.take(1)? {
                [0] => match self.take(1)? {
                    [0] => return String::from_utf8(text).map_err(|_| KeyError),
                    [0xFF] => text.push(0),
                    _ => return Err(KeyError),
                },
                byte => text.extend_from_slice(byte),
            }
        }
    }

    /// Reads what [`KeyWriter::number`] wrote.
    pub fn number(&mut self) -> Result<u64, KeyError> {
        let bytes = self.take(8)?.try_into().map_err(|_| KeyError)?;
        Ok(u64::from_be_bytes(bytes))
    }

    /// Reads what [`KeyWriter::short`] wrote.
    pub fn short(&mut self) -> Result<u32, KeyError> {
        let bytes = self.take(4)?.try_into().map_err(|_| KeyError)?;
        Ok(u32::from_be_bytes(bytes))
    }

    /// Reads what [`KeyWriter::rest`] wrote.
    pub fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0).to_owned()
    }

    /// Reads what [`KeyWriter::id`] wrote.
    pub fn id(&mut self) -> Result<Id, KeyError> {
        Id::from_slice(self.take(Id::LENGTH)?).ok_or(KeyError)
    }

    /// Refuses bytes that nobody read.
    pub fn finish(self) -> Result<(), KeyError> {
        if self.0.is_empty() { Ok(()) } else { Err(KeyError) }
    }

    fn take(&mut self, count: usize) -> Result<&'k [u8], KeyError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(KeyError)?;
        self.0 = rest;
        Ok(taken)
    }
}
