//! Sends what was recorded and what is counted, one thing after another.
//!
//! A batch that the collector could not take is kept and sent again, while newer spans wait in the
//! queue; when that is full, they are left out. Metrics are not kept: the next ones say it all.

use std::{future::Future, sync::Arc, time::Duration};

use prometheus::proto::MetricFamily;
use tokio::{
    sync::mpsc,
    time::{Interval, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    collector::{Call, Collector, ExportError},
    messages::Origin,
    span::Span,
};
use crate::telemetry::{Metrics, Undelivered};

/// The most spans in one message.
const BATCH: usize = 512;

/// How long a span waits for others, and a batch that failed for its next attempt.
const BATCH_DELAY: Duration = Duration::from_secs(1);

/// How long the end of the process waits for the last ones.
const LAST: Duration = Duration::from_secs(3);

/// Sends everything to one collector, until it is told to end.
#[derive(Debug)]
pub struct Exporter {
    pub(super) spans: mpsc::Receiver<Span>,
    pub(super) collector: Collector,
    pub(super) origin: Origin,
    pub(super) metric_interval: Duration,
    pub(super) metrics: Arc<Metrics>,
}

impl Exporter {
    /// Sends until `end` is cancelled, and then what is left, as far as the collector takes it at
    /// once. `gather` says what is counted.
    pub async fn run<F>(self, gather: impl Fn() -> F, end: CancellationToken)
    where
        F: Future<Output = Vec<MetricFamily>>,
    {
        let too_late = async {
            end.cancelled().await;
            sleep(LAST).await;
        };
        let batch = Vec::with_capacity(BATCH);
        let work = Work { exporter: self, batch, is_down: false, refused: Vec::new() };
        tokio::select! {
            () = work.run(gather, &end) => {}
            () = too_late => {
                tracing::warn!("the collector did not take the last traces and metrics in time");
            }
        }
    }
}

struct Work {
    exporter: Exporter,
    /// What is sent next, or again.
    batch: Vec<Span>,
    /// Whether the collector was not there the last time.
    is_down: bool,
    /// What it refused the last time: some take traces and no metrics.
    refused: Vec<Call>,
}

impl Work {
    async fn run<F>(mut self, gather: impl Fn() -> F, end: &CancellationToken)
    where
        F: Future<Output = Vec<MetricFamily>>,
    {
        let mut batches = ticks(BATCH_DELAY);
        let every = self.exporter.metric_interval;
        let mut metrics = (!every.is_zero()).then(|| ticks(every));
        loop {
            let room = BATCH - self.batch.len();
            tokio::select! {
                () = end.cancelled() => break,
                _ = batches.tick() => self.send_batch().await,
                () = next(&mut metrics) => self.send_metrics(gather().await).await,
                received @ 1.. = self.exporter.spans.recv_many(&mut self.batch, room), if room > 0 => {
                    if received == room {
                        self.send_batch().await;
                    }
                }
            }
        }
        if metrics.is_some() {
            self.send_metrics(gather().await).await;
        }
        // Nothing is recorded any more; what a collector that is gone leaves behind is lost.
        self.exporter.spans.close();
        loop {
            let room = BATCH - self.batch.len();
            if room > 0 {
                self.exporter.spans.recv_many(&mut self.batch, room).await;
            }
            if self.batch.is_empty() {
                return;
            }
            self.send_batch().await;
            if self.is_down {
                return;
            }
        }
    }

    async fn send_batch(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let message = self.exporter.origin.traces(&self.batch);
        let outcome = self.exporter.collector.export(Call::Traces, &message).await;
        self.exporter.metrics.exported(Call::Traces.signal(), outcome.is_ok());
        match &outcome {
            Err(error) if error.may_be_repeated() => {}
            Err(_) => {
                self.exporter.metrics.spans_dropped(Undelivered::Refused, self.batch.len());
                self.batch.clear();
            }
            Ok(()) => self.batch.clear(),
        }
        self.note(Call::Traces, outcome);
    }

    async fn send_metrics(&mut self, families: Vec<MetricFamily>) {
        let message = self.exporter.origin.metrics(&families);
        let outcome = self.exporter.collector.export(Call::Metrics, &message).await;
        self.exporter.metrics.exported(Call::Metrics.signal(), outcome.is_ok());
        self.note(Call::Metrics, outcome);
    }

    /// Says once that the collector is not there, or that it refuses something, until that has changed.
    fn note(&mut self, call: Call, outcome: Result<(), ExportError>) {
        let signal = call.signal();
        match outcome {
            Err(error) if error.may_be_repeated() => {
                if std::mem::replace(&mut self.is_down, true) {
                    tracing::debug!(%error, "the OpenTelemetry collector is still not there");
                } else {
                    tracing::warn!(%error, "the OpenTelemetry collector does not take what is sent");
                }
                return;
            }
            Err(error) if !self.refused.contains(&call) => {
                self.refused.push(call);
                tracing::warn!(%error, signal, "the OpenTelemetry collector refuses a signal");
            }
            Err(error) => tracing::debug!(%error, signal, "the OpenTelemetry collector refuses it"),
            Ok(()) => self.refused.retain(|refused| *refused != call),
        }
        if std::mem::take(&mut self.is_down) {
            tracing::info!("the OpenTelemetry collector is there again");
        }
    }
}

/// The first of them comes when its time is over.
fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    ticks
}

/// The next of `ticks`, or never where there are none.
async fn next(ticks: &mut Option<Interval>) {
    match ticks {
        Some(ticks) => {
            ticks.tick().await;
        }
        None => std::future::pending().await,
    }
}
