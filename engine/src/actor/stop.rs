//! How a generation ends, and what the actor does then.

use super::{
    Effect, StopCode,
    step::{Context, command, deadline, place, wait},
};
use crate::keyspace::tables::{
    ActorError, ActorRow, ActorState, CommandRow, PoolError, StopReason,
};

/// What the API asks: carried out as soon as the actor runs.
pub(super) fn told_to(
    actor: &mut ActorRow,
    reason: StopReason,
    context: &Context<'_>,
    effects: &mut Vec<Effect>,
) {
    match &mut actor.state {
        ActorState::Running => stop_now(actor, reason, context, effects),
        ActorState::Starting { then, .. } if *then != Some(StopReason::Destroy) => {
            *then = Some(reason);
        }
        _ => {}
    }
}

pub(super) fn destroy(actor: &mut ActorRow, context: &Context<'_>, effects: &mut Vec<Effect>) {
    match &mut actor.state {
        ActorState::Sleeping | ActorState::Pending => gone(actor, context, effects),
        ActorState::Starting { then, .. } => *then = Some(StopReason::Destroy),
        ActorState::Running | ActorState::Stopping { .. } => {
            stop_now(actor, StopReason::Destroy, context, effects);
        }
        ActorState::Destroyed => {}
    }
}

/// How final a reason is: a stop that is under way gives way only to a more final one.
fn finality(reason: StopReason) -> u8 {
    match reason {
        StopReason::Sleep => 0,
        StopReason::GoingAway => 1,
        StopReason::Stop => 2,
        StopReason::Destroy | StopReason::Lost => 3,
    }
}

pub(super) fn stop_now(
    actor: &mut ActorRow,
    reason: StopReason,
    context: &Context<'_>,
    effects: &mut Vec<Effect>,
) {
    let deadline = context.now.saturating_add(context.rules.stop_threshold);
    match actor.state {
        ActorState::Starting { .. } | ActorState::Running => {
            actor.state = ActorState::Stopping { reason, deadline, wake: false };
        }
        ActorState::Stopping { reason: before, deadline, wake }
            if finality(reason) > finality(before) =>
        {
            actor.state = ActorState::Stopping { reason, deadline, wake };
        }
        _ => return,
    }
    actor.connectable_ts = None;
    command(actor, stop_command(reason, context), effects);
}

pub(super) fn stopped(
    actor: &mut ActorRow,
    code: StopCode,
    message: Option<String>,
    context: &Context<'_>,
    effects: &mut Vec<Effect>,
) {
    let (told, wake) = match actor.state {
        ActorState::Stopping { reason, wake, .. } => (Some(reason), wake),
        ActorState::Starting { then: Some(StopReason::Destroy), .. } => {
            (Some(StopReason::Destroy), false)
        }
        _ => (None, false),
    };
    over(actor, effects);
    match (told, code) {
        (Some(StopReason::Sleep), _) => sleep(actor, None, wake, context, effects),
        (Some(StopReason::GoingAway), _) => {
            place(actor, context, effects);
        }
        // A generation that ends well without being told to is one that ended itself.
        (Some(StopReason::Destroy | StopReason::Lost), _)
        | (Some(StopReason::Stop) | None, StopCode::Ok) => gone(actor, context, effects),
        (Some(StopReason::Stop) | None, StopCode::Error) => {
            sleep(actor, Some(ActorError::Crashed { message }), wake, context, effects);
        }
    }
}

/// The generation is given up without its word.
pub(super) fn lost(
    actor: &mut ActorRow,
    error: ActorError,
    context: &Context<'_>,
    effects: &mut Vec<Effect>,
) {
    let (told, wake) = match actor.state {
        ActorState::Stopping { reason, wake, .. } => (Some(reason), wake),
        ActorState::Starting { then, .. } => (then, false),
        ActorState::Running => (None, false),
        ActorState::Pending | ActorState::Sleeping | ActorState::Destroyed => return,
    };
    command(actor, stop_command(StopReason::Lost, context), effects);
    over(actor, effects);
    match told {
        Some(StopReason::Destroy | StopReason::Stop) => gone(actor, context, effects),
        Some(StopReason::GoingAway) => {
            place(actor, context, effects);
        }
        Some(StopReason::Sleep | StopReason::Lost) | None => {
            sleep(actor, Some(error), wake, context, effects);
        }
    }
}

pub(super) fn serverless_failed(
    actor: &mut ActorRow,
    generation: u32,
    error: &PoolError,
    context: &Context<'_>,
    effects: &mut Vec<Effect>,
) {
    if actor.generation != generation {
        return;
    }
    let error = ActorError::RunnerPoolError(error.clone());
    match actor.state {
        // Nothing took it over: it is tried again later.
        ActorState::Starting { then, .. } if actor.envoy_key.is_none() => {
            over(actor, effects);
            if then == Some(StopReason::Destroy) {
                gone(actor, context, effects);
            } else {
                wait(actor, error, true, context);
            }
        }
        ActorState::Starting { .. } | ActorState::Running | ActorState::Stopping { .. } => {
            lost(actor, error, context, effects);
        }
        ActorState::Pending | ActorState::Sleeping | ActorState::Destroyed => {}
    }
}

/// No process of the generation counts any more.
fn over(actor: &mut ActorRow, effects: &mut Vec<Effect>) {
    actor.connectable_ts = None;
    if let Some(envoy_key) = actor.envoy_key.take() {
        effects.push(Effect::Vacated { envoy_key });
    }
    effects.push(Effect::GenerationOver { generation: actor.generation });
}

fn sleep(
    actor: &mut ActorRow,
    error: Option<ActorError>,
    wake: bool,
    context: &Context<'_>,
    effects: &mut Vec<Effect>,
) {
    actor.state = ActorState::Sleeping;
    actor.sleep_ts = Some(context.now);
    actor.error = error;
    let alarm_is_due = deadline(actor).is_some_and(|alarm| alarm <= context.now);
    let is_wanted = wake || alarm_is_due;
    if is_wanted && place(actor, context, effects) {
        // An alarm that is due has rung by this; one that is yet to come stays.
        actor.alarm_ts = actor.alarm_ts.filter(|_| !alarm_is_due);
    }
}

fn gone(actor: &mut ActorRow, context: &Context<'_>, effects: &mut Vec<Effect>) {
    actor.state = ActorState::Destroyed;
    actor.destroy_ts = Some(context.now);
    actor.connectable_ts = None;
    actor.sleep_ts = None;
    actor.reschedule_ts = None;
    actor.alarm_ts = None;
    actor.error = None;
    effects.push(Effect::Destroyed);
}

pub(super) fn stop_command(reason: StopReason, context: &Context<'_>) -> CommandRow {
    CommandRow::Stop { reason, queued_ts: context.now }
}
