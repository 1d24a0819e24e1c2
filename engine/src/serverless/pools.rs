//! What is known of pools beyond their configs: their protocol, and what went wrong last.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::keyspace::{Id, tables::PoolError};

/// What is known of pools. In memory: it is learnt again after a restart.
#[derive(Debug)]
pub(super) struct Pools {
    successes_to_clear_error: u32,
    state: Mutex<HashMap<(Id, String), Pool>>,
}

#[derive(Debug, Default)]
struct Pool {
    protocol_version: Option<u16>,
    error: Option<PoolError>,
    successes: u32,
}

impl Pools {
    pub(super) fn new(successes_to_clear_error: u32) -> Self {
        Self { successes_to_clear_error, state: Mutex::default() }
    }

    pub(super) fn protocol_version(&self, namespace_id: Id, pool: &str) -> Option<u16> {
        self.lock().get(&(namespace_id, pool.to_owned()))?.protocol_version
    }

    pub(super) fn set_protocol_version(&self, namespace_id: Id, pool: &str, version: u16) {
        let mut pools = self.lock();
        pools.entry((namespace_id, pool.to_owned())).or_default().protocol_version = Some(version);
    }

    pub(super) fn error(&self, namespace_id: Id, pool: &str) -> Option<PoolError> {
        self.lock().get(&(namespace_id, pool.to_owned()))?.error.clone()
    }

    pub(super) fn failed(&self, namespace_id: Id, pool: &str, error: PoolError) {
        let mut pools = self.lock();
        let pool = pools.entry((namespace_id, pool.to_owned())).or_default();
        (pool.error, pool.successes) = (Some(error), 0);
    }

    /// Notes that a request was answered as it should be.
    pub(super) fn succeeded(&self, namespace_id: Id, pool: &str) {
        let mut pools = self.lock();
        let Some(pool) = pools.get_mut(&(namespace_id, pool.to_owned())) else { return };
        pool.successes = pool.successes.saturating_add(1);
        if pool.successes >= self.successes_to_clear_error {
            pool.error = None;
        }
    }

    /// Forgets pools that are no longer called.
    pub(super) fn retain(&self, kept: impl Fn(&(Id, String)) -> bool) {
        self.lock().retain(|pool, _| kept(pool));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Id, String), Pool>> {
        // Nothing in here can panic half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_forgotten_after_enough_successes_in_a_row() {
        let (pools, id) = (Pools::new(3), Id::random(1));
        let error = PoolError::ServerlessStreamEndedEarly;
        let succeed = |times: usize| (0..times).for_each(|_| pools.succeeded(id, "p"));

        pools.failed(id, "p", error.clone());
        succeed(2);
        assert_eq!(pools.error(id, "p"), Some(error.clone()));
        pools.failed(id, "p", error.clone());
        succeed(2);
        assert_eq!(pools.error(id, "p"), Some(error));
        succeed(1);
        assert_eq!(pools.error(id, "p"), None);
        assert_eq!(pools.error(id, "other"), None);
    }
}
