//! Typed rows over an attempt: reads see the transaction's own writes, and are remembered.

use std::collections::BTreeMap;

use super::{Attempt, Pending, Purpose, ReadSet, Row, StorageError, WriteSet};
use crate::keyspace::{KeyRange, Order, StoredValue, Table, key_bytes, parse_key};

/// Up to how many rows are erased one by one. A range that is erased as such costs every later
/// read a look at it until it is compacted away, so few rows are better named.
const ERASED_ONE_BY_ONE: usize = if cfg!(test) { 3 } else { 256 };

/// A key of `T` and its row.
pub type TypedRow<T> = (<T as Table>::Key, <T as Table>::Value);

/// Reads and writes that happen together or not at all.
#[derive(Debug)]
pub struct Transaction<'s> {
    attempt: Box<dyn Attempt + 's>,
    reads: ReadSet,
    erased: Vec<KeyRange>,
    writes: BTreeMap<Vec<u8>, Change>,
}

/// What becomes of a key.
#[derive(Debug, Clone)]
struct Change {
    value: Option<Vec<u8>>,
    tracked: bool,
}

impl<'s> Transaction<'s> {
    pub(super) fn new(attempt: Box<dyn Attempt + 's>) -> Self {
        Self { attempt, reads: ReadSet::default(), erased: Vec::new(), writes: BTreeMap::new() }
    }

    /// The row at `key`, if there is one.
    pub fn get<T: Table>(&mut self, key: &T::Key) -> Result<Option<T::Value>, StorageError> {
        let key = key_bytes::<T>(key);
        let value = if let Some(written) = self.writes.get(&key) {
            written.value.clone()
        } else if self.erased.iter().any(|range| range.contains(&key)) {
            None
        } else {
            let stored = self.attempt.get(&key)?;
            if T::TRACKED {
                self.reads.keys.insert(key.clone());
            }
            stored
        };
        value.map(|value| decode::<T>(&key, &value)).transpose()
    }

    /// Up to `limit` rows of `range`, which must lie within `T`.
    pub fn range<T: Table>(
        &mut self,
        range: &KeyRange,
        order: Order,
        limit: usize,
    ) -> Result<Vec<TypedRow<T>>, StorageError> {
        let rows = self.rows(range, order, limit, T::TRACKED)?;
        rows.iter()
            .map(|(key, value)| {
                let parsed = parse_key::<T>(key).map_err(|error| corrupt::<T>(key, &error))?;
                Ok((parsed, decode::<T>(key, value)?))
            })
            .collect()
    }

    /// Adds or replaces the row at `key`.
    pub fn put<T: Table>(&mut self, key: &T::Key, value: &T::Value) {
        let change = Change { value: Some(value.encode()), tracked: T::TRACKED };
        self.writes.insert(key_bytes::<T>(key), change);
    }

    /// How many rows there were in `range` when the transaction began; at most `limit` are counted.
    /// For reports: that others change the number is no conflict.
    pub fn count(&mut self, range: &KeyRange, limit: usize) -> Result<usize, StorageError> {
        Ok(self.attempt.keys(range, limit)?.len())
    }

    /// Removes the row at `key`, if there is one.
    pub fn delete<T: Table>(&mut self, key: &T::Key) {
        self.writes.insert(key_bytes::<T>(key), Change { value: None, tracked: T::TRACKED });
    }

    /// Removes all rows of `range`, which must lie within the untracked table `T`, however many
    /// there are.
    pub fn erase<T: Table>(&mut self, range: KeyRange) -> Result<(), StorageError> {
        const { assert!(!T::TRACKED, "nobody would notice that a tracked row was erased") };
        self.writes.retain(|key, _| !range.contains(key));
        let keys = self.attempt.keys(&range, ERASED_ONE_BY_ONE + 1)?;
        if keys.len() > ERASED_ONE_BY_ONE {
            self.erased.push(range);
        } else {
            let gone = Change { value: None, tracked: false };
            self.writes.extend(keys.into_iter().map(|key| (key, gone.clone())));
        }
        Ok(())
    }

    /// Sends the writes off. `None`: there are none, and what was read was one moment's truth.
    #[cfg(test)]
    pub(super) fn commit(self) -> Option<Pending> {
        self.commit_for(Purpose::Growth)
    }

    /// The same, for a purpose.
    pub(super) fn commit_for(self, purpose: Purpose) -> Option<Pending> {
        if self.writes.is_empty() && self.erased.is_empty() {
            return None;
        }
        let mut writes = WriteSet { purpose, erased: self.erased, ..WriteSet::default() };
        for (key, Change { value, tracked }) in self.writes {
            let list = if tracked { &mut writes.tracked } else { &mut writes.untracked };
            list.push((key, value));
        }
        Some(self.attempt.commit(self.reads, writes))
    }

    fn rows(
        &mut self,
        range: &KeyRange,
        order: Order,
        limit: usize,
        tracked: bool,
    ) -> Result<Vec<Row>, StorageError> {
        if limit == 0 || range.is_empty() {
            return Ok(Vec::new());
        }
        let own: Vec<_> = self
            .writes
            .range(range.start.clone()..range.end.clone())
            .map(|(key, change)| (key.clone(), change.value.clone()))
            .collect();
        // Each own delete can hide one stored row, so that many more are needed.
        let wanted = limit.saturating_add(own.len());
        let stored = self.stored(range, order, wanted)?;
        if tracked {
            self.reads.ranges.push(seen(range, order, &stored, wanted));
        }

        let mut merged: BTreeMap<_, _> =
            stored.into_iter().map(|(key, value)| (key, Some(value))).collect();
        merged.extend(own);
        let present = merged.into_iter().filter_map(|(key, value)| Some((key, value?)));
        Ok(match order {
            Order::Ascending => present.take(limit).collect(),
            Order::Descending => present.rev().take(limit).collect(),
        })
    }

    /// Up to `limit` stored rows of `range` that this transaction has not erased.
    fn stored(
        &self,
        range: &KeyRange,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>, StorageError> {
        let mut parts = outside(range, &self.erased);
        if order == Order::Descending {
            parts.reverse();
        }
        let mut rows = Vec::new();
        for part in parts {
            rows.extend(self.attempt.range(&part, order, limit.saturating_sub(rows.len()))?);
        }
        Ok(rows)
    }
}

/// The parts of `range` that are in none of `holes`, in ascending order.
fn outside(range: &KeyRange, holes: &[KeyRange]) -> Vec<KeyRange> {
    let mut parts = vec![range.clone()];
    for hole in holes {
        parts = parts
            .into_iter()
            .flat_map(|KeyRange { start, end }| {
                let before =
                    KeyRange { start: start.clone(), end: end.clone().min(hole.start.clone()) };
                let after = KeyRange { start: start.max(hole.end.clone()), end };
                [before, after]
            })
            .filter(|part| !part.is_empty())
            .collect();
    }
    parts
}

/// The part of `range` that the rows speak about: where the read stopped, nothing is known.
fn seen(range: &KeyRange, order: Order, rows: &[Row], wanted: usize) -> KeyRange {
    let mut seen = range.clone();
    if let (Some((last, _)), true) = (rows.last(), rows.len() >= wanted) {
        match order {
            Order::Ascending => {
                seen.end.clone_from(last);
                seen.end.push(0);
            }
            Order::Descending => seen.start.clone_from(last),
        }
    }
    seen
}

fn decode<T: Table>(key: &[u8], value: &[u8]) -> Result<T::Value, StorageError> {
    T::Value::decode(value).map_err(|error| corrupt::<T>(key, &error))
}

fn corrupt<T: Table>(key: &[u8], reason: &dyn std::error::Error) -> StorageError {
    use std::fmt::Write as _;

    let hex = key.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes any text");
        hex
    });
    StorageError::Corrupt { table: T::NAME, key: hex, reason: reason.to_string() }
}
