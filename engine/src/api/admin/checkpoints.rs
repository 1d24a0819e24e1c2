//! `/admin/checkpoint…`: copies of the data, and their archives.

use std::io;

use axum::{
    Extension, Json as Answer,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::{
    api::{
        Api,
        access::Noted,
        body::{Done, Json, Nothing, Path},
        error::ApiError,
    },
    auth::Denied,
    backup::{CheckpointId, Gone, Manifest, Opened, Sha256Hex},
};

/// How many pieces of an archive wait for a client who is slower than the disk.
const PIECES: usize = 4;

#[derive(Debug, Serialize)]
pub(in crate::api) struct Checkpoint {
    /// What the files take. They share their place on the disk with the data until that changes.
    bytes: u64,
    /// How long the archive is.
    archive_bytes: u64,
    /// The SHA-256 of the manifest: it stands for the whole archive.
    manifest_sha256: Sha256Hex,
    #[serde(flatten)]
    manifest: Manifest,
}

#[derive(Debug, Serialize)]
pub(in crate::api) struct Listed {
    checkpoints: Vec<Summary>,
}

/// A checkpoint without its list of files.
#[derive(Debug, Serialize)]
struct Summary {
    id: CheckpointId,
    create_ts: u64,
    engine_version: String,
    data_format: u32,
    sequence: u64,
    files: usize,
    bytes: u64,
    archive_bytes: u64,
    manifest_sha256: Sha256Hex,
}

#[derive(Debug, Serialize)]
pub(in crate::api) struct Issued {
    path: String,
    expires_ts: u64,
}

/// Makes a checkpoint.
pub(in crate::api) async fn create(
    State(api): State<Api>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<(Extension<Noted>, Answer<Checkpoint>), ApiError> {
    let manifest = api.admin.checkpoints.create().await?;
    let noted = Noted::created(&manifest.id);
    let answer = Checkpoint {
        bytes: manifest.data_bytes(),
        archive_bytes: manifest.archive_bytes(),
        manifest_sha256: Sha256Hex::of(&manifest.to_bytes()),
        manifest,
    };
    Ok((noted, Answer(answer)))
}

/// The checkpoints there are, newest first.
pub(in crate::api) async fn list(State(api): State<Api>) -> Result<Answer<Listed>, ApiError> {
    let manifests = api.admin.checkpoints.list().await?;
    Ok(Answer(Listed { checkpoints: manifests.into_iter().map(Summary::from).collect() }))
}

/// Deletes a checkpoint.
pub(in crate::api) async fn remove(
    State(api): State<Api>,
    Path(id): Path<CheckpointId>,
) -> Result<Answer<Done>, ApiError> {
    api.admin.checkpoints.delete(id).await?;
    Ok(Answer(Done {}))
}

/// The archive of a checkpoint.
pub(in crate::api) async fn archive(
    State(api): State<Api>,
    Path(id): Path<CheckpointId>,
) -> Result<Response, ApiError> {
    Ok(streamed(api.admin.checkpoints.open(id).await?))
}

/// An address from which the archive of a checkpoint is downloaded once, without a token.
pub(in crate::api) async fn ticket(
    State(api): State<Api>,
    Path(id): Path<CheckpointId>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<impl IntoResponse, ApiError> {
    api.admin.checkpoints.open(id.clone()).await?;
    let ticket = api.admin.tickets.issue(id);
    let path = format!("/admin/downloads/{}", ticket.text.expose());
    let answer = Answer(Issued { path, expires_ts: ticket.expires_ts });
    Ok((AppendHeaders([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]), answer))
}

/// The archive for which somebody got a ticket.
pub(in crate::api) async fn download(
    State(api): State<Api>,
    Path(ticket): Path<String>,
) -> Result<Response, ApiError> {
    let id = api.admin.tickets.redeem(&ticket);
    let id = id.ok_or_else(|| ApiError::denied(Denied::Invalid))?;
    tracing::info!(%id, "a checkpoint is downloaded with a ticket");
    Ok(streamed(api.admin.checkpoints.open(id).await?))
}

fn streamed(opened: Opened) -> Response {
    let Opened { manifest, archive } = opened;
    let (pieces, waiting) = mpsc::channel::<io::Result<Bytes>>(PIECES);
    tokio::task::spawn_blocking(move || {
        let written = archive.write(|piece| pieces.blocking_send(Ok(piece)).map_err(|_| Gone));
        if let Err(error) = written {
            tracing::error!(%error, "the archive of a checkpoint could not be sent");
            // The answer breaks off, so that nobody takes what came for the whole.
            let _ = pieces.blocking_send(Err(io::Error::other(error)));
        }
    });
    let pieces = stream::unfold(waiting, |mut waiting| async move {
        waiting.recv().await.map(|piece| (piece, waiting))
    });
    let name = format!("attachment; filename=\"rivet-{}.tar\"", manifest.id);
    let headers: [(HeaderName, String); 5] = [
        (header::CONTENT_TYPE, "application/x-tar".to_owned()),
        (header::CONTENT_LENGTH, manifest.archive_bytes().to_string()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (AppendHeaders(headers), Body::from_stream(pieces)).into_response()
}

impl From<Manifest> for Summary {
    fn from(manifest: Manifest) -> Self {
        Self {
            bytes: manifest.data_bytes(),
            archive_bytes: manifest.archive_bytes(),
            manifest_sha256: Sha256Hex::of(&manifest.to_bytes()),
            files: manifest.files.len(),
            id: manifest.id,
            create_ts: manifest.create_ts,
            engine_version: manifest.engine_version,
            data_format: manifest.data_format,
            sequence: manifest.sequence,
        }
    }
}
