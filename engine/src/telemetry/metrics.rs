//! Counters and histograms in the text format of Prometheus. Every label has few values.

use std::time::{Duration, Instant};

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry, TextEncoder,
};

use super::figures::{Figures, Times, by_label, class_of_status};
use crate::storage::{GroupReport, StorageObserver};

/// From a tenth of a millisecond (a cached read) to ten seconds (something is wrong).
const SECONDS: &[f64] =
    &[0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

const COMMITS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

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

/// Everything that is counted.
#[derive(Debug)]
pub struct Metrics {
    started: Instant,
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    connections: IntGauge,
    envoys: IntGauge,
    envoy_frames_refused: IntCounter,
    refusals: IntCounterVec,
    token_reloads: IntCounterVec,
    audit_entries_left_out: IntCounter,
    commits: IntCounterVec,
    group_commits: Histogram,
    sync_seconds: Histogram,
    storage_failures: IntCounter,
    storage_read_failures: IntCounter,
    gateway_requests: IntCounterVec,
    gateway_seconds: Histogram,
    sockets: IntGauge,
    hibernating_sockets: IntGauge,
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
        let registry = Registry::new_custom(Some("rivet_engine".to_owned()), None)?;
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let requests = counters(
            "http_requests_total",
            "Requests answered, by route, method and status.",
            &["route", "method", "status"],
        )?;
        let refusals = counters(
            "auth_refusals_total",
            "Requests refused for want of a token that is valid and good for them, by reason.",
            &["reason"],
        )?;
        let token_reloads = counters(
            "auth_token_reloads_total",
            "Times the token file was read again, by outcome.",
            &["outcome"],
        )?;
        let commits =
            counters("storage_commits_total", "Commits of the store, by outcome.", &["outcome"])?;
        let gateway_requests = counters(
            "gateway_requests_total",
            "Requests to actors answered, by kind and class of status.",
            &["kind", "status"],
        )?;
        let request_seconds = seconds_by_route(&registry)?;
        let seconds = |name: &str, help: &str| {
            let options = HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
            let histogram = Histogram::with_opts(options)?;
            registry.register(Box::new(histogram.clone()))?;
            Ok::<_, prometheus::Error>(histogram)
        };
        let gateway_seconds = seconds(
            "gateway_request_duration_seconds",
            "Time until a request to an actor was answered, sockets aside.",
        )?;
        let group_commits = Histogram::with_opts(
            HistogramOpts::new("storage_group_commits", "Commits that shared one write.")
                .buckets(COMMITS.to_vec()),
        )?;
        registry.register(Box::new(group_commits.clone()))?;
        let sync_seconds = seconds(
            "storage_write_duration_seconds",
            "Time of one write to the store, including its sync.",
        )?;
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let connections = gauge("http_connections", "Open connections.")?;
        let envoys = gauge("envoys", "Connected envoys.")?;
        let envoy_frames_refused = counter(
            "envoy_frames_refused_total",
            "Frames of envoys that are no messages of the protocol.",
        )?;
        let audit_entries_left_out = counter(
            "audit_entries_left_out_total",
            "Calls without a valid token that came too often to be written to the audit log.",
        )?;
        let storage_failures =
            counter("storage_failures_total", "Writes that failed: each ends the process.")?;
        let storage_read_failures = counter(
            "storage_read_failures_total",
            "Reads of the store that failed: something on the disk is damaged.",
        )?;
        let sockets = gauge("gateway_sockets", "Open sockets between clients and actors.")?;
        let hibernating_sockets =
            gauge("gateway_hibernating_sockets", "Those of them whose actor sleeps.")?;
        let build = counters("build_info", "The version that runs; always 1.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).inc();
        Ok(Self {
            started: Instant::now(),
            registry,
            requests,
            request_seconds,
            connections,
            envoys,
            envoy_frames_refused,
            refusals,
            token_reloads,
            audit_entries_left_out,
            commits,
            group_commits,
            sync_seconds,
            storage_failures,
            storage_read_failures,
            gateway_requests,
            gateway_seconds,
            sockets,
            hibernating_sockets,
        })
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
        if kind == "http" {
            self.gateway_seconds.observe(duration.as_secs_f64());
        }
        let class = match status {
            ..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500.. => "5xx",
        };
        self.gateway_requests.with_label_values(&[kind, class]).inc();
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
        Figures {
            uptime_ms: self.started.elapsed().as_millis(),
            connections: self.connections.get(),
            envoys: self.envoys.get(),
            sockets: self.sockets.get(),
            hibernating_sockets: self.hibernating_sockets.get(),
            api_requests: by_label(&self.requests, "status", class_of_status),
            actor_requests: by_label(&self.gateway_requests, "status", str::to_owned),
            refusals: by_label(&self.refusals, "reason", str::to_owned).values().sum(),
            commits: by_label(&self.commits, "outcome", str::to_owned),
            api_seconds: Times::of_all(&self.request_seconds),
            actor_seconds: Times::of(&self.gateway_seconds),
            write_seconds: Times::of(&self.sync_seconds),
        }
    }

    /// Everything, in the text format of Prometheus.
    pub fn text(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

fn seconds_by_route(registry: &Registry) -> Result<HistogramVec, prometheus::Error> {
    let options = HistogramOpts::new("http_request_duration_seconds", "Time to answer, by route.")
        .buckets(SECONDS.to_vec());
    let histogram = HistogramVec::new(options, &["route"])?;
    registry.register(Box::new(histogram.clone()))?;
    Ok(histogram)
}

impl StorageObserver for Metrics {
    fn group_committed(&self, report: GroupReport) {
        let outcomes = [
            ("committed", report.committed),
            ("conflict", report.conflicts),
            ("failed", report.failed),
        ];
        for (outcome, commits) in outcomes {
            let commits = u64::try_from(commits).unwrap_or(u64::MAX);
            self.commits.with_label_values(&[outcome]).inc_by(commits);
        }
        if let Ok(commits) = u32::try_from(report.committed)
            && commits > 0
        {
            self.group_commits.observe(f64::from(commits));
            self.sync_seconds.observe(report.duration.as_secs_f64());
        }
    }

    fn refused_for_want_of_room(&self, commits: usize) {
        let commits = u64::try_from(commits).unwrap_or(u64::MAX);
        self.commits.with_label_values(&["full"]).inc_by(commits);
    }

    fn read_failed(&self) {
        self.storage_read_failures.inc();
    }

    fn storage_failed(&self) {
        self.storage_failures.inc();
    }
}
