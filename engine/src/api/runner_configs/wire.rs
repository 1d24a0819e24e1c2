//! Runner configs as clients write and read them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::keyspace::tables::{Eviction, PoolError, RunnerConfigRow, RunnerKind, ServerlessRow};

const DRAIN_GRACE_PERIOD: u32 = 1800;
const MAX_RUNNERS: u32 = 1000;

/// A config as it is written. Fields of newer clients are let through.
#[derive(Debug, Deserialize)]
#[serde(rename = "RunnerConfig")]
pub(in crate::api) struct ConfigRequest {
    #[serde(flatten)]
    kind: RunnerConfigKind,
    #[serde(default)]
    metadata: Option<Value>,
    /// Beside the kind or inside it; beside it counts.
    #[serde(default)]
    drain_on_version_upgrade: Option<bool>,
}

/// Both names are part of messages that clients see.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RunnerConfigKind {
    Normal {
        #[serde(flatten)]
        shared: Shared,
    },
    Serverless {
        url: String,
        #[serde(default)]
        headers: Option<BTreeMap<String, String>>,
        request_lifespan: u32,
        #[serde(default)]
        max_concurrent_actors: Option<u64>,
        #[serde(default)]
        drain_grace_period: Option<u32>,
        #[serde(default)]
        slots_per_runner: Option<u32>,
        #[serde(default)]
        min_runners: Option<u32>,
        #[serde(default)]
        max_runners: Option<u32>,
        #[serde(default)]
        runners_margin: Option<u32>,
        #[serde(default)]
        metadata_poll_interval: Option<u64>,
        #[serde(flatten)]
        shared: Shared,
    },
}

#[derive(Debug, Deserialize)]
struct Shared {
    #[serde(default)]
    drain_on_version_upgrade: Option<bool>,
    #[serde(default)]
    actor_eviction_delay: Option<u32>,
    #[serde(default)]
    actor_eviction_period: Option<u32>,
    #[serde(default)]
    actor_eviction_rate: Option<f64>,
}

impl From<ConfigRequest> for RunnerConfigRow {
    fn from(request: ConfigRequest) -> Self {
        let ConfigRequest { kind, metadata, drain_on_version_upgrade } = request;
        let (kind, shared) = match kind {
            RunnerConfigKind::Normal { shared } => (RunnerKind::Normal, shared),
            RunnerConfigKind::Serverless {
                url,
                headers,
                request_lifespan,
                max_concurrent_actors,
                drain_grace_period,
                slots_per_runner,
                min_runners,
                max_runners,
                runners_margin,
                metadata_poll_interval,
                shared,
            } => {
                let max_runners = max_runners.unwrap_or(MAX_RUNNERS);
                let row = ServerlessRow {
                    url,
                    headers: headers.unwrap_or_default(),
                    request_lifespan,
                    max_concurrent_actors: max_concurrent_actors
                        .unwrap_or_else(|| u64::from(max_runners)),
                    drain_grace_period: drain_grace_period.unwrap_or(DRAIN_GRACE_PERIOD),
                    slots_per_runner: slots_per_runner.unwrap_or(1),
                    min_runners: min_runners.unwrap_or(0),
                    max_runners,
                    runners_margin: runners_margin.unwrap_or(0),
                    metadata_poll_interval,
                };
                (RunnerKind::Serverless(row), shared)
            }
        };
        Self {
            kind,
            drain_on_version_upgrade: drain_on_version_upgrade
                .or(shared.drain_on_version_upgrade)
                .unwrap_or(true),
            eviction: Eviction {
                delay: shared.actor_eviction_delay.unwrap_or(0),
                period: shared.actor_eviction_period.unwrap_or(0),
                rate: shared.actor_eviction_rate.unwrap_or(1.0),
            },
            metadata,
        }
    }
}

/// A config as it is read.
#[derive(Debug, Serialize)]
pub(in crate::api) struct ConfigAnswer {
    #[serde(flatten)]
    kind: KindAnswer,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Value>,
    /// Known once a process of the pool has said which protocol it speaks.
    protocol_version: Option<u16>,
    /// What went wrong last, unless it has gone well since.
    #[serde(skip_serializing_if = "Option::is_none")]
    runner_pool_error: Option<PoolError>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum KindAnswer {
    Normal(SharedAnswer),
    Serverless(Box<ServerlessAnswer>),
}

#[derive(Debug, Serialize)]
struct ServerlessAnswer {
    url: String,
    headers: BTreeMap<String, String>,
    request_lifespan: u32,
    max_concurrent_actors: u64,
    drain_grace_period: u32,
    slots_per_runner: u32,
    min_runners: u32,
    max_runners: u32,
    runners_margin: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata_poll_interval: Option<u64>,
    #[serde(flatten)]
    shared: SharedAnswer,
}

#[derive(Debug, Serialize)]
struct SharedAnswer {
    drain_on_version_upgrade: bool,
    actor_eviction_delay: u32,
    actor_eviction_period: u32,
    actor_eviction_rate: f64,
}

impl ConfigAnswer {
    pub(super) fn new(
        row: RunnerConfigRow,
        protocol_version: Option<u16>,
        runner_pool_error: Option<PoolError>,
    ) -> Self {
        let shared = SharedAnswer {
            drain_on_version_upgrade: row.drain_on_version_upgrade,
            actor_eviction_delay: row.eviction.delay,
            actor_eviction_period: row.eviction.period,
            actor_eviction_rate: row.eviction.rate,
        };
        let kind = match row.kind {
            RunnerKind::Normal => KindAnswer::Normal(shared),
            RunnerKind::Serverless(row) => KindAnswer::Serverless(Box::new(ServerlessAnswer {
                url: row.url,
                headers: row.headers,
                request_lifespan: row.request_lifespan,
                max_concurrent_actors: row.max_concurrent_actors,
                drain_grace_period: row.drain_grace_period,
                slots_per_runner: row.slots_per_runner,
                min_runners: row.min_runners,
                max_runners: row.max_runners,
                runners_margin: row.runners_margin,
                metadata_poll_interval: row.metadata_poll_interval,
                shared,
            })),
        };
        Self { kind, metadata: row.metadata, protocol_version, runner_pool_error }
    }
}
