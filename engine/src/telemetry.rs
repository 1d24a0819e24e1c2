//! What the engine says about itself: log lines on standard output, metrics for Prometheus.
//!
//! Nothing here is sent anywhere: the operator collects it.

mod figures;
mod json;
pub mod logging;
mod metrics;

pub use self::{
    figures::{Figures, Times},
    metrics::{Metrics, Request},
};
