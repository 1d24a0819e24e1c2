//! What RocksDB and the file system say about the directory.

use std::{fs, path::Path};

use rocksdb::DB;

use crate::storage::StorageFigures;

/// How the database in `dir` is. What cannot be read is 0.
pub(super) fn figures(db: &DB, dir: &Path) -> StorageFigures {
    let property = |name: &str| {
        let value = db.property_int_value(format!("rocksdb.{name}").as_str());
        value.ok().flatten().unwrap_or(0)
    };
    let level0 = db.property_value("rocksdb.num-files-at-level0").ok().flatten();
    let (disk_free, disk_size) = disk(dir);
    StorageFigures {
        table_bytes: property("total-sst-files-size"),
        live_bytes: property("estimate-live-data-size"),
        wal_bytes: log_bytes(dir),
        buffer_bytes: property("size-all-mem-tables"),
        cache_bytes: property("block-cache-usage"),
        rows: property("estimate-num-keys"),
        level0_files: level0.and_then(|count| count.parse().ok()).unwrap_or(0),
        compaction_pending_bytes: property("estimate-pending-compaction-bytes"),
        compactions: property("num-running-compactions"),
        flushes: property("num-running-flushes"),
        write_stopped: property("is-write-stopped"),
        background_errors: property("background-errors"),
        disk_free,
        disk_size,
    }
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
