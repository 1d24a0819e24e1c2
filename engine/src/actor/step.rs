//! One step: which event changes what in which state.

use super::{
    Effect, Event, Place, Rules,
    backoff::{self, AfterFailure},
    stop::{destroy, lost, serverless_failed, stop_command, stop_now, stopped, told_to},
};
use crate::keyspace::{
    Id,
    tables::{ActorError, ActorRow, ActorState, CommandRow, CrashPolicy, Retries, StopReason},
};

/// What a step knows besides the actor.
pub struct Context<'c> {
    /// The time, in milliseconds.
    pub now: u64,
    /// Any number: it spreads retries.
    pub jitter: u64,
    /// The operator's times.
    pub rules: &'c Rules,
    /// Where an actor of this pool can run now. Asked at most once in a step.
    pub place: &'c dyn Fn(&ActorRow) -> Place,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("now", &self.now).finish_non_exhaustive()
    }
}

/// A new actor, placed if that is possible.
pub fn create(
    namespace_id: Id,
    name: String,
    key: Option<String>,
    pool: String,
    crash_policy: CrashPolicy,
    context: &Context<'_>,
) -> (ActorRow, Vec<Effect>) {
    let mut actor = ActorRow {
        namespace_id,
        name,
        key,
        pool,
        crash_policy,
        create_ts: context.now,
        revision: 1,
        generation: 0,
        state: ActorState::Pending,
        envoy_key: None,
        last_command: 0,
        last_event: -1,
        start_ts: None,
        connectable_ts: None,
        sleep_ts: None,
        reschedule_ts: None,
        destroy_ts: None,
        alarm_ts: None,
        error: None,
        retries: Retries::default(),
    };
    let mut effects = Vec::new();
    place(&mut actor, context, &mut effects);
    (actor, effects)
}

/// Applies `event`. `None`: it changes nothing.
///
/// Events of an envoy are ignored when they are of another generation or when a later one was
/// applied before: envoys send all events again after a reconnect.
pub fn step(actor: &mut ActorRow, event: &Event, context: &Context<'_>) -> Option<Vec<Effect>> {
    let before = actor.clone();
    let mut effects = Vec::new();
    apply(actor, event, context, &mut effects);
    if *actor == before && effects.is_empty() {
        return None;
    }
    actor.revision += 1;
    Some(effects)
}

/// When the actor has to be looked at with [`Event::Due`], in milliseconds.
pub fn deadline(actor: &ActorRow) -> Option<u64> {
    match actor.state {
        ActorState::Pending => actor.reschedule_ts,
        ActorState::Starting { deadline, .. } | ActorState::Stopping { deadline, .. } => {
            Some(deadline)
        }
        ActorState::Sleeping => actor.alarm_ts.map(|alarm| u64::try_from(alarm).unwrap_or(0)),
        ActorState::Running | ActorState::Destroyed => None,
    }
}

fn apply(actor: &mut ActorRow, event: &Event, context: &Context<'_>, effects: &mut Vec<Effect>) {
    match event {
        Event::Wake => wake(actor, context, effects),
        Event::Due => due(actor, context, effects),
        Event::Room => {
            // Of an actor whose start failed it was not room that was missing: it keeps its wait.
            let failed = matches!(actor.error, Some(ActorError::RunnerPoolError(_)));
            if actor.state == ActorState::Pending && !failed {
                place_if_there_is_room(actor, context, effects);
            }
        }
        Event::Sleep => told_to(actor, StopReason::Sleep, context, effects),
        Event::Reschedule => match actor.state {
            ActorState::Sleeping | ActorState::Pending => {
                place(actor, context, effects);
            }
            _ => told_to(actor, StopReason::GoingAway, context, effects),
        },
        Event::Destroy => destroy(actor, context, effects),
        Event::Bound { generation, envoy_key } => {
            bind(actor, *generation, envoy_key, context, effects);
        }
        Event::Running { generation, index } => {
            if is_news(actor, *generation, *index) {
                running(actor, context, effects);
            }
        }
        Event::Stopped { generation, index, code, message } => {
            if is_news(actor, *generation, *index) {
                stopped(actor, *code, message.clone(), context, effects);
            }
        }
        Event::SleepIntent { generation, index } => {
            if is_news(actor, *generation, *index) {
                stop_now(actor, StopReason::Sleep, context, effects);
            }
        }
        Event::StopIntent { generation, index } => {
            if is_news(actor, *generation, *index) {
                stop_now(actor, StopReason::Stop, context, effects);
            }
        }
        Event::SetAlarm { generation, index, alarm_ts } => {
            // Setting what is set writes nothing, and may be repeated without harm.
            if actor.generation == *generation
                && actor.alarm_ts != *alarm_ts
                && is_news(actor, *generation, *index)
            {
                actor.alarm_ts = *alarm_ts;
            }
        }
        Event::EnvoyStopping { envoy_key } => {
            if actor.envoy_key.as_ref() == Some(envoy_key) {
                stop_now(actor, StopReason::GoingAway, context, effects);
            }
        }
        Event::EnvoyLost { envoy_key } => {
            if actor.envoy_key.as_ref() == Some(envoy_key) {
                let error = ActorError::EnvoyConnectionLost { envoy_key: envoy_key.clone() };
                lost(actor, error, context, effects);
            }
        }
        Event::Drain { generation } => {
            if actor.generation == *generation {
                stop_now(actor, StopReason::GoingAway, context, effects);
            }
        }
        Event::ServerlessFailed { generation, error } => {
            serverless_failed(actor, *generation, error, context, effects);
        }
    }
}

/// Whether the event is of the generation that lives, and new. Remembers it when it is.
fn is_news(actor: &mut ActorRow, generation: u32, index: i64) -> bool {
    let lives = matches!(
        actor.state,
        ActorState::Starting { .. } | ActorState::Running | ActorState::Stopping { .. }
    );
    let news = lives && actor.generation == generation && index > actor.last_event;
    if news {
        actor.last_event = index;
    }
    news
}

fn wake(actor: &mut ActorRow, context: &Context<'_>, effects: &mut Vec<Effect>) {
    match &mut actor.state {
        ActorState::Sleeping => {
            place(actor, context, effects);
        }
        ActorState::Pending => place_if_there_is_room(actor, context, effects),
        ActorState::Stopping { reason: StopReason::Sleep, wake, .. } => *wake = true,
        ActorState::Stopping { .. }
        | ActorState::Starting { .. }
        | ActorState::Running
        | ActorState::Destroyed => {}
    }
}

fn due(actor: &mut ActorRow, context: &Context<'_>, effects: &mut Vec<Effect>) {
    if deadline(actor).is_none_or(|deadline| context.now < deadline) {
        return;
    }
    match actor.state {
        ActorState::Pending => {
            place(actor, context, effects);
        }
        ActorState::Sleeping => {
            // An alarm that nothing came of is kept.
            if place(actor, context, effects) {
                actor.alarm_ts = None;
            }
        }
        ActorState::Starting { .. } | ActorState::Stopping { .. } => {
            let error = match &actor.envoy_key {
                Some(envoy_key) => ActorError::EnvoyNoResponse { envoy_key: envoy_key.clone() },
                None => ActorError::NoEnvoys,
            };
            lost(actor, error, context, effects);
        }
        ActorState::Running | ActorState::Destroyed => {}
    }
}

/// Gives the actor its next generation somewhere, or lets it wait. `false`: nothing is started now,
/// so it stays as it is, and sleeps when a generation of it has just ended.
pub(super) fn place(
    actor: &mut ActorRow,
    context: &Context<'_>,
    effects: &mut Vec<Effect>,
) -> bool {
    match (context.place)(actor) {
        Place::Held => {
            if !matches!(actor.state, ActorState::Sleeping | ActorState::Pending) {
                actor.state = ActorState::Sleeping;
                actor.sleep_ts = Some(context.now);
            }
            return false;
        }
        Place::Nowhere { error, serverless } => wait(actor, error, serverless, context),
        somewhere => start(actor, somewhere, context, effects),
    }
    true
}

/// Ends the wait when it can: a crowd that asks for the actor does not count as failed attempts.
fn place_if_there_is_room(actor: &mut ActorRow, context: &Context<'_>, effects: &mut Vec<Effect>) {
    let place = (context.place)(actor);
    if !matches!(place, Place::Nowhere { .. } | Place::Held) {
        start(actor, place, context, effects);
    }
}

fn start(actor: &mut ActorRow, place: Place, context: &Context<'_>, effects: &mut Vec<Effect>) {
    actor.generation += 1;
    actor.last_event = -1;
    actor.reschedule_ts = None;
    let deadline = context.now.saturating_add(context.rules.start_threshold);
    actor.state = ActorState::Starting { deadline, then: None };
    let (generation, create_ts) = (actor.generation, context.now);
    if let Place::Envoy(envoy_key) = place {
        actor.envoy_key = Some(envoy_key.clone());
        actor.last_command = 0;
        effects.push(Effect::Placed { envoy_key });
        command(actor, CommandRow::Start { create_ts }, effects);
    } else {
        // The start goes by HTTP and is command 0; the first one over the socket is 1.
        actor.envoy_key = None;
        actor.last_command = 0;
        effects.push(Effect::StartServerless { generation, create_ts });
    }
}

/// Nobody can take the actor now.
pub(super) fn wait(
    actor: &mut ActorRow,
    error: ActorError,
    serverless: bool,
    context: &Context<'_>,
) {
    let rules = context.rules;
    let retry = if serverless { rules.serverless_retry } else { rules.retry };
    actor.error = Some(error);
    actor.sleep_ts.get_or_insert(context.now);
    match backoff::failed(&mut actor.retries, rules, retry, context.now, context.jitter) {
        AfterFailure::RetryAt(at) => {
            actor.state = ActorState::Pending;
            actor.reschedule_ts = Some(at);
        }
        AfterFailure::GiveUp => {
            actor.state = ActorState::Sleeping;
            actor.reschedule_ts = None;
        }
    }
}

fn bind(
    actor: &mut ActorRow,
    generation: u32,
    envoy_key: &str,
    context: &Context<'_>,
    effects: &mut Vec<Effect>,
) {
    let lives = matches!(actor.state, ActorState::Starting { .. } | ActorState::Stopping { .. });
    if lives && actor.generation == generation && actor.envoy_key.is_none() {
        actor.envoy_key = Some(envoy_key.to_owned());
        effects.push(Effect::Placed { envoy_key: envoy_key.to_owned() });
        // What was decided before the envoy was known is told now.
        if let ActorState::Stopping { reason, .. } = actor.state {
            command(actor, stop_command(reason, context), effects);
        }
    }
}

fn running(actor: &mut ActorRow, context: &Context<'_>, effects: &mut Vec<Effect>) {
    let ActorState::Starting { then, .. } = actor.state else { return };
    actor.state = ActorState::Running;
    actor.start_ts.get_or_insert(context.now);
    actor.connectable_ts = Some(context.now);
    actor.sleep_ts = None;
    actor.error = None;
    actor.retries = Retries::default();
    if let Some(reason) = then {
        stop_now(actor, reason, context, effects);
    }
}

pub(super) fn command(actor: &mut ActorRow, command: CommandRow, effects: &mut Vec<Effect>) {
    // Without an envoy there is nobody to tell; `bind` tells it.
    let Some(envoy_key) = actor.envoy_key.clone() else { return };
    actor.last_command += 1;
    let (generation, index) = (actor.generation, actor.last_command);
    effects.push(Effect::Command { envoy_key, generation, index, command });
}
