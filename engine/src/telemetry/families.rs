//! Makes metrics, and remembers what they are: the documentation is held against it.

use prometheus::{
    Counter, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, core::Collector, proto::MetricFamily,
};

/// From a tenth of a millisecond (a cached read) to ten seconds (something is wrong).
const SECONDS: &[f64] =
    &[0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A metric, as its documentation has to describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its labels, each with few values.
    pub labels: Vec<&'static str>,
    /// What it says.
    pub help: String,
}

/// The metrics that there are.
#[derive(Debug)]
pub(super) struct Families {
    registry: Registry,
    /// What is put before each name.
    prefix: &'static str,
    described: Vec<Described>,
}

impl Families {
    pub(super) fn new(prefix: &'static str) -> Result<Self, prometheus::Error> {
        let named = (!prefix.is_empty()).then(|| prefix.to_owned());
        let registry = Registry::new_custom(named, None)?;
        Ok(Self { registry, prefix, described: Vec::new() })
    }

    /// What they count at this moment.
    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    pub(super) fn described(&self) -> &[Described] {
        &self.described
    }

    pub(super) fn counter(
        &mut self,
        name: &str,
        help: &str,
    ) -> Result<IntCounter, prometheus::Error> {
        self.add("counter", name, help, &[], IntCounter::new(name, help)?)
    }

    /// A counter of something that has parts, such as seconds.
    pub(super) fn fractions(
        &mut self,
        name: &str,
        help: &str,
    ) -> Result<Counter, prometheus::Error> {
        self.add("counter", name, help, &[], Counter::new(name, help)?)
    }

    pub(super) fn counters(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&'static str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        self.add("counter", name, help, labels, IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.add("gauge", name, help, &[], IntGauge::new(name, help)?)
    }

    pub(super) fn gauges(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&'static str],
    ) -> Result<IntGaugeVec, prometheus::Error> {
        self.add("gauge", name, help, labels, IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    pub(super) fn seconds(
        &mut self,
        name: &str,
        help: &str,
    ) -> Result<Histogram, prometheus::Error> {
        self.histogram(name, help, SECONDS)
    }

    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        buckets: &[f64],
    ) -> Result<Histogram, prometheus::Error> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.add("histogram", name, help, &[], Histogram::with_opts(options)?)
    }

    pub(super) fn seconds_by(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
    ) -> Result<HistogramVec, prometheus::Error> {
        let options = HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
        self.add("histogram", name, help, &[label], HistogramVec::new(options, &[label])?)
    }

    fn add<C: Collector + Clone + 'static>(
        &mut self,
        kind: &'static str,
        name: &str,
        help: &str,
        labels: &[&'static str],
        metric: C,
    ) -> Result<C, prometheus::Error> {
        self.registry.register(Box::new(metric.clone()))?;
        let name = match self.prefix {
            "" => name.to_owned(),
            prefix => format!("{prefix}_{name}"),
        };
        let (labels, help) = (labels.to_vec(), help.to_owned());
        self.described.push(Described { name, kind, labels, help });
        Ok(metric)
    }
}
