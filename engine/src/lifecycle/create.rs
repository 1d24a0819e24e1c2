//! Actors come into being, and are found by their keys.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    Actor, Lifecycle, LifecycleError,
    steps::{Step, age_key, to_the_end, write},
};
use crate::{
    actor::{self, Context},
    keyspace::{
        Id,
        tables::{
            ActorInputRow, ActorInputs, ActorKeyKey, ActorKeys, ActorNameKey, ActorNameRow,
            ActorNames, ActorRow, Actors, CrashPolicy, LiveActors, NamespaceNames, Present,
            RunnerConfigKey, RunnerConfigs,
        },
    },
    storage::Transaction,
};

/// The longest key, in bytes.
const KEY_MAX: usize = 1024;

/// How many keys are remembered. Beyond that all are forgotten, and looked up again.
const KEYS: usize = 16_384;

/// What somebody wants to come into being.
#[derive(Debug, Clone)]
pub struct NewActor {
    /// The name of its namespace.
    pub namespace: String,
    /// What kind of actor it is.
    pub name: String,
    /// How it is found.
    pub key: Option<String>,
    /// The pool whose envoys run it.
    pub pool: String,
    /// What it gets at every start.
    pub input: Option<Vec<u8>>,
    /// What should happen when it crashes.
    pub crash_policy: CrashPolicy,
    /// Where it should run. Only this engine's own place is known.
    pub datacenter: Option<String>,
}

/// Who has which key, as it was seen last: a hint, to be checked against a living actor.
#[derive(Debug, Default)]
pub(super) struct KeyCache(RwLock<HashMap<(Id, String, String), Id>>);

enum Outcome {
    Created(Id, Box<Step>),
    There(Id, Box<ActorRow>),
}

impl Lifecycle {
    /// Creates an actor. Its key must be free.
    pub async fn create(&self, new: NewActor) -> Result<Actor, LifecycleError> {
        let key = new.key.clone();
        match self.get_or_create(new).await? {
            (actor, true) => Ok(actor),
            (actor, false) => Err(LifecycleError::DuplicateKey {
                key: key.unwrap_or_default(),
                existing: actor.id,
            }),
        }
    }

    /// The actor that has the key, created where there is none. Says whether it was.
    pub async fn get_or_create(&self, new: NewActor) -> Result<(Actor, bool), LifecycleError> {
        check_key(new.key.as_deref())?;
        let elsewhere = |datacenter: &String| *datacenter != self.datacenter().name;
        if new.datacenter.as_ref().is_some_and(elsewhere) {
            return Err(LifecycleError::DatacenterNotFound);
        }
        let lifecycle = self.clone();
        to_the_end(async move { lifecycle.found_or_made(new).await }).await
    }

    async fn found_or_made(&self, new: NewActor) -> Result<(Actor, bool), LifecycleError> {
        let actor_id = Id::random(self.datacenter().label);
        let _turn = self.0.turns.take(&actor_id).await;
        let inner = Arc::clone(&self.0);
        let (now, jitter) = (self.now(), u64::from_le_bytes(crate::keyspace::id::random_bytes()));
        let outcome = self
            .0
            .growth
            .transact(move |transaction| {
                let namespace_id = transaction
                    .get::<NamespaceNames>(&new.namespace)?
                    .ok_or(LifecycleError::NamespaceNotFound)?;
                if let Some(there) = holder_of_key(transaction, namespace_id, &new)? {
                    return Ok(there);
                }
                if inner.draining.is_on() {
                    return Err(LifecycleError::Draining);
                }
                let config = RunnerConfigKey {
                    namespace_id,
                    pool: new.pool.clone(),
                    datacenter: inner.datacenter.name.clone(),
                };
                let config = transaction.get::<RunnerConfigs>(&config)?;
                if config.is_none() {
                    return Err(LifecycleError::NoRunnerConfig {
                        namespace: new.namespace.clone(),
                        pool: new.pool.clone(),
                    });
                }
                let place = |actor: &ActorRow| inner.placing.place(actor, config.as_ref(), now);
                let context = Context { now, jitter, rules: &inner.rules, place: &place };
                let (actor, effects) = actor::create(
                    namespace_id,
                    new.name.clone(),
                    new.key.clone(),
                    new.pool.clone(),
                    new.crash_policy,
                    &context,
                );
                register(transaction, actor_id, &actor, new.input.as_ref())?;
                let input = write(transaction, actor_id, &actor, None, &effects)?;
                Ok(Outcome::Created(actor_id, Box::new(Step { actor, effects, input })))
            })
            .await?;
        match outcome {
            Outcome::Created(id, step) => Ok((self.carry_out(id, *step).await, true)),
            Outcome::There(id, row) => Ok((Actor { id, row: *row }, false)),
        }
    }

    /// The actor with this key that is not destroyed.
    pub async fn find(
        &self,
        namespace: &str,
        name: &str,
        key: &str,
    ) -> Result<Option<Id>, LifecycleError> {
        let namespace_id = self.namespace_id(namespace).await?;
        let wanted = (namespace_id, name.to_owned(), key.to_owned());
        // An actor never changes its key: one that lives is the one that has it.
        if let Some(id) = self.0.keys.get(&wanted)
            && self.live(&id).is_some()
        {
            return Ok(Some(id));
        }
        let (namespace_id, name, key) = wanted.clone();
        let found = self
            .0
            .database
            .transact(move |transaction| {
                let key = ActorKeyKey { namespace_id, name: name.clone(), key: key.clone() };
                transaction.get::<ActorKeys>(&key)
            })
            .await
            .map_err(LifecycleError::Storage)?;
        if let Some(id) = found {
            self.0.keys.put(wanted, id);
        }
        Ok(found)
    }
}

impl KeyCache {
    fn get(&self, wanted: &(Id, String, String)) -> Option<Id> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(wanted).copied()
    }

    fn put(&self, wanted: (Id, String, String), id: Id) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEYS {
            keys.clear();
        }
        keys.insert(wanted, id);
    }
}

fn check_key(key: Option<&str>) -> Result<(), LifecycleError> {
    match key {
        Some("") => Err(LifecycleError::EmptyKey),
        Some(key) if key.len() > KEY_MAX => Err(LifecycleError::KeyTooLarge {
            max: KEY_MAX,
            preview: key.chars().take(KEY_MAX).collect(),
        }),
        _ => Ok(()),
    }
}

fn holder_of_key(
    transaction: &mut Transaction<'_>,
    namespace_id: Id,
    new: &NewActor,
) -> Result<Option<Outcome>, LifecycleError> {
    let Some(key) = &new.key else { return Ok(None) };
    let key = ActorKeyKey { namespace_id, name: new.name.clone(), key: key.clone() };
    let Some(id) = transaction.get::<ActorKeys>(&key)? else { return Ok(None) };
    let row = transaction.get::<Actors>(&id)?.ok_or(LifecycleError::NotFound)?;
    Ok(Some(Outcome::There(id, Box::new(row))))
}

/// Makes a new actor known: by its key, in the lists, and its name.
fn register(
    transaction: &mut Transaction<'_>,
    actor_id: Id,
    actor: &ActorRow,
    input: Option<&Vec<u8>>,
) -> Result<(), LifecycleError> {
    let (namespace_id, name) = (actor.namespace_id, actor.name.clone());
    if let Some(key) = &actor.key {
        let key = ActorKeyKey { namespace_id, name: name.clone(), key: key.clone() };
        transaction.put::<ActorKeys>(&key, &actor_id);
    }
    transaction.put::<LiveActors>(&age_key(actor_id, actor), &Present {});
    let name = ActorNameKey { namespace_id, name };
    if transaction.get::<ActorNames>(&name)?.is_none() {
        transaction.put::<ActorNames>(&name, &ActorNameRow { metadata: serde_json::Map::new() });
    }
    if let Some(input) = input {
        transaction.put::<ActorInputs>(&actor_id, &ActorInputRow(input.clone()));
    }
    Ok(())
}

/// Writes what an app says about its actors' names.
pub(super) fn put_names(
    transaction: &mut Transaction<'_>,
    namespace_id: Id,
    names: &[(String, ActorNameRow)],
) -> Result<(), LifecycleError> {
    for (name, row) in names {
        let key = ActorNameKey { namespace_id, name: name.clone() };
        if transaction.get::<ActorNames>(&key)?.as_ref() != Some(row) {
            transaction.put::<ActorNames>(&key, row);
        }
    }
    Ok(())
}
