//! The counters as a document: for those who have no Prometheus.

use std::collections::BTreeMap;

use prometheus::{Histogram, HistogramVec, IntCounterVec, core::Collector as _, proto};
use serde::Serialize;

/// What is counted, since the process started.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// How long that is, in milliseconds.
    pub uptime_ms: u128,
    /// Open connections.
    pub connections: i64,
    /// Connected envoys.
    pub envoys: i64,
    /// Open sockets between clients and actors.
    pub sockets: i64,
    /// Those of them whose actor sleeps.
    pub hibernating_sockets: i64,
    /// Requests to the API that were answered, by class of status: `2xx`.
    pub api_requests: BTreeMap<String, u64>,
    /// Requests to actors that were answered, by class of status.
    pub actor_requests: BTreeMap<String, u64>,
    /// Requests refused for want of a valid token.
    pub refusals: u64,
    /// Commits of the store, by outcome.
    pub commits: BTreeMap<String, u64>,
    /// The time to answer requests to the API.
    pub api_seconds: Times,
    /// The time to answer requests to actors.
    pub actor_seconds: Times,
    /// The time of writes to the store.
    pub write_seconds: Times,
}

/// How long something took: how often it took at most so many seconds.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Times {
    /// How often it was measured.
    pub count: u64,
    /// Each bound in seconds, and how often it took no longer.
    pub at_most: Vec<(f64, u64)>,
}

impl Times {
    pub(super) fn of(histogram: &Histogram) -> Self {
        Self::sum(&histogram.collect())
    }

    /// Of all labels together.
    pub(super) fn of_all(histograms: &HistogramVec) -> Self {
        Self::sum(&histograms.collect())
    }

    fn sum(families: &[proto::MetricFamily]) -> Self {
        let mut sum = Self::default();
        for metric in families.iter().flat_map(proto::MetricFamily::get_metric) {
            let histogram = metric.get_histogram();
            sum.count += histogram.get_sample_count();
            for (index, bucket) in histogram.get_bucket().iter().enumerate() {
                match sum.at_most.get_mut(index) {
                    Some((_, count)) => *count += bucket.cumulative_count(),
                    None => sum.at_most.push((bucket.upper_bound(), bucket.cumulative_count())),
                }
            }
        }
        sum
    }
}

/// The counts of `counters` by what `group` makes of the values of the label.
pub(super) fn by_label(
    counters: &IntCounterVec,
    label: &str,
    group: impl Fn(&str) -> String,
) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for metric in counters.collect().iter().flat_map(proto::MetricFamily::get_metric) {
        let value = metric.get_label().iter().find(|pair| pair.name() == label);
        let value = value.map_or("", proto::LabelPair::value);
        *counts.entry(group(value)).or_default() += whole(metric.get_counter().get_value());
    }
    counts
}

/// Counters of whole numbers are read as floating point.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it counts")]
fn whole(count: f64) -> u64 {
    count as u64
}

/// `200` is a `2xx`.
pub(super) fn class_of_status(status: &str) -> String {
    let first = status.chars().next().unwrap_or('0');
    format!("{first}xx")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::telemetry::{Metrics, Request};

    #[test]
    fn requests_are_summed_by_class_and_their_times_over_all_routes() {
        let metrics = Metrics::new().unwrap();
        let request = |route, status, millis| {
            let duration = Duration::from_millis(millis);
            metrics.request(Request { route, method: "GET", status, duration });
        };
        request("/a", 200, 2);
        request("/b", 204, 30);
        request("/b", 404, 2);
        metrics.gateway_request("http", 503, Duration::from_millis(700));
        metrics.gateway_request("websocket", 101, Duration::from_millis(700));

        let figures = metrics.figures();

        assert_eq!(figures.api_requests, [("2xx".into(), 2), ("4xx".into(), 1)].into());
        assert_eq!(figures.actor_requests, [("1xx".into(), 1), ("5xx".into(), 1)].into());
        assert_eq!(figures.api_seconds.count, 3);
        assert!(figures.api_seconds.at_most.contains(&(0.0025, 2)));
        assert!(figures.api_seconds.at_most.contains(&(0.05, 3)));
        // A socket's handshake is no request that an actor answered.
        assert_eq!(figures.actor_seconds.count, 1);
    }
}
