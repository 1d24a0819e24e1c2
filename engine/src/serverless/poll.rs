//! Each pool is asked for its metadata now and then, and what it says is used.

use std::{
    collections::{BTreeMap, HashMap, HashSet, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio_util::task::AbortOnDropHandle;

use super::{Metadata, MetadataError, Serverless};
use crate::{
    directory::ServerlessPool,
    envoys::{CloseFrame, EnvoyConnection, EnvoyId},
    keyspace::Id,
};

/// Changed configs say so; this is for what could not be read.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// However often asking fails: the wait doubles no more than this often.
const MAX_DOUBLINGS: u32 = 5;

/// How often a draining envoy is looked at.
const DRAIN_STEP: Duration = Duration::from_millis(250);

/// How long a draining envoy may keep its actors.
const DRAIN_MAX: Duration = Duration::from_mins(30);

/// The close frame of an envoy whose app is out of date: it does not come back.
const EVICTION: CloseFrame = CloseFrame { code: 1000, reason: "ws.eviction" };

type PoolKey = (Id, String);

/// The envoys that are being drained: once each, however often the pool is asked meanwhile.
#[derive(Debug, Default)]
pub(super) struct Draining(Mutex<HashSet<EnvoyId>>);

impl Draining {
    fn lock(&self) -> MutexGuard<'_, HashSet<EnvoyId>> {
        // Nothing in here can panic half way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Serverless {
    /// Asks all pools, whichever there are.
    pub(super) async fn poll(&self) {
        let mut polls: HashMap<PoolKey, (ServerlessPool, AbortOnDropHandle<()>)> = HashMap::new();
        loop {
            match self.0.directory.serverless_pools().await {
                Ok(pools) => self.follow(&mut polls, pools),
                Err(error) => tracing::error!(%error, "the serverless pools could not be read"),
            }
            // A change that is missed in between is kept for the next wait.
            let _ = tokio::time::timeout(LOOK_AGAIN, self.0.changed.notified()).await;
        }
    }

    fn follow(
        &self,
        polls: &mut HashMap<PoolKey, (ServerlessPool, AbortOnDropHandle<()>)>,
        pools: BTreeMap<PoolKey, ServerlessPool>,
    ) {
        polls.retain(|key, (pool, _)| pools.get(key) == Some(pool));
        self.0.pools.retain(|key| pools.contains_key(key));
        for (key, pool) in pools {
            if let Entry::Vacant(free) = polls.entry(key) {
                let poll = self.clone().poll_one(free.key().clone(), pool.clone());
                free.insert((pool, AbortOnDropHandle::new(tokio::spawn(poll))));
            }
        }
    }

    async fn poll_one(self, key: PoolKey, pool: ServerlessPool) {
        let settings = self.0.settings;
        let wanted = pool.config.metadata_poll_interval.map(Duration::from_millis);
        let floor = settings.min_poll_interval.max(Duration::from_millis(100));
        let interval = wanted.unwrap_or(settings.default_poll_interval).max(floor);
        let mut failures = 0_u32;
        loop {
            match self.look_at(key.clone(), &pool).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures = failures.saturating_add(1);
                    tracing::debug!(pool = key.1, %error, "a pool did not tell its metadata");
                }
            }
            let wait = interval.saturating_mul(1 << failures.min(MAX_DOUBLINGS));
            tokio::time::sleep(wait).await;
        }
    }

    /// Asks a pool for its metadata and uses what it says.
    pub(super) async fn look_at(
        &self,
        (namespace_id, name): PoolKey,
        pool: &ServerlessPool,
    ) -> Result<(), MetadataError> {
        let ServerlessPool { config, drain_on_version_upgrade } = pool;
        let metadata = self.0.client.metadata(&config.url, &config.headers).await?;
        let Metadata { protocol_version, envoy_version, actor_names, .. } = metadata;
        if let Err(error) = self.0.lifecycle.names_announced(namespace_id, actor_names).await {
            tracing::warn!(pool = name, %error, "the names of a pool's actors were not noted");
        }
        if let Some(version) = protocol_version {
            self.0.pools.set_protocol_version(namespace_id, &name, version);
        }
        if let Some(version) = envoy_version.filter(|_| *drain_on_version_upgrade) {
            for outdated in self.0.lifecycle.envoys().older_than(&namespace_id, &name, version) {
                self.drain(outdated);
            }
        }
        Ok(())
    }

    /// Moves the actors of an envoy away, then ends its connection.
    fn drain(&self, connection: Arc<EnvoyConnection>) {
        let lifecycle = self.0.lifecycle.clone();
        let envoy = connection.envoy().clone();
        if !self.0.draining.lock().insert(envoy.clone()) {
            return;
        }
        tracing::info!(envoy_key = %envoy.key, "an envoy of an older version is drained");
        let serverless = self.clone();
        tokio::spawn(async move {
            lifecycle.envoy_stopping(&envoy).await;
            let gone = async {
                while !lifecycle.envoys().actors_of(&envoy).is_empty() {
                    tokio::time::sleep(DRAIN_STEP).await;
                }
            };
            tokio::select! {
                _ = tokio::time::timeout(DRAIN_MAX, gone) => {}
                () = connection.closed() => {}
            }
            connection.close(Some(EVICTION));
            serverless.0.draining.lock().remove(&envoy);
        });
    }
}
