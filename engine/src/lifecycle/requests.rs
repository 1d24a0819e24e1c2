//! What clients and envoys ask for.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError},
};

use futures_util::StreamExt as _;
use rivet_envoy_protocol as protocol;
use tokio::sync::watch;

use super::{Actor, Lifecycle, LifecycleError, View, create::put_names, views::Phase};
use crate::{
    actor::Event,
    envoys::{EnvoyConnection, EnvoyId},
    keyspace::{
        Id, KeyRange, Order,
        tables::{
            ActorInputs, ActorNameRow, ActorRow, Actors, CommandRow, EnvoyCommandKey,
            EnvoyCommands, Namespaces, RunnerConfigKey, RunnerConfigs,
        },
    },
};

/// How many commands are read, and sent in one message, after a reconnect.
const REPLAY: usize = 256;

/// How many actors are worked on at once where many have to be.
pub(super) const AT_ONCE: usize = 64;

/// A command with all that its message needs.
type Waiting = (EnvoyCommandKey, CommandRow, ActorRow, Option<Vec<u8>>);

impl Lifecycle {
    /// What is in memory of an actor that lives. The way of every request; it never waits.
    pub fn live(&self, actor_id: &Id) -> Option<View> {
        self.0.views.live(actor_id)
    }

    /// Watches an actor of which there was something to be known lately.
    pub fn observed(&self, actor_id: &Id) -> Option<watch::Receiver<View>> {
        self.0.views.watch(actor_id)
    }

    /// The phases of those actors of a namespace that neither sleep nor are destroyed.
    pub fn awake(&self, namespace_id: &Id) -> Vec<Phase> {
        self.0.views.awake(namespace_id)
    }

    /// How many actors of all namespaces are awake, by phase.
    pub fn awake_by_phase(&self) -> [(Phase, u64); 4] {
        self.0.views.counts()
    }

    /// How many actors wait for a step whose time has come; at most `limit` are counted.
    pub fn overdue(&self, limit: usize) -> usize {
        self.0.timers.overdue(self.now(), limit)
    }

    /// Watches an actor, which may sleep or be destroyed.
    pub async fn observe(&self, actor_id: Id) -> Result<watch::Receiver<View>, LifecycleError> {
        if let Some(watch) = self.observed(&actor_id) {
            return Ok(watch);
        }
        let _turn = self.0.turns.take(&actor_id).await;
        let row = self.row(actor_id).await?.ok_or(LifecycleError::NotFound)?;
        Ok(self.0.views.insert(actor_id, View::of(&row)))
    }

    /// Wakes an actor, unless it runs or starts anyway. Refused while starts are held back.
    pub async fn wake(&self, actor_id: Id) -> Result<(), LifecycleError> {
        self.check_starts()?;
        self.apply(actor_id, Event::Wake).await.map(drop)
    }

    /// Destroys an actor of a namespace, and waits until it is gone.
    pub async fn destroy(&self, namespace: &str, actor_id: Id) -> Result<(), LifecycleError> {
        self.check_namespace(namespace, actor_id).await?;
        self.apply(actor_id, Event::Destroy).await?;
        let mut watch = self.observe(actor_id).await?;
        // The sender stays as long as somebody watches.
        let _ = watch.wait_for(|view| view.phase == Phase::Destroyed).await;
        Ok(())
    }

    /// Asks an actor of a namespace to sleep.
    pub async fn sleep(&self, namespace: &str, actor_id: Id) -> Result<(), LifecycleError> {
        self.check_namespace(namespace, actor_id).await?;
        self.apply(actor_id, Event::Sleep).await.map(drop)
    }

    /// Asks an actor of a namespace to move. Refused while starts are held back.
    pub async fn reschedule(&self, namespace: &str, actor_id: Id) -> Result<(), LifecycleError> {
        self.check_namespace(namespace, actor_id).await?;
        self.check_starts()?;
        self.apply(actor_id, Event::Reschedule).await.map(drop)
    }

    async fn check_namespace(&self, namespace: &str, id: Id) -> Result<Actor, LifecycleError> {
        let namespace_id = self.namespace_id(namespace).await?;
        let row = self.row(id).await?.filter(|row| row.namespace_id == namespace_id);
        Ok(Actor { id, row: row.ok_or(LifecycleError::NotFound)? })
    }

    /// Takes in an envoy that connected: it gets the commands that it has not acknowledged, and
    /// the actors that wait for room.
    pub async fn envoy_connected(
        &self,
        connection: &Arc<EnvoyConnection>,
    ) -> Result<(), LifecycleError> {
        let envoy = connection.envoy().clone();
        let mut range = EnvoyCommandKey::range_of_envoy(&envoy.namespace_id, &envoy.key);
        // Commands that are decided meanwhile wait, so that each actor's stay in order.
        let in_order = connection.commands().lock().await;
        loop {
            let waiting = self.waiting_commands(range.clone()).await?;
            let Some((last, ..)) = waiting.last() else { break };
            range = range.after::<EnvoyCommands>(last);
            let commands = waiting.into_iter().map(|waiting| self.wrapped(waiting)).collect();
            if connection.send_now(protocol::ToEnvoy::ToEnvoyCommands(commands)).is_err() {
                return Ok(());
            }
        }
        drop(in_order);
        self.room_in_pool(envoy.namespace_id, connection.pool());
        Ok(())
    }

    async fn waiting_commands(&self, range: KeyRange) -> Result<Vec<Waiting>, LifecycleError> {
        self.0
            .database
            .transact(move |transaction| {
                let rows = transaction.range::<EnvoyCommands>(&range, Order::Ascending, REPLAY)?;
                let mut waiting = Vec::with_capacity(rows.len());
                for (key, command) in rows {
                    let actor = transaction.get::<Actors>(&key.actor_id)?;
                    let actor = actor.ok_or(LifecycleError::NotFound)?;
                    let input = match command {
                        CommandRow::Start { .. } => {
                            transaction.get::<ActorInputs>(&key.actor_id)?
                        }
                        CommandRow::Stop { .. } => None,
                    };
                    waiting.push((key, command, actor, input.map(|input| input.0)));
                }
                Ok(waiting)
            })
            .await
    }

    fn wrapped(&self, (key, command, actor, input): Waiting) -> protocol::CommandWrapper {
        let checkpoint = protocol::ActorCheckpoint {
            actor_id: key.actor_id.to_string(),
            generation: key.generation,
            index: i64::try_from(key.index).unwrap_or(i64::MAX),
        };
        let inner = self.wire_command(key.actor_id, &actor, command, input);
        protocol::CommandWrapper { checkpoint, inner }
    }

    /// Drops the commands that an envoy has. A generation that a serverless request started is
    /// the envoy's from here on.
    pub async fn commands_acknowledged(
        &self,
        envoy: &EnvoyId,
        checkpoints: Vec<(Id, u32, i64)>,
    ) -> Result<(), LifecycleError> {
        let (namespace_id, envoy_key) = (envoy.namespace_id, envoy.key.to_string());
        let unbound = self
            .0
            .database
            .transact(move |transaction| {
                let mut unbound = Vec::new();
                for &(actor_id, generation, index) in &checkpoints {
                    let range =
                        EnvoyCommandKey::range_of_actor(&namespace_id, &envoy_key, &actor_id);
                    let rows =
                        transaction.range::<EnvoyCommands>(&range, Order::Ascending, usize::MAX)?;
                    for (key, _) in rows {
                        let index_of = i64::try_from(key.index).unwrap_or(i64::MAX);
                        if key.generation == generation && index_of <= index {
                            transaction.delete::<EnvoyCommands>(&key);
                        }
                    }
                    if let Some(actor) = transaction.get::<Actors>(&actor_id)?
                        && actor.envoy_key.is_none()
                        && actor.namespace_id == namespace_id
                        && actor.generation == generation
                    {
                        unbound.push((actor_id, generation));
                    }
                }
                Ok::<_, LifecycleError>(unbound)
            })
            .await?;
        for (actor_id, generation) in unbound {
            let envoy_key = envoy.key.to_string();
            self.apply(actor_id, Event::Bound { generation, envoy_key }).await?;
        }
        Ok(())
    }

    /// Takes an envoy out of service: no more actors, and those that it has move.
    pub async fn envoy_stopping(&self, envoy: &EnvoyId) {
        self.0.envoys.set_stopping(envoy);
        let envoy_key = envoy.key.to_string();
        let actors = self.0.envoys.actors_of(envoy);
        self.apply_to_all(actors, &Event::EnvoyStopping { envoy_key }).await;
    }

    /// Gives up the actors of an envoy that has left for good.
    pub async fn envoy_left(&self, envoy: &EnvoyId) {
        let envoy_key = envoy.key.to_string();
        let actors = self.0.envoys.actors_of(envoy);
        self.apply_to_all(actors, &Event::EnvoyLost { envoy_key }).await;
    }

    /// Whether somebody said how a pool runs.
    pub async fn pool_is_known(
        &self,
        namespace_id: Id,
        pool: &str,
    ) -> Result<bool, LifecycleError> {
        let range = RunnerConfigKey::range_of_pool(&namespace_id, pool);
        self.0
            .database
            .transact(move |transaction| {
                Ok(!transaction.range::<RunnerConfigs>(&range, Order::Ascending, 1)?.is_empty())
            })
            .await
    }

    /// Notes what an app says about the names of its actors.
    pub async fn names_announced(
        &self,
        namespace_id: Id,
        names: Vec<(String, ActorNameRow)>,
    ) -> Result<(), LifecycleError> {
        self.0
            .database
            .transact(move |transaction| put_names(transaction, namespace_id, &names))
            .await
    }

    /// Tells those who wait for room in a pool that there may be some.
    pub(super) fn room_in_pool(&self, namespace_id: Id, pool: &str) {
        let pool = (namespace_id, pool.to_owned());
        let pending = self.0.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting: Vec<Id> =
            pending.get(&pool).into_iter().flat_map(BTreeSet::iter).copied().collect();
        drop(pending);
        if !waiting.is_empty() {
            let lifecycle = self.clone();
            tokio::spawn(async move { lifecycle.apply_to_all(waiting, &Event::Room).await });
        }
    }

    /// Applies `event` to many actors, some at a time.
    pub(super) async fn apply_to_all(&self, actors: Vec<Id>, event: &Event) {
        futures_util::stream::iter(actors)
            .for_each_concurrent(AT_ONCE, |actor_id| async move {
                if let Err(error) = self.apply(actor_id, event.clone()).await {
                    tracing::warn!(%actor_id, %error, "a step of an actor failed");
                }
            })
            .await;
    }

    /// The name of a namespace, as serverless apps are told it.
    pub(super) async fn namespace_name(&self, namespace_id: Id) -> String {
        let read = self
            .0
            .database
            .transact(move |transaction| transaction.get::<Namespaces>(&namespace_id));
        match read.await {
            Ok(row) => row.map(|row| row.name).unwrap_or_default(),
            Err(error) => {
                let error: crate::storage::StorageError = error;
                tracing::error!(%namespace_id, %error, "a namespace could not be read");
                String::new()
            }
        }
    }

    /// What is stored of an actor.
    pub async fn row(&self, actor_id: Id) -> Result<Option<ActorRow>, LifecycleError> {
        self.0.database.transact(move |transaction| Ok(transaction.get::<Actors>(&actor_id)?)).await
    }
}
