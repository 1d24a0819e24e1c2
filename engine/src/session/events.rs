//! What an envoy reports, as the state machine reads it.

use rivet_envoy_protocol as protocol;

use crate::{
    actor::{Event, StopCode},
    keyspace::Id,
};

/// A report: which actor's, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) actor_id: Id,
    pub(super) checkpoint: protocol::ActorCheckpoint,
    pub(super) event: Event,
}

impl Report {
    /// The report in `wrapper`. `None`: it names no actor that this engine could have.
    pub(super) fn of(wrapper: protocol::EventWrapper) -> Option<Self> {
        let protocol::EventWrapper { checkpoint, inner } = wrapper;
        let actor_id = checkpoint.actor_id.parse().ok()?;
        let (generation, index) = (checkpoint.generation, checkpoint.index);
        let event = match inner {
            protocol::Event::EventActorIntent(intent) => match intent.intent {
                protocol::ActorIntent::ActorIntentSleep => Event::SleepIntent { generation, index },
                protocol::ActorIntent::ActorIntentStop => Event::StopIntent { generation, index },
            },
            protocol::Event::EventActorStateUpdate(update) => match update.state {
                protocol::ActorState::ActorStateRunning => Event::Running { generation, index },
                protocol::ActorState::ActorStateStopped(stopped) => {
                    let code = match stopped.code {
                        protocol::StopCode::Ok => StopCode::Ok,
                        protocol::StopCode::Error => StopCode::Error,
                    };
                    Event::Stopped { generation, index, code, message: bounded(stopped.message) }
                }
            },
            protocol::Event::EventActorSetAlarm(alarm) => {
                Event::SetAlarm { generation, index, alarm_ts: alarm.alarm_ts }
            }
        };
        Some(Self { actor_id, checkpoint, event })
    }
}

/// A crash message is kept with the actor: not more of it than a person reads.
fn bounded(message: Option<String>) -> Option<String> {
    const MAX: usize = 4096;
    message.map(|mut message| {
        message.truncate(message.floor_char_boundary(MAX));
        message
    })
}
