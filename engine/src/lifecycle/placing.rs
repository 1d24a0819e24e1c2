//! Where an actor can run: on the least busy envoy of its pool, or wherever its URL starts it.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    actor::Place,
    envoys::Envoys,
    keyspace::{
        Id,
        tables::{ActorError, ActorRow, RunnerConfigRow, RunnerKind},
    },
};

/// Decides where actors run.
#[derive(Debug)]
pub(super) struct Placing {
    envoys: Envoys,
    /// The actors of serverless pools that run or start.
    serverless: Mutex<HashMap<(Id, String), HashSet<Id>>>,
}

impl Placing {
    pub(super) fn new(envoys: Envoys) -> Self {
        Self { envoys, serverless: Mutex::default() }
    }

    /// Where `actor` can run at `now`.
    pub(super) fn place(
        &self,
        actor: &ActorRow,
        config: Option<&RunnerConfigRow>,
        now: u64,
    ) -> Place {
        if let Some(RunnerKind::Serverless(config)) = config.map(|config| &config.kind) {
            let running = self.running(&actor.namespace_id, &actor.pool);
            if u64::try_from(running).unwrap_or(u64::MAX) < config.max_concurrent_actors {
                return Place::Serverless;
            }
            return Place::Nowhere {
                error: ActorError::ConcurrentActorLimitReached,
                serverless: true,
            };
        }
        match self.envoys.pick(&actor.namespace_id, &actor.pool, now) {
            Some(envoy) => Place::Envoy(envoy.key.as_ref().to_owned()),
            None => Place::Nowhere { error: ActorError::NoEnvoys, serverless: false },
        }
    }

    /// Counts a start in a serverless pool.
    pub(super) fn started(&self, namespace_id: Id, pool: &str, actor_id: Id) {
        self.lock().entry((namespace_id, pool.to_owned())).or_default().insert(actor_id);
    }

    /// Counts its end. Says whether the actor was counted: then there is room.
    pub(super) fn ended(&self, namespace_id: Id, pool: &str, actor_id: &Id) -> bool {
        let mut serverless = self.lock();
        let pool = (namespace_id, pool.to_owned());
        let Some(actors) = serverless.get_mut(&pool) else { return false };
        let counted = actors.remove(actor_id);
        if actors.is_empty() {
            serverless.remove(&pool);
        }
        counted
    }

    fn running(&self, namespace_id: &Id, pool: &str) -> usize {
        self.lock().get(&(*namespace_id, pool.to_owned())).map_or(0, HashSet::len)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Id, String), HashSet<Id>>> {
        // Nothing in here can panic half way through a change.
        self.serverless.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
