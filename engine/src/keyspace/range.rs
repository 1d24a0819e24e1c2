//! A half-open range of keys, and the direction in which it is read.

use super::{Key, KeyWriter, Table, key_bytes};

/// The keys from `start` (included) to `end` (excluded).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key that is in the range.
    pub start: Vec<u8>,
    /// The first key that is not in it any more.
    pub end: Vec<u8>,
}

/// The direction in which a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Largest key first.
    Descending,
}

impl KeyRange {
    /// Every row of `T`.
    pub fn table<T: Table>() -> Self {
        Self::prefix(vec![T::TAG])
    }

    /// Every row of `T` whose first fields are those that `fields` writes.
    pub fn starting_with<T: Table>(fields: impl FnOnce(&mut KeyWriter)) -> Self {
        let mut writer = KeyWriter::new(T::TAG);
        fields(&mut writer);
        Self::prefix(writer.finish())
    }

    /// The part of the range that comes after the row of `key`.
    #[must_use]
    pub fn after<T: Table>(mut self, key: &T::Key) -> Self
    where
        T::Key: Key,
    {
        let mut next = key_bytes::<T>(key);
        next.push(0);
        self.start = self.start.max(next);
        self
    }

    /// Whether `key` is in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.start.as_slice() <= key && key < self.end.as_slice()
    }

    /// Whether no key can be in the range.
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    fn prefix(start: Vec<u8>) -> Self {
        let mut end = start.clone();
        // Tags end at 0xFE, so that there is always a byte left to count up.
        while let Some(last) = end.pop() {
            if last < 0xFF {
                end.push(last + 1);
                break;
            }
        }
        Self { start, end }
    }
}
