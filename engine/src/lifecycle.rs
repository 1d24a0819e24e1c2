//! Runs the life of actors: each step one transaction, its effects carried out after it.
//!
//! What is committed is the truth; what is in memory here is a copy of it that may be lost at any
//! time: [`View`]s for those who wait for an actor, timers, and who waits for room. Effects of one
//! actor are carried out in the order of its steps: a step holds the actor's turn until its
//! effects are out.

mod boot;
mod carry_out;
mod create;
mod drain;
mod error;
mod identity;
mod placing;
mod requests;
mod steps;
mod sweep;
mod tenancy;
mod timers;
mod traced;
mod turns;
mod views;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use rivet_envoy_protocol as protocol;
use tokio::sync::{Notify, mpsc};

pub use self::{
    create::NewActor,
    drain::Draining,
    error::LifecycleError,
    identity::ActorIdentity,
    tenancy::ActorTenancy,
    views::{Phase, View},
};
use self::{placing::Placing, timers::Timers, turns::Turns, views::Views};
use crate::{
    actor::Rules,
    actor_data::ActorData,
    clock::SharedClock,
    directory::Datacenter,
    envoys::{Envoys, Tunnels},
    keyspace::{Id, tables::ActorRow},
    storage::Database,
    telemetry::{Metrics, otel::Tracer},
};

/// A generation that the serverless pool's URL has to start.
#[derive(Debug)]
pub struct ServerlessStart {
    /// The actor's namespace.
    pub namespace_id: Id,
    /// The name of that namespace.
    pub namespace: String,
    /// The pool.
    pub pool: String,
    /// The actor.
    pub actor_id: Id,
    /// The generation.
    pub generation: u32,
    /// The command that starts it: index 0.
    pub command: protocol::CommandWrapper,
}

/// An actor with its id.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Its id.
    pub id: Id,
    /// What is known of it.
    pub row: ActorRow,
}

/// The life of all actors; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Lifecycle(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// For the steps of actors that are there.
    database: Database,
    /// For new ones.
    growth: Database,
    clock: SharedClock,
    datacenter: Datacenter,
    rules: Rules,
    envoys: Envoys,
    tunnels: Tunnels,
    data: ActorData,
    metrics: Arc<Metrics>,
    tracer: Tracer,
    turns: Turns,
    views: Views,
    draining: Draining,
    timers: Timers,
    placing: Placing,
    /// The actors that wait for room, by pool.
    pending: Mutex<BTreeMap<(Id, String), BTreeSet<Id>>>,
    serverless: mpsc::UnboundedSender<ServerlessStart>,
    /// Namespaces keep their names for good.
    namespaces: RwLock<HashMap<String, Id>>,
    keys: create::KeyCache,
    identities: identity::Identities,
    /// Is notified when data of destroyed actors waits to be removed.
    purge: Notify,
}

/// What a [`Lifecycle`] works with.
#[derive(Debug)]
pub struct Parts {
    /// The store.
    pub database: Database,
    /// The time.
    pub clock: SharedClock,
    /// The place where this engine runs.
    pub datacenter: Datacenter,
    /// The operator's times.
    pub rules: Rules,
    /// The envoys.
    pub envoys: Envoys,
    /// What is in flight to them.
    pub tunnels: Tunnels,
    /// What actors keep.
    pub data: ActorData,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is traced.
    pub tracer: Tracer,
}

impl Lifecycle {
    /// The life of the actors in `parts.database`, and the queue of serverless starts.
    ///
    /// Call [`Lifecycle::restore`] before anything else.
    pub fn new(parts: Parts) -> (Self, mpsc::UnboundedReceiver<ServerlessStart>) {
        let (serverless, starts) = mpsc::unbounded_channel();
        let Parts { database, clock, datacenter, rules, envoys, tunnels, data, metrics, tracer } =
            parts;
        let inner = Inner {
            placing: Placing::new(envoys.clone()),
            database: database.for_upkeep(),
            growth: database,
            clock,
            datacenter,
            rules,
            envoys,
            tunnels,
            data,
            metrics,
            tracer,
            turns: Turns::default(),
            views: Views::default(),
            draining: Draining::default(),
            timers: Timers::default(),
            pending: Mutex::default(),
            serverless,
            namespaces: RwLock::default(),
            keys: create::KeyCache::default(),
            identities: identity::Identities::default(),
            purge: Notify::new(),
        };
        (Self(Arc::new(inner)), starts)
    }

    /// The envoys that actors are placed on.
    pub fn envoys(&self) -> &Envoys {
        &self.0.envoys
    }

    /// What is in flight to actors.
    pub fn tunnels(&self) -> &Tunnels {
        &self.0.tunnels
    }

    /// What actors keep.
    pub fn data(&self) -> &ActorData {
        &self.0.data
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The time now, in milliseconds.
    pub fn now(&self) -> u64 {
        self.0.clock.now()
    }

    /// The place where this engine runs.
    pub fn datacenter(&self) -> &Datacenter {
        &self.0.datacenter
    }

    /// The id of a namespace.
    pub async fn namespace_id(&self, name: &str) -> Result<Id, LifecycleError> {
        let known = {
            let namespaces = self.0.namespaces.read().unwrap_or_else(PoisonError::into_inner);
            namespaces.get(name).copied()
        };
        if let Some(id) = known {
            return Ok(id);
        }
        let wanted = name.to_owned();
        let found = self
            .0
            .database
            .transact(move |transaction| {
                transaction.get::<crate::keyspace::tables::NamespaceNames>(&wanted)
            })
            .await?;
        let id = found.ok_or(LifecycleError::NamespaceNotFound)?;
        let mut known = self.0.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), id);
        Ok(id)
    }
}
