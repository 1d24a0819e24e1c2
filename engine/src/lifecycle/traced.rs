//! Which steps in the life of an actor have a span: those that begin or end a generation.

use super::{Lifecycle, views::View};
use crate::{
    actor::Effect,
    keyspace::{
        Id,
        tables::{ActorRow, CommandRow},
    },
    telemetry::otel::ActiveSpan,
};

impl Lifecycle {
    /// A span for what follows from a step, if it is one of those, and sampled.
    pub(super) fn traced(
        &self,
        actor_id: Id,
        actor: &ActorRow,
        effects: &[Effect],
    ) -> Option<ActiveSpan> {
        let tracer = &self.0.tracer;
        let span = tracer.is_on().then(|| name(effects)).flatten().and_then(|n| tracer.step(n))?;
        span.actor(actor_id);
        span.namespace(actor.namespace_id);
        span.generation(actor.generation, View::of(actor).phase.name());
        Some(span)
    }
}

/// What happens: the end of a generation may be the start of the next.
fn name(effects: &[Effect]) -> Option<&'static str> {
    let any = |is: fn(&Effect) -> bool| effects.iter().any(is);
    let starts = |effect: &Effect| {
        matches!(
            effect,
            Effect::StartServerless { .. }
                | Effect::Command { command: CommandRow::Start { .. }, .. }
        )
    };
    let stops = |effect: &Effect| {
        matches!(effect, Effect::Command { command: CommandRow::Stop { .. }, .. })
    };
    if any(|effect| matches!(effect, Effect::Destroyed)) {
        Some("actor destroy")
    } else if any(starts) {
        Some("actor start")
    } else if any(stops) {
        Some("actor stop")
    } else if any(|effect| matches!(effect, Effect::GenerationOver { .. })) {
        Some("actor end")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::tables::StopReason;

    fn command(command: CommandRow) -> Effect {
        Effect::Command { envoy_key: "e".to_owned(), generation: 1, index: 0, command }
    }

    #[test]
    fn starts_stops_and_ends_have_names_and_everything_else_has_none() {
        let start = command(CommandRow::Start { create_ts: 0 });
        let stop = command(CommandRow::Stop { reason: StopReason::Sleep, queued_ts: 0 });
        let over = Effect::GenerationOver { generation: 1 };
        let serverless = Effect::StartServerless { generation: 1, create_ts: 0 };
        let placed = Effect::Placed { envoy_key: "e".to_owned() };

        assert_eq!(name(&[placed.clone(), start.clone()]), Some("actor start"));
        assert_eq!(name(&[serverless]), Some("actor start"));
        assert_eq!(name(&[stop]), Some("actor stop"));
        assert_eq!(name(std::slice::from_ref(&over)), Some("actor end"));
        assert_eq!(name(&[over.clone(), start]), Some("actor start"));
        assert_eq!(name(&[over, Effect::Destroyed]), Some("actor destroy"));
        assert_eq!(name(&[placed]), None);
        assert_eq!(name(&[]), None);
    }
}
