//! From an address to an actor that takes requests: found or created, woken, waited for.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    Gateway, GatewayError,
    query::{Create, Query},
    reached::Reached,
    route::Target,
};
use crate::{
    keyspace::{Id, tables::ActorError},
    lifecycle::{Lifecycle, LifecycleError, NewActor, Phase, View},
    telemetry::{Woken, otel::ActiveSpan},
};

/// How often an actor that stops again is woken for one request.
const MAX_WAKES: u32 = 8;

/// How long it is left asleep after the first wake that came to nothing; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// An error of the pool that is older than the request counts only after this long: the wake may
/// be what ends it.
const POOL_GRACE: Duration = Duration::from_secs(1);

impl Gateway {
    /// The id of the actor that is asked for.
    pub(super) async fn find(&self, target: Target) -> Result<Id, GatewayError> {
        match target {
            Target::Id(id) => Ok(id),
            Target::Nobody => Err(GatewayError::actor_not_found()),
            Target::Query(query) => Box::pin(find_by_key(self.lifecycle(), query)).await,
        }
    }

    /// Waits until the actor takes requests, and wakes it for that.
    pub(super) async fn ready(
        &self,
        actor_id: Id,
        skip_ready_wait: bool,
        span: Option<&ActiveSpan>,
    ) -> Result<Reached, GatewayError> {
        if let Some(reached) = self.at_hand(actor_id) {
            return Ok(reached);
        }
        let (begun, waiting) = (Instant::now(), span.map(|span| span.child("actor wake")));
        // Boxed: most requests find their actor awake, and none of this is theirs to carry.
        let awaited = Box::pin(self.awaited(actor_id, skip_ready_wait)).await;
        let outcome = if awaited.is_ok() { Woken::Ready } else { Woken::Failed };
        self.metrics().woke(outcome, begun.elapsed());
        if let (Some(waiting), Err(_)) = (waiting, &awaited) {
            waiting.failed();
        }
        awaited
    }

    /// The way to an actor that runs and whose envoy is connected.
    fn at_hand(&self, actor_id: Id) -> Option<Reached> {
        let seen = self.lifecycle().observed(&actor_id)?;
        let envoys = self.lifecycle().envoys();
        let (generation, connection) = {
            let view = seen.borrow();
            let envoy = view.envoy.as_ref().filter(|_| view.phase == Phase::Running)?;
            (view.generation, envoys.connection(envoy)?)
        };
        Some(Reached::new(envoys.clone(), seen, generation, connection))
    }

    async fn awaited(&self, actor_id: Id, skip_ready_wait: bool) -> Result<Reached, GatewayError> {
        let deadline = Instant::now() + self.settings().ready_timeout;
        let mut waiting = Waiting {
            lifecycle: self.lifecycle(),
            actor_id,
            skip_ready_wait,
            began: Instant::now(),
            view: self.lifecycle().observe(actor_id).await?,
            looks: 0,
            wakes: 0,
            asked: None,
        };
        match timeout_at(deadline, waiting.ready()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(GatewayError::ReadyTimeout { actor_id: actor_id.to_string() }),
        }
    }
}

async fn find_by_key(lifecycle: &Lifecycle, query: Query) -> Result<Id, GatewayError> {
    let Query { namespace, name, key, create } = query;
    if let Some(Create { region: Some(region), .. }) = &create
        && *region != lifecycle.datacenter().name
    {
        return Err(LifecycleError::DatacenterNotFound.into());
    }
    let found = lifecycle.find(&namespace, &name, &key).await?;
    match (found, create) {
        (Some(id), _) => Ok(id),
        (None, None) => Err(GatewayError::actor_not_found()),
        (None, Some(Create { pool, input, region, crash_policy })) => {
            let new = NewActor {
                namespace,
                name,
                key: Some(key),
                pool,
                input,
                crash_policy,
                datacenter: region,
            };
            let (actor, _) = lifecycle.get_or_create(new).await?;
            Ok(actor.id)
        }
    }
}

/// A request that waits for its actor.
struct Waiting<'g> {
    lifecycle: &'g Lifecycle,
    actor_id: Id,
    skip_ready_wait: bool,
    began: Instant,
    view: watch::Receiver<View>,
    looks: u32,
    wakes: u32,
    /// The generation that was asked to come back when it has stopped.
    asked: Option<u32>,
}

impl Waiting<'_> {
    async fn ready(&mut self) -> Result<Reached, GatewayError> {
        loop {
            let view = self.view.borrow_and_update().clone();
            self.looks = self.looks.saturating_add(1);
            if self.pool_failed(&view) {
                let actor_id = self.actor_id.to_string();
                return Err(GatewayError::RunnerFailed { actor_id });
            }
            match view.phase {
                Phase::Destroyed if self.looks == 1 => return Err(GatewayError::actor_not_found()),
                Phase::Destroyed => return Err(GatewayError::DestroyedWhileWaiting),
                Phase::Running | Phase::Starting | Phase::Stopping
                    if view.phase == Phase::Running || self.skip_ready_wait =>
                {
                    if let Some(reached) = self.reach(&view).await? {
                        return Ok(reached);
                    }
                    continue;
                }
                Phase::Sleeping => {
                    self.wake(&view).await?;
                }
                Phase::Stopping | Phase::Pending if self.asked != Some(view.generation) => {
                    self.asked = Some(view.generation);
                    self.lifecycle.wake(self.actor_id).await?;
                }
                Phase::Running | Phase::Starting | Phase::Stopping | Phase::Pending => {}
            }
            self.changed(&view).await?;
        }
    }

    /// Wakes an actor that sleeps: at once, and after a pause when that has come to nothing.
    async fn wake(&mut self, view: &View) -> Result<(), GatewayError> {
        if self.wakes >= MAX_WAKES {
            let actor_id = self.actor_id.to_string();
            return Err(GatewayError::WakeRetriesExceeded { actor_id });
        }
        if let Some(earlier) = self.wakes.checked_sub(1) {
            tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(earlier)).await;
            if self.view.borrow().revision != view.revision {
                return Ok(());
            }
        }
        self.wakes += 1;
        self.lifecycle.wake(self.actor_id).await?;
        Ok(())
    }

    /// The way to the actor, as soon as its envoy is connected; `None` when it changes before. An
    /// actor that is started by a request to its pool has no envoy until one takes it over.
    async fn reach(&mut self, view: &View) -> Result<Option<Reached>, GatewayError> {
        let Some(envoy) = view.envoy.clone() else {
            self.changed(view).await?;
            return Ok(None);
        };
        let envoys = self.lifecycle.envoys();
        // One that is there is had at once, whatever else changes.
        let connection = tokio::select! {
            biased;
            connection = envoys.connected(&envoy) => connection,
            changed = self.changed(view) => return changed.map(|()| None),
        };
        let (envoys, seen) = (envoys.clone(), self.view.clone());
        Ok(Some(Reached::new(envoys, seen, view.generation, connection)))
    }

    fn pool_failed(&self, view: &View) -> bool {
        matches!(view.phase, Phase::Pending | Phase::Sleeping)
            && matches!(view.error, Some(ActorError::RunnerPoolError(_)))
            && (self.looks > 2 || self.began.elapsed() >= POOL_GRACE)
    }

    /// Waits for the next look. Whoever waits for a start is not kept until a drain is over.
    async fn changed(&mut self, view: &View) -> Result<(), GatewayError> {
        let draining = self.lifecycle.draining();
        let waits_for_a_start = matches!(view.phase, Phase::Pending | Phase::Sleeping);
        let changed = async {
            tokio::select! {
                // The lifecycle drops no view that somebody watches, unless the engine stops.
                seen = self.view.changed() => seen.map_err(|_| GatewayError::ServiceUnavailable),
                () = draining.begun(), if waits_for_a_start => {
                    Err(LifecycleError::Draining.into())
                }
            }
        };
        if matches!(view.error, Some(ActorError::RunnerPoolError(_))) {
            return tokio::select! {
                changed = changed => changed,
                () = sleep_until(self.began.max(Instant::now()) + POOL_GRACE) => Ok(()),
            };
        }
        changed.await
    }
}
