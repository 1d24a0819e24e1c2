//! One step of one actor: read, decide, write, then carry out.

use std::time::Instant;

use super::{Actor, Inner, Lifecycle, LifecycleError};
use crate::{
    actor::{self, Context, Effect, Event, Place, deadline},
    envoys::EnvoyId,
    keyspace::{
        Id, Order,
        tables::{
            ActorAgeKey, ActorInputs, ActorKeyKey, ActorKeys, ActorRow, ActorTimerKey, ActorTimers,
            Actors, CommandRow, DestroyedActors, EnvoyActorKey, EnvoyActorRow, EnvoyActors,
            EnvoyCommandKey, EnvoyCommands, LiveActors, Present, RunnerConfigKey, RunnerConfigRow,
            RunnerConfigs,
        },
    },
    storage::{StorageError, Transaction},
};

/// A step that changed an actor.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) actor: ActorRow,
    pub(super) effects: Vec<Effect>,
    /// The input, where the actor is to start.
    pub(super) input: Option<Vec<u8>>,
}

impl Lifecycle {
    /// Applies `event` to an actor and carries out what follows. Returns the actor after it.
    pub async fn apply(&self, actor_id: Id, event: Event) -> Result<Actor, LifecycleError> {
        self.apply_chosen(actor_id, move |_| Some(vec![event.clone()])).await
    }

    /// Applies what an envoy reports. Of an actor that is placed elsewhere it has nothing to say:
    /// for it there is no such actor. A generation that a serverless request started is placed on
    /// the first envoy that speaks for it.
    pub async fn apply_from(
        &self,
        envoy: &EnvoyId,
        actor_id: Id,
        event: Event,
    ) -> Result<Actor, LifecycleError> {
        let EnvoyId { namespace_id, key } = envoy.clone();
        self.apply_chosen(actor_id, move |actor| {
            if actor.namespace_id != namespace_id {
                return None;
            }
            match actor.envoy_key.as_deref() {
                Some(placed) if *placed == *key => Some(vec![event.clone()]),
                Some(_) => None,
                None => {
                    let (generation, envoy_key) = (event.generation()?, key.to_string());
                    Some(vec![Event::Bound { generation, envoy_key }, event.clone()])
                }
            }
        })
        .await
    }

    /// Applies the events that `choose` finds right for the actor, one after another in one step.
    async fn apply_chosen(
        &self,
        actor_id: Id,
        choose: impl Fn(&ActorRow) -> Option<Vec<Event>> + Send + Sync + 'static,
    ) -> Result<Actor, LifecycleError> {
        let lifecycle = self.clone();
        to_the_end(async move { lifecycle.step(actor_id, choose).await }).await
    }

    async fn step(
        &self,
        actor_id: Id,
        choose: impl Fn(&ActorRow) -> Option<Vec<Event>> + Send + Sync + 'static,
    ) -> Result<Actor, LifecycleError> {
        let _turn = self.0.turns.take(&actor_id).await;
        let begun = Instant::now();
        let inner = std::sync::Arc::clone(&self.0);
        let (now, jitter) = (self.now(), u64::from_le_bytes(crate::keyspace::id::random_bytes()));
        let outcome = self
            .0
            .database
            .transact(move |transaction| {
                let actor = transaction.get::<Actors>(&actor_id)?;
                let mut actor = actor.ok_or(LifecycleError::NotFound)?;
                let events = choose(&actor).ok_or(LifecycleError::NotFound)?;
                let (revision, before) = (actor.revision, deadline(&actor));
                let config = inner.pool_config(transaction, &actor)?;
                // Looked at once, so that all of a step sees the same.
                let is_held = inner.draining.is_on();
                let place = |actor: &ActorRow| {
                    if is_held {
                        return Place::Held;
                    }
                    inner.placing.place(actor, config.as_ref(), now)
                };
                let context = Context { now, jitter, rules: &inner.rules, place: &place };
                let steps = events.iter().map(|event| actor::step(&mut actor, event, &context));
                let effects: Vec<_> = steps.flatten().flatten().collect();
                if actor.revision == revision {
                    return Ok(Err(actor));
                }
                let input = write(transaction, actor_id, &actor, before, &effects)?;
                Ok(Ok(Step { actor, effects, input }))
            })
            .await;
        let counted = match &outcome {
            Ok(Ok(_)) => "changed",
            Ok(Err(_)) | Err(LifecycleError::NotFound) => "unchanged",
            Err(_) => "failed",
        };
        self.metrics().actor_step(counted, begun.elapsed());
        match outcome {
            Ok(Ok(step)) => Ok(self.carry_out(actor_id, step).await),
            Ok(Err(unchanged)) => Ok(Actor { id: actor_id, row: unchanged }),
            Err(error) => Err(error),
        }
    }
}

impl Inner {
    /// How the actor's pool runs, as far as somebody said.
    pub(super) fn pool_config(
        &self,
        transaction: &mut Transaction<'_>,
        actor: &ActorRow,
    ) -> Result<Option<RunnerConfigRow>, StorageError> {
        transaction.get::<RunnerConfigs>(&RunnerConfigKey {
            namespace_id: actor.namespace_id,
            pool: actor.pool.clone(),
            datacenter: self.datacenter.name.clone(),
        })
    }
}

/// Does `work` to its end, even when whoever waits for it goes away, as clients do: what is on disk has
/// to reach memory and the envoy, or nothing would start the actor any more.
pub(super) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(ended) => std::panic::resume_unwind(ended.into_panic()),
    }
}

/// Writes the actor and those of its effects that have to outlive the process. Returns the input
/// of an actor that is to start.
pub(super) fn write(
    transaction: &mut Transaction<'_>,
    actor_id: Id,
    actor: &ActorRow,
    deadline_before: Option<u64>,
    effects: &[Effect],
) -> Result<Option<Vec<u8>>, StorageError> {
    transaction.put::<Actors>(&actor_id, actor);
    write_timer(transaction, actor_id, deadline_before, deadline(actor));
    let mut input = None;
    // First what ends: the last word of a generation that was given up has to stay.
    for effect in effects {
        if let Effect::Vacated { envoy_key } = effect {
            vacate(transaction, actor, envoy_key, actor_id)?;
        }
    }
    for effect in effects {
        match effect {
            Effect::Placed { envoy_key } => {
                let row = EnvoyActorRow { generation: actor.generation, pool: actor.pool.clone() };
                transaction.put::<EnvoyActors>(&envoy_actor(actor, envoy_key, actor_id), &row);
            }
            Effect::Command { envoy_key, generation, index, command } => {
                let key = EnvoyCommandKey {
                    namespace_id: actor.namespace_id,
                    envoy_key: envoy_key.clone(),
                    actor_id,
                    generation: *generation,
                    index: u64::try_from(*index).unwrap_or(0),
                };
                transaction.put::<EnvoyCommands>(&key, command);
                if matches!(command, CommandRow::Start { .. }) {
                    input = transaction.get::<ActorInputs>(&actor_id)?.map(|input| input.0);
                }
            }
            Effect::StartServerless { .. } => {
                input = transaction.get::<ActorInputs>(&actor_id)?.map(|input| input.0);
            }
            Effect::Destroyed => bury(transaction, actor_id, actor),
            Effect::Vacated { .. } | Effect::GenerationOver { .. } => {}
        }
    }
    Ok(input)
}

fn write_timer(
    transaction: &mut Transaction<'_>,
    actor_id: Id,
    before: Option<u64>,
    after: Option<u64>,
) {
    if before == after {
        return;
    }
    if let Some(due_ts) = before {
        transaction.delete::<ActorTimers>(&ActorTimerKey { due_ts, actor_id });
    }
    if let Some(due_ts) = after {
        transaction.put::<ActorTimers>(&ActorTimerKey { due_ts, actor_id }, &Present {});
    }
}

/// The commands of a generation that is over mean nothing any more.
fn vacate(
    transaction: &mut Transaction<'_>,
    actor: &ActorRow,
    envoy_key: &str,
    actor_id: Id,
) -> Result<(), StorageError> {
    transaction.delete::<EnvoyActors>(&envoy_actor(actor, envoy_key, actor_id));
    let range = EnvoyCommandKey::range_of_actor(&actor.namespace_id, envoy_key, &actor_id);
    for (key, _) in transaction.range::<EnvoyCommands>(&range, Order::Ascending, usize::MAX)? {
        transaction.delete::<EnvoyCommands>(&key);
    }
    Ok(())
}

/// Frees the key, and leaves the data to those who remove it.
fn bury(transaction: &mut Transaction<'_>, actor_id: Id, actor: &ActorRow) {
    let age = age_key(actor_id, actor);
    transaction.delete::<LiveActors>(&age);
    transaction.put::<DestroyedActors>(&age, &Present {});
    transaction.delete::<ActorInputs>(&actor_id);
    if let Some(key) = &actor.key {
        let key = ActorKeyKey {
            namespace_id: actor.namespace_id,
            name: actor.name.clone(),
            key: key.clone(),
        };
        transaction.delete::<ActorKeys>(&key);
    }
    crate::actor_data::schedule_purge(transaction, actor_id);
}

/// Where an actor stands in the lists.
pub(super) fn age_key(actor_id: Id, actor: &ActorRow) -> ActorAgeKey {
    ActorAgeKey {
        namespace_id: actor.namespace_id,
        name: actor.name.clone(),
        create_ts: actor.create_ts,
        actor_id,
    }
}

fn envoy_actor(actor: &ActorRow, envoy_key: &str, actor_id: Id) -> EnvoyActorKey {
    EnvoyActorKey { namespace_id: actor.namespace_id, envoy_key: envoy_key.to_owned(), actor_id }
}
