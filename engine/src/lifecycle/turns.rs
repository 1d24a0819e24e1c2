//! One step at a time for each actor.

use std::hash::{BuildHasher, RandomState};

use tokio::sync::{Mutex, MutexGuard};

use crate::keyspace::Id;

/// Two actors share a turn by chance: more of them make that rarer, and cost a few bytes each.
const TURNS: usize = 1024;

/// The turns of all actors.
#[derive(Debug)]
pub(super) struct Turns {
    hasher: RandomState,
    turns: Vec<Mutex<()>>,
}

impl Default for Turns {
    fn default() -> Self {
        let turns = std::iter::repeat_with(Mutex::default).take(TURNS).collect();
        Self { hasher: RandomState::new(), turns }
    }
}

impl Turns {
    /// Waits for the actor's turn. Nobody may wait for a second one while holding it.
    pub(super) async fn take(&self, actor_id: &Id) -> MutexGuard<'_, ()> {
        let slot = self.hasher.hash_one(actor_id) % TURNS as u64;
        let slot = usize::try_from(slot).expect("it is smaller than the number of turns");
        self.turns[slot].lock().await
    }

    /// Waits until every turn that is taken now has been given back.
    pub(super) async fn pass_all(&self) {
        for turn in &self.turns {
            drop(turn.lock().await);
        }
    }
}
