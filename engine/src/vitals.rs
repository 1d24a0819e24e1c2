//! How the engine is: whether it can do its work, and how much of everything there is.
//!
//! Nobody is told more than they may know: whether it is ready is fit for strangers, everything else
//! goes to the metrics port.

mod readiness;

use std::{sync::Arc, time::Duration};

use prometheus::proto::MetricFamily;
use tokio::{sync::Mutex, time::Instant};

pub use self::readiness::{Check, Readiness};
use crate::{
    keyspace::{KeyRange, tables::LiveActors},
    lifecycle::{Lifecycle, Phase},
    storage::{Database, StorageError},
    telemetry::{Levels, Metrics, ProcessUsage},
};

/// However many ask, it is looked up this seldom.
const HOLDS: Duration = Duration::from_secs(1);

/// Actors that sleep are rows and nothing else, so they are counted seldom, and so many at most.
const SLEEPERS_HOLD: Duration = Duration::from_mins(1);
const SLEEPERS_MAX: usize = 100_000;

/// How many overdue actors are counted one by one.
const OVERDUE_MAX: usize = 10_000;

/// What [`Vitals`] look at.
#[derive(Debug)]
pub struct Parts {
    /// Whether the engine is ready.
    pub readiness: Readiness,
    /// What lives.
    pub lifecycle: Lifecycle,
    /// The store.
    pub database: Database,
    /// Where it is shown.
    pub metrics: Arc<Metrics>,
}

/// The vitals of one engine; cloning them is cheap.
#[derive(Debug, Clone)]
pub struct Vitals(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    looked: Mutex<Looked>,
}

/// When what was looked up last.
#[derive(Debug, Default)]
struct Looked {
    at: Option<Instant>,
    /// Actors that are not destroyed.
    actors: Option<(Instant, u64)>,
}

impl Vitals {
    /// The vitals of these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { parts, looked: Mutex::default() }))
    }

    /// Whether the engine is ready.
    pub fn readiness(&self) -> &Readiness {
        &self.0.parts.readiness
    }

    /// All metrics, as they are now, in the text format of Prometheus.
    pub async fn text(&self) -> Result<Vec<u8>, prometheus::Error> {
        self.look().await;
        self.0.parts.metrics.text()
    }

    /// All metrics, as they are now.
    pub async fn gather(&self) -> Vec<MetricFamily> {
        self.look().await;
        self.0.parts.metrics.gather()
    }

    async fn look(&self) {
        let mut looked = self.0.looked.lock().await;
        if looked.at.is_some_and(|at| at.elapsed() < HOLDS) {
            return;
        }
        let levels = self.0.levels(&mut looked).await;
        self.0.parts.metrics.show(&levels);
        looked.at = Some(Instant::now());
    }
}

impl Inner {
    async fn levels(&self, looked: &mut Looked) -> Levels {
        let Parts { readiness, lifecycle, database, .. } = &self.parts;
        let failed = readiness.failed().await;
        let mut actors: Vec<_> = lifecycle.awake_by_phase().into();
        let awake: u64 = actors.iter().map(|(_, count)| count).sum();
        if let Some(all) = self.actors(looked).await {
            actors.push((Phase::Sleeping, all.saturating_sub(awake)));
        }
        Levels {
            draining: lifecycle.draining().is_on(),
            checks: Check::ALL.map(|check| (check.name(), !failed.contains(&check))).into(),
            actors: actors.into_iter().map(|(phase, count)| (phase.name(), count)).collect(),
            slots: lifecycle.envoys().slots() as u64,
            overdue: lifecycle.overdue(OVERDUE_MAX) as u64,
            storage: database.figures().await,
            process: ProcessUsage::now().unwrap_or_else(|error| {
                tracing::debug!(%error, "the kernel does not say what this process uses");
                ProcessUsage::default()
            }),
        }
    }

    /// How many actors there are that are not destroyed.
    async fn actors(&self, looked: &mut Looked) -> Option<u64> {
        if let Some((at, count)) = looked.actors
            && at.elapsed() < SLEEPERS_HOLD
        {
            return Some(count);
        }
        let counted = self.parts.database.transact(|transaction| {
            transaction.count(&KeyRange::table::<LiveActors>(), SLEEPERS_MAX)
        });
        match counted.await {
            Ok(count) => {
                looked.actors = Some((Instant::now(), count as u64));
                Some(count as u64)
            }
            Err(error) => {
                let error: StorageError = error;
                tracing::warn!(%error, "the actors could not be counted");
                None
            }
        }
    }
}
