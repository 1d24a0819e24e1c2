//! What an operator does with a database that is in use: look at it, copy it, tidy it up.

use std::{collections::BTreeMap, fs, path::Path};

use rocksdb::{CompactOptions, DB, Options, Range, checkpoint::Checkpoint, properties};

use super::{RocksStorage, database_dir};
use crate::{
    keyspace::{
        key_bytes,
        tables::{self, FormatRow, Meta, MetaKey},
    },
    storage::{DatabaseCheckError, Level, Statistics, StorageError, TableBytes},
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

    pub(super) fn describe(&self) -> Result<Statistics, StorageError> {
        let files = self.db.live_files().map_err(StorageError::Database)?;
        let mut levels = BTreeMap::<i32, Level>::new();
        for file in &files {
            let level = Level { level: file.level, files: 0, bytes: 0 };
            let level = levels.entry(file.level).or_insert(level);
            level.files += 1;
            level.bytes += u64::try_from(file.size).unwrap_or(u64::MAX);
        }
        Ok(Statistics {
            durability: self.durability,
            sequence: self.db.latest_sequence_number(),
            keys_estimate: self.number(properties::ESTIMATE_NUM_KEYS)?,
            data_bytes: self.number(properties::TOTAL_SST_FILES_SIZE)?,
            log_bytes: log_bytes(&database_dir(&self.dir)),
            memory_bytes: self.number(properties::SIZE_ALL_MEM_TABLES)?,
            data_files: files.len(),
            levels: levels.into_values().collect(),
            pending_compaction_bytes: self.number(properties::ESTIMATE_PENDING_COMPACTION_BYTES)?,
            running_compactions: self.number(properties::NUM_RUNNING_COMPACTIONS)?,
            writes_are_stopped: self.number(properties::IS_WRITE_STOPPED)? != 0,
            tables: self.table_bytes(),
            dir: self.dir.clone(),
        })
    }

    fn number(&self, property: &properties::PropName) -> Result<u64, StorageError> {
        let value = self.db.property_int_value(property).map_err(StorageError::Database)?;
        Ok(value.unwrap_or(0))
    }

    fn table_bytes(&self) -> Vec<TableBytes> {
        let tables = tables::all();
        let keys: Vec<_> = tables.iter().map(|(tag, _)| ([*tag], [tag.wrapping_add(1)])).collect();
        let ranges: Vec<_> = keys.iter().map(|(start, end)| Range::new(start, end)).collect();
        let sizes = self.db.get_approximate_sizes(&ranges);
        let named = tables.into_iter().zip(sizes);
        named.map(|((_, table), bytes)| TableBytes { table, bytes }).collect()
    }
}

/// What the files of the log take. One that goes away meanwhile counts for nothing.
fn log_bytes(database: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(database) else { return 0 };
    let logs = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "log"));
    logs.filter_map(|log| log.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// Opens the database in `database` without changing it, and reads which format its data has.
pub fn check_database(database: &Path) -> Result<FormatRow, DatabaseCheckError> {
    let db = DB::open_for_read_only(&Options::default(), database, false)
        .map_err(DatabaseCheckError::Open)?;
    let row = db.get(key_bytes::<Meta>(&MetaKey::Format)).map_err(DatabaseCheckError::Open)?;
    let row = row.ok_or(DatabaseCheckError::NotOurs)?;
    serde_json::from_slice(&row).map_err(|_| DatabaseCheckError::NotOurs)
}
