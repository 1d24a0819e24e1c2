//! What exists: namespaces, the runner configs of their pools and their actors, by the rules of
//! the product.
//!
//! Every method is one storage transaction. Nothing here knows HTTP.

mod actors;
mod error;
mod names;
mod namespaces;
mod runner_configs;
mod serverless;

pub use self::{
    actors::{ActorPage, ActorsAfter, ListedActor},
    error::{DirectoryError, InvalidNamespace, InvalidRunnerConfig},
    names::{DisplayName, NamespaceName},
    namespaces::Namespace,
    runner_configs::{PoolConfigs, ServerlessPool, Variant},
};
use crate::{clock::SharedClock, outbound::Policy, storage::Database};

/// The place where this engine runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datacenter {
    /// Its number: part of every id that is made here.
    pub label: u16,
    /// Its name in requests.
    pub name: String,
    /// Where clients reach its API.
    pub public_url: String,
}

/// The bounds that an operator sets on what may be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long an actor may take to stop, in milliseconds.
    pub actor_stop_threshold: u64,
    /// Where the engine may connect to.
    pub outbound: Policy,
}

/// The directory of one engine; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Directory {
    database: Database,
    clock: SharedClock,
    datacenter: Datacenter,
    limits: Limits,
}

impl Directory {
    /// The directory kept in `database`.
    pub fn new(
        database: Database,
        clock: SharedClock,
        datacenter: Datacenter,
        limits: Limits,
    ) -> Self {
        Self { database, clock, datacenter, limits }
    }

    /// What everything takes on the disk, and in buffers on their way to it.
    pub fn storage_bytes(&self) -> Result<u64, DirectoryError> {
        Ok(self.database.bytes()?)
    }

    /// The place where this engine runs.
    pub fn datacenter(&self) -> &Datacenter {
        &self.datacenter
    }
}
