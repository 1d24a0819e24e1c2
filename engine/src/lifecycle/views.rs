//! What those who wait for actors see of them.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::{
    envoys::EnvoyId,
    keyspace::{
        Id,
        tables::{ActorError, ActorRow, ActorState},
    },
};

/// Where in its life an actor is, as far as a client cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It waits for an envoy.
    Pending,
    /// It starts.
    Starting,
    /// Requests reach it.
    Running,
    /// It is about to stop.
    Stopping,
    /// It sleeps.
    Sleeping,
    /// It is gone.
    Destroyed,
}

/// An actor as it was at one revision.
#[derive(Debug, Clone)]
pub struct View {
    /// Which change of the actor this is.
    pub revision: u64,
    /// The namespace it lives in.
    pub namespace_id: Id,
    /// The pool whose envoys run it.
    pub pool: Arc<str>,
    /// Where in its life it is.
    pub phase: Phase,
    /// Its current or last generation.
    pub generation: u32,
    /// The envoy it is placed on.
    pub envoy: Option<EnvoyId>,
    /// Why it does not run.
    pub error: Option<ActorError>,
}

impl Phase {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Starting,
        Self::Running,
        Self::Stopping,
        Self::Sleeping,
        Self::Destroyed,
    ];

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Sleeping => "sleeping",
            Self::Destroyed => "destroyed",
        }
    }
}

impl View {
    /// What `row` looks like from outside.
    pub fn of(row: &ActorRow) -> Self {
        let phase = match row.state {
            ActorState::Pending => Phase::Pending,
            ActorState::Starting { .. } => Phase::Starting,
            ActorState::Running => Phase::Running,
            ActorState::Stopping { .. } => Phase::Stopping,
            ActorState::Sleeping => Phase::Sleeping,
            ActorState::Destroyed => Phase::Destroyed,
        };
        let envoy = row
            .envoy_key
            .as_ref()
            .map(|key| EnvoyId { namespace_id: row.namespace_id, key: key.as_str().into() });
        Self {
            revision: row.revision,
            namespace_id: row.namespace_id,
            pool: row.pool.as_str().into(),
            phase,
            generation: row.generation,
            envoy,
            error: row.error.clone(),
        }
    }

    /// Whether some generation of the actor is alive or wanted.
    fn is_live(&self) -> bool {
        !matches!(self.phase, Phase::Sleeping | Phase::Destroyed)
    }
}

/// The actors that live or are watched. Those that sleep unwatched take no memory.
#[derive(Debug, Default)]
pub(super) struct Views(Mutex<HashMap<Id, watch::Sender<View>>>);

impl Views {
    /// What is in memory of an actor that lives.
    pub(super) fn live(&self, actor_id: &Id) -> Option<View> {
        let views = self.lock();
        let view = views.get(actor_id)?.borrow().clone();
        view.is_live().then_some(view)
    }

    /// The namespace of an actor that is in memory.
    pub(super) fn namespace(&self, actor_id: &Id) -> Option<Id> {
        self.lock().get(actor_id).map(|view| view.borrow().namespace_id)
    }

    /// The phases of the actors of a namespace that live.
    pub(super) fn awake(&self, namespace_id: &Id) -> Vec<Phase> {
        let views = self.lock();
        let views = views.values().map(watch::Sender::borrow);
        let awake = views.filter(|view| view.namespace_id == *namespace_id && view.is_live());
        awake.map(|view| view.phase).collect()
    }

    /// How many actors are in each of the phases of a life that goes on.
    pub(super) fn counts(&self) -> [(Phase, u64); 4] {
        let awake = [Phase::Pending, Phase::Starting, Phase::Running, Phase::Stopping];
        let mut counts = awake.map(|phase| (phase, 0));
        for view in self.lock().values() {
            let phase = view.borrow().phase;
            if let Some((_, count)) = counts.iter_mut().find(|(of, _)| *of == phase) {
                *count += 1;
            }
        }
        counts
    }

    /// The actors that are in one of `phases`.
    pub(super) fn in_phases(&self, phases: &[Phase]) -> Vec<Id> {
        let views = self.lock();
        let found = views.iter().filter(|(_, view)| phases.contains(&view.borrow().phase));
        found.map(|(id, _)| *id).collect()
    }

    /// Whoever watches an actor that is in memory.
    pub(super) fn watch(&self, actor_id: &Id) -> Option<watch::Receiver<View>> {
        self.lock().get(actor_id).map(watch::Sender::subscribe)
    }

    /// Watches an actor whose row was read in the actor's turn.
    pub(super) fn insert(&self, actor_id: Id, view: View) -> watch::Receiver<View> {
        match self.lock().entry(actor_id) {
            Entry::Occupied(there) => there.get().subscribe(),
            Entry::Vacant(free) => free.insert(watch::Sender::new(view)).subscribe(),
        }
    }

    /// Shows everybody the actor as it is now.
    pub(super) fn publish(&self, actor_id: Id, view: View) {
        let mut views = self.lock();
        match views.entry(actor_id) {
            Entry::Occupied(there) => {
                let live = view.is_live();
                there.get().send_replace(view);
                if !live && there.get().receiver_count() == 0 {
                    there.remove();
                }
            }
            Entry::Vacant(free) => {
                if view.is_live() {
                    free.insert(watch::Sender::new(view));
                }
            }
        }
    }

    /// Forgets those that sleep and that nobody watches any more.
    pub(super) fn sweep(&self) {
        let mut views = self.lock();
        views.retain(|_, sender| sender.receiver_count() > 0 || sender.borrow().is_live());
        // A crowd that has gone leaves its room behind.
        if views.capacity() > 1024 && views.capacity() > 4 * views.len() {
            views.shrink_to_fit();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, watch::Sender<View>>> {
        // Nothing in here can panic half way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
