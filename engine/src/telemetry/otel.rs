//! Traces and metrics for an OpenTelemetry collector: off unless the operator names one.
//!
//! Off, there is no [`Tracer`] that does anything and no [`Exporter`] at all: a request costs one look
//! at an `Option`. On, what is sampled becomes a [`span::Span`] in a bounded queue, and the one task
//! of the [`Exporter`] sends batches of them, and from time to time everything that is counted. What
//! the collector does not take in time is left out and counted; nothing ever waits for it.
//!
//! OTLP is protobuf over gRPC. Of both, only the little that is needed is spoken here ([`protobuf`],
//! [`collector`]): the tests read it back with the schema and the libraries of others.

mod collector;
mod context;
mod exporter;
mod messages;
mod metrics;
mod protobuf;
mod sampler;
mod span;
mod tracer;

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;
use url::Url;

use self::{collector::Collector, messages::Origin, sampler::Sampler};
pub use self::{
    exporter::Exporter,
    tracer::{ActiveSpan, TRACEPARENT, Tracer},
};
use super::Metrics;

/// How many spans may wait to be sent.
const QUEUE: usize = 2048;

/// What is sent, and where to.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportSettings {
    /// Whether anything is.
    pub enabled: bool,
    /// The collector: host and port of this URL, whose scheme is `http`.
    pub endpoint: Url,
    /// The share of traces that is recorded, from 0 to 1, where the client does not say.
    pub sampler_ratio: f64,
    /// What the engine is called there.
    pub service_name: String,
    /// How often the metrics are sent; zero: never.
    pub metric_interval: Duration,
}

/// What records spans, and what sends them and the metrics. Without an exporter nothing is recorded.
pub fn set_up(settings: &ExportSettings, metrics: &Arc<Metrics>) -> (Tracer, Option<Exporter>) {
    if !settings.enabled {
        return (Tracer::off(), None);
    }
    let (queue, spans) = mpsc::channel(QUEUE);
    let sampler = Sampler::new(settings.sampler_ratio);
    let tracer = Tracer::new(sampler, queue, Arc::clone(metrics));
    let exporter = Exporter {
        spans,
        collector: Collector::new(&settings.endpoint),
        origin: Origin::now(settings.service_name.clone()),
        metric_interval: settings.metric_interval,
        metrics: Arc::clone(metrics),
    };
    tracing::info!(
        endpoint = %settings.endpoint,
        sampler_ratio = settings.sampler_ratio,
        "traces and metrics are sent to an OpenTelemetry collector"
    );
    (tracer, Some(exporter))
}
