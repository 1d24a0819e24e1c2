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
    storage::{Statistics, StorageError},
};

#[derive(Debug, Serialize)]
pub(in crate::api) struct Document {
    /// When it was asked for, in milliseconds.
    ts: u64,
    #[serde(flatten)]
    statistics: Statistics,
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
    let statistics = api.admin.database.statistics().await?;
    let row = api.admin.database.transact(|transaction| transaction.get::<Meta>(&MetaKey::Format));
    let row = row.await?;
    let checkpoints = api.admin.checkpoints.list().await?;
    let disk = rustix::fs::statvfs(&statistics.dir).map_err(ApiError::disk)?;
    Ok(Answer(Document {
        ts: api.lifecycle.now(),
        statistics,
        format: Format {
            data: row.as_ref().map_or(FORMAT, |row| row.format),
            written_by: row.map(|row| row.written_by).unwrap_or_default(),
            current: FORMAT,
            oldest_readable: OLDEST_FORMAT,
        },
        disk: Disk {
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            total_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
        },
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
    let bytes = async || Ok::<_, StorageError>(database.statistics().await?.data_bytes);
    let bytes_before = bytes().await?;
    database.compact().await?;
    Ok(Answer(Compacted {
        bytes_before,
        bytes_after: bytes().await?,
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    }))
}
