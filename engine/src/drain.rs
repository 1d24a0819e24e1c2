//! Emptying the engine on purpose, before it is stopped: nothing is started any more, and what runs is
//! asked to sleep, a few at a time, until the engine is told to serve again.
//!
//! What is in here is in memory only: an engine that was started again serves.

mod progress;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::progress::{Progress, State, is_next};
use crate::{
    gateway::Gateway,
    keyspace::Id,
    lifecycle::{Lifecycle, LifecycleError, Phase},
};

/// How many actors fall asleep at once: each of them writes what it keeps.
const AT_ONCE: usize = 64;

/// How long an actor that falls asleep keeps the next one waiting.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks at who still runs.
const LOOK: Duration = Duration::from_millis(200);

/// What a [`Drain`] works with.
#[derive(Debug)]
pub struct Parts {
    /// The actors.
    pub lifecycle: Lifecycle,
    /// What is in flight to them.
    pub gateway: Gateway,
    /// Ends with the engine.
    pub stop: CancellationToken,
    /// Whoever waits for these has seen the last step.
    pub tasks: TaskTracker,
}

impl Parts {
    /// Those of a running engine.
    pub fn of(
        lifecycle: &Lifecycle,
        gateway: &Gateway,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Self {
        Self {
            lifecycle: lifecycle.clone(),
            gateway: gateway.clone(),
            stop: stop.clone(),
            tasks: tasks.clone(),
        }
    }
}

/// The drain of an engine; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Drain(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    run: Mutex<Option<Run>>,
}

/// One drain, from the request for it until it is taken back.
#[derive(Debug, Clone)]
struct Run {
    ended: CancellationToken,
    settled: Arc<AtomicBool>,
}

impl Drain {
    /// The drain of these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { parts, run: Mutex::default() }))
    }

    /// Begins to drain. `false`: the engine does already.
    pub fn begin(&self) -> bool {
        let Parts { lifecycle, stop, tasks, .. } = &self.0.parts;
        let mut current = self.lock();
        if !lifecycle.hold_starts() {
            return false;
        }
        let run = Run { ended: stop.child_token(), settled: Arc::default() };
        *current = Some(run.clone());
        drop(current);
        let Progress { actors_running, requests_in_flight, .. } = self.progress();
        tracing::info!(
            actors_running,
            requests_in_flight,
            "draining: no actor is started any more"
        );
        let drain = self.clone();
        tasks.spawn(async move { drain.work(run).await });
        true
    }

    /// Serves again. `false`: the engine does not drain.
    pub fn end(&self) -> bool {
        let mut current = self.lock();
        let Some(run) = current.take() else { return false };
        run.ended.cancel();
        let since = self.since();
        self.0.parts.lifecycle.release_starts();
        drop(current);
        let lasted_ms = since.map(|since| self.0.parts.lifecycle.now().saturating_sub(since));
        tracing::info!(lasted_ms, "serving again: the drain was taken back");
        true
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let Parts { lifecycle, gateway, .. } = &self.0.parts;
        // First: whatever is counted after it was settled stays counted.
        let settled = self.lock().as_ref().is_some_and(|run| run.settled.load(Ordering::Acquire));
        let alive = [Phase::Starting, Phase::Running, Phase::Stopping];
        let phases = lifecycle.awake_by_phase();
        let alive = phases.iter().filter(|(phase, _)| alive.contains(phase));
        let actors_running = alive.map(|(_, count)| count).sum();
        let requests_in_flight = gateway.requests_in_flight();
        let since_ts = self.since();
        Progress {
            state: State::of(since_ts, settled, actors_running, requests_in_flight),
            since_ts,
            actors_running,
            requests_in_flight,
            sockets_open: gateway.sockets_open(),
            envoys: lifecycle.envoys().connections().len(),
        }
    }

    /// Puts everybody to sleep, and looks again: what a start that was under way has left behind, and
    /// who was busy.
    async fn work(&self, run: Run) {
        self.0.parts.lifecycle.settle().await;
        run.settled.store(true, Ordering::Release);
        let mut is_told = false;
        while !run.ended.is_cancelled() {
            // Nothing in here is cut short: a step that is half done would leave memory behind the disk.
            futures_util::stream::iter(self.next())
                .for_each_concurrent(AT_ONCE, |actor_id| self.put_to_sleep(actor_id, &run.ended))
                .await;
            if !is_told && self.progress().state == State::Drained {
                is_told = true;
                tracing::info!("drained: no actor runs, and nothing is in flight");
            }
            tokio::select! {
                () = run.ended.cancelled() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Who is asked to sleep now.
    fn next(&self) -> Vec<Id> {
        let Parts { lifecycle, gateway, .. } = &self.0.parts;
        let Some(since) = self.since() else { return vec![] };
        let mut running = lifecycle.running();
        running.retain(|actor_id| is_next(gateway.requests_to(actor_id), since, lifecycle.now()));
        running
    }

    /// Asks an actor to sleep, and waits for a while until it does.
    async fn put_to_sleep(&self, actor_id: Id, ended: &CancellationToken) {
        if ended.is_cancelled() {
            return;
        }
        let lifecycle = &self.0.parts.lifecycle;
        let over = async {
            let mut view = lifecycle.observe(actor_id).await?;
            lifecycle.put_to_sleep(actor_id).await?;
            let asleep = view.wait_for(|view| {
                matches!(view.phase, Phase::Sleeping | Phase::Pending | Phase::Destroyed)
            });
            tokio::select! {
                // Whoever takes longer is not waited for: it has its time to stop, as always.
                _ = tokio::time::timeout(PATIENCE, asleep) => {}
                () = ended.cancelled() => {}
            }
            Ok::<_, LifecycleError>(())
        };
        if let Err(error) = over.await {
            tracing::warn!(%actor_id, %error, "an actor could not be asked to sleep");
        }
    }

    fn since(&self) -> Option<u64> {
        self.0.parts.lifecycle.draining().since()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Run>> {
        // Nothing in here can panic half way through a change.
        self.0.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
