//! What a store says about itself: how much there is, and where.

use std::path::PathBuf;

use serde::Serialize;

use super::Durability;

/// What a store says about itself. Sizes are in bytes; what is on its way between two places may
/// be counted in both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// What an acknowledged commit survives.
    pub durability: Durability,
    /// The number of the last write. It grows with every row that is written.
    pub sequence: u64,
    /// How many keys there are, as an estimate.
    pub keys_estimate: u64,
    /// What the data files take.
    pub data_bytes: u64,
    /// What the log takes: writes that are not in the data files yet.
    pub log_bytes: u64,
    /// What waits in memory to be written into data files. The log has it, too.
    pub memory_bytes: u64,
    /// How many data files there are.
    pub data_files: usize,
    /// The levels that have files, the newest data first.
    pub levels: Vec<Level>,
    /// How much a compaction would have to rewrite, as an estimate.
    pub pending_compaction_bytes: u64,
    /// How many compactions run at this moment.
    pub running_compactions: u64,
    /// Whether writes wait because compaction does not keep up.
    pub writes_are_stopped: bool,
    /// What each table takes in the data files, as an estimate. What is still in memory only does
    /// not count.
    pub tables: Vec<TableBytes>,
    /// Where the store is.
    #[serde(skip)]
    pub dir: PathBuf,
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
