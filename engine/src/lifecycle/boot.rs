//! After a start: what was stored is brought into memory.

use super::{Lifecycle, LifecycleError};
use crate::{
    actor::Event,
    envoys::EnvoyId,
    keyspace::{
        KeyRange, Order, Table,
        tables::{ActorState, ActorTimers, EnvoyActors, PoolError},
    },
    storage::TypedRow,
};

/// How many rows are read at a time.
const PAGE: usize = 1024;

impl Lifecycle {
    /// Brings into memory which actors are on which envoys, what waits for a time and who waits
    /// for room. Envoys get the usual time to come back.
    pub async fn restore(&self) -> Result<(), LifecycleError> {
        let now = self.now();
        let mut placed = KeyRange::table::<EnvoyActors>();
        loop {
            let rows = self.page::<EnvoyActors>(placed.clone()).await?;
            let Some((last, _)) = rows.last() else { break };
            placed = placed.after::<EnvoyActors>(last);
            for (key, row) in rows {
                let id =
                    EnvoyId { namespace_id: key.namespace_id, key: key.envoy_key.as_str().into() };
                self.0.envoys.place(&id, &row.pool, key.actor_id, now);
            }
        }
        let mut timers = KeyRange::table::<ActorTimers>();
        let mut orphans = Vec::new();
        loop {
            let rows = self.page::<ActorTimers>(timers.clone()).await?;
            let Some((last, _)) = rows.last() else { break };
            timers = timers.after::<ActorTimers>(last);
            for (key, _) in rows {
                self.0.timers.set(key.actor_id, Some(key.due_ts));
                if let Some(actor) = self.row(key.actor_id).await? {
                    self.note_pending(key.actor_id, &actor);
                    // Its serverless request ended with the last process.
                    if matches!(actor.state, ActorState::Starting { .. })
                        && actor.envoy_key.is_none()
                    {
                        orphans.push((key.actor_id, actor.generation));
                    }
                }
            }
        }
        for (actor_id, generation) in orphans {
            let error = PoolError::ServerlessStreamEndedEarly;
            self.apply(actor_id, Event::ServerlessFailed { generation, error }).await?;
        }
        Ok(())
    }

    async fn page<T: Table + 'static>(
        &self,
        range: KeyRange,
    ) -> Result<Vec<TypedRow<T>>, LifecycleError>
    where
        T::Key: Send,
        T::Value: Send,
    {
        self.0
            .database
            .transact(move |transaction| {
                Ok(transaction.range::<T>(&range, Order::Ascending, PAGE)?)
            })
            .await
    }
}
