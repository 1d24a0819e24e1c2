//! What a store says about itself: how much there is, and where. Metrics and the API read the same.

use serde::Serialize;

use super::Durability;

/// How a store is at one moment. What a backend does not know is 0 or empty. Sizes are in bytes; what
/// is on its way between two places may be counted in both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorageFigures {
    /// What an acknowledged commit survives.
    pub durability: Durability,
    /// The number of the last write. It grows with every row that is written.
    pub sequence: u64,
    /// Bytes in files, the write-ahead log aside.
    pub table_bytes: u64,
    /// Of them, bytes of rows that were neither replaced nor deleted, estimated.
    pub live_bytes: u64,
    /// Bytes in the write-ahead log: writes that are not in files yet.
    pub wal_bytes: u64,
    /// Bytes in memory on their way to files. The log has them, too.
    pub buffer_bytes: u64,
    /// Bytes of files that are kept in memory.
    pub cache_bytes: u64,
    /// Rows, estimated.
    pub rows: u64,
    /// How many files there are, the write-ahead log aside.
    pub files: usize,
    /// The levels that have files, the newest data first.
    pub levels: Vec<Level>,
    /// Files that are not yet sorted into the others.
    pub level0_files: u64,
    /// Bytes that are to be rewritten, estimated.
    pub compaction_pending_bytes: u64,
    /// Rewrites that run.
    pub compactions: u64,
    /// Buffers that are being written out.
    pub flushes: u64,
    /// 1 while no writes are taken until rewrites have caught up.
    pub write_stopped: u64,
    /// Errors of rewrites since the store was opened.
    pub background_errors: u64,
    /// What each table takes in the files, as an estimate. What is still in memory only does not
    /// count.
    pub tables: Vec<TableBytes>,
    /// Free bytes of the file system, for this process.
    pub disk_free: u64,
    /// Its size in bytes.
    pub disk_size: u64,
}

/// A level of data files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Level {
    /// Its number: 0 has the newest data.
    pub level: i32,
    /// How many files it has.
    pub files: usize,
    /// What they take.
    pub bytes: u64,
}

/// What a table takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TableBytes {
    /// The table.
    pub table: &'static str,
    /// What it takes.
    pub bytes: u64,
}
