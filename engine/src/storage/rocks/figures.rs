//! What RocksDB and the file system say about the directory.

use std::{collections::BTreeMap, fs, path::Path};

use rocksdb::{LiveFile, Range};

use super::RocksStorage;
use crate::{
    keyspace::tables,
    storage::{Level, StorageFigures, TableBytes},
};

impl RocksStorage {
    /// How the database is. What cannot be read is 0.
    pub(super) fn describe(&self) -> StorageFigures {
        let property = |name: &str| {
            let value = self.db.property_int_value(format!("rocksdb.{name}").as_str());
            value.ok().flatten().unwrap_or(0)
        };
        let level0 = self.db.property_value("rocksdb.num-files-at-level0").ok().flatten();
        let files = self.db.live_files().unwrap_or_default();
        let (disk_free, disk_size) = disk(self.db.path());
        StorageFigures {
            durability: self.durability,
            sequence: self.db.latest_sequence_number(),
            table_bytes: property("total-sst-files-size"),
            live_bytes: property("estimate-live-data-size"),
            wal_bytes: log_bytes(self.db.path()),
            buffer_bytes: property("size-all-mem-tables"),
            cache_bytes: property("block-cache-usage"),
            rows: property("estimate-num-keys"),
            files: files.len(),
            levels: levels(&files),
            level0_files: level0.and_then(|count| count.parse().ok()).unwrap_or(0),
            compaction_pending_bytes: property("estimate-pending-compaction-bytes"),
            compactions: property("num-running-compactions"),
            flushes: property("num-running-flushes"),
            write_stopped: property("is-write-stopped"),
            background_errors: property("background-errors"),
            tables: self.table_bytes(),
            disk_free,
            disk_size,
        }
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

fn levels(files: &[LiveFile]) -> Vec<Level> {
    let mut levels = BTreeMap::<i32, Level>::new();
    for file in files {
        let level = Level { level: file.level, files: 0, bytes: 0 };
        let level = levels.entry(file.level).or_insert(level);
        level.files += 1;
        level.bytes += u64::try_from(file.size).unwrap_or(u64::MAX);
    }
    levels.into_values().collect()
}

/// The sizes of the write-ahead logs together.
fn log_bytes(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let logs = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "log"));
    // One that is removed meanwhile has no size any more.
    logs.filter_map(|log| Some(log.metadata().ok()?.len())).sum()
}

fn disk(dir: &Path) -> (u64, u64) {
    rustix::fs::statvfs(dir).map_or((0, 0), |disk| {
        (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize))
    })
}
