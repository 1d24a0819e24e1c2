//! What is counted of the way to an OpenTelemetry collector.

use prometheus::IntCounterVec;

use super::Metrics;
use crate::telemetry::families::Families;

/// Why a span was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::telemetry) enum Undelivered {
    /// As many as may wait were waiting.
    NoRoom,
    /// The collector refused it for good.
    Refused,
}

/// Its counters.
#[derive(Debug)]
pub(super) struct Exports {
    sent: IntCounterVec,
    spans_dropped: IntCounterVec,
}

impl Exports {
    pub(super) fn new(own: &mut Families) -> Result<Self, prometheus::Error> {
        let exports = Self {
            sent: own.counters(
                "otel_exports_total",
                "Messages to the OpenTelemetry collector, by signal and outcome.",
                &["signal", "outcome"],
            )?,
            spans_dropped: own.counters(
                "otel_spans_dropped_total",
                "Recorded spans that the OpenTelemetry collector did not get, by reason.",
                &["reason"],
            )?,
        };
        exports.begin_at_zero();
        Ok(exports)
    }

    /// A rate over a counter that appears with its first count misses that one.
    fn begin_at_zero(&self) {
        for signal in ["traces", "metrics"] {
            for outcome in ["sent", "failed"] {
                self.sent.with_label_values(&[signal, outcome]);
            }
        }
        for reason in [Undelivered::NoRoom, Undelivered::Refused] {
            self.spans_dropped.with_label_values(&[reason.name()]);
        }
    }
}

impl Undelivered {
    fn name(self) -> &'static str {
        match self {
            Self::NoRoom => "no_room",
            Self::Refused => "refused",
        }
    }
}

impl Metrics {
    /// The collector took a message with this signal, or did not.
    pub(in crate::telemetry) fn exported(&self, signal: &'static str, sent: bool) {
        let outcome = if sent { "sent" } else { "failed" };
        self.exports.sent.with_label_values(&[signal, outcome]).inc();
    }

    /// The collector did not get so many spans.
    pub(in crate::telemetry) fn spans_dropped(&self, reason: Undelivered, spans: usize) {
        let spans = u64::try_from(spans).unwrap_or(u64::MAX);
        self.exports.spans_dropped.with_label_values(&[reason.name()]).inc_by(spans);
    }
}
