//! What is counted, as an `ExportMetricsServiceRequest`: the same families, names and values that a
//! scrape shows.
//!
//! The numbers are those of the fields in `opentelemetry/proto/metrics/v1`.

use prometheus::proto::{Bucket, Histogram, LabelPair, Metric, MetricFamily, MetricType};

use super::{
    messages::{Origin, attribute, now},
    protobuf::Message,
};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`: everything since the start, as Prometheus counts.
const CUMULATIVE: u64 = 2;

impl Origin {
    /// An `ExportMetricsServiceRequest` with `families` as they are now.
    pub(super) fn metrics(&self, families: &[MetricFamily]) -> Vec<u8> {
        let times = Times { started: self.started, now: now() };
        self.request(|sent| {
            for family in families {
                sent.message(2, |message| times.write(message, family));
            }
        })
    }
}

/// Since when is counted, and until when. In nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Times {
    started: u64,
    now: u64,
}

impl Times {
    fn write(self, message: &mut Message, family: &MetricFamily) {
        message.text(1, family.name());
        message.text(2, family.help());
        match family.get_field_type() {
            MetricType::COUNTER => message.message(7, |sum| {
                for metric in family.get_metric() {
                    let value = metric.get_counter().get_value();
                    sum.message(1, |point| self.number(point, metric, value));
                }
                sum.number(2, CUMULATIVE);
                sum.number(3, 1);
            }),
            MetricType::HISTOGRAM => message.message(9, |histogram| {
                for metric in family.get_metric() {
                    histogram.message(1, |point| self.histogram(point, metric));
                }
                histogram.number(2, CUMULATIVE);
            }),
            // The engine has no other kinds.
            MetricType::GAUGE | MetricType::SUMMARY | MetricType::UNTYPED => {
                message.message(5, |gauge| {
                    for metric in family.get_metric() {
                        let value = metric.get_gauge().get_value();
                        gauge.message(1, |point| self.number(point, metric, value));
                    }
                });
            }
        }
    }

    fn number(self, point: &mut Message, metric: &Metric, value: f64) {
        point.fixed64(2, self.started);
        point.fixed64(3, self.now);
        point.double(4, value);
        labels(point, 7, metric.get_label());
    }

    fn histogram(self, point: &mut Message, metric: &Metric) {
        let histogram = metric.get_histogram();
        point.fixed64(2, self.started);
        point.fixed64(3, self.now);
        point.fixed64(4, histogram.get_sample_count());
        point.double(5, histogram.get_sample_sum());
        point.list64(6, counts(histogram).into_iter());
        point.list64(7, histogram.get_bucket().iter().map(|bucket| bucket.upper_bound().to_bits()));
        labels(point, 9, metric.get_label());
    }
}

/// How many fell between each two bounds, and above the last one: Prometheus counts up to each bound.
fn counts(histogram: &Histogram) -> Vec<u64> {
    let up_to = histogram.get_bucket().iter().map(Bucket::cumulative_count);
    let mut before = 0;
    up_to
        .chain([histogram.get_sample_count()])
        .map(|count| {
            // They are read while they grow.
            let between = count.saturating_sub(before);
            before = count.max(before);
            between
        })
        .collect()
}

fn labels(point: &mut Message, field: u32, labels: &[LabelPair]) {
    for label in labels {
        attribute(point, field, label.name(), label.value());
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{HistogramOpts, core::Collector as _};

    use super::*;

    #[test]
    fn counts_up_to_bounds_become_counts_between_them() {
        let options = HistogramOpts::new("x", "x").buckets(vec![1.0, 2.0, 5.0]);
        let histogram = prometheus::Histogram::with_opts(options).unwrap();
        for value in [0.5, 1.0, 1.5, 4.0, 9.0, 9.0] {
            histogram.observe(value);
        }

        let families = histogram.collect();

        assert_eq!(counts(families[0].get_metric()[0].get_histogram()), [2, 1, 1, 2]);
    }

    #[test]
    fn counts_that_grew_while_they_were_read_stay_counts() {
        let mut histogram = Histogram::default();
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(1.0);
        bucket.set_cumulative_count(7);
        histogram.set_bucket(vec![bucket]);
        histogram.set_sample_count(6);

        assert_eq!(counts(&histogram), [7, 0]);
    }
}
