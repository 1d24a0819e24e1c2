//! `/metadata`: which build this is.

use axum::Json;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Metadata {
    runtime: &'static str,
    version: &'static str,
    git_sha: &'static str,
    build_timestamp: &'static str,
    rustc_version: &'static str,
    rustc_host: &'static str,
    cargo_target: &'static str,
    cargo_profile: &'static str,
    epoxy_protocol_version: u16,
    envoy_protocol_version: u16,
}

pub(super) async fn metadata() -> Json<Metadata> {
    Json(Metadata {
        runtime: "engine",
        version: env!("CARGO_PKG_VERSION"),
        git_sha: env!("RIVET_ENGINE_GIT_SHA"),
        build_timestamp: env!("RIVET_ENGINE_BUILD_TIMESTAMP"),
        rustc_version: env!("RIVET_ENGINE_RUSTC_VERSION"),
        rustc_host: env!("RIVET_ENGINE_HOST"),
        cargo_target: env!("RIVET_ENGINE_TARGET"),
        cargo_profile: env!("RIVET_ENGINE_PROFILE"),
        epoxy_protocol_version: 3,
        envoy_protocol_version: 8,
    })
}
