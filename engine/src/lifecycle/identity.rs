//! What of an actor never changes: its namespace, its name and its key.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{Lifecycle, LifecycleError};
use crate::keyspace::Id;

/// How many actors are remembered. Beyond that all are forgotten, and looked up again.
const ACTORS: usize = 16_384;

/// Which actor an id stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorIdentity {
    /// The namespace it lives in.
    pub namespace_id: Id,
    /// What kind of actor it is.
    pub name: String,
    /// How it is found.
    pub key: Option<String>,
}

/// Those that were asked for last.
#[derive(Debug, Default)]
pub(super) struct Identities(RwLock<HashMap<Id, Arc<ActorIdentity>>>);

impl Lifecycle {
    /// Which actor has this id, destroyed or not. Reads the disk the first time.
    pub async fn identity(
        &self,
        actor_id: Id,
    ) -> Result<Option<Arc<ActorIdentity>>, LifecycleError> {
        if let Some(known) = self.0.identities.get(&actor_id) {
            return Ok(Some(known));
        }
        let Some(row) = self.row(actor_id).await? else { return Ok(None) };
        let identity =
            ActorIdentity { namespace_id: row.namespace_id, name: row.name, key: row.key };
        Ok(Some(self.0.identities.put(actor_id, identity)))
    }
}

impl Lifecycle {
    /// The namespace of an actor, destroyed or not. One that lives is known without a look at the disk.
    pub async fn namespace_of(&self, actor_id: Id) -> Result<Option<Id>, LifecycleError> {
        if let Some(namespace) = self.0.views.namespace(&actor_id) {
            return Ok(Some(namespace));
        }
        // Boxed: it is not for every request to carry.
        let identity = Box::pin(self.identity(actor_id)).await?;
        Ok(identity.map(|identity| identity.namespace_id))
    }
}

impl Identities {
    fn get(&self, actor_id: &Id) -> Option<Arc<ActorIdentity>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(actor_id).cloned()
    }

    fn put(&self, actor_id: Id, identity: ActorIdentity) -> Arc<ActorIdentity> {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ACTORS {
            known.clear();
        }
        Arc::clone(known.entry(actor_id).or_insert_with(|| Arc::new(identity)))
    }
}
