//! What is counted along the way, in the text format of Prometheus. Every label has few values.

mod exports;
mod store;

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use prometheus::{
    Encoder, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, TextEncoder,
    proto::MetricFamily,
};

pub(super) use self::exports::Undelivered;
use self::{exports::Exports, store::Store};
use super::{
    families::{Described, Families},
    figures::{Figures, Times, by_label, class_of_status},
    levels::{LevelGauges, Levels},
};
use crate::limits::Limit;

/// The kinds of requests to actors, and the classes of their statuses.
const KINDS: [&str; 3] = ["http", "websocket", "preflight"];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// An answered request, in labels.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// The route's template, never the path.
    pub route: &'r str,
    /// The method, when it is a usual one.
    pub method: &'r str,
    /// The status.
    pub status: u16,
    /// How long the answer took.
    pub duration: Duration,
}

/// How a request fared that found its actor asleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// The actor runs.
    Ready,
    /// It does not, or not in time.
    Failed,
}

/// Everything that is counted.
#[derive(Debug)]
pub struct Metrics {
    started: Instant,
    own: Families,
    /// Metrics that every process has under the same name.
    usual: Families,
    /// Shown by one at a time.
    levels: Mutex<LevelGauges>,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    connections: IntGauge,
    envoys: IntGauge,
    envoy_frames_refused: IntCounter,
    refusals: IntCounterVec,
    limits_reached: IntCounterVec,
    token_reloads: IntCounterVec,
    audit_entries_left_out: IntCounter,
    store: Store,
    gateway: Gateway,
    gateway_failures: IntCounterVec,
    wake_seconds: HistogramVec,
    sockets: IntGauge,
    hibernating_sockets: IntGauge,
    step_seconds: HistogramVec,
    timer_delay: Histogram,
    data_seconds: HistogramVec,
    serverless_starts: IntCounterVec,
    exports: Exports,
}

/// What is counted of each request to an actor: looked up once, because they are many.
#[derive(Debug)]
struct Gateway {
    requests: IntCounterVec,
    seconds: HistogramVec,
    by_kind_and_class: [[IntCounter; 5]; 3],
    seconds_by_class: [Histogram; 5],
}

impl Gateway {
    fn new(own: &mut Families) -> Result<Self, prometheus::Error> {
        let requests = own.counters(
            "gateway_requests_total",
            "Requests to actors answered, by kind and class of status.",
            &["kind", "status"],
        )?;
        let seconds = own.seconds_by(
            "gateway_request_duration_seconds",
            "Time until a request to an actor was answered, by class of status, sockets aside.",
            "status",
        )?;
        Ok(Self {
            by_kind_and_class: KINDS
                .map(|kind| CLASSES.map(|class| requests.with_label_values(&[kind, class]))),
            seconds_by_class: CLASSES.map(|class| seconds.with_label_values(&[class])),
            requests,
            seconds,
        })
    }
}

/// Something that is there, and counted, until this is dropped.
#[derive(Debug)]
pub struct Counted(IntGauge);

impl Counted {
    fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Result<Self, prometheus::Error> {
        let (mut own, mut usual) = (Families::new("rivet_engine")?, Families::new("")?);
        let build = own.counters("build_info", "The version that runs; always 1.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).inc();
        let metrics = Self {
            started: Instant::now(),
            levels: Mutex::new(LevelGauges::new(&mut own, &mut usual)?),
            requests: own.counters(
                "http_requests_total",
                "Requests to the API answered, by route, method and status.",
                &["route", "method", "status"],
            )?,
            request_seconds: own.seconds_by(
                "http_request_duration_seconds",
                "Time to answer a request to the API, by route.",
                "route",
            )?,
            connections: own.gauge("http_connections", "Open connections.")?,
            envoys: own.gauge("envoys", "Connected envoys.")?,
            envoy_frames_refused: own.counter(
                "envoy_frames_refused_total",
                "Frames of envoys that are no messages of the protocol.",
            )?,
            refusals: own.counters(
                "auth_refusals_total",
                "Requests refused for want of a token that is valid and good for them, by reason.",
                &["reason"],
            )?,
            limits_reached: own.counters(
                "limit_refusals_total",
                "What was refused or ended because there was too much of it, by limit.",
                &["limit"],
            )?,
            token_reloads: own.counters(
                "auth_token_reloads_total",
                "Times the token file was read again, by outcome.",
                &["outcome"],
            )?,
            audit_entries_left_out: own.counter(
                "audit_entries_left_out_total",
                "Calls without a valid token that came too often to be written to the audit log.",
            )?,
            store: Store::new(&mut own)?,
            gateway: Gateway::new(&mut own)?,
            gateway_failures: own.counters(
                "gateway_failures_total",
                "Requests and sockets that the engine answered in an actor's place, by error.",
                &["error"],
            )?,
            wake_seconds: own.seconds_by(
                "gateway_wake_duration_seconds",
                "Time that requests waited for an actor that was not running, by outcome.",
                "outcome",
            )?,
            sockets: own.gauge("gateway_sockets", "Open sockets between clients and actors.")?,
            hibernating_sockets: own
                .gauge("gateway_hibernating_sockets", "Those of them whose actor sleeps.")?,
            step_seconds: own.seconds_by(
                "actor_step_duration_seconds",
                "Time of steps in the life of actors, with their commit, by outcome.",
                "outcome",
            )?,
            timer_delay: own.seconds(
                "actor_timer_delay_seconds",
                "How late an actor's alarm or deadline was acted on.",
            )?,
            data_seconds: own.seconds_by(
                "data_request_duration_seconds",
                "Time of requests of actors for what they keep, by operation.",
                "operation",
            )?,
            serverless_starts: own.counters(
                "serverless_starts_total",
                "Starts of actors by a request to their pool, by outcome.",
                &["outcome"],
            )?,
            exports: Exports::new(&mut own)?,
            own,
            usual,
        };
        metrics.begin_at_zero();
        Ok(metrics)
    }

    /// A rate over a counter that appears with its first count misses that one.
    fn begin_at_zero(&self) {
        for outcome in ["committed", "conflict", "failed"] {
            self.store.commits.with_label_values(&[outcome]);
        }
        for outcome in ["started", "failed"] {
            self.serverless_starts.with_label_values(&[outcome]);
        }
        for outcome in ["ready", "failed"] {
            self.wake_seconds.with_label_values(&[outcome]);
        }
        for outcome in ["changed", "unchanged", "failed"] {
            self.step_seconds.with_label_values(&[outcome]);
        }
    }

    /// A request was answered.
    pub fn request(&self, request: Request<'_>) {
        let status = request.status.to_string();
        self.requests.with_label_values(&[request.route, request.method, &status]).inc();
        let seconds = request.duration.as_secs_f64();
        self.request_seconds.with_label_values(&[request.route]).observe(seconds);
    }

    /// A request to an actor was answered.
    pub fn gateway_request(&self, kind: &'static str, status: u16, duration: Duration) {
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        if kind == "http" {
            self.gateway.seconds_by_class[class].observe(duration.as_secs_f64());
        }
        if let Some(kind) = KINDS.iter().position(|known| *known == kind) {
            self.gateway.by_kind_and_class[kind][class].inc();
        }
    }

    /// A request or a socket failed on its way to an actor. `group` and `code` are of the engine's
    /// own errors.
    pub fn gateway_failure(&self, group: &'static str, code: &'static str) {
        self.gateway_failures.with_label_values(&[&format!("{group}.{code}")]).inc();
    }

    /// A request waited for an actor that was not running.
    pub fn woke(&self, outcome: Woken, duration: Duration) {
        let outcome = match outcome {
            Woken::Ready => "ready",
            Woken::Failed => "failed",
        };
        self.wake_seconds.with_label_values(&[outcome]).observe(duration.as_secs_f64());
    }

    /// A step in the life of an actor is over.
    pub fn actor_step(&self, outcome: &'static str, duration: Duration) {
        self.step_seconds.with_label_values(&[outcome]).observe(duration.as_secs_f64());
    }

    /// An actor's time had come this long before it was acted on.
    pub fn actor_timer(&self, late: Duration) {
        self.timer_delay.observe(late.as_secs_f64());
    }

    /// A request of an actor for what it keeps was answered.
    pub fn data_request(&self, operation: &'static str, duration: Duration) {
        self.data_seconds.with_label_values(&[operation]).observe(duration.as_secs_f64());
    }

    /// A pool was asked to start an actor.
    pub fn serverless_start(&self, outcome: &'static str) {
        self.serverless_starts.with_label_values(&[outcome]).inc();
    }

    /// A socket to an actor is open.
    pub fn open_socket(&self) -> Counted {
        Counted::new(&self.sockets)
    }

    /// The actor of a socket sleeps.
    pub fn hibernating_socket(&self) -> Counted {
        Counted::new(&self.hibernating_sockets)
    }

    /// A request was refused for want of a valid token.
    pub fn refused(&self, reason: &'static str) {
        self.refusals.with_label_values(&[reason]).inc();
    }

    /// Something was refused, or ended, because there was too much of it.
    pub fn limit_reached(&self, limit: Limit) {
        self.limits_reached.with_label_values(&[limit.name()]).inc();
    }

    /// The token file was read again.
    pub fn tokens_reloaded(&self, outcome: &'static str) {
        self.token_reloads.with_label_values(&[outcome]).inc();
    }

    /// A call without a valid token was not written to the audit log.
    pub fn audit_entry_left_out(&self) {
        self.audit_entries_left_out.inc();
    }

    /// The number of open connections, which whoever opens and closes them counts.
    pub fn connections(&self) -> &IntGauge {
        &self.connections
    }

    /// The number of connected envoys, which whoever serves them counts.
    pub fn envoys(&self) -> &IntGauge {
        &self.envoys
    }

    /// An envoy sent something that is no message.
    pub fn envoy_frame_refused(&self) {
        self.envoy_frames_refused.inc();
    }

    /// What a page shows of it.
    pub fn figures(&self) -> Figures {
        let mut actor_requests = by_label(&self.gateway.requests, "status", str::to_owned);
        actor_requests.retain(|_, count| *count > 0);
        Figures {
            uptime_ms: self.started.elapsed().as_millis(),
            connections: self.connections.get(),
            envoys: self.envoys.get(),
            sockets: self.sockets.get(),
            hibernating_sockets: self.hibernating_sockets.get(),
            api_requests: by_label(&self.requests, "status", class_of_status),
            actor_requests,
            refusals: by_label(&self.refusals, "reason", str::to_owned).values().sum(),
            commits: by_label(&self.store.commits, "outcome", str::to_owned),
            api_seconds: Times::of_all(&self.request_seconds),
            actor_seconds: Times::of_all(&self.gateway.seconds),
            write_seconds: Times::of(&self.store.sync_seconds),
        }
    }

    /// Shows how much there is of everything.
    pub fn show(&self, levels: &Levels) {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner).show(levels);
    }

    /// What each metric is.
    pub fn described(&self) -> impl Iterator<Item = &Described> {
        self.own.described().iter().chain(self.usual.described())
    }

    /// Everything, as it was counted and shown last.
    pub fn gather(&self) -> Vec<MetricFamily> {
        let mut families = self.own.gather();
        families.extend(self.usual.gather());
        families
    }

    /// Everything, in the text format of Prometheus.
    pub fn text(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.gather(), &mut text)?;
        Ok(text)
    }
}
