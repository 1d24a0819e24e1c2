//! `/envoys`, `/runners`: which app processes are connected.

use axum::{Json as Answer, extract::State};
use serde::Serialize;
use serde_json::Value;

use super::{
    Api,
    cursor::Cursor,
    error::ApiError,
    namespaces::Pagination,
    query::{FromQuery, Query, QueryOf},
};
use crate::{envoys::EnvoySummary, keyspace::Id};

const PAGE: usize = 100;

#[derive(Debug)]
pub(super) struct ListQuery {
    namespace: String,
    pool: Option<String>,
    keys: Vec<String>,
    limit: usize,
    after: Option<Cursor<String>>,
}

impl FromQuery for ListQuery {
    const PARAMETERS: &'static [&'static str] =
        &["namespace", "name", "envoy_key", "limit", "cursor"];

    fn from_query(query: &Query) -> Result<Self, ApiError> {
        Ok(Self {
            namespace: query.required("namespace")?,
            pool: query.text("name")?,
            keys: query.repeated("envoy_key").map(str::to_owned).collect(),
            limit: query.parsed("limit")?.unwrap_or(PAGE),
            after: query.parsed("cursor")?,
        })
    }
}

impl ListQuery {
    fn wants(&self, envoy: &EnvoySummary) -> bool {
        let older = self.after.as_ref().is_none_or(|after| match &after.last {
            None => envoy.create_ts < after.create_ts,
            Some(key) => (envoy.create_ts, &*envoy.id.key) < (after.create_ts, key.as_str()),
        });
        older
            && self.pool.as_ref().is_none_or(|pool| *envoy.pool == **pool)
            && (self.keys.is_empty() || self.keys.iter().any(|key| **key == *envoy.id.key))
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Listed {
    envoys: Vec<Envoy>,
    pagination: Pagination,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "clients know these names")]
struct Envoy {
    envoy_key: String,
    namespace_id: Id,
    datacenter: String,
    pool_name: String,
    version: u32,
    slots: usize,
    create_ts: u64,
    /// An envoy that stopped is not listed.
    stop_ts: Option<u64>,
    last_ping_ts: u64,
    /// Upstream never says.
    last_connected_ts: Option<u64>,
    last_rtt: u64,
    metadata: Option<Value>,
}

pub(super) async fn list(
    State(api): State<Api>,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Answer<Listed>, ApiError> {
    let namespace_id = api.lifecycle.namespace_id(&query.namespace).await?;
    let mut found = api.lifecycle.envoys().list(&namespace_id);
    found.retain(|envoy| query.wants(envoy));
    let cursor = cursor(&found, query.limit);
    found.truncate(query.limit);
    let datacenter = &api.directory.datacenter().name;
    let envoys = found.into_iter().map(|envoy| Envoy::new(envoy, datacenter)).collect();
    Ok(Answer(Listed { envoys, pagination: Pagination { cursor } }))
}

fn cursor(found: &[EnvoySummary], limit: usize) -> Option<String> {
    let last = found.get(..limit).unwrap_or(found).last()?;
    let next_is_as_old = found.get(limit).is_some_and(|next| next.create_ts == last.create_ts);
    let key = next_is_as_old.then(|| last.id.key.to_string());
    Some(Cursor { create_ts: last.create_ts, last: key }.to_string())
}

impl Envoy {
    fn new(envoy: EnvoySummary, datacenter: &str) -> Self {
        Self {
            envoy_key: envoy.id.key.to_string(),
            namespace_id: envoy.id.namespace_id,
            datacenter: datacenter.to_owned(),
            pool_name: envoy.pool.to_string(),
            version: envoy.version,
            slots: envoy.slots,
            create_ts: envoy.create_ts,
            stop_ts: None,
            last_ping_ts: envoy.last_ping_ts,
            last_connected_ts: None,
            last_rtt: envoy.last_rtt,
            metadata: envoy.metadata,
        }
    }
}

/// What a request is told that is no WebSocket's: envoys connect here.
pub(super) async fn connect() -> &'static str {
    "pegboard-envoy WebSocket endpoint"
}

/// The processes of a protocol that this engine does not speak: there are none.
#[derive(Debug)]
pub(super) struct RunnersQuery {
    namespace: String,
}

impl FromQuery for RunnersQuery {
    const PARAMETERS: &'static [&'static str] =
        &["namespace", "name", "runner_ids", "runner_id", "include_stopped", "limit", "cursor"];

    fn from_query(query: &Query) -> Result<Self, ApiError> {
        Ok(Self { namespace: query.required("namespace")? })
    }
}

/// The names of their pools.
#[derive(Debug)]
pub(super) struct RunnerNamesQuery {
    namespace: String,
}

impl FromQuery for RunnerNamesQuery {
    const PARAMETERS: &'static [&'static str] = &["namespace", "limit", "cursor"];

    fn from_query(query: &Query) -> Result<Self, ApiError> {
        Ok(Self { namespace: query.required("namespace")? })
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Runners {
    runners: [Value; 0],
    pagination: Pagination,
}

#[derive(Debug, Serialize)]
pub(super) struct RunnerNames {
    names: [String; 0],
    pagination: Pagination,
}

pub(super) async fn runners(
    State(api): State<Api>,
    QueryOf(query): QueryOf<RunnersQuery>,
) -> Result<Answer<Runners>, ApiError> {
    api.lifecycle.namespace_id(&query.namespace).await?;
    Ok(Answer(Runners { runners: [], pagination: Pagination { cursor: None } }))
}

pub(super) async fn runner_names(
    State(api): State<Api>,
    QueryOf(query): QueryOf<RunnerNamesQuery>,
) -> Result<Answer<RunnerNames>, ApiError> {
    api.lifecycle.namespace_id(&query.namespace).await?;
    Ok(Answer(RunnerNames { names: [], pagination: Pagination { cursor: None } }))
}
