//! Commands that the engine gives, events that the app reports, and their checkpoints.

use super::{Envoy, Line};
use crate::protocol::{
    ActorCheckpoint, ActorIntent, ActorState, ActorStateStopped, Command, CommandStartActor,
    CommandWrapper, Event, EventActorIntent, EventActorSetAlarm, EventActorStateUpdate,
    EventWrapper, StopActorReason, StopCode, ToEnvoy, ToRivet, ToRivetAckCommands,
};

impl Envoy {
    /// Waits for the command that starts this generation of an actor.
    pub async fn start_of(&self, actor: &str, generation: u32) -> CommandStartActor {
        let what = format!("the start of generation {generation} of actor {actor}");
        self.command(&what, actor, generation, |command| match command {
            Command::CommandStartActor(start) => Some(start.clone()),
            Command::CommandStopActor(_) => None,
        })
        .await
    }

    /// Waits for the command that stops this generation of an actor.
    pub async fn stop_of(&self, actor: &str, generation: u32) -> StopActorReason {
        let what = format!("the stop of generation {generation} of actor {actor}");
        self.command(&what, actor, generation, |command| match command {
            Command::CommandStopActor(stop) => Some(stop.reason.clone()),
            Command::CommandStartActor(_) => None,
        })
        .await
    }

    /// All commands for an actor so far.
    pub fn commands_of(&self, actor: &str) -> Vec<CommandWrapper> {
        let batches = self.inbox().all(|message| match message {
            ToEnvoy::ToEnvoyCommands(commands) => Some(commands.clone()),
            _ => None,
        });
        batches.into_iter().flatten().filter(|given| given.checkpoint.actor_id == actor).collect()
    }

    /// Acknowledges the commands for this generation up to an index.
    pub fn acknowledge(&self, actor: &str, generation: u32, index: i64) {
        let checkpoint = ActorCheckpoint { actor_id: actor.to_owned(), generation, index };
        let acknowledgement = ToRivetAckCommands { last_command_checkpoints: vec![checkpoint] };
        self.send(ToRivet::ToRivetAckCommands(acknowledgement));
    }

    /// Reports that an actor runs.
    pub fn running(&self, actor: &str, generation: u32) {
        self.line.running(actor, generation);
    }

    /// Reports that an actor stopped as it should.
    pub fn stopped(&self, actor: &str, generation: u32) {
        self.line.stopped(actor, generation, StopCode::Ok, None);
    }

    /// Reports that an actor crashed.
    pub fn crashed(&self, actor: &str, generation: u32, message: &str) {
        self.line.stopped(actor, generation, StopCode::Error, Some(message.to_owned()));
    }

    /// Reports that an actor wants to sleep.
    pub fn wants_sleep(&self, actor: &str, generation: u32) {
        self.line.event(actor, generation, intent(ActorIntent::ActorIntentSleep));
    }

    /// Reports that an actor wants to be destroyed.
    pub fn wants_stop(&self, actor: &str, generation: u32) {
        self.line.event(actor, generation, intent(ActorIntent::ActorIntentStop));
    }

    /// Sets or clears an actor's alarm.
    pub fn alarm(&self, actor: &str, generation: u32, at: Option<i64>) {
        let event = Event::EventActorSetAlarm(EventActorSetAlarm { alarm_ts: at });
        self.line.event(actor, generation, event);
    }

    /// Reports an event under an index of the test's own.
    pub fn event_at(&self, actor: &str, generation: u32, index: i64, inner: Event) {
        let checkpoint = ActorCheckpoint { actor_id: actor.to_owned(), generation, index };
        self.send(ToRivet::ToRivetEvents(vec![EventWrapper { checkpoint, inner }]));
    }

    /// Goes on counting an actor's events where another connection stopped.
    pub fn continue_events(&self, actor: &str, generation: u32, next: i64) {
        let mut events = self.line.events.lock().unwrap();
        events.insert((actor.to_owned(), generation), next);
    }

    /// Says that the app shuts down.
    pub fn stopping(&self) {
        self.send(ToRivet::ToRivetStopping);
    }

    async fn command<T>(
        &self,
        what: &str,
        actor: &str,
        generation: u32,
        pick: impl Fn(&Command) -> Option<T>,
    ) -> T {
        self.inbox()
            .first(what, |message| {
                let ToEnvoy::ToEnvoyCommands(commands) = message else { return None };
                commands
                    .iter()
                    .filter(|given| given.checkpoint.actor_id == actor)
                    .filter(|given| given.checkpoint.generation == generation)
                    .find_map(|given| pick(&given.inner))
            })
            .await
    }
}

/// The event of an intent.
pub fn intent(intent: ActorIntent) -> Event {
    Event::EventActorIntent(EventActorIntent { intent })
}

/// The event of a state.
pub fn state(state: ActorState) -> Event {
    Event::EventActorStateUpdate(EventActorStateUpdate { state })
}

impl Line {
    pub(super) fn running(&self, actor: &str, generation: u32) {
        self.event(actor, generation, state(ActorState::ActorStateRunning));
    }

    pub(super) fn stopped(
        &self,
        actor: &str,
        generation: u32,
        code: StopCode,
        message: Option<String>,
    ) {
        let stopped = ActorStateStopped { code, message };
        self.event(actor, generation, state(ActorState::ActorStateStopped(stopped)));
    }

    fn event(&self, actor: &str, generation: u32, inner: Event) {
        let index = {
            let mut events = self.events.lock().unwrap();
            let next = events.entry((actor.to_owned(), generation)).or_default();
            *next += 1;
            *next - 1
        };
        let checkpoint = ActorCheckpoint { actor_id: actor.to_owned(), generation, index };
        self.send(ToRivet::ToRivetEvents(vec![EventWrapper { checkpoint, inner }]));
    }
}
