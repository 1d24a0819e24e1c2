//! What can happen to an actor, and what follows from it.

use crate::keyspace::tables::{ActorError, CommandRow, PoolError};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody asked for it: a request, a message for a sleeping socket.
    Wake,
    /// A time has come that [`super::deadline`] named.
    Due,
    /// Its pool has room again.
    Room,
    /// The API asks it to sleep.
    Sleep,
    /// The API asks it to move to another envoy.
    Reschedule,
    /// The API destroys it.
    Destroy,
    /// An envoy took over the generation that a serverless request had started.
    Bound {
        /// The generation.
        generation: u32,
        /// The envoy.
        envoy_key: String,
    },
    /// Its generation says that it runs.
    Running {
        /// The generation.
        generation: u32,
        /// The place among its events.
        index: i64,
    },
    /// Its generation says that it is over.
    Stopped {
        /// The generation.
        generation: u32,
        /// The place among its events.
        index: i64,
        /// How it ended.
        code: StopCode,
        /// In its own words.
        message: Option<String>,
    },
    /// Its generation wants to sleep.
    SleepIntent {
        /// The generation.
        generation: u32,
        /// The place among its events.
        index: i64,
    },
    /// Its generation wants to end for good.
    StopIntent {
        /// The generation.
        generation: u32,
        /// The place among its events.
        index: i64,
    },
    /// Its generation sets or clears the time when it is to be woken.
    SetAlarm {
        /// The generation.
        generation: u32,
        /// The place among its events.
        index: i64,
        /// The time in milliseconds.
        alarm_ts: Option<i64>,
    },
    /// Its envoy is about to leave.
    EnvoyStopping {
        /// The envoy.
        envoy_key: String,
    },
    /// Its envoy is gone for too long.
    EnvoyLost {
        /// The envoy.
        envoy_key: String,
    },
    /// The serverless request of its generation is near its end.
    Drain {
        /// The generation.
        generation: u32,
    },
    /// The serverless request of its generation failed or ended.
    ServerlessFailed {
        /// The generation.
        generation: u32,
        /// How.
        error: PoolError,
    },
}

impl Event {
    /// The generation that speaks, when it is one that does.
    pub fn generation(&self) -> Option<u32> {
        match self {
            Self::Bound { generation, .. }
            | Self::Running { generation, .. }
            | Self::Stopped { generation, .. }
            | Self::SleepIntent { generation, .. }
            | Self::StopIntent { generation, .. }
            | Self::SetAlarm { generation, .. }
            | Self::Drain { generation }
            | Self::ServerlessFailed { generation, .. } => Some(*generation),
            Self::Wake
            | Self::Due
            | Self::Room
            | Self::Sleep
            | Self::Reschedule
            | Self::Destroy
            | Self::EnvoyStopping { .. }
            | Self::EnvoyLost { .. } => None,
        }
    }
}

/// How a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCode {
    /// As it wanted to.
    Ok,
    /// It crashed.
    Error,
}

/// Where an actor can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On this envoy.
    Envoy(String),
    /// Wherever the pool's URL starts it.
    Serverless,
    /// Nowhere, for this reason.
    Nowhere {
        /// The reason.
        error: ActorError,
        /// Whether the pool is a serverless one.
        serverless: bool,
    },
    /// Nowhere, because the engine starts nothing at the moment: that is no failed attempt, and is
    /// over when the engine says so.
    Held,
}

/// What follows from a step, besides the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A command for an envoy: kept until it is acknowledged.
    Command {
        /// The envoy.
        envoy_key: String,
        /// The generation that is meant.
        generation: u32,
        /// The place among the generation's commands.
        index: i64,
        /// The command.
        command: CommandRow,
    },
    /// A request to the pool's URL that starts this generation.
    StartServerless {
        /// The generation.
        generation: u32,
        /// When it was placed.
        create_ts: u64,
    },
    /// This generation is placed on an envoy.
    Placed {
        /// The envoy.
        envoy_key: String,
    },
    /// The generation is no longer on the envoy.
    Vacated {
        /// The envoy.
        envoy_key: String,
    },
    /// No process of this generation may read or write the actor's data any more.
    GenerationOver {
        /// The generation.
        generation: u32,
    },
    /// The actor is destroyed: its key is free, and its data goes.
    Destroyed,
}
