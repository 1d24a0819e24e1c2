//! How each pool of each namespace runs its actors, per datacenter.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::keyspace::{Id, Key, KeyError, KeyRange, KeyReader, KeyWriter, Table};

/// Runner configs by namespace, then pool, then datacenter.
#[derive(Debug)]
pub struct RunnerConfigs;

/// The key of [`RunnerConfigs`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunnerConfigKey {
    /// The namespace of the pool.
    pub namespace_id: Id,
    /// The pool.
    pub pool: String,
    /// The datacenter that the config is for.
    pub datacenter: String,
}

impl RunnerConfigKey {
    /// Every config of a namespace.
    pub fn range_of_namespace(namespace_id: &Id) -> KeyRange {
        KeyRange::starting_with::<RunnerConfigs>(|key| {
            key.id(namespace_id);
        })
    }

    /// Every config of one pool.
    pub fn range_of_pool(namespace_id: &Id, pool: &str) -> KeyRange {
        KeyRange::starting_with::<RunnerConfigs>(|key| {
            key.id(namespace_id).text(pool);
        })
    }
}

/// How a pool runs its actors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunnerConfigRow {
    /// Who starts the pool's processes.
    pub kind: RunnerKind,
    /// Whether the processes of an older version are drained when a newer one connects.
    pub drain_on_version_upgrade: bool,
    /// How actors leave processes that are drained.
    pub eviction: Eviction,
    /// What the operator wants to remember about the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<serde_json::Value>,
}

/// How actors leave a process that is drained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Eviction {
    /// The wait before the first.
    pub delay: u32,
    /// The time between two rounds.
    pub period: u32,
    /// How many leave in a round.
    pub rate: f64,
}

/// Who starts the processes of a pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerKind {
    /// The operator: they connect by themselves.
    Normal,
    /// The engine, by calling a URL.
    Serverless(ServerlessRow),
}

/// How the engine reaches a serverless pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerlessRow {
    /// Where requests go.
    pub url: String,
    /// What is sent along with them.
    pub headers: BTreeMap<String, String>,
    /// How long one request may last, in seconds.
    pub request_lifespan: u32,
    /// How many actors may run at once.
    pub max_concurrent_actors: u64,
    /// How long actors have to leave a request that ends, in seconds.
    pub drain_grace_period: u32,
    /// Actors per request.
    pub slots_per_runner: u32,
    /// Requests that are kept open.
    pub min_runners: u32,
    /// Requests that may be open.
    pub max_runners: u32,
    /// Requests that are kept open beyond what is needed.
    pub runners_margin: u32,
    /// How often the pool's metadata is fetched, in milliseconds, where it is not the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_poll_interval: Option<u64>,
}

impl Table for RunnerConfigs {
    const NAME: &'static str = "runner configs";
    const TAG: u8 = 0x20;
    type Key = RunnerConfigKey;
    type Value = RunnerConfigRow;
}

impl Key for RunnerConfigKey {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.id(&self.namespace_id).text(&self.pool).text(&self.datacenter);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        Ok(Self { namespace_id: bytes.id()?, pool: bytes.text()?, datacenter: bytes.text()? })
    }
}
