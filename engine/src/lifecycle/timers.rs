//! When which actor has to be looked at.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::keyspace::Id;

/// A copy of the stored timers, in the order in which they fall due.
#[derive(Debug, Default)]
pub(super) struct Timers {
    state: Mutex<State>,
    sooner: Notify,
}

#[derive(Debug, Default)]
struct State {
    by_time: BTreeSet<(u64, Id)>,
    by_actor: HashMap<Id, u64>,
    /// Those whose time has come, and that are not looked at before they are released.
    held: HashSet<Id>,
}

impl Timers {
    /// Sets the time of an actor, or clears it.
    pub(super) fn set(&self, actor_id: Id, due_ts: Option<u64>) {
        let mut state = self.lock();
        let first = state.by_time.first().copied();
        if let Some(before) = state.by_actor.remove(&actor_id) {
            state.by_time.remove(&(before, actor_id));
        }
        if let Some(due_ts) = due_ts {
            state.by_actor.insert(actor_id, due_ts);
            state.by_time.insert((due_ts, actor_id));
        }
        let is_sooner = match (first, state.by_time.first()) {
            (Some((before, _)), Some((now, _))) => *now < before,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        drop(state);
        if is_sooner {
            self.sooner.notify_one();
        }
    }

    /// Puts an actor aside whose time has come.
    pub(super) fn hold(&self, actor_id: Id) {
        self.lock().held.insert(actor_id);
    }

    /// Makes everybody due who was put aside.
    pub(super) fn release(&self, now: u64) {
        let held = std::mem::take(&mut self.lock().held);
        for actor_id in held {
            self.set(actor_id, Some(now));
        }
    }

    /// Takes out up to `limit` actors whose time has come, with that time. One whose step fails
    /// sets it anew.
    pub(super) fn take_due(&self, now: u64, limit: usize) -> Vec<(u64, Id)> {
        let mut state = self.lock();
        let due: Vec<_> =
            state.by_time.iter().take_while(|(at, _)| *at <= now).take(limit).copied().collect();
        for timer in &due {
            state.by_time.remove(timer);
            state.by_actor.remove(&timer.1);
        }
        due
    }

    /// How many are waiting whose time has come; at most `limit` are counted.
    pub(super) fn overdue(&self, now: u64, limit: usize) -> usize {
        self.lock().by_time.iter().take(limit).take_while(|(at, _)| *at <= now).count()
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<u64> {
        self.lock().by_time.first().map(|(at, _)| *at)
    }

    /// Waits until there is an earlier one than before.
    pub(super) async fn sooner(&self) {
        self.sooner.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
