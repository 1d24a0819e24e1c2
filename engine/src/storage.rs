//! Ordered key-value transactions: the one door through which rows are read and written.
//!
//! [`Storage`] is what a backend offers: attempts that read at one moment and commit atomically
//! when nothing that they read has changed since. [`Transaction`] gives an attempt its own writes
//! to read and typed rows; [`Database`] runs it again when it conflicts. A commit that returned is
//! on disk.

mod database;
mod error;
mod figures;
mod rocks;
mod transaction;
mod watches;

use std::{collections::BTreeSet, fmt::Debug, path::Path, time::Duration};

use tokio::sync::oneshot;

pub(crate) use self::rocks::{DirectoryLock, LOCK_FILE, UNFINISHED, database_dir};
pub use self::{
    database::Database,
    error::{DatabaseCheckError, OpenError, StorageError},
    figures::{Level, StorageFigures, TableBytes},
    rocks::{Durability, MIN_FREE_BYTES, RocksStorage, StorageSettings, check_database},
    transaction::{Transaction, TypedRow},
    watches::Watch,
};
use crate::keyspace::{KeyRange, Order};

/// A store of ordered keys.
pub trait Storage: Debug + Send + Sync + 'static {
    /// Starts to read the store as it is at this moment.
    fn begin(&self) -> Box<dyn Attempt + '_>;

    /// How many bytes the data takes, on the disk and in buffers on their way to it.
    fn bytes(&self) -> Result<u64, StorageError>;

    /// What the store says about itself. It reads from memory and asks the file system.
    fn figures(&self) -> StorageFigures;

    /// Waits for the next commit that writes `key`.
    fn watch(&self, key: &[u8]) -> Watch;

    /// Copies the store as it is at one moment into `dir`, which must not exist: every commit that
    /// was acknowledged before the call, and of no commit a part. Returns the number of a write that
    /// is in the copy together with all before it.
    fn checkpoint(&self, dir: &Path) -> Result<u64, StorageError>;

    /// Rewrites the store without what was deleted or replaced. It takes as long as the data is
    /// large, unless [`Storage::end_maintenance`] ends it.
    fn compact(&self) -> Result<(), StorageError>;

    /// Gives up what runs in the background, because the process is about to end.
    fn end_maintenance(&self);
}

/// One attempt at a transaction. Reads may wait for the disk.
pub trait Attempt: Debug {
    /// The value of `key` at the moment of [`Storage::begin`].
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;

    /// Up to `limit` rows of `range` at that moment.
    fn range(&self, range: &KeyRange, order: Order, limit: usize)
    -> Result<Vec<Row>, StorageError>;

    /// The first `limit` keys of `range` at that moment.
    fn keys(&self, range: &KeyRange, limit: usize) -> Result<Vec<Vec<u8>>, StorageError>;

    /// Writes everything, or nothing when a key in `reads` was written since that moment.
    fn commit(self: Box<Self>, reads: ReadSet, writes: WriteSet) -> Pending;
}

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// A key and what becomes of it: a new value, or none.
pub type Write = (Vec<u8>, Option<Vec<u8>>);

/// What a write is for, which decides who may still write when the disk is nearly full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// Adds data: refused as soon as room is short.
    #[default]
    Growth,
    /// Keeps what is there going, or removes some of it: may use half of the reserve.
    Upkeep,
}

/// What a transaction changes.
#[derive(Debug, Default)]
pub struct WriteSet {
    /// What it is for.
    pub purpose: Purpose,
    /// Ranges that lose their rows before anything is written. Of untracked tables only.
    pub erased: Vec<KeyRange>,
    /// Rows that others may have read: they hear of the change.
    pub tracked: Vec<Write>,
    /// Rows of untracked tables: a row in `tracked` speaks for them (see
    /// [`TRACKED`](crate::keyspace::Table::TRACKED)).
    pub untracked: Vec<Write>,
}

/// What a transaction has seen, and must still be so when it commits.
#[derive(Debug, Default)]
pub struct ReadSet {
    /// Single keys, present or not.
    pub keys: BTreeSet<Vec<u8>>,
    /// Ranges, including the rows that were not there.
    pub ranges: Vec<KeyRange>,
}

/// A commit on its way to the disk.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<(), StorageError>>);

impl Pending {
    /// Waits until the commit is on disk, or was refused.
    pub async fn wait(self) -> Result<(), StorageError> {
        self.0.await.unwrap_or(Err(StorageError::Closed))
    }

    /// A commit that nobody will ever answer, as of a store that has failed.
    #[cfg(test)]
    pub(crate) fn lost() -> Self {
        Self(oneshot::channel().1)
    }

    /// A commit of which nothing is heard any more, as of a disk that hangs.
    #[cfg(test)]
    pub(crate) fn forever() -> Self {
        let (answer, pending) = oneshot::channel();
        std::mem::forget(answer);
        Self(pending)
    }

    /// [`Pending::wait`] for a thread that may wait.
    fn wait_blocking(self) -> Result<(), StorageError> {
        self.0.blocking_recv().unwrap_or(Err(StorageError::Closed))
    }
}

/// What became of a group of commits: how backends report to telemetry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupReport {
    /// How many commits reached the disk together.
    pub committed: usize,
    /// How many were refused because somebody else was faster.
    pub conflicts: usize,
    /// How many were lost because the disk failed.
    pub failed: usize,
    /// How long the write took, including the sync.
    pub duration: Duration,
    /// How long the first of them took altogether: in the queue, and to be written.
    pub waited: Duration,
}

/// Who wants to know what the storage does.
pub trait StorageObserver: Debug + Send + Sync + 'static {
    /// A group of commits was answered.
    fn group_committed(&self, report: GroupReport);

    /// So many commits were refused because the disk is full.
    fn refused_for_want_of_room(&self, commits: usize);

    /// A read failed: something on the disk is damaged or cannot be reached.
    fn read_failed(&self);

    /// A write failed. What is on disk is unknown from here on: the process has to start anew.
    fn storage_failed(&self);
}
