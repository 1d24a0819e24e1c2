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
mod tests;
