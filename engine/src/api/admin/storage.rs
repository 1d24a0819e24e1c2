//! `/admin/storage`, `/admin/compact`: how the data is, and tidying it up.

use axum::{Json as Answer, extract::State};
use serde::Serialize;

use crate::{
    api::{
        Api,
        body::{Json, Nothing},
        error::ApiError,
    },
    keyspace::tables::{FORMAT, Meta, MetaKey, OLDEST_FORMAT},
    storage::{Durability, Level, TableBytes},
};

#[derive(Debug, Serialize)]
pub(in crate::api) struct Document {
    /// When it was asked for, in milliseconds.
    ts: u64,
    durability: Durability,
    sequence: u64,
    keys_estimate: u64,
    data_bytes: u64,
    log_bytes: u64,
    memory_bytes: u64,
    data_files: usize,
    levels: Vec<Level>,
    pending_compaction_bytes: u64,
    running_compactions: u64,
    writes_are_stopped: bool,
    tables: Vec<TableBytes>,
    format: Format,
    disk: Disk,
    checkpoints: Kept,
}

/// The layout of the data.
#[derive(Debug, Serialize)]
struct Format {
    /// That of the data.
    data: u32,
    /// The version of the engine that brought it to this layout.
    written_by: String,
    /// The one that this engine writes.
    current: u32,
    /// The oldest that it reads.
    oldest_readable: u32,
}

/// The file system that the data is on.
#[derive(Debug, Serialize)]
struct Disk {
    free_bytes: u64,
    total_bytes: u64,
}

/// The checkpoints that are kept.
#[derive(Debug, Serialize)]
struct Kept {
    count: usize,
    /// What they would take alone. What they share with the data is counted there, too.
    bytes: u64,
}

#[derive(Debug, Serialize)]
pub(in crate::api) struct Compacted {
    /// What the data files took before.
    bytes_before: u64,
    /// What they take now.
    bytes_after: u64,
    duration_ms: u64,
}

/// How much there is, and where.
pub(in crate::api) async fn statistics(
    State(api): State<Api>,
) -> Result<Answer<Document>, ApiError> {
    let figures = api.admin.database.figures().await;
    let row = api.admin.database.transact(|transaction| transaction.get::<Meta>(&MetaKey::Format));
    let row = row.await?;
    let checkpoints = api.admin.checkpoints.list().await?;
    Ok(Answer(Document {
        ts: api.lifecycle.now(),
        durability: figures.durability,
        sequence: figures.sequence,
        keys_estimate: figures.rows,
        data_bytes: figures.table_bytes,
        log_bytes: figures.wal_bytes,
        memory_bytes: figures.buffer_bytes,
        data_files: figures.files,
        levels: figures.levels,
        pending_compaction_bytes: figures.compaction_pending_bytes,
        running_compactions: figures.compactions,
        writes_are_stopped: figures.write_stopped != 0,
        tables: figures.tables,
        format: Format {
            data: row.as_ref().map_or(FORMAT, |row| row.format),
            written_by: row.map(|row| row.written_by).unwrap_or_default(),
            current: FORMAT,
            oldest_readable: OLDEST_FORMAT,
        },
        disk: Disk { free_bytes: figures.disk_free, total_bytes: figures.disk_size },
        checkpoints: Kept {
            count: checkpoints.len(),
            bytes: checkpoints.iter().map(crate::backup::Manifest::data_bytes).sum(),
        },
    }))
}

/// Rewrites the data without what was deleted or replaced.
pub(in crate::api) async fn compact(
    State(api): State<Api>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer<Compacted>, ApiError> {
    let Ok(_compacting) = api.admin.compacting.try_lock() else {
        return Err(ApiError::compaction_runs());
    };
    let started = std::time::Instant::now();
    let database = &api.admin.database;
    let bytes_before = database.figures().await.table_bytes;
    database.compact().await?;
    Ok(Answer(Compacted {
        bytes_before,
        bytes_after: database.figures().await.table_bytes,
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    }))
}
