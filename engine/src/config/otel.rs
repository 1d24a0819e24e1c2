//! The block `otel`: whether an OpenTelemetry collector gets traces and metrics.

use super::values::Values;
use crate::telemetry::otel::ExportSettings;

/// What is sent, and where to.
pub(super) fn otel(values: &Values) -> ExportSettings {
    ExportSettings {
        enabled: values.switch("otel.enabled"),
        endpoint: values.parsed("otel.grpc_endpoint"),
        sampler_ratio: values.fraction("otel.sampler_ratio"),
        service_name: values.text("otel.service_name"),
        metric_interval: values.millis("otel.metric_interval_ms"),
    }
}
