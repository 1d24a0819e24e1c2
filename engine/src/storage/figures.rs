//! What a store says about itself, for those who keep an eye on it.

/// How a store is at one moment. What a backend does not know is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StorageFigures {
    /// Bytes in files, the write-ahead log aside.
    pub table_bytes: u64,
    /// Of them, bytes of rows that were neither replaced nor deleted, estimated.
    pub live_bytes: u64,
    /// Bytes in the write-ahead log.
    pub wal_bytes: u64,
    /// Bytes in memory on their way to files.
    pub buffer_bytes: u64,
    /// Bytes of files that are kept in memory.
    pub cache_bytes: u64,
    /// Rows, estimated.
    pub rows: u64,
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
    /// Free bytes of the file system, for this process.
    pub disk_free: u64,
    /// Its size in bytes.
    pub disk_size: u64,
}
