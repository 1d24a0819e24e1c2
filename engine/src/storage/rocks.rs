//! The RocksDB backend: one directory, one process, every acknowledged commit on disk.
//!
//! Layout of the directory: `engine.lock` (who has it open), `engine.store` (that there is a store) and
//! `rocksdb/`, with `ACKNOWLEDGED` among the files of the database (how far acknowledged commits go).

mod acknowledged;
mod committer;
mod crc32c;
mod directory;
mod figures;
mod log_check;
mod maintenance;
mod opening;
mod recent;
mod space;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, DB, Direction, IteratorMode, Options,
    ReadOptions,
};
use serde::Serialize;
use tokio::sync::oneshot;

pub use self::maintenance::check_database;
use self::{
    acknowledged::Acknowledged,
    committer::{Committer, Request},
    space::Space,
};
pub(crate) use self::{
    directory::{DirectoryLock, LOCK_FILE, UNFINISHED},
    opening::database_dir,
};
use super::{
    Attempt, OpenError, Pending, ReadSet, Row, Storage, StorageError, StorageFigures,
    StorageObserver, Watch, WriteSet, watches::Watches,
};
use crate::keyspace::{KeyRange, Order};

/// How many commits may wait for the disk before those who come after wait for the queue.
const QUEUE: usize = 4096;

/// How many bytes are kept in memory until they are written into a file of their own.
const WRITE_BUFFER: usize = 4 << 20;

/// How many bytes of the files are kept in memory.
const BLOCK_CACHE: usize = 8 << 20;

/// What an acknowledged commit survives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The end of the process and the loss of power: the write was synced.
    #[default]
    Strict,
    /// The end of the process only: the operating system writes when it likes.
    Relaxed,
}

/// How many bytes of the disk stay free unless the operator says otherwise: enough for the log, for
/// the buffers that are written out, and for putting files together.
pub const MIN_FREE_BYTES: u64 = 64 << 20;

/// How the data is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageSettings {
    /// What an acknowledged commit survives.
    pub durability: Durability,
    /// How many bytes of the disk have to stay free: below it, commits that add data are refused, and
    /// below half of it all. 0: none are.
    pub min_free_bytes: u64,
    /// Whether a store is made where there is none.
    pub may_create: bool,
}

impl From<Durability> for StorageSettings {
    fn from(durability: Durability) -> Self {
        Self { durability, min_free_bytes: MIN_FREE_BYTES, may_create: true }
    }
}

/// Storage in one RocksDB directory. Dropping it writes what is left and closes it.
#[derive(Debug)]
pub struct RocksStorage {
    db: Arc<DB>,
    durability: Durability,
    /// Counts commits. An attempt is as old as the count when it began.
    committed: Arc<AtomicU64>,
    watches: Watches,
    observer: Arc<dyn StorageObserver>,
    queue: Option<mpsc::SyncSender<Request>>,
    committer: Option<thread::JoinHandle<()>>,
    /// Released last, when nothing touches the directory any more.
    _lock: DirectoryLock,
}

impl RocksStorage {
    /// Opens the store in `dir`, and creates it where there is none. It is refused when anything that
    /// was acknowledged is missing, and is left as it is then.
    pub fn open(
        dir: &Path,
        settings: impl Into<StorageSettings>,
        observer: Arc<dyn StorageObserver>,
    ) -> Result<Self, OpenError> {
        Self::open_with(dir, settings.into(), observer, &mut options())
    }

    fn open_with(
        dir: &Path,
        settings: StorageSettings,
        observer: Arc<dyn StorageObserver>,
        options: &mut Options,
    ) -> Result<Self, OpenError> {
        let StorageSettings { durability, min_free_bytes, may_create } = settings;
        let lock = DirectoryLock::take(dir)?;
        let db = opening::open(dir, durability, may_create, options)?;
        let unusable = |source| OpenError::Directory { dir: dir.to_owned(), source };
        let acknowledged = match durability {
            Durability::Strict => {
                let number = db.latest_sequence_number();
                Some(Acknowledged::open(&database_dir(dir), number).map_err(unusable)?)
            }
            Durability::Relaxed => {
                acknowledged::forget(&database_dir(dir)).map_err(unusable)?;
                None
            }
        };

        let db = Arc::new(db);
        let committed = Arc::<AtomicU64>::default();
        let watches = Watches::default();
        let (queue, requests) = mpsc::sync_channel(QUEUE);
        let committer = Committer::new(committer::Parts {
            db: Arc::clone(&db),
            acknowledged,
            space: Space::new(dir.to_owned(), min_free_bytes),
            committed: Arc::clone(&committed),
            watches: watches.clone(),
            observer: Arc::clone(&observer),
        });
        let committer = thread::Builder::new()
            .name("storage-commit".to_owned())
            .spawn(move || committer.run(&requests))
            .map_err(unusable)?;
        Ok(Self {
            db,
            durability,
            committed,
            watches,
            observer,
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

    fn figures(&self) -> StorageFigures {
        self.describe()
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

impl RocksAttempt<'_> {
    /// A read that failed.
    fn failed(&self, error: rocksdb::Error) -> StorageError {
        tracing::error!(%error, "RVE-STORE-READ: the database could not be read");
        self.storage.observer.read_failed();
        StorageError::Database(error)
    }
}

impl Attempt for RocksAttempt<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.snapshot.get(key).map_err(|error| self.failed(error))
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
                Err(error) => Err(self.failed(error)),
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
        rows.status().map_err(|error| self.failed(error))?;
        Ok(keys)
    }

    fn commit(self: Box<Self>, reads: ReadSet, writes: WriteSet) -> Pending {
        let (answer, pending) = oneshot::channel();
        let begun = Instant::now();
        let request = Request { version: self.version, reads, writes, answer, begun };
        if let Some(queue) = &self.storage.queue {
            // A closed queue drops the request, and with it the sender: the caller hears `Closed`.
            let _ = queue.send(request);
        }
        Pending(pending)
    }
}

fn options() -> Options {
    let mut options = Options::default();
    // A log file that is closed is known by its size, so that it cannot end too early.
    options.set_track_and_verify_wals_in_manifest(true);
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

#[cfg(test)]
mod tests;
