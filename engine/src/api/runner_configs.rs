//! `/runner-configs`: list, replace and remove how pools run their actors.

mod serverless;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use axum::{Json as Answer, extract::State};
use serde::{Deserialize, Serialize};

pub(super) use self::serverless::{health_check, refresh_metadata};
use self::wire::{ConfigAnswer, ConfigRequest};
use super::{
    Api,
    body::{Done, Json, Path},
    error::ApiError,
    namespaces::Pagination,
    query::{FromQuery, NamespaceQuery, Query, QueryOf},
};
use crate::directory::Variant;

const PAGE: usize = 1000;

#[derive(Debug)]
pub(super) struct ListQuery {
    namespace: String,
    limit: usize,
    after: Option<String>,
    variant: Option<Variant>,
    pools: BTreeSet<String>,
}

impl FromQuery for ListQuery {
    const PARAMETERS: &'static [&'static str] =
        &["namespace", "limit", "cursor", "variant", "runner_names", "runner_name"];

    fn from_query(query: &Query) -> Result<Self, ApiError> {
        let WireVariant(variant) = query.parsed("variant")?.unwrap_or(WireVariant(None));
        let named = query.repeated("runner_name").map(str::to_owned);
        Ok(Self {
            namespace: query.required("namespace")?,
            limit: query.parsed("limit")?.unwrap_or(PAGE),
            after: query.text("cursor")?,
            variant,
            pools: named.chain(query.list("runner_names")?).collect(),
        })
    }
}

struct WireVariant(Option<Variant>);

impl std::str::FromStr for WireVariant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "serverless" => Ok(Self(Some(Variant::Serverless))),
            "normal" => Ok(Self(Some(Variant::Normal))),
            other => Err(format!("unknown variant `{other}`, expected `serverless` or `normal`")),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Listed {
    runner_configs: BTreeMap<String, Pool<ConfigAnswer>>,
    pagination: Pagination,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pool<C> {
    datacenters: BTreeMap<String, C>,
}

#[derive(Debug, Serialize)]
pub(super) struct Replaced {
    endpoint_config_changed: bool,
}

pub(super) async fn list(
    State(api): State<Api>,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Answer<Listed>, ApiError> {
    let ListQuery { namespace, limit, after, variant, pools } = query;
    let namespace_id = api.lifecycle.namespace_id(&namespace).await?;
    let (found, paged) = if pools.is_empty() {
        let found = api.directory.list_runner_configs(namespace, variant, after, limit).await?;
        let full = found.len() == limit;
        (found, full)
    } else {
        // Asked for by name, a pool is answered whatever its variant.
        (api.directory.runner_configs_of(namespace, pools).await?, false)
    };
    let cursor = found.keys().next_back().filter(|_| paged).cloned();
    let runner_configs = found.into_iter().map(|(pool, configs)| {
        let of_envoys = api.lifecycle.envoys().protocol_version(&namespace_id, &pool);
        let protocol = of_envoys.or_else(|| api.serverless.protocol_version(namespace_id, &pool));
        let error = api.serverless.pool_error(namespace_id, &pool);
        let answer = |row| ConfigAnswer::new(row, protocol, error.clone());
        let datacenters = configs.into_iter().map(|(name, row)| (name, answer(row))).collect();
        (pool, Pool { datacenters })
    });
    let runner_configs = runner_configs.collect();
    Ok(Answer(Listed { runner_configs, pagination: Pagination { cursor } }))
}

pub(super) async fn replace(
    State(api): State<Api>,
    Path(pool): Path<String>,
    QueryOf(query): QueryOf<NamespaceQuery>,
    Json(request): Json<Pool<ConfigRequest>>,
) -> Result<Answer<Replaced>, ApiError> {
    let configs = request.datacenters.into_iter().map(|(name, config)| (name, config.into()));
    let changed = api.directory.put_runner_config(query.namespace, pool, configs.collect()).await?;
    api.serverless.configs_changed();
    Ok(Answer(Replaced { endpoint_config_changed: changed }))
}

pub(super) async fn remove(
    State(api): State<Api>,
    Path(pool): Path<String>,
    QueryOf(query): QueryOf<NamespaceQuery>,
) -> Result<Answer<Done>, ApiError> {
    api.directory.delete_runner_config(query.namespace, pool).await?;
    api.serverless.configs_changed();
    Ok(Answer(Done {}))
}
