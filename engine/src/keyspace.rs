//! The data model: what is stored, under which bytes and in which order. Pure, without I/O.
//!
//! Every key is a table's tag byte followed by fields whose byte order is their natural order, so
//! that a range of keys is a question about the data. Values are JSON, except where a row is large
//! or written often: those are bytes of their own ([`StoredValue`]).

mod encoding;
pub mod id;
mod range;
pub mod tables;
mod value;

pub use self::{
    encoding::{KeyError, KeyReader, KeyWriter},
    id::Id,
    range::{KeyRange, Order},
    value::{StoredValue, ValueError},
};

/// One logical table.
pub trait Table {
    /// What errors call it.
    const NAME: &'static str;
    /// The first byte of its keys. Written to disk: never change, never reuse.
    const TAG: u8;
    /// How rows are found. Its byte order is its scan order.
    type Key: Key;
    /// What a row holds.
    type Value: StoredValue;
    /// Whether the storage itself sees to it that what a transaction has read of this table is
    /// still so when it commits.
    ///
    /// Tables of many, large rows turn it off. Each group of their rows (the pages of one database)
    /// is then guarded by one tracked row: whoever reads or writes one of the group for the sake of
    /// a write also reads the guard, and whoever writes one also writes the guard. Two transactions
    /// that would disturb each other meet at the guard, and the storage remembers one key for them
    /// instead of hundreds.
    const TRACKED: bool = true;
}

/// The key of a table: fields written in order, and read back in the same order.
pub trait Key: Sized {
    /// Appends the fields. Written to disk: never change an existing encoding.
    fn write(&self, bytes: &mut KeyWriter);

    /// Reads what [`Key::write`] wrote.
    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError>;
}

/// The bytes under which `T` keeps the row of `key`.
pub fn key_bytes<T: Table>(key: &T::Key) -> Vec<u8> {
    let mut writer = KeyWriter::new(T::TAG);
    key.write(&mut writer);
    writer.finish()
}

/// The key that [`key_bytes`] encoded.
pub fn parse_key<T: Table>(bytes: &[u8]) -> Result<T::Key, KeyError> {
    let mut reader = KeyReader::new(bytes);
    reader.tag(T::TAG)?;
    let key = T::Key::read(&mut reader)?;
    reader.finish()?;
    Ok(key)
}
