//! What the engine says about itself: log lines on standard output, metrics for Prometheus.
//!
//! The operator collects it. Only where they name an OpenTelemetry collector, traces and metrics are
//! sent there ([`otel`]).

mod families;
mod figures;
mod json;
mod levels;
mod lines;
pub mod logging;
mod metrics;
pub mod otel;
mod process;
mod ray;

use self::metrics::Undelivered;
pub use self::{
    families::Described,
    figures::{Figures, Times},
    levels::Levels,
    metrics::{Counted, Metrics, Request, Woken},
    process::ProcessUsage,
    ray::{RAY_ID, ray_id},
};
