//! `/actors/{id}/kv/keys`: the entries that an actor keeps.

use axum::{Json as Answer, extract::State};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::row_of;
use crate::{
    api::{
        Api,
        body::Path,
        error::ApiError,
        namespaces::Pagination,
        query::{FromQuery, NamespaceQuery, Query, QueryOf},
    },
    keyspace::{Id, tables::ActorState},
    lifecycle::LifecycleError,
};

/// How many entries a page has at most: they are read with their values, of up to 128 KiB.
const PAGE: usize = 64;

#[derive(Debug, Serialize)]
pub(in crate::api) struct KvValue {
    value: String,
    update_ts: u64,
}

pub(in crate::api) async fn kv_value(
    State(api): State<Api>,
    Path((actor_id, key)): Path<(Id, String)>,
    QueryOf(NamespaceQuery { namespace }): QueryOf<NamespaceQuery>,
) -> Result<Answer<KvValue>, ApiError> {
    let key = STANDARD
        .decode(key)
        .map_err(|error| ApiError::bad_request(&format!("Invalid URL: invalid key: {error}")))?;
    let row = row_of(&api, &namespace, actor_id).await?;
    if row.state == ActorState::Destroyed {
        // Its entries go by and by. For those who ask they are gone already.
        return Err(ApiError::kv_key_not_found());
    }
    let found = api.lifecycle.data().kv_get(actor_id, &key).await;
    let (value, update_ts) =
        found.map_err(LifecycleError::Storage)?.ok_or_else(ApiError::kv_key_not_found)?;
    Ok(Answer(KvValue { value: STANDARD.encode(value), update_ts }))
}

#[derive(Debug)]
pub(in crate::api) struct EntriesQuery {
    namespace: String,
    limit: usize,
    after: Option<Key>,
}

/// A key as it is written: standard base64.
#[derive(Debug)]
struct Key(Vec<u8>);

impl std::str::FromStr for Key {
    type Err = base64::DecodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        STANDARD.decode(text).map(Self)
    }
}

impl FromQuery for EntriesQuery {
    const PARAMETERS: &'static [&'static str] = &["namespace", "limit", "cursor"];

    fn from_query(query: &Query) -> Result<Self, ApiError> {
        Ok(Self {
            namespace: query.required("namespace")?,
            limit: query.parsed("limit")?.unwrap_or(PAGE).min(PAGE),
            after: query.parsed("cursor")?,
        })
    }
}

#[derive(Debug, Serialize)]
pub(in crate::api) struct Entries {
    entries: Vec<Entry>,
    pagination: Pagination,
}

/// An entry without its value, which is read one by one.
#[derive(Debug, Serialize)]
struct Entry {
    key: String,
    /// How long the value is, in bytes.
    size: usize,
    update_ts: u64,
}

pub(in crate::api) async fn kv_entries(
    State(api): State<Api>,
    Path(actor_id): Path<Id>,
    QueryOf(EntriesQuery { namespace, limit, after }): QueryOf<EntriesQuery>,
) -> Result<Answer<Entries>, ApiError> {
    let row = row_of(&api, &namespace, actor_id).await?;
    let found = if row.state == ActorState::Destroyed {
        Vec::new()
    } else {
        let found = api.lifecycle.data().kv_list(actor_id, after.map(|key| key.0), limit).await;
        found.map_err(LifecycleError::Storage)?
    };
    let full = found.len() == limit;
    let cursor = found.last().filter(|_| full).map(|(key, _)| STANDARD.encode(&key.key));
    let entries = found.into_iter().map(|(key, row)| Entry {
        key: STANDARD.encode(key.key),
        size: row.value.len(),
        update_ts: row.update_ts,
    });
    Ok(Answer(Entries { entries: entries.collect(), pagination: Pagination { cursor } }))
}
