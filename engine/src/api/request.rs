//! Around every request: its id, its size limit, its place in metrics and log.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode, header::CONTENT_LENGTH},
    middleware::{Next, from_fn_with_state},
    response::Response,
};

use super::{
    Api,
    error::{Cause, body_too_large},
    traced::Tracing,
};
use crate::telemetry::{self, Metrics};

#[derive(Debug, Clone)]
struct Observer {
    metrics: Arc<Metrics>,
    tracing: Tracing,
    datacenter_label: u16,
    max_request_body: u64,
}

/// The router, with every request and answer observed.
pub(super) fn observed(router: Router<Api>, api: &Api) -> Router<Api> {
    let observer = Observer {
        metrics: Arc::clone(&api.metrics),
        tracing: Tracing::of(api),
        datacenter_label: api.directory.datacenter().label,
        max_request_body: api.max_request_body,
    };
    router.layer(from_fn_with_state(observer, observe))
}

/// The id of a request, which its answer and the log carry too.
#[derive(Debug, Clone)]
pub(super) struct RayId(pub(super) String);

async fn observe(State(observer): State<Observer>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let ray_id = telemetry::ray_id(request.headers(), observer.datacenter_label);
    request.extensions_mut().insert(RayId(ray_id.clone()));
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let traced = observer.tracing.begin(&request, route.as_ref());
    let mut response = if declared_length(&request) > observer.max_request_body {
        body_too_large()
    } else {
        next.run(request).await
    };
    if let Ok(value) = HeaderValue::from_str(&ray_id) {
        response.headers_mut().insert(telemetry::RAY_ID, value);
    }
    let duration = started.elapsed();
    let status = response.status();
    // The template, never the path: it is bounded, and holds nothing that a client chose.
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    observer.metrics.request(telemetry::Request {
        route,
        method: bounded(&method),
        status: status.as_u16(),
        duration,
    });
    if let Some(traced) = traced {
        traced.end(&ray_id, &response).await;
    }
    log(&ray_id, bounded(&method), route, &response, status, duration.as_secs_f64() * 1000.0);
    response
}

fn log(
    ray_id: &str,
    method: &str,
    route: &str,
    response: &Response,
    status: StatusCode,
    duration_ms: f64,
) {
    let status = status.as_u16();
    if let Some(Cause(cause)) = response.extensions().get::<Cause>() {
        tracing::error!(
            ray_id, method, route, status, duration_ms, error = %cause, "request failed"
        );
    } else {
        tracing::debug!(ray_id, method, route, status, duration_ms, "request answered");
    }
}

fn declared_length(request: &Request) -> u64 {
    let text = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Methods are chosen by clients; labels must not be.
fn bounded(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}
