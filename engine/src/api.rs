//! The HTTP surface: routes, wire types and the error envelope. No rules live here.
//!
//! A route exists by being in the table of [`routes`], and the table makes it say who may use it.

mod access;
mod actors;
mod admin;
mod audit;
mod body;
mod cursor;
mod dashboard;
mod datacenters;
mod envoys;
mod error;
mod figures;
mod health;
mod metadata;
mod namespaces;
mod query;
mod request;
pub mod routes;
mod runner_configs;
mod tokens;
mod traced;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

pub use self::admin::Admin;
use crate::{
    audit::AuditLog,
    auth::{Gate, TokenStore},
    directory::Directory,
    lifecycle::Lifecycle,
    serverless::Serverless,
    telemetry::{Metrics, otel::Tracer},
    vitals::Vitals,
};

/// What answers need.
#[derive(Debug, Clone)]
pub struct Api {
    /// What exists.
    pub directory: Directory,
    /// What lives.
    pub lifecycle: Lifecycle,
    /// How serverless pools are called.
    pub serverless: Serverless,
    /// Who is let in.
    pub gate: Gate,
    /// Who issues tokens.
    pub tokens: TokenStore,
    /// What is remembered of who did what.
    pub audit: AuditLog,
    /// What an operator does.
    pub admin: Admin,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is traced.
    pub tracer: Tracer,
    /// How the engine is.
    pub vitals: Vitals,
    /// The largest request body that is read at all.
    pub max_request_body: u64,
}

impl Api {
    /// The API port.
    pub fn public_router(&self) -> Router {
        let router = routes::router(routes::public(), self);
        request::observed(router, self).with_state(self.clone())
    }

    /// The health port: for probes that have no token and see nothing else.
    pub fn peer_router(&self) -> Router {
        let router = routes::router(routes::peer(), self);
        request::observed(router, self).with_state(self.clone())
    }

    /// The metrics port: the same text on any path.
    pub fn metrics_router(&self) -> Router {
        let vitals = self.vitals.clone();
        Router::new().fallback(move || metrics_page(vitals.clone()))
    }
}

async fn metrics_page(vitals: Vitals) -> Response {
    match vitals.text().await {
        Ok(text) => {
            let mut response = Body::from(text).into_response();
            let format = HeaderValue::from_static("text/plain; version=0.0.4");
            response.headers_mut().insert(header::CONTENT_TYPE, format);
            response
        }
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
