//! Holding starts back while the engine drains, and letting them go again.

use std::sync::{
    Arc, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::watch;

use super::{Lifecycle, LifecycleError, Phase};
use crate::{actor::Event, clock::Millis, keyspace::Id};

/// Whether the engine drains: then no actor is started. Everybody may look, the [`Lifecycle`] alone
/// changes it. It is in memory only; cloning it is cheap.
#[derive(Debug, Clone, Default)]
pub struct Draining(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// The same as `since`, for those on the way of a request.
    is_on: AtomicBool,
    since: watch::Sender<Option<Millis>>,
}

impl Draining {
    /// Whether starts are held back. One look at memory.
    pub fn is_on(&self) -> bool {
        // Who has to be sure that nobody saw it otherwise waits with `Lifecycle::settle`.
        self.0.is_on.load(Ordering::Relaxed)
    }

    /// When it began, if it has.
    pub fn since(&self) -> Option<Millis> {
        *self.0.since.borrow()
    }

    /// Waits until starts are held back.
    pub async fn begun(&self) {
        self.becomes(true).await;
    }

    /// Waits until they are not.
    pub async fn over(&self) {
        self.becomes(false).await;
    }

    async fn becomes(&self, is_on: bool) {
        let mut since = self.0.since.subscribe();
        // The sender is in `self`, so that it is there as long as somebody waits.
        let _ = since.wait_for(|since| since.is_some() == is_on).await;
    }

    /// Says whether that is a change.
    fn set(&self, to: Option<Millis>) -> bool {
        self.0.since.send_if_modified(|since| {
            if since.is_some() == to.is_some() {
                return false;
            }
            *since = to;
            self.0.is_on.store(to.is_some(), Ordering::Relaxed);
            true
        })
    }
}

impl Lifecycle {
    /// Whether starts are held back.
    pub fn draining(&self) -> &Draining {
        &self.0.draining
    }

    /// Holds starts back from here on. `false`: they are already.
    pub fn hold_starts(&self) -> bool {
        self.0.draining.set(Some(self.now()))
    }

    /// Waits until every step is over that may not have seen that starts are held back.
    pub async fn settle(&self) {
        self.0.turns.pass_all().await;
    }

    /// Lets starts go again: alarms that came meanwhile ring, and who waits for room is tried. `false`:
    /// they were not held back.
    pub fn release_starts(&self) -> bool {
        if !self.0.draining.set(None) {
            return false;
        }
        self.0.timers.release(self.now());
        let waiting: Vec<_> = {
            let pending = self.0.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.keys().cloned().collect()
        };
        for (namespace_id, pool) in waiting {
            self.room_in_pool(namespace_id, &pool);
        }
        true
    }

    /// The actors that run or start: those that can be asked to sleep.
    pub fn running(&self) -> Vec<Id> {
        self.0.views.in_phases(&[Phase::Starting, Phase::Running])
    }

    /// Asks an actor to sleep, as soon as it runs.
    pub async fn put_to_sleep(&self, actor_id: Id) -> Result<(), LifecycleError> {
        self.apply(actor_id, Event::Sleep).await.map(drop)
    }

    /// Refuses what would need a start while they are held back.
    pub(super) fn check_starts(&self) -> Result<(), LifecycleError> {
        if self.0.draining.is_on() { Err(LifecycleError::Draining) } else { Ok(()) }
    }

    /// Sets the timer of an actor that was due. One whose time has come, and that is held back, is put
    /// aside: it would be due again at once.
    pub(super) fn set_timer_again(&self, actor_id: Id, deadline: Option<Millis>) {
        let is_held = self.0.draining.is_on() && deadline.is_some_and(|at| at <= self.now());
        if !is_held {
            self.0.timers.set(actor_id, deadline);
            return;
        }
        self.0.timers.hold(actor_id);
        // Whoever let starts go in between has not seen it.
        if !self.0.draining.is_on() {
            self.0.timers.release(self.now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_begins_and_ends_once_however_often_it_is_asked_for() {
        let draining = Draining::default();
        draining.over().await;
        assert!(!draining.set(None));

        assert!(draining.set(Some(7)));
        assert!(!draining.set(Some(8)), "it has begun already");
        draining.begun().await;
        assert_eq!((draining.is_on(), draining.since()), (true, Some(7)));

        assert!(draining.set(None));
        draining.over().await;
        assert_eq!((draining.is_on(), draining.since()), (false, None));
    }
}
