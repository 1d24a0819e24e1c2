//! Typed rows over an attempt: reads see the transaction's own writes, and are remembered.

use std::collections::BTreeMap;

use super::{Attempt, Pending, ReadSet, Row, StorageError, Write};
use crate::keyspace::{KeyRange, Order, Table, key_bytes, parse_key};

/// A key of `T` and its row.
pub type TypedRow<T> = (<T as Table>::Key, <T as Table>::Value);

/// Reads and writes that happen together or not at all.
#[derive(Debug)]
pub struct Transaction<'s> {
    attempt: Box<dyn Attempt + 's>,
    reads: ReadSet,
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'s> Transaction<'s> {
    pub(super) fn new(attempt: Box<dyn Attempt + 's>) -> Self {
        Self { attempt, reads: ReadSet::default(), writes: BTreeMap::new() }
    }

    /// The row at `key`, if there is one.
    pub fn get<T: Table>(&mut self, key: &T::Key) -> Result<Option<T::Value>, StorageError> {
        let key = key_bytes::<T>(key);
        let value = if let Some(written) = self.writes.get(&key) {
            written.clone()
        } else {
            let stored = self.attempt.get(&key)?;
            self.reads.keys.insert(key.clone());
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
        let rows = self.rows(range, order, limit)?;
        rows.iter()
            .map(|(key, value)| {
                let parsed = parse_key::<T>(key).map_err(|error| corrupt::<T>(key, &error))?;
                Ok((parsed, decode::<T>(key, value)?))
            })
            .collect()
    }

    /// Adds or replaces the row at `key`.
    pub fn put<T: Table>(&mut self, key: &T::Key, value: &T::Value) {
        let value = serde_json::to_vec(value).expect("rows have string keys and finite numbers");
        self.writes.insert(key_bytes::<T>(key), Some(value));
    }

    /// Removes the row at `key`, if there is one.
    pub fn delete<T: Table>(&mut self, key: &T::Key) {
        self.writes.insert(key_bytes::<T>(key), None);
    }

    /// Sends the writes off. `None`: there are none, and what was read was one moment's truth.
    pub(super) fn commit(self) -> Option<Pending> {
        if self.writes.is_empty() {
            return None;
        }
        let writes: Vec<Write> = self.writes.into_iter().collect();
        Some(self.attempt.commit(self.reads, writes))
    }

    fn rows(
        &mut self,
        range: &KeyRange,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>, StorageError> {
        if limit == 0 || range.is_empty() {
            return Ok(Vec::new());
        }
        let own: Vec<_> = self
            .writes
            .range(range.start.clone()..range.end.clone())
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        // Each own delete can hide one stored row, so that many more are needed.
        let wanted = limit.saturating_add(own.len());
        let stored = self.attempt.range(range, order, wanted)?;
        self.reads.ranges.push(seen(range, order, &stored, wanted));

        let mut merged: BTreeMap<_, _> =
            stored.into_iter().map(|(key, value)| (key, Some(value))).collect();
        merged.extend(own);
        let present = merged.into_iter().filter_map(|(key, value)| Some((key, value?)));
        Ok(match order {
            Order::Ascending => present.take(limit).collect(),
            Order::Descending => present.rev().take(limit).collect(),
        })
    }
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
    serde_json::from_slice(value).map_err(|error| corrupt::<T>(key, &error))
}

fn corrupt<T: Table>(key: &[u8], reason: &dyn std::error::Error) -> StorageError {
    use std::fmt::Write as _;

    let hex = key.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes any text");
        hex
    });
    StorageError::Corrupt { table: T::NAME, key: hex, reason: reason.to_string() }
}
