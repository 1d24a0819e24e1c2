//! Actors: what is known of each, how they are found, and what is on its way to their envoys.

use serde::{Deserialize, Serialize};

use crate::keyspace::{
    Id, Key, KeyError, KeyRange, KeyReader, KeyWriter, StoredValue, Table, ValueError,
    value::json_rows,
};

/// Actors by id. Destroyed ones stay.
#[derive(Debug)]
pub struct Actors;

/// The input that an actor gets at every start: apart, so that a step of its life does not write
/// it again.
#[derive(Debug)]
pub struct ActorInputs;

/// Which actor has a key: keeps keys unique among actors that are not destroyed.
#[derive(Debug)]
pub struct ActorKeys;

/// Actors that are not destroyed, by name and age: the order in which they are listed.
#[derive(Debug)]
pub struct LiveActors;

/// Destroyed actors, by name and age.
#[derive(Debug)]
pub struct DestroyedActors;

/// The names of actors that a namespace knows.
#[derive(Debug)]
pub struct ActorNames;

/// Which actors are placed on which envoy.
#[derive(Debug)]
pub struct EnvoyActors;

/// Commands that an envoy has not acknowledged.
#[derive(Debug)]
pub struct EnvoyCommands;

/// When an actor has to be looked at: one row for each actor that waits for a time.
#[derive(Debug)]
pub struct ActorTimers;

/// An actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorRow {
    /// The namespace it lives in.
    pub namespace_id: Id,
    /// What kind of actor it is.
    pub name: String,
    /// How clients find it. One actor of a name that is not destroyed has a key.
    pub key: Option<String>,
    /// The pool whose envoys run it.
    pub pool: String,
    /// What was asked for at its creation. Envoys' actors always sleep when they crash.
    pub crash_policy: CrashPolicy,
    /// When it was created, in milliseconds.
    pub create_ts: u64,
    /// Counts the changes of this row, so that those who hear of them late see which is newer.
    pub revision: u64,
    /// Counts the times it was placed. The first start is generation 1.
    pub generation: u32,
    /// Where in its life it is.
    pub state: ActorState,
    /// The envoy it is placed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envoy_key: Option<String>,
    /// The index of the last command of this generation.
    pub last_command: i64,
    /// The index of the last event of this generation that changed this row; -1 before the first.
    pub last_event: i64,
    /// When it ran for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_ts: Option<u64>,
    /// Since when requests reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connectable_ts: Option<u64>,
    /// Since when it sleeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sleep_ts: Option<u64>,
    /// When it is placed again at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reschedule_ts: Option<u64>,
    /// When it was destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroy_ts: Option<u64>,
    /// When it wants to be woken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_ts: Option<i64>,
    /// Why it does not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ActorError>,
    /// The attempts to place it that failed.
    #[serde(default)]
    pub retries: Retries,
}

/// Where in its life an actor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorState {
    /// No envoy can take it: it waits for one, or for [`ActorRow::reschedule_ts`].
    Pending,
    /// It was sent to an envoy, which has not said that it runs.
    Starting {
        /// When the wait ends.
        deadline: u64,
        /// What is asked of it as soon as it runs.
        then: Option<StopReason>,
    },
    /// It runs.
    Running,
    /// It was told to stop.
    Stopping {
        /// Why.
        reason: StopReason,
        /// When the wait ends.
        deadline: u64,
        /// Whether somebody asked for it meanwhile.
        wake: bool,
    },
    /// No generation of it is alive.
    Sleeping,
    /// It is gone for good.
    Destroyed,
}

/// Why an actor is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It has nothing to do.
    Sleep,
    /// Its own code ended it.
    Stop,
    /// Somebody destroyed it.
    Destroy,
    /// Its envoy goes away, or it was asked to move.
    GoingAway,
    /// It was given up: another generation may run.
    Lost,
}

/// What should happen when an actor crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrashPolicy {
    /// Start it again.
    Restart,
    /// Start it when it is asked for.
    Sleep,
    /// Destroy it.
    Destroy,
}

/// The attempts to place an actor that failed, one after another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retries {
    /// How many.
    pub count: u32,
    /// When the first of them was, in milliseconds.
    pub first_ts: u64,
    /// When the last of them was, in milliseconds.
    pub last_ts: u64,
}

/// Why an actor does not run. The shape is that of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorError {
    /// No envoy of its pool is connected.
    NoEnvoys,
    /// Its pool runs as many actors as it may.
    ConcurrentActorLimitReached,
    /// It said so itself.
    Crashed {
        /// In these words.
        message: Option<String>,
    },
    /// Its envoy did not start or stop it in time.
    EnvoyNoResponse {
        /// The envoy.
        envoy_key: String,
    },
    /// Its envoy was gone for too long.
    EnvoyConnectionLost {
        /// The envoy.
        envoy_key: String,
    },
    /// The pool's URL did not start it.
    RunnerPoolError(PoolError),
}

/// What went wrong with a serverless pool. The shape is that of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolError {
    /// It answered with another status than 200.
    ServerlessHttpError {
        /// The status.
        status_code: u16,
        /// The beginning of the body.
        body: String,
    },
    /// The stream ended before it said so.
    ServerlessStreamEndedEarly,
    /// Nobody answers.
    ServerlessConnectionError {
        /// What the system said.
        message: String,
    },
    /// The stream is none of server-sent events.
    ServerlessInvalidSsePayload {
        /// What is wrong.
        message: String,
        /// The beginning of what came.
        raw_payload: Option<String>,
    },
    /// Something in the engine.
    InternalError,
}

/// A command as it is sent, and sent again until it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandRow {
    /// Start the actor.
    Start {
        /// When the actor was placed.
        create_ts: u64,
    },
    /// Stop it.
    Stop {
        /// Why.
        reason: StopReason,
        /// When it was queued: one for an envoy that never comes back is dropped in the end.
        queued_ts: u64,
    },
}

/// What a namespace knows of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorNameRow {
    /// What an app said about its actors of this name: a JSON object.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

/// The key of [`ActorKeys`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActorKeyKey {
    /// The namespace.
    pub namespace_id: Id,
    /// The actor's name.
    pub name: String,
    /// The actor's key.
    pub key: String,
}

/// The key of [`LiveActors`] and [`DestroyedActors`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActorAgeKey {
    /// The namespace.
    pub namespace_id: Id,
    /// The actor's name.
    pub name: String,
    /// When it was created.
    pub create_ts: u64,
    /// The actor.
    pub actor_id: Id,
}

/// The key of [`ActorNames`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActorNameKey {
    /// The namespace.
    pub namespace_id: Id,
    /// The name.
    pub name: String,
}

/// The key of [`EnvoyActors`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvoyActorKey {
    /// The envoy's namespace.
    pub namespace_id: Id,
    /// The key that the envoy chose.
    pub envoy_key: String,
    /// The actor.
    pub actor_id: Id,
}

/// The key of [`EnvoyCommands`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvoyCommandKey {
    /// The envoy's namespace.
    pub namespace_id: Id,
    /// The key that the envoy chose.
    pub envoy_key: String,
    /// The actor.
    pub actor_id: Id,
    /// The generation that is meant.
    pub generation: u32,
    /// The place among the generation's commands.
    pub index: u64,
}

/// The key of [`ActorTimers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActorTimerKey {
    /// The time, in milliseconds.
    pub due_ts: u64,
    /// The actor.
    pub actor_id: Id,
}

/// What an envoy and the actors on it have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvoyActorRow {
    /// The generation that is placed there.
    pub generation: u32,
    /// The pool of actor and envoy.
    pub pool: String,
}

/// An input as it came: CBOR, which the engine does not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorInputRow(pub Vec<u8>);

impl StoredValue for ActorInputRow {
    fn encode(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn decode(bytes: &[u8]) -> Result<Self, ValueError> {
        Ok(Self(bytes.to_owned()))
    }
}

json_rows!(ActorRow, ActorNameRow, CommandRow, EnvoyActorRow, Present);

/// The row of a table whose keys say everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {}

impl ActorAgeKey {
    /// Every actor of a name.
    pub fn range_of_name<T: Table>(namespace_id: &Id, name: &str) -> KeyRange {
        KeyRange::starting_with::<T>(|key| {
            key.id(namespace_id).text(name);
        })
    }

    /// Every actor of a namespace.
    pub fn range_of_namespace<T: Table>(namespace_id: &Id) -> KeyRange {
        KeyRange::starting_with::<T>(|key| {
            key.id(namespace_id);
        })
    }
}

impl ActorNameKey {
    /// Every name of a namespace.
    pub fn range_of_namespace(namespace_id: &Id) -> KeyRange {
        KeyRange::starting_with::<ActorNames>(|key| {
            key.id(namespace_id);
        })
    }
}

impl EnvoyCommandKey {
    /// Every command for an envoy.
    pub fn range_of_envoy(namespace_id: &Id, envoy_key: &str) -> KeyRange {
        KeyRange::starting_with::<EnvoyCommands>(|key| {
            key.id(namespace_id).text(envoy_key);
        })
    }

    /// Every command for an actor on an envoy.
    pub fn range_of_actor(namespace_id: &Id, envoy_key: &str, actor_id: &Id) -> KeyRange {
        KeyRange::starting_with::<EnvoyCommands>(|key| {
            key.id(namespace_id).text(envoy_key).id(actor_id);
        })
    }
}

macro_rules! table {
    ($table:ident, $name:literal, $tag:literal, $key:ty, $value:ty) => {
        impl Table for $table {
            const NAME: &'static str = $name;
            const TAG: u8 = $tag;
            type Key = $key;
            type Value = $value;
        }
    };
}

table!(Actors, "actors", 0x30, Id, ActorRow);
table!(ActorInputs, "actor inputs", 0x31, Id, ActorInputRow);
table!(ActorKeys, "actor keys", 0x32, ActorKeyKey, Id);
table!(LiveActors, "live actors", 0x33, ActorAgeKey, Present);
table!(DestroyedActors, "destroyed actors", 0x34, ActorAgeKey, Present);
table!(ActorNames, "actor names", 0x35, ActorNameKey, ActorNameRow);
table!(EnvoyActors, "actors of envoys", 0x36, EnvoyActorKey, EnvoyActorRow);
table!(EnvoyCommands, "commands for envoys", 0x37, EnvoyCommandKey, CommandRow);
table!(ActorTimers, "actor timers", 0x38, ActorTimerKey, Present);

impl Key for ActorKeyKey {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.id(&self.namespace_id).text(&self.name).text(&self.key);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        Ok(Self { namespace_id: bytes.id()?, name: bytes.text()?, key: bytes.text()? })
    }
}

impl Key for ActorAgeKey {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.id(&self.namespace_id).text(&self.name).number(self.create_ts).id(&self.actor_id);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        let (namespace_id, name) = (bytes.id()?, bytes.text()?);
        Ok(Self { namespace_id, name, create_ts: bytes.number()?, actor_id: bytes.id()? })
    }
}

impl Key for ActorNameKey {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.id(&self.namespace_id).text(&self.name);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        Ok(Self { namespace_id: bytes.id()?, name: bytes.text()? })
    }
}

impl Key for EnvoyActorKey {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.id(&self.namespace_id).text(&self.envoy_key).id(&self.actor_id);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        let (namespace_id, envoy_key) = (bytes.id()?, bytes.text()?);
        Ok(Self { namespace_id, envoy_key, actor_id: bytes.id()? })
    }
}

impl Key for EnvoyCommandKey {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.id(&self.namespace_id).text(&self.envoy_key).id(&self.actor_id);
        bytes.number(self.generation.into()).number(self.index);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        let (namespace_id, envoy_key) = (bytes.id()?, bytes.text()?);
        let actor_id = bytes.id()?;
        let generation = bytes.number()?.try_into().map_err(|_| KeyError)?;
        Ok(Self { namespace_id, envoy_key, actor_id, generation, index: bytes.number()? })
    }
}

impl Key for ActorTimerKey {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.number(self.due_ts).id(&self.actor_id);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        Ok(Self { due_ts: bytes.number()?, actor_id: bytes.id()? })
    }
}
