//! The RocksDB backend: one directory, one process, every acknowledged commit on disk.
//!
//! Layout of the directory: `engine.lock` (who has it open) and `rocksdb/`.

mod committer;
mod directory;
mod maintenance;
mod recent;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, DB, DBRecoveryMode, Direction, IteratorMode,
    Options, ReadOptions,
};
use serde::Serialize;
use tokio::sync::oneshot;

use self::committer::{Committer, Request};
pub(crate) use self::directory::{DirectoryLock, LOCK_FILE, UNFINISHED};
pub use self::maintenance::check_database;
use super::{
    Attempt, OpenError, Pending, ReadSet, Row, Statistics, Storage, StorageError, StorageObserver,
    Watch, WriteSet, watches::Watches,
};
use crate::keyspace::{
    KeyRange, Order, key_bytes,
    tables::{FORMAT, FormatRow, Meta, MetaKey},
};

/// How many commits may wait for the disk before those who come after wait for the queue.
const QUEUE: usize = 4096;

/// How many bytes are kept in memory until they are written into a file of their own.
const WRITE_BUFFER: usize = 4 << 20;

/// How many bytes of the files are kept in memory.
const BLOCK_CACHE: usize = 8 << 20;

/// What an acknowledged commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The end of the process and the loss of power: the write was synced.
    Strict,
    /// The end of the process only: the operating system writes when it likes.
    Relaxed,
}

/// Storage in one RocksDB directory. Dropping it writes what is left and closes it.
#[derive(Debug)]
pub struct RocksStorage {
    db: Arc<DB>,
    dir: PathBuf,
    durability: Durability,
    /// Counts commits. An attempt is as old as the count when it began.
    committed: Arc<AtomicU64>,
    watches: Watches,
    queue: Option<mpsc::SyncSender<Request>>,
    committer: Option<thread::JoinHandle<()>>,
    /// Released last, when nothing touches the directory any more.
    _lock: DirectoryLock,
}

impl RocksStorage {
    /// Opens the store in `dir`, and creates it where there is none.
    pub fn open(
        dir: &Path,
        durability: Durability,
        observer: Arc<dyn StorageObserver>,
    ) -> Result<Self, OpenError> {
        Self::open_with(dir, durability, observer, &mut options())
    }

    fn open_with(
        dir: &Path,
        durability: Durability,
        observer: Arc<dyn StorageObserver>,
        options: &mut Options,
    ) -> Result<Self, OpenError> {
        let lock = DirectoryLock::take(dir)?;
        let failed = |source| OpenError::Database { dir: dir.to_owned(), source };
        let db = DB::open(options, database_dir(dir)).map_err(failed)?;
        check_format(&db, dir)?;

        let db = Arc::new(db);
        let committed = Arc::<AtomicU64>::default();
        let watches = Watches::default();
        let (queue, requests) = mpsc::sync_channel(QUEUE);
        let committer = Committer::new(
            Arc::clone(&db),
            durability,
            Arc::clone(&committed),
            watches.clone(),
            observer,
        );
        let committer = thread::Builder::new()
            .name("storage-commit".to_owned())
            .spawn(move || committer.run(&requests))
            .map_err(|source| OpenError::Directory { dir: dir.to_owned(), source })?;
        Ok(Self {
            db,
            dir: dir.to_owned(),
            durability,
            committed,
            watches,
            queue: Some(queue),
            committer: Some(committer),
            _lock: lock,
        })
    }
}

impl Drop for RocksStorage {
    fn drop(&mut self) {
        // Closing the queue lets the committer write what is in it, and end.
        self.queue = None;
        if let Some(committer) = self.committer.take()
            && committer.join().is_err()
        {
            tracing::error!("the commit thread panicked: please report this");
        }
        self.watches.close();
        if let Err(error) = self.db.flush_wal(true) {
            tracing::error!(%error, "the log of the database could not be synced");
        }
        self.db.cancel_all_background_work(true);
    }
}

impl Storage for RocksStorage {
    fn begin(&self) -> Box<dyn Attempt + '_> {
        // In this order: a snapshot that is newer than its number conflicts too often, one that is
        // older would miss conflicts.
        let version = self.committed.load(Ordering::Acquire);
        Box::new(RocksAttempt { storage: self, version, snapshot: self.db.snapshot() })
    }

    fn bytes(&self) -> Result<u64, StorageError> {
        let value = |name: &str| {
            let value = self.db.property_int_value(name).map_err(StorageError::Database)?;
            Ok::<_, StorageError>(value.unwrap_or(0))
        };
        Ok(value("rocksdb.total-sst-files-size")? + value("rocksdb.size-all-mem-tables")?)
    }

    fn watch(&self, key: &[u8]) -> Watch {
        self.watches.add(key)
    }

    fn checkpoint(&self, dir: &Path) -> Result<u64, StorageError> {
        self.copy_to(dir)
    }

    fn compact(&self) -> Result<(), StorageError> {
        self.compact_all()
    }

    fn statistics(&self) -> Result<Statistics, StorageError> {
        self.describe()
    }

    fn end_maintenance(&self) {
        self.db.cancel_all_background_work(false);
    }
}

struct RocksAttempt<'s> {
    storage: &'s RocksStorage,
    version: u64,
    snapshot: rocksdb::Snapshot<'s>,
}

impl std::fmt::Debug for RocksAttempt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RocksAttempt").field("version", &self.version).finish_non_exhaustive()
    }
}

impl Attempt for RocksAttempt<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.snapshot.get(key).map_err(StorageError::Database)
    }

    fn range(
        &self,
        range: &KeyRange,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Row>, StorageError> {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(range.start.clone());
        options.set_iterate_upper_bound(range.end.clone());
        let mode = match order {
            Order::Ascending => IteratorMode::From(&range.start, Direction::Forward),
            // The end itself is beyond the upper bound, so the last row before it comes first.
            Order::Descending => IteratorMode::From(&range.end, Direction::Reverse),
        };
        self.snapshot
            .iterator_opt(mode, options)
            .take(limit)
            .map(|row| match row {
                Ok((key, value)) => Ok((key.into_vec(), value.into_vec())),
                Err(error) => Err(StorageError::Database(error)),
            })
            .collect()
    }

    fn keys(&self, range: &KeyRange, limit: usize) -> Result<Vec<Vec<u8>>, StorageError> {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(range.start.clone());
        options.set_iterate_upper_bound(range.end.clone());
        let mut rows = self.snapshot.raw_iterator_opt(options);
        let mut keys = Vec::new();
        rows.seek_to_first();
        while let Some(key) = rows.key()
            && keys.len() < limit
        {
            keys.push(key.to_owned());
            rows.next();
        }
        rows.status().map_err(StorageError::Database)?;
        Ok(keys)
    }

    fn commit(self: Box<Self>, reads: ReadSet, writes: WriteSet) -> Pending {
        let (answer, pending) = oneshot::channel();
        let request = Request { version: self.version, reads, writes, answer };
        if let Some(queue) = &self.storage.queue {
            // A closed queue drops the request, and with it the sender: the caller hears `Closed`.
            let _ = queue.send(request);
        }
        Pending(pending)
    }
}

fn options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    // Every synced commit must come back. A torn record at the end was never acknowledged and is
    // dropped; damage anywhere else is a reason to stop, not to forget what came after it.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_compression_type(rocksdb::DBCompressionType::Lz4);
    // One buffer that fills while one other is written out.
    options.set_write_buffer_size(WRITE_BUFFER);
    options.set_max_write_buffer_number(2);
    options.set_max_total_wal_size(32 << 20);
    options.set_max_open_files(512);
    options.set_block_based_table_factory(&tables());
    options.set_keep_log_file_num(4);
    options.set_max_log_file_size(4 << 20);
    options.set_bytes_per_sync(1 << 20);
    // Its statistics thread would wake an idle process for nothing.
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}

/// How the files are read: with memory that does not grow with what is stored.
fn tables() -> BlockBasedOptions {
    let mut tables = BlockBasedOptions::default();
    tables.set_block_cache(&Cache::new_lru_cache(BLOCK_CACHE));
    // Indexes and filters count as cache, in pieces, of which only the top is always there.
    tables.set_cache_index_and_filter_blocks(true);
    tables.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    tables.set_partition_filters(true);
    tables.set_pin_top_level_index_and_filter(true);
    // Many reads ask for what is not there: a page never written, a key that is free.
    tables.set_bloom_filter(10.0, false);
    tables
}

/// Where in a data directory the database is.
pub(crate) fn database_dir(dir: &Path) -> PathBuf {
    dir.join("rocksdb")
}

/// Refuses data of a newer engine, and writes down the format of a new directory.
fn check_format(db: &DB, dir: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Database { dir: dir.to_owned(), source };
    let key = key_bytes::<Meta>(&MetaKey::Format);
    if let Some(row) = db.get(&key).map_err(failed)? {
        let row: FormatRow = serde_json::from_slice(&row)
            .map_err(|source| OpenError::Format { dir: dir.to_owned(), source })?;
        if row.format > FORMAT {
            return Err(OpenError::NewerFormat {
                dir: dir.to_owned(),
                found: row.format,
                written_by: row.written_by,
            });
        }
        return Ok(());
    }
    let row = FormatRow { format: FORMAT, written_by: env!("CARGO_PKG_VERSION").to_owned() };
    let row = serde_json::to_vec(&row).expect("a format row is plain data");
    let mut durably = rocksdb::WriteOptions::default();
    durably.set_sync(true);
    db.put_opt(key, row, &durably).map_err(failed)
}

#[cfg(test)]
mod tests;
