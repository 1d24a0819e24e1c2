//! What happens by itself: timers fall due, envoys are given up, leftovers are removed.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Lifecycle, LifecycleError, requests::AT_ONCE};
use crate::{
    actor::Event,
    keyspace::{
        KeyRange, Order,
        tables::{CommandRow, EnvoyCommands},
    },
};

/// How often envoys that are gone are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// How often what nobody needs any more is removed.
const CLEAN: Duration = Duration::from_mins(1);

/// How long a last command waits for an envoy that is gone, in milliseconds.
const COMMAND_LIFE: u64 = 3_600_000;

/// How long a step that the store refused waits until it is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

impl Lifecycle {
    /// Works until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let work = async {
            tokio::join!(self.run_timers(), self.run_lost(), self.run_purges(), self.run_cleaning())
        };
        tokio::select! {
            () = stop.cancelled() => {}
            _ = work => {}
        }
    }

    async fn run_timers(&self) {
        loop {
            let now = self.now();
            let due = self.0.timers.take_due(now, AT_ONCE);
            if due.is_empty() {
                self.wait_for_timer().await;
                continue;
            }
            for (at, _) in &due {
                self.metrics().actor_timer(Duration::from_millis(now.saturating_sub(*at)));
            }
            futures_util::future::join_all(due.into_iter().map(|(_, actor_id)| self.due(actor_id)))
                .await;
        }
    }

    async fn wait_for_timer(&self) {
        let wait = match self.0.timers.next() {
            Some(at) => Duration::from_millis(at.saturating_sub(self.now()).max(1)),
            None => Duration::from_hours(1),
        };
        tokio::select! {
            () = tokio::time::sleep(wait.min(Duration::from_hours(1))) => {}
            () = self.0.timers.sooner() => {}
        }
    }

    async fn due(&self, actor_id: crate::keyspace::Id) {
        match self.apply(actor_id, Event::Due).await {
            // The step may have changed nothing, as when the clock went back.
            Ok(actor) => self.set_timer_again(actor_id, crate::actor::deadline(&actor.row)),
            Err(LifecycleError::NotFound) => {}
            Err(error) => {
                tracing::warn!(%actor_id, %error, "an actor's time has come, and its step failed");
                tokio::time::sleep(AFTER_FAILURE).await;
                self.0.timers.set(actor_id, Some(self.now()));
            }
        }
    }

    async fn run_lost(&self) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for (envoy, actors) in self.0.envoys.lost(self.now()) {
                tracing::warn!(
                    envoy_key = %envoy.key,
                    actors = actors.len(),
                    "an envoy is gone for too long: its actors are given up"
                );
                let envoy_key = envoy.key.to_string();
                self.apply_to_all(actors, &Event::EnvoyLost { envoy_key }).await;
                self.0.envoys.forget(&envoy);
            }
        }
    }

    async fn run_purges(&self) {
        loop {
            match self.0.data.purge_some().await {
                Ok(true) => {}
                Ok(false) => self.0.purge.notified().await,
                Err(error) => {
                    tracing::warn!(%error, "data of destroyed actors could not be removed");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    async fn run_cleaning(&self) {
        let mut ticks = tokio::time::interval(CLEAN);
        loop {
            ticks.tick().await;
            self.0.views.sweep();
            if let Err(error) = self.drop_old_commands().await {
                tracing::warn!(%error, "old commands could not be removed");
            }
        }
    }

    /// Last commands for envoys that did not come back.
    async fn drop_old_commands(&self) -> Result<(), LifecycleError> {
        let oldest = self.now().saturating_sub(COMMAND_LIFE);
        self.0
            .database
            .transact(move |transaction| {
                let all = KeyRange::table::<EnvoyCommands>();
                for (key, command) in
                    transaction.range::<EnvoyCommands>(&all, Order::Ascending, 4096)?
                {
                    if matches!(command, CommandRow::Stop { reason: crate::keyspace::tables::StopReason::Lost, queued_ts } if queued_ts < oldest)
                    {
                        transaction.delete::<EnvoyCommands>(&key);
                    }
                }
                Ok(())
            })
            .await
    }
}
