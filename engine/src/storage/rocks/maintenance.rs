//! What an operator does with a database that is in use: copy it, tidy it up.

use std::path::Path;

use rocksdb::{CompactOptions, DB, Options, checkpoint::Checkpoint};

use super::RocksStorage;
use crate::{
    keyspace::{
        key_bytes,
        tables::{FormatRow, Meta, MetaKey},
    },
    storage::{DatabaseCheckError, StorageError},
};

impl RocksStorage {
    /// Copies the database as it is at one moment into `dir`, which must not exist. Data files are
    /// linked, not copied, where `dir` is on the same file system. Returns the number of a write that
    /// is in the copy together with all before it.
    pub(super) fn copy_to(&self, dir: &Path) -> Result<u64, StorageError> {
        let sequence = self.db.latest_sequence_number();
        let checkpoint = Checkpoint::new(&self.db).map_err(StorageError::Database)?;
        checkpoint.create_checkpoint(dir).map_err(StorageError::Database)?;
        Ok(sequence)
    }

    /// Rewrites all data without what was deleted or replaced. Commits go on meanwhile.
    pub(super) fn compact_all(&self) -> Result<(), StorageError> {
        self.db.flush().map_err(StorageError::Database)?;
        let mut options = CompactOptions::default();
        // Otherwise compactions that the commits need would have to wait for this one.
        options.set_exclusive_manual_compaction(false);
        self.db.compact_range_opt(None::<&[u8]>, None::<&[u8]>, &options);
        Ok(())
    }
}

/// Opens the database in `database` without changing it, and reads which format its data has.
pub fn check_database(database: &Path) -> Result<FormatRow, DatabaseCheckError> {
    let db = DB::open_for_read_only(&Options::default(), database, false)
        .map_err(DatabaseCheckError::Open)?;
    let row = db.get(key_bytes::<Meta>(&MetaKey::Format)).map_err(DatabaseCheckError::Open)?;
    let row = row.ok_or(DatabaseCheckError::NotOurs)?;
    serde_json::from_slice(&row).map_err(|_| DatabaseCheckError::NotOurs)
}
