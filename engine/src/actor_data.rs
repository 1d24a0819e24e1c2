//! What actors keep: key-value entries, and the pages of a SQLite database with SQL over them.
//!
//! Every request is one storage transaction that first asks [`Tenancy`] whether the one who asks
//! may touch the actor's data. A change of the actor's generation makes it fail, however close the
//! race: of two processes that both think they run an actor, only one can write.
//!
//! | module | question it answers |
//! |---|---|
//! | `kv` | what do the entries of an actor say, and how much may they take? |
//! | `pages` | which bytes has a page, and what becomes of pages in a commit? |
//! | `commit` | how does an actor read and write its database, page by page? |
//! | `stage` | how does a commit that is too large for one message arrive? |
//! | `sql` | how does the engine itself run SQL on an actor's pages? |
//! | `purge` | how does everything of an actor go away? |

mod commit;
mod error;
mod kv;
mod pages;
mod purge;
mod sql;
mod stage;

#[cfg(test)]
mod tests;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use self::purge::schedule_purge;
use self::{error::Refusal, sql::Sessions};
use crate::{
    clock::SharedClock,
    keyspace::Id,
    storage::{Database, StorageError, Transaction},
};

/// Who asks for an actor's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The envoy's namespace.
    pub namespace_id: Id,
    /// The envoy.
    pub envoy_key: String,
    /// The actor.
    pub actor: Id,
    /// The generation that asks. Requests for key-value entries name none.
    pub generation: Option<u64>,
}

/// Knows who may touch an actor's data.
pub trait Tenancy: std::fmt::Debug + Send + Sync + 'static {
    /// Whether `fence` holds at this moment. It reads what decides that through `transaction`, so
    /// that the transaction fails when it changes.
    fn check(&self, transaction: &mut Transaction<'_>, fence: &Fence)
    -> Result<bool, StorageError>;
}

/// How much one actor may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataLimits {
    /// Bytes of the keys and values of its entries.
    pub kv_bytes: u64,
    /// Bytes of the pages of its database, before they are compressed.
    pub sqlite_bytes: u64,
}

impl Default for DataLimits {
    fn default() -> Self {
        Self { kv_bytes: 10 << 30, sqlite_bytes: 10 << 30 }
    }
}

/// The data of all actors; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct ActorData(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    access: Arc<Access>,
    clock: SharedClock,
    sessions: Sessions,
    /// Actors whose staged pages are being moved to their place.
    folding: Mutex<HashSet<Id>>,
}

/// The store, and who may use how much of it.
#[derive(Debug)]
struct Access {
    database: Database,
    limits: DataLimits,
    tenancy: Arc<dyn Tenancy>,
}

impl ActorData {
    /// The data kept in `database`.
    pub fn new(
        database: Database,
        clock: SharedClock,
        limits: DataLimits,
        tenancy: Arc<dyn Tenancy>,
    ) -> Self {
        let access = Arc::new(Access { database, limits, tenancy });
        let (sessions, folding) = (Sessions::default(), Mutex::default());
        Self(Arc::new(Inner { access, clock, sessions, folding }))
    }

    /// The generation that ran is over: forgets its connection and what it did not finish.
    pub async fn close(&self, actor: Id) {
        self.0.sessions.close(actor).await;
        let dropped = self
            .database()
            .for_upkeep()
            .transact(move |transaction| stage::discard(transaction, &actor))
            .await
            .map_err(|error: StorageError| error);
        if let Err(error) = dropped {
            // It takes space until the next commit, and nothing else.
            tracing::warn!(%actor, %error, "an unfinished commit could not be removed");
        }
    }

    /// Runs `work` in a transaction in which `fence` holds.
    async fn transact<R: Send + 'static>(
        &self,
        fence: Fence,
        work: impl Fn(&Access, &mut Transaction<'_>, &Fence) -> Result<R, Refusal>
        + Send
        + Sync
        + 'static,
    ) -> Result<R, Refusal> {
        let access = Arc::clone(&self.0.access);
        self.database()
            .transact(move |transaction| {
                access.check(transaction, &fence)?;
                work(&access, transaction, &fence)
            })
            .await
    }

    fn database(&self) -> &Database {
        &self.0.access.database
    }

    fn folding(&self) -> MutexGuard<'_, HashSet<Id>> {
        // A set of ids is whole after every call.
        self.0.folding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Access {
    fn check(&self, transaction: &mut Transaction<'_>, fence: &Fence) -> Result<(), Refusal> {
        if self.tenancy.check(transaction, fence)? { Ok(()) } else { Err(Refusal::ActorNotFound) }
    }

    /// [`ActorData::transact`] for a thread that may wait.
    fn transact_blocking<R>(
        &self,
        fence: &Fence,
        work: impl Fn(&mut Transaction<'_>) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        self.database.transact_blocking(|transaction| {
            self.check(transaction, fence)?;
            work(transaction)
        })
    }
}
