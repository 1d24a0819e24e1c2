//! What follows from a step that is on disk: memory is brought up to date, commands are sent.

use std::sync::PoisonError;

use rivet_envoy_protocol as protocol;

use super::{Actor, Lifecycle, ServerlessStart, steps::Step, views::View};
use crate::{
    actor::{Effect, deadline},
    envoys::EnvoyId,
    keyspace::{
        Id,
        tables::{ActorRow, ActorState, CommandRow, StopReason},
    },
};

impl Lifecycle {
    /// Carries out `step`. The caller holds the actor's turn.
    pub(super) async fn carry_out(&self, actor_id: Id, step: Step) -> Actor {
        let Step { actor, effects, input } = step;
        let _span = self.traced(actor_id, &actor, &effects);
        self.0.timers.set(actor_id, deadline(&actor));
        self.note_pending(actor_id, &actor);
        // Whoever sees the new phase may send at once: the envoy has to have its command first.
        let (commands, rest): (Vec<_>, Vec<_>) =
            effects.into_iter().partition(|effect| matches!(effect, Effect::Command { .. }));
        for effect in rest {
            self.carry_out_one(actor_id, &actor, effect, input.as_ref()).await;
        }
        for effect in commands {
            if let Effect::Command { envoy_key, generation, index, command } = effect {
                let checkpoint = checkpoint(actor_id, generation, index);
                let input = input.clone();
                self.send_command(actor_id, &actor, &envoy_key, checkpoint, command, input).await;
            }
        }
        self.0.views.publish(actor_id, View::of(&actor));
        Actor { id: actor_id, row: actor }
    }

    async fn carry_out_one(
        &self,
        actor_id: Id,
        actor: &ActorRow,
        effect: Effect,
        input: Option<&Vec<u8>>,
    ) {
        match effect {
            Effect::Placed { envoy_key } => {
                self.0.envoys.place(&envoy(actor, &envoy_key), &actor.pool, actor_id, self.now());
            }
            Effect::Vacated { envoy_key } => {
                self.0.envoys.vacate(&envoy(actor, &envoy_key), &actor_id);
            }
            Effect::GenerationOver { .. } => {
                self.0.data.close(actor_id).await;
                if self.0.placing.ended(actor.namespace_id, &actor.pool, &actor_id) {
                    self.room_in_pool(actor.namespace_id, &actor.pool);
                }
            }
            Effect::StartServerless { generation, create_ts } => {
                self.0.placing.started(actor.namespace_id, &actor.pool, actor_id);
                let command = self.start_command(actor_id, actor, create_ts, input.cloned());
                let checkpoint = checkpoint(actor_id, generation, 0);
                let start = ServerlessStart {
                    namespace_id: actor.namespace_id,
                    namespace: self.namespace_name(actor.namespace_id).await,
                    pool: actor.pool.clone(),
                    actor_id,
                    generation,
                    command: protocol::CommandWrapper { checkpoint, inner: command },
                };
                if self.0.serverless.send(start).is_err() {
                    tracing::debug!(%actor_id, "nobody starts serverless actors any more");
                }
            }
            Effect::Destroyed => self.0.purge.notify_one(),
            Effect::Command { .. } => {}
        }
    }

    async fn send_command(
        &self,
        actor_id: Id,
        actor: &ActorRow,
        envoy_key: &str,
        checkpoint: protocol::ActorCheckpoint,
        command: CommandRow,
        input: Option<Vec<u8>>,
    ) {
        // An envoy that is not there gets it when it comes back.
        let Some(connection) = self.0.envoys.connection(&envoy(actor, envoy_key)) else { return };
        let _in_order = connection.commands().lock().await;
        let inner = self.wire_command(actor_id, actor, command, input);
        let command = protocol::CommandWrapper { checkpoint, inner };
        let message = protocol::ToEnvoy::ToEnvoyCommands(vec![command]);
        if connection.send_now(message).is_err() {
            tracing::debug!(%actor_id, envoy_key, "a command waits for the envoy to come back");
        }
    }

    /// A command as the envoy reads it.
    pub(super) fn wire_command(
        &self,
        actor_id: Id,
        actor: &ActorRow,
        command: CommandRow,
        input: Option<Vec<u8>>,
    ) -> protocol::Command {
        match command {
            CommandRow::Start { create_ts } => {
                self.start_command(actor_id, actor, create_ts, input)
            }
            CommandRow::Stop { reason, .. } => {
                let reason = wire_reason(reason);
                protocol::Command::CommandStopActor(protocol::CommandStopActor { reason })
            }
        }
    }

    fn start_command(
        &self,
        actor_id: Id,
        actor: &ActorRow,
        create_ts: u64,
        input: Option<Vec<u8>>,
    ) -> protocol::Command {
        protocol::Command::CommandStartActor(protocol::CommandStartActor {
            config: protocol::ActorConfig {
                name: actor.name.clone(),
                key: actor.key.clone(),
                create_ts: i64::try_from(create_ts).unwrap_or(i64::MAX),
                input,
            },
            // Known only now: sockets come and go while a command waits.
            hibernating_requests: self.0.tunnels.hibernating(&actor_id),
            preloaded_kv: None,
        })
    }

    /// Remembers who waits for room.
    pub(super) fn note_pending(&self, actor_id: Id, actor: &ActorRow) {
        let pool = (actor.namespace_id, actor.pool.clone());
        let mut pending = self.0.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if actor.state == ActorState::Pending {
            pending.entry(pool).or_default().insert(actor_id);
        } else if let Some(waiting) = pending.get_mut(&pool) {
            waiting.remove(&actor_id);
            if waiting.is_empty() {
                pending.remove(&pool);
            }
        }
    }
}

fn checkpoint(actor_id: Id, generation: u32, index: i64) -> protocol::ActorCheckpoint {
    protocol::ActorCheckpoint { actor_id: actor_id.to_string(), generation, index }
}

fn envoy(actor: &ActorRow, envoy_key: &str) -> EnvoyId {
    EnvoyId { namespace_id: actor.namespace_id, key: envoy_key.into() }
}

fn wire_reason(reason: StopReason) -> protocol::StopActorReason {
    match reason {
        StopReason::Sleep => protocol::StopActorReason::SleepIntent,
        StopReason::Stop => protocol::StopActorReason::StopIntent,
        StopReason::Destroy => protocol::StopActorReason::Destroy,
        StopReason::GoingAway => protocol::StopActorReason::GoingAway,
        StopReason::Lost => protocol::StopActorReason::Lost,
    }
}
