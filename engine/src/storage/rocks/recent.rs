//! What was written lately, and by which commit: enough to see whether a read is still true.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{keyspace::KeyRange, storage::ReadSet};

/// How many bytes of memory the writes may take. An attempt that began before the oldest of those
/// that are remembered is refused and begins again, which is rare and harmless.
const REMEMBERED: usize = 2 << 20;

/// What a write takes beside its key: the entry in each of the two collections, and the counters
/// of the key that they share.
const OVERHEAD: usize = 80;

/// Recent writes.
#[derive(Debug, Default)]
pub(super) struct RecentWrites {
    newest: BTreeMap<Arc<[u8]>, u64>,
    in_order: VecDeque<(u64, Arc<[u8]>)>,
    /// What both take, at most.
    bytes: usize,
    /// Of commits up to this one, some writes are forgotten.
    forgotten: u64,
}

impl RecentWrites {
    /// Whether nothing in `reads` was written after commit `version`.
    pub(super) fn allow(&self, version: u64, reads: &ReadSet) -> bool {
        version >= self.forgotten
            && reads
                .keys
                .iter()
                .all(|key| self.newest.get(key.as_slice()).is_none_or(|at| *at <= version))
            && reads.ranges.iter().all(|range| self.unwritten(version, range))
    }

    /// Remembers that commit `version` wrote `key`.
    pub(super) fn add(&mut self, version: u64, key: &[u8]) {
        let key: Arc<[u8]> = key.into();
        self.newest.insert(Arc::clone(&key), version);
        self.bytes += key.len() + OVERHEAD;
        self.in_order.push_back((version, key));
        while self.bytes > REMEMBERED
            && let Some((oldest, key)) = self.in_order.pop_front()
        {
            self.bytes -= key.len() + OVERHEAD;
            self.forgotten = oldest;
            if self.newest.get(&key) == Some(&oldest) {
                self.newest.remove(&key);
            }
        }
    }

    fn unwritten(&self, version: u64, range: &KeyRange) -> bool {
        range.is_empty()
            || self
                .newest
                .range::<[u8], _>((
                    std::ops::Bound::Included(range.start.as_slice()),
                    std::ops::Bound::Excluded(range.end.as_slice()),
                ))
                .all(|(_, at)| *at <= version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(key: &[u8]) -> ReadSet {
        ReadSet { keys: [key.to_owned()].into(), ranges: Vec::new() }
    }

    #[test]
    fn a_read_older_than_everything_remembered_is_refused() {
        let mut recent = RecentWrites::default();
        let fit = u64::try_from(REMEMBERED / (8 + OVERHEAD)).unwrap();
        for version in 1..=fit + 10 {
            recent.add(version, &version.to_be_bytes());
        }

        assert!(!recent.allow(5, &reading(b"never written")));
        assert!(recent.allow(10, &reading(b"never written")));
    }

    #[test]
    fn memory_stays_bounded() {
        let mut recent = RecentWrites::default();
        for version in 1..=200_000_u64 {
            recent.add(version, &(version % 7).to_be_bytes());
        }

        assert_eq!(recent.in_order.len(), REMEMBERED / (8 + OVERHEAD));
        assert_eq!(recent.newest.len(), 7);
    }

    #[test]
    fn long_keys_push_out_more_than_short_ones() {
        let mut recent = RecentWrites::default();
        for version in 1..=10_u64 {
            recent.add(version, &vec![u8::try_from(version).unwrap(); 1 << 20]);
        }

        assert!(recent.in_order.len() <= 2);
        assert!(!recent.allow(7, &reading(b"never written")));
    }
}
