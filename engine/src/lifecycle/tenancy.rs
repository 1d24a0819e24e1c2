//! Who may touch an actor's data: the envoy that its generation is placed on, and nobody else.

use crate::{
    actor_data::{Fence, Tenancy},
    keyspace::tables::{ActorState, Actors},
    storage::{StorageError, Transaction},
};

/// Looks at the actor's row in the transaction that touches the data: a step that ends the
/// generation meanwhile makes that transaction fail.
#[derive(Debug, Clone, Copy, Default)]
pub struct ActorTenancy;

impl Tenancy for ActorTenancy {
    fn check(
        &self,
        transaction: &mut Transaction<'_>,
        fence: &Fence,
    ) -> Result<bool, StorageError> {
        let Some(actor) = transaction.get::<Actors>(&fence.actor)? else { return Ok(false) };
        let alive = matches!(
            actor.state,
            ActorState::Starting { .. } | ActorState::Running | ActorState::Stopping { .. }
        );
        Ok(alive
            && actor.namespace_id == fence.namespace_id
            // A generation that a serverless request started belongs to the envoy that it brought.
            && actor.envoy_key.as_ref().is_none_or(|placed| *placed == fence.envoy_key)
            && fence.generation.is_none_or(|generation| generation == u64::from(actor.generation)))
    }
}
