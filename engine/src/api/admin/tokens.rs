//! `/admin/token/rotate`: the token file is read now, and not at the next look.
//!
//! The file stays the only place where admin tokens come from: nothing is made here, and no token is
//! in an answer.

use axum::{Json as Answer, extract::State, http::HeaderMap};
use serde::Serialize;

use crate::{
    api::{
        Api, access,
        body::{Json, Nothing},
        error::ApiError,
    },
    auth::AcceptedAdmin,
};

/// The admin tokens that are accepted from here on.
#[derive(Debug, Serialize)]
pub(in crate::api) struct Accepted {
    tokens: Vec<AcceptedAdmin>,
    /// When the file was read, in milliseconds.
    read_ts: u64,
}

/// Reads the token file. The caller's own token may be one of those that end by it.
pub(in crate::api) async fn rotate(
    State(api): State<Api>,
    headers: HeaderMap,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer<Accepted>, ApiError> {
    let file = api.admin.token_file.clone().ok_or_else(ApiError::no_token_file)?;
    let read_ts = api.lifecycle.now();
    let path = file.path().to_owned();
    // Whoever has mounted it from far away may have to wait for it.
    let read = tokio::task::spawn_blocking(move || file.read()).await;
    let read = read.unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()));
    read.map_err(|error| ApiError::token_file(&path, &error))?;
    let tokens = api.gate.accepted(&access::presented(&headers));
    Ok(Answer(Accepted { tokens, read_ts }))
}
