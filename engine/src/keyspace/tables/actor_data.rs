//! What actors keep: the entries of their key-value store, the pages of their SQLite database.

use serde::{Deserialize, Serialize};

use crate::keyspace::{
    Id, Key, KeyError, KeyRange, KeyReader, KeyWriter, StoredValue, Table, ValueError,
    value::json_rows,
};

/// How many bytes a page has.
pub const PAGE_SIZE: usize = 4096;

/// How much each actor keeps in its key-value store. Guards [`KvEntries`].
#[derive(Debug)]
pub struct KvUsages;

/// The entries of actors' key-value stores.
#[derive(Debug)]
pub struct KvEntries;

/// The state of each actor's database. Guards [`SqlitePages`], and [`StagedPages`] once they
/// are published.
#[derive(Debug)]
pub struct SqliteHeads;

/// The pages of actors' databases.
#[derive(Debug)]
pub struct SqlitePages;

/// Commits that actors send in parts. Guards [`StagedSegments`] and [`StagedPages`] of theirs.
#[derive(Debug)]
pub struct SqliteStages;

/// The parts that have arrived of staged commits.
#[derive(Debug)]
pub struct StagedSegments;

/// The pages of staged commits, until they are published and folded into [`SqlitePages`].
#[derive(Debug)]
pub struct StagedPages;

/// Actors whose data is to be removed. Nobody but the one who removes it deletes a row.
#[derive(Debug)]
pub struct ActorPurges;

/// The size of a key-value store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvUsageRow {
    /// The bytes of all keys and values.
    pub bytes: u64,
}

/// The key of [`KvEntries`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KvEntryKey {
    /// Whose entry it is.
    pub actor: Id,
    /// The actor's name for it: any bytes.
    pub key: Vec<u8>,
}

/// An entry of a key-value store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvEntryRow {
    /// When it was written, in milliseconds.
    pub update_ts: u64,
    /// What was written.
    pub value: Vec<u8>,
}

/// The state of a database. There is none until something was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqliteHeadRow {
    /// How many commits there were.
    pub txid: u64,
    /// How many pages the database has. No page above is kept.
    pub size_pages: u32,
    /// The staged commit whose pages lie over those of [`SqlitePages`] until they are folded in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<u64>,
}

/// The key of [`SqlitePages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageKey {
    /// Whose page it is.
    pub actor: Id,
    /// Its number, from 1 on.
    pub pgno: u32,
}

/// A page: [`PAGE_SIZE`] bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRow(pub Vec<u8>);

/// A commit that comes in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqliteStageRow {
    /// The number that the commit will have.
    pub txid: u64,
    /// How many segments have arrived.
    pub segments: u32,
    /// How many pages were in them.
    pub pages: u64,
    /// The first page of the last segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_segment: Option<u32>,
}

/// The key of [`StagedSegments`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentKey {
    /// Whose commit it is part of.
    pub actor: Id,
    /// The number of the commit.
    pub txid: u64,
    /// Where it begins.
    pub first_pgno: u32,
}

/// A segment that has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRow {}

/// The key of [`StagedPages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StagedPageKey {
    /// Whose page it is.
    pub actor: Id,
    /// The number of the commit.
    pub txid: u64,
    /// The number of the page.
    pub pgno: u32,
}

/// A removal that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeRow {}

json_rows!(KvUsageRow, SqliteHeadRow, SqliteStageRow, SegmentRow, PurgeRow);

macro_rules! table {
    ($table:ident, $name:literal, $tag:literal, $key:ty, $value:ty, tracked: $tracked:literal) => {
        impl Table for $table {
            const NAME: &'static str = $name;
            const TAG: u8 = $tag;
            type Key = $key;
            type Value = $value;
            const TRACKED: bool = $tracked;
        }
    };
}

table!(KvUsages, "sizes of key-value stores", 0x40, Id, KvUsageRow, tracked: true);
table!(KvEntries, "key-value entries", 0x41, KvEntryKey, KvEntryRow, tracked: false);
table!(SqliteHeads, "databases", 0x42, Id, SqliteHeadRow, tracked: true);
table!(SqlitePages, "pages", 0x43, PageKey, PageRow, tracked: false);
table!(SqliteStages, "staged commits", 0x44, Id, SqliteStageRow, tracked: true);
table!(StagedSegments, "staged segments", 0x45, SegmentKey, SegmentRow, tracked: false);
table!(StagedPages, "staged pages", 0x46, StagedPageKey, PageRow, tracked: false);
table!(ActorPurges, "removals", 0x47, Id, PurgeRow, tracked: false);

impl KvEntryKey {
    /// Every entry of an actor whose key begins with `prefix`.
    pub fn range_of_prefix(actor: &Id, prefix: &[u8]) -> KeyRange {
        KeyRange::starting_with::<KvEntries>(|key| {
            key.id(actor).rest(prefix);
        })
    }
}

impl PageKey {
    /// Every page of an actor.
    pub fn range_of_actor(actor: &Id) -> KeyRange {
        KeyRange::starting_with::<SqlitePages>(|key| {
            key.id(actor);
        })
    }
}

impl StagedPageKey {
    /// Every staged page of an actor.
    pub fn range_of_actor(actor: &Id) -> KeyRange {
        KeyRange::starting_with::<StagedPages>(|key| {
            key.id(actor);
        })
    }

    /// Every page of one staged commit.
    pub fn range_of_commit(actor: &Id, txid: u64) -> KeyRange {
        KeyRange::starting_with::<StagedPages>(|key| {
            key.id(actor).number(txid);
        })
    }
}

impl SegmentKey {
    /// Every staged segment of an actor.
    pub fn range_of_actor(actor: &Id) -> KeyRange {
        KeyRange::starting_with::<StagedSegments>(|key| {
            key.id(actor);
        })
    }
}

impl StoredValue for KvEntryRow {
    fn encode(&self) -> Vec<u8> {
        [&self.update_ts.to_be_bytes(), self.value.as_slice()].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, ValueError> {
        let (update_ts, value) = bytes
            .split_first_chunk()
            .ok_or_else(|| ValueError("an entry has at least 8 bytes".to_owned()))?;
        Ok(Self { update_ts: u64::from_be_bytes(*update_ts), value: value.to_owned() })
    }
}

/// How a page is kept.
const RAW: u8 = 0;
const LZ4: u8 = 1;

impl StoredValue for PageRow {
    /// Compressed where that makes it smaller: most pages are half empty, and what is small here
    /// is small in the log, in memory and on disk.
    fn encode(&self) -> Vec<u8> {
        let packed = lz4_flex::block::compress(&self.0);
        let (kind, bytes) =
            if packed.len() < self.0.len() { (LZ4, &packed) } else { (RAW, &self.0) };
        let mut row = Vec::with_capacity(1 + bytes.len());
        row.push(kind);
        row.extend_from_slice(bytes);
        row
    }

    fn decode(bytes: &[u8]) -> Result<Self, ValueError> {
        let page = match bytes {
            [RAW, page @ ..] => page.to_owned(),
            [LZ4, packed @ ..] => lz4_flex::block::decompress(packed, PAGE_SIZE)
                .map_err(|error| ValueError(error.to_string()))?,
            _ => return Err(ValueError("unknown kind of page".to_owned())),
        };
        if page.len() == PAGE_SIZE {
            Ok(Self(page))
        } else {
            Err(ValueError(format!("a page of {} bytes", page.len())))
        }
    }
}

impl Key for KvEntryKey {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.id(&self.actor).rest(&self.key);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        Ok(Self { actor: bytes.id()?, key: bytes.rest() })
    }
}

impl Key for PageKey {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.id(&self.actor).short(self.pgno);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        Ok(Self { actor: bytes.id()?, pgno: bytes.short()? })
    }
}

impl Key for SegmentKey {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.id(&self.actor).number(self.txid).short(self.first_pgno);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        Ok(Self { actor: bytes.id()?, txid: bytes.number()?, first_pgno: bytes.short()? })
    }
}

impl Key for StagedPageKey {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.id(&self.actor).number(self.txid).short(self.pgno);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        Ok(Self { actor: bytes.id()?, txid: bytes.number()?, pgno: bytes.short()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keyspace::{key_bytes, parse_key};

    fn id(byte: u8) -> Id {
        let mut bytes = [byte; Id::LENGTH];
        bytes[0] = 1;
        Id::from_slice(&bytes).unwrap()
    }

    fn entry_key() -> impl Strategy<Value = KvEntryKey> {
        (0..3_u8, "[\0\u{1}a]{0,4}")
            .prop_map(|(actor, key)| KvEntryKey { actor: id(actor), key: key.into_bytes() })
    }

    fn staged_page_key() -> impl Strategy<Value = StagedPageKey> {
        (0..3_u8, 0..3_u64, any::<u32>()).prop_map(|(actor, txid, pgno)| StagedPageKey {
            actor: id(actor),
            txid,
            pgno,
        })
    }

    proptest! {
        #[test]
        fn byte_order_of_entries_is_their_order(a in entry_key(), b in entry_key()) {
            let (in_bytes_a, in_bytes_b) = (key_bytes::<KvEntries>(&a), key_bytes::<KvEntries>(&b));
            prop_assert_eq!(a.cmp(&b), in_bytes_a.cmp(&in_bytes_b));
            prop_assert_eq!(parse_key::<KvEntries>(&in_bytes_a), Ok(a));
        }

        #[test]
        fn byte_order_of_staged_pages_is_their_order(
            a in staged_page_key(),
            b in staged_page_key(),
        ) {
            let (in_bytes_a, in_bytes_b) =
                (key_bytes::<StagedPages>(&a), key_bytes::<StagedPages>(&b));
            prop_assert_eq!(a.cmp(&b), in_bytes_a.cmp(&in_bytes_b));
            prop_assert_eq!(parse_key::<StagedPages>(&in_bytes_a), Ok(a));
        }

        #[test]
        fn a_prefix_holds_its_entries_and_no_others(a in entry_key(), b in entry_key()) {
            let range = KvEntryKey::range_of_prefix(&a.actor, &a.key);
            let within = b.actor == a.actor && b.key.starts_with(&a.key);
            prop_assert_eq!(range.contains(&key_bytes::<KvEntries>(&b)), within);
        }

        #[test]
        fn a_page_comes_back_as_it_went(
            kinds in proptest::collection::vec(any::<bool>(), 16),
            noise in proptest::collection::vec(any::<u8>(), 256),
        ) {
            let zeroes = vec![0; 256];
            let page: Vec<u8> =
                kinds.into_iter().flat_map(|random| if random { &noise } else { &zeroes }).copied().collect();
            let row = PageRow(page);

            prop_assert!(row.encode().len() <= PAGE_SIZE + 1);
            prop_assert_eq!(PageRow::decode(&row.encode()), Ok(row));
        }

        #[test]
        fn no_bytes_make_the_reader_of_rows_panic(bytes in any::<Vec<u8>>()) {
            let _ = PageRow::decode(&bytes);
            let _ = PageRow::decode(&[&[LZ4], bytes.as_slice()].concat());
            let _ = KvEntryRow::decode(&bytes);
            let _ = parse_key::<StagedSegments>(&bytes);
        }
    }

    #[test]
    fn half_empty_pages_are_kept_small() {
        let mut page = vec![0; PAGE_SIZE];
        page[..100].fill(7);

        assert!(PageRow(page).encode().len() < 100);
    }

    /// These bytes are on customers' disks. If this test fails, write a migration, not a fix.
    #[test]
    fn the_keys_on_disk_have_not_changed() {
        let actor = id(7);
        let bytes = actor.as_bytes();
        let (txid, pgno) = (0x0102, 0x0304);

        assert_eq!(key_bytes::<KvUsages>(&actor), [&b"\x40"[..], bytes].concat());
        assert_eq!(
            key_bytes::<KvEntries>(&KvEntryKey { actor, key: b"a\0".to_vec() }),
            [&b"\x41"[..], bytes, b"a\0"].concat()
        );
        assert_eq!(key_bytes::<SqliteHeads>(&actor), [&b"\x42"[..], bytes].concat());
        assert_eq!(
            key_bytes::<SqlitePages>(&PageKey { actor, pgno }),
            [&b"\x43"[..], bytes, b"\0\0\x03\x04"].concat()
        );
        assert_eq!(key_bytes::<SqliteStages>(&actor), [&b"\x44"[..], bytes].concat());
        assert_eq!(
            key_bytes::<StagedSegments>(&SegmentKey { actor, txid, first_pgno: pgno }),
            [&b"\x45"[..], bytes, b"\0\0\0\0\0\0\x01\x02\0\0\x03\x04"].concat()
        );
        assert_eq!(
            key_bytes::<StagedPages>(&StagedPageKey { actor, txid, pgno }),
            [&b"\x46"[..], bytes, b"\0\0\0\0\0\0\x01\x02\0\0\x03\x04"].concat()
        );
        assert_eq!(key_bytes::<ActorPurges>(&actor), [&b"\x47"[..], bytes].concat());
    }

    /// So are these.
    #[test]
    fn the_rows_on_disk_have_not_changed() {
        let text = |row: Vec<u8>| String::from_utf8(row).unwrap();
        let head = SqliteHeadRow { txid: 3, size_pages: 2, layer: None };
        let stage = SqliteStageRow { txid: 3, segments: 1, pages: 2, last_segment: Some(64) };

        assert_eq!(text(KvUsageRow { bytes: 5 }.encode()), r#"{"bytes":5}"#);
        assert_eq!(text(head.encode()), r#"{"txid":3,"size_pages":2}"#);
        assert_eq!(
            text(SqliteHeadRow { layer: Some(3), ..head }.encode()),
            r#"{"txid":3,"size_pages":2,"layer":3}"#
        );
        assert_eq!(text(stage.encode()), r#"{"txid":3,"segments":1,"pages":2,"last_segment":64}"#);
        assert_eq!(
            KvEntryRow { update_ts: 0x0102, value: b"v".to_vec() }.encode(),
            b"\0\0\0\0\0\0\x01\x02v"
        );
        assert_eq!(PageRow(vec![0; PAGE_SIZE]).encode()[0], LZ4);
        let noise: Vec<u8> =
            (0..PAGE_SIZE).map(|n| (n * n * 2_654_435_761).to_le_bytes()[1]).collect();
        assert_eq!(PageRow(noise.clone()).encode(), [&[RAW], noise.as_slice()].concat());
    }
}
