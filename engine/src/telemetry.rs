//! What the engine says about itself: log lines on standard output, metrics for Prometheus.
//!
//! Nothing here is sent anywhere: the operator collects it.

mod families;
mod figures;
mod json;
mod levels;
mod lines;
pub mod logging;
mod metrics;
mod process;
mod ray;

pub use self::{
    families::Described,
    figures::{Figures, Times},
    levels::Levels,
    metrics::{Counted, Metrics, Request, Woken},
    process::ProcessUsage,
    ray::{RAY_ID, ray_id},
};
