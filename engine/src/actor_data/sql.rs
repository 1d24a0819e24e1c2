//! SQL that the engine runs itself, for actors whose process has no SQLite: over the same pages,
//! by a file system of ours below SQLite.
//!
//! Each generation of an actor has one connection, so that a transaction may span requests. What
//! comes is untrusted, the database included: no file of the host is in reach, and memory, time
//! and answers have bounds.

mod budget;
mod file;
mod guard;
mod rows;
mod session;
mod vfs;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rivet_envoy_protocol as protocol;
use tokio::sync::Semaphore;

use self::{
    budget::Budget,
    session::{End, Session, Statement},
};
use super::{ActorData, Fence, Refusal};
use crate::keyspace::Id;

/// How many requests run at once: they take threads that commits also need.
const AT_ONCE: usize = 64;

/// How many pages all connections together may hold in memory: 256 MiB.
const PAGES_IN_MEMORY: usize = 65_536;

/// The connections there are.
#[derive(Debug)]
pub(super) struct Sessions {
    open: Mutex<HashMap<Id, Slot>>,
    running: Semaphore,
    budget: Arc<Budget>,
}

/// The place of a generation's connection. It is opened by the first request.
#[derive(Debug, Clone)]
struct Slot {
    generation: u64,
    session: Arc<Mutex<Option<Session>>>,
    end: End,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            running: Semaphore::new(AT_ONCE),
            budget: Arc::new(Budget::new(PAGES_IN_MEMORY)),
        }
    }
}

impl Sessions {
    /// Closes the connection of an actor.
    pub(super) async fn close(&self, actor: Id) {
        let slot = self.slots().remove(&actor);
        if let Some(slot) = slot {
            slot.end.now();
            // Closing rolls back what is open, which reads pages.
            let closed = tokio::task::spawn_blocking(move || drop(lock(&slot.session).take()));
            if closed.await.is_err() {
                tracing::error!(%actor, "a SQL connection panicked: please report this");
            }
        }
    }

    /// The place for the connection of a generation that is the current one.
    fn slot(&self, actor: Id, generation: u64) -> Result<Slot, Refusal> {
        let mut slots = self.slots();
        match slots.get(&actor) {
            Some(slot) if slot.generation == generation => Ok(slot.clone()),
            // It became old after it was looked at.
            Some(slot) if slot.generation > generation => Err(Refusal::ActorNotFound),
            _ => {
                let slot = Slot { generation, session: Arc::default(), end: End::default() };
                let old = slots.insert(actor, slot.clone());
                drop(slots);
                // After the map is free: closing reads pages.
                drop(old);
                Ok(slot)
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Id, Slot>> {
        // Every change of the map is one call.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that panicked is not used again: the one who panicked had taken it out.
fn lock(session: &Mutex<Option<Session>>) -> MutexGuard<'_, Option<Session>> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ActorData {
    /// Runs a script, and answers the rows of its last statement that has any.
    pub async fn exec(
        &self,
        fence: Fence,
        request: protocol::SqliteExecRequest,
    ) -> protocol::SqliteExecResponse {
        use protocol::SqliteExecResponse as Response;
        match self.run_sql(fence, move |session| session.exec(&request.sql)).await {
            Ok(result) => Response::SqliteExecOk(protocol::SqliteExecOk { result }),
            Err(refusal) => Response::SqliteErrorResponse(refusal.into_sqlite()),
        }
    }

    /// Runs one statement.
    pub async fn execute(
        &self,
        fence: Fence,
        request: protocol::SqliteExecuteRequest,
    ) -> protocol::SqliteExecuteResponse {
        use protocol::SqliteExecuteResponse as Response;
        let statement = Statement { sql: request.sql, params: request.params };
        match self.run_sql(fence, move |session| session.execute(&statement)).await {
            Ok(result) => Response::SqliteExecuteOk(protocol::SqliteExecuteOk { result }),
            Err(refusal) => Response::SqliteErrorResponse(refusal.into_sqlite()),
        }
    }

    /// Runs statements, all of them or none.
    pub async fn execute_batch(
        &self,
        fence: Fence,
        request: protocol::SqliteExecuteBatchRequest,
    ) -> protocol::SqliteExecuteBatchResponse {
        use protocol::SqliteExecuteBatchResponse as Response;
        let statements: Vec<_> = request
            .statements
            .into_iter()
            .map(|statement| Statement { sql: statement.sql, params: statement.params })
            .collect();
        match self.run_sql(fence, move |session| session.execute_batch(&statements)).await {
            Ok(results) => {
                Response::SqliteExecuteBatchOk(protocol::SqliteExecuteBatchOk { results })
            }
            Err(refusal) => Response::SqliteErrorResponse(refusal.into_sqlite()),
        }
    }

    async fn run_sql<R: Send + 'static>(
        &self,
        fence: Fence,
        work: impl FnOnce(&Session) -> Result<R, Refusal> + Send + 'static,
    ) -> Result<R, Refusal> {
        let Some(generation) = fence.generation else {
            return Err(Refusal::MissingGeneration("remote execution"));
        };
        let Ok(_running) = self.0.sessions.running.acquire().await else {
            return Err(Refusal::ActorNotFound);
        };
        let inner = Arc::clone(&self.0);
        let ran = tokio::task::spawn_blocking(move || {
            // Before the place is taken: an old generation must not close the new one's.
            inner.access.transact_blocking(&fence, |_| Ok(()))?;
            let slot = inner.sessions.slot(fence.actor, generation)?;
            let mut place = lock(&slot.session);
            let mut session = match place.take() {
                Some(session) => session,
                None => Session::open(&inner.access, &fence, &inner.sessions.budget, &slot.end)?,
            };
            let result = session.run(work);
            if session.is_usable() {
                *place = Some(session);
            }
            result
        });
        match ran.await {
            Ok(result) => result,
            Err(ended) => std::panic::resume_unwind(ended.into_panic()),
        }
    }
}
