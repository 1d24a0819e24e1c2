//! Which envoys are there, how busy they are, and which of them takes the next actor.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::{EnvoyConnection, EnvoyId};
use crate::{clock::Millis, keyspace::Id};

/// When an envoy counts as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// An envoy whose last pong is older than this gets no more actors, in milliseconds.
    pub eligible: u64,
    /// An envoy that is gone for longer than this has lost its actors, in milliseconds.
    pub lost: u64,
}

/// All envoys; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Envoys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    thresholds: Thresholds,
    state: Mutex<HashMap<EnvoyId, Envoy>>,
    /// The protocol of each pool's envoy that connected last. Only pools with a config have any.
    protocols: Mutex<HashMap<(Id, Arc<str>), u16>>,
    connected: Notify,
}

/// An envoy that is connected, or that still has actors.
#[derive(Debug)]
struct Envoy {
    connection: Option<Arc<EnvoyConnection>>,
    /// When the connection ended, or the engine started without one.
    gone_since: Millis,
    pool: Arc<str>,
    version: u32,
    stopping: bool,
    create_ts: Millis,
    last_ping_ts: Millis,
    last_rtt: u64,
    metadata: Option<serde_json::Value>,
    actors: HashSet<Id>,
}

/// What the API says about an envoy.
#[derive(Debug, Clone)]
pub struct EnvoySummary {
    /// The envoy.
    pub id: EnvoyId,
    /// Its pool.
    pub pool: Arc<str>,
    /// The version of its app.
    pub version: u32,
    /// How many actors it has.
    pub slots: usize,
    /// When it connected.
    pub create_ts: Millis,
    /// When it was last known to be there.
    pub last_ping_ts: Millis,
    /// How long its last pong took, in milliseconds.
    pub last_rtt: u64,
    /// What it says about itself.
    pub metadata: Option<serde_json::Value>,
}

/// What became of an envoy whose connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detached {
    /// Another connection had taken its place already.
    Replaced,
    /// It is gone.
    Gone,
}

impl Envoys {
    /// No envoys yet.
    pub fn new(thresholds: Thresholds) -> Self {
        let (state, protocols, connected) = (Mutex::default(), Mutex::default(), Notify::new());
        Self(Arc::new(Inner { thresholds, state, protocols, connected }))
    }

    /// Makes `connection` the way to its envoy. The one that was it before is returned.
    pub fn attach(
        &self,
        connection: &Arc<EnvoyConnection>,
        now: Millis,
    ) -> Option<Arc<EnvoyConnection>> {
        let pool = (connection.envoy().namespace_id, Arc::clone(connection.pool()));
        self.protocols().insert(pool, connection.protocol_version());
        let mut state = self.lock();
        let envoy = state.entry(connection.envoy().clone()).or_insert_with(|| Envoy::gone(now));
        envoy.pool = Arc::clone(connection.pool());
        envoy.version = connection.version();
        envoy.stopping = false;
        (envoy.create_ts, envoy.last_ping_ts) = (now, now);
        let before = envoy.connection.replace(Arc::clone(connection));
        drop(state);
        self.0.connected.notify_waiters();
        before
    }

    /// Forgets `connection`, if it still is the way to its envoy.
    pub fn detach(&self, connection: &Arc<EnvoyConnection>, now: Millis) -> Detached {
        let mut state = self.lock();
        let Some(envoy) = state.get_mut(connection.envoy()) else { return Detached::Replaced };
        if !envoy.connection.as_ref().is_some_and(|current| Arc::ptr_eq(current, connection)) {
            return Detached::Replaced;
        }
        envoy.connection = None;
        envoy.gone_since = now;
        if envoy.actors.is_empty() {
            state.remove(connection.envoy());
        }
        Detached::Gone
    }

    /// The way to an envoy, when it is connected.
    pub fn connection(&self, id: &EnvoyId) -> Option<Arc<EnvoyConnection>> {
        // One that has ended, and is not yet taken out, leads nowhere any more.
        self.lock().get(id)?.connection.clone().filter(|connection| !connection.is_closed())
    }

    /// Waits for an envoy to be connected.
    pub async fn connected(&self, id: &EnvoyId) -> Arc<EnvoyConnection> {
        if let Some(connection) = self.connection(id) {
            return connection;
        }
        let mut connected = std::pin::pin!(self.0.connected.notified());
        loop {
            // Taken first, so that a connection between the look and the wait is not missed.
            connected.as_mut().enable();
            if let Some(connection) = self.connection(id) {
                return connection;
            }
            connected.as_mut().await;
            connected.set(self.0.connected.notified());
        }
    }

    /// Notes that the envoy gets no more actors.
    pub fn set_stopping(&self, id: &EnvoyId) {
        if let Some(envoy) = self.lock().get_mut(id) {
            envoy.stopping = true;
        }
    }

    /// Whether the envoy announced its end.
    pub fn is_stopping(&self, id: &EnvoyId) -> bool {
        self.lock().get(id).is_some_and(|envoy| envoy.stopping)
    }

    /// When the envoy was last known to be there, if `connection` is the way to it.
    pub fn last_pong(&self, connection: &Arc<EnvoyConnection>) -> Option<Millis> {
        let state = self.lock();
        let envoy = state.get(connection.envoy())?;
        let current = envoy.connection.as_ref()?;
        Arc::ptr_eq(current, connection).then_some(envoy.last_ping_ts)
    }

    /// Notes a pong.
    pub fn pong(&self, id: &EnvoyId, now: Millis, rtt: u64) {
        if let Some(envoy) = self.lock().get_mut(id) {
            (envoy.last_ping_ts, envoy.last_rtt) = (now, rtt);
        }
    }

    /// Notes what the envoy says about itself.
    pub fn set_metadata(&self, id: &EnvoyId, metadata: serde_json::Value) {
        if let Some(envoy) = self.lock().get_mut(id) {
            envoy.metadata = Some(metadata);
        }
    }

    /// Notes that an actor is placed on the envoy, which need not be connected.
    pub fn place(&self, id: &EnvoyId, pool: &str, actor_id: Id, now: Millis) {
        let mut state = self.lock();
        let envoy = state.entry(id.clone()).or_insert_with(|| Envoy::gone(now));
        if envoy.connection.is_none() {
            envoy.pool = pool.into();
        }
        envoy.actors.insert(actor_id);
    }

    /// Notes that an actor is no longer on the envoy.
    pub fn vacate(&self, id: &EnvoyId, actor_id: &Id) {
        let mut state = self.lock();
        if let Some(envoy) = state.get_mut(id) {
            envoy.actors.remove(actor_id);
            if envoy.actors.is_empty() && envoy.connection.is_none() {
                state.remove(id);
            }
        }
    }

    /// The envoy that takes the next actor of a pool: of the newest version, the least busy.
    pub fn pick(&self, namespace_id: &Id, pool: &str, now: Millis) -> Option<EnvoyId> {
        let oldest = now.saturating_sub(self.0.thresholds.eligible);
        let state = self.lock();
        let free = state.iter().filter(|(id, envoy)| {
            id.namespace_id == *namespace_id
                && *envoy.pool == *pool
                && envoy.connection.is_some()
                && !envoy.stopping
                && envoy.last_ping_ts >= oldest
        });
        free.min_by_key(|(id, envoy)| {
            (std::cmp::Reverse(envoy.version), envoy.actors.len(), id.key.clone())
        })
        .map(|(id, _)| id.clone())
    }

    /// The actors on an envoy.
    pub fn actors_of(&self, id: &EnvoyId) -> Vec<Id> {
        let state = self.lock();
        state.get(id).into_iter().flat_map(|envoy| envoy.actors.iter().copied()).collect()
    }

    /// How many actors run or start in a pool.
    pub fn actors_in_pool(&self, namespace_id: &Id, pool: &str) -> usize {
        let state = self.lock();
        let of_pool = state
            .iter()
            .filter(|(id, envoy)| id.namespace_id == *namespace_id && *envoy.pool == *pool);
        of_pool.map(|(_, envoy)| envoy.actors.len()).sum()
    }

    /// How many actors are on envoys, in all.
    pub fn slots(&self) -> usize {
        self.lock().values().map(|envoy| envoy.actors.len()).sum()
    }

    /// The envoys that are gone for too long, with the actors that they had.
    pub fn lost(&self, now: Millis) -> Vec<(EnvoyId, Vec<Id>)> {
        let state = self.lock();
        let lost = state.iter().filter(|(_, envoy)| {
            envoy.connection.is_none()
                && now.saturating_sub(envoy.gone_since) >= self.0.thresholds.lost
        });
        lost.map(|(id, envoy)| (id.clone(), envoy.actors.iter().copied().collect())).collect()
    }

    /// Forgets an envoy that has neither a connection nor actors.
    pub fn forget(&self, id: &EnvoyId) {
        let mut state = self.lock();
        let unused = |envoy: &Envoy| envoy.connection.is_none() && envoy.actors.is_empty();
        if state.get(id).is_some_and(unused) {
            state.remove(id);
        }
    }

    /// The connections of a pool whose app is older than `version`.
    pub fn older_than(
        &self,
        namespace_id: &Id,
        pool: &str,
        version: u32,
    ) -> Vec<Arc<EnvoyConnection>> {
        let state = self.lock();
        let of_pool = state.iter().filter(|(id, envoy)| {
            id.namespace_id == *namespace_id && *envoy.pool == *pool && envoy.version < version
        });
        of_pool.filter_map(|(_, envoy)| envoy.connection.clone()).collect()
    }

    /// Every connection there is.
    pub fn connections(&self) -> Vec<Arc<EnvoyConnection>> {
        self.lock().values().filter_map(|envoy| envoy.connection.clone()).collect()
    }

    /// The protocol that the pool's envoys speak, or the last that was there.
    pub fn protocol_version(&self, namespace_id: &Id, pool: &str) -> Option<u16> {
        self.protocols().get(&(*namespace_id, pool.into())).copied()
    }

    /// The envoys of a namespace that are there and stay, newest first.
    pub fn list(&self, namespace_id: &Id) -> Vec<EnvoySummary> {
        let state = self.lock();
        let present = state.iter().filter(|(id, envoy)| {
            id.namespace_id == *namespace_id && envoy.connection.is_some() && !envoy.stopping
        });
        let mut found: Vec<_> = present.map(|(id, envoy)| envoy.summary(id)).collect();
        found.sort_by(|a, b| (b.create_ts, &b.id.key).cmp(&(a.create_ts, &a.id.key)));
        found
    }

    /// The pools that have an envoy to place actors on.
    pub fn pools(&self) -> BTreeSet<(Id, Arc<str>)> {
        let state = self.lock();
        let present = state.iter().filter(|(_, envoy)| envoy.connection.is_some());
        present.map(|(id, envoy)| (id.namespace_id, Arc::clone(&envoy.pool))).collect()
    }

    fn protocols(&self) -> MutexGuard<'_, HashMap<(Id, Arc<str>), u16>> {
        self.0.protocols.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<EnvoyId, Envoy>> {
        // Nothing in here can panic half way through a change.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Envoy {
    fn gone(now: Millis) -> Self {
        Self {
            connection: None,
            gone_since: now,
            pool: "".into(),
            version: 0,
            stopping: false,
            create_ts: now,
            last_ping_ts: now,
            last_rtt: 0,
            metadata: None,
            actors: HashSet::new(),
        }
    }

    fn summary(&self, id: &EnvoyId) -> EnvoySummary {
        EnvoySummary {
            id: id.clone(),
            pool: Arc::clone(&self.pool),
            version: self.version,
            slots: self.actors.len(),
            create_ts: self.create_ts,
            last_ping_ts: self.last_ping_ts,
            last_rtt: self.last_rtt,
            metadata: self.metadata.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
