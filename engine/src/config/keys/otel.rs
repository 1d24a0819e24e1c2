//! The keys of what is sent to an OpenTelemetry collector, and the variables that set them.

use super::{
    Key, Kind, Preset, Unit,
    kind::{DAY, number},
};

pub(super) const KEYS: &[Key] = &[
    Key::ours(
        "otel.enabled",
        Kind::Bool,
        Preset::Bool(false),
        "whether traces and metrics are sent to an OpenTelemetry collector ([telemetry.md](telemetry.md)); also `RIVET_OTEL_ENABLED`",
    ),
    Key::ours(
        "otel.grpc_endpoint",
        Kind::HttpUrl,
        Preset::Text("http://localhost:4317/"),
        "where it takes OTLP over gRPC; also `RIVET_OTEL_GRPC_ENDPOINT`",
    ),
    Key::ours(
        "otel.sampler_ratio",
        Kind::Ratio,
        Preset::Fraction(0.001),
        "the share of traces that is recorded, where the client does not say; also `RIVET_OTEL_SAMPLER_RATIO`",
    ),
    Key::ours(
        "otel.service_name",
        Kind::Text,
        Preset::Text("rivet-engine"),
        "what the engine is called there; also `RIVET_SERVICE_NAME`",
    ),
    Key::ours(
        "otel.metric_interval_ms",
        number(Unit::Millis, DAY),
        Preset::Number(60_000),
        "how often metrics are sent; `0`: never; also `OTEL_METRIC_EXPORT_INTERVAL`",
    ),
];

/// Variables that upstream or OpenTelemetry have for these keys.
pub const VARIABLES: [(&str, &str); 5] = [
    ("RIVET_OTEL_ENABLED", "otel.enabled"),
    ("RIVET_OTEL_GRPC_ENDPOINT", "otel.grpc_endpoint"),
    ("RIVET_OTEL_SAMPLER_RATIO", "otel.sampler_ratio"),
    ("RIVET_SERVICE_NAME", "otel.service_name"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "otel.metric_interval_ms"),
];
