//! `/health`, `/health/fanout`: does the engine answer? `/ready`: can it do its work?

use std::time::Instant;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use super::Api;
use crate::vitals::Check;

#[derive(Debug, Serialize)]
pub(super) struct Health {
    runtime: &'static str,
    status: &'static str,
    version: &'static str,
}

impl Health {
    /// Clients reuse an engine only when they read `runtime: engine` here.
    const OK: Self = Self { runtime: "engine", status: "ok", version: env!("CARGO_PKG_VERSION") };
}

pub(super) async fn health() -> Json<Health> {
    Json(Health::OK)
}

#[derive(Debug, Serialize)]
pub(super) struct Ready {
    status: &'static str,
    /// The names of the checks that fail. Strangers learn nothing else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<&'static str>,
}

/// For those who decide whether requests are sent here.
pub(super) async fn ready(State(api): State<Api>) -> (StatusCode, Json<Ready>) {
    let failed = api.vitals.readiness().failed().await;
    let (code, status) = if failed.is_empty() {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    };
    let failed = failed.into_iter().map(Check::name).collect();
    (code, Json(Ready { status, failed }))
}

#[derive(Debug, Serialize)]
pub(super) struct Fanout {
    datacenters: Vec<DatacenterHealth>,
}

#[derive(Debug, Serialize)]
struct DatacenterHealth {
    datacenter_label: u16,
    datacenter_name: String,
    status: &'static str,
    rtt_ms: f64,
    response: Health,
    error: Option<String>,
}

/// There is one datacenter, and it is this process.
pub(super) async fn fanout(State(api): State<Api>) -> Json<Fanout> {
    let started = Instant::now();
    let datacenter = api.directory.datacenter();
    let here = DatacenterHealth {
        datacenter_label: datacenter.label,
        datacenter_name: datacenter.name.clone(),
        status: "ok",
        rtt_ms: started.elapsed().as_secs_f64() * 1000.0,
        response: Health::OK,
        error: None,
    };
    Json(Fanout { datacenters: vec![here] })
}
