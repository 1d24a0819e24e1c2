//! `/actors/{id}/placement`: where an actor runs, and for the how many-th time.

use axum::{Json as Answer, extract::State};
use serde::Serialize;

use super::row_of;
use crate::{
    api::{
        Api,
        body::Path,
        error::ApiError,
        query::{NamespaceQuery, QueryOf},
    },
    keyspace::Id,
    lifecycle::View,
};

/// What the list of actors, whose shape is upstream's, has no room for.
#[derive(Debug, Serialize)]
pub(in crate::api) struct Placement {
    state: &'static str,
    /// How often it was placed.
    generation: u32,
    /// The envoy that it is placed on.
    envoy_key: Option<String>,
    /// When it wants to be woken, in milliseconds.
    alarm_ts: Option<i64>,
    /// How many attempts to place it have failed, one after another.
    failed_attempts: u32,
}

pub(in crate::api) async fn placement(
    State(api): State<Api>,
    Path(actor_id): Path<Id>,
    QueryOf(NamespaceQuery { namespace }): QueryOf<NamespaceQuery>,
) -> Result<Answer<Placement>, ApiError> {
    let row = row_of(&api, &namespace, actor_id).await?;
    Ok(Answer(Placement {
        state: View::of(&row).phase.name(),
        generation: row.generation,
        envoy_key: row.envoy_key,
        alarm_ts: row.alarm_ts,
        failed_attempts: row.retries.count,
    }))
}
