//! The way from clients to actors: HTTP and WebSocket, by id or by key, whether the actor is awake
//! or not.
//!
//! A request is routed by its head alone ([`route`]), let in or not ([`access`]), led to an actor
//! that runs ([`resolve`]), and tunnelled to the envoy that runs it ([`http`], [`websocket`]). The
//! way of a request to an actor that is awake looks nothing up on the disk.

mod access;
mod cors;
mod error;
mod headers;
mod http;
mod input;
mod key;
mod load;
mod percent;
mod query;
mod reached;
mod resolve;
mod route;
mod websocket;

use std::{sync::Arc, time::Instant};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::error::GatewayError;
use self::{
    load::{InProgress, Load},
    route::{Head, Route, Routed},
};
use crate::{
    auth::{ClientAddress, Gate},
    config::GatewaySettings,
    keyspace::Id,
    lifecycle::Lifecycle,
    telemetry::{
        self, Metrics, RAY_ID,
        otel::{ActiveSpan, TRACEPARENT, Tracer},
    },
    websocket::is_websocket,
};

/// The gateway; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    load: Load,
}

impl std::ops::Deref for Inner {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// What a [`Gateway`] works with.
#[derive(Debug)]
pub struct Parts {
    /// Where actors come from.
    pub lifecycle: Lifecycle,
    /// Who is let in.
    pub gate: Gate,
    /// The operator's limits.
    pub settings: GatewaySettings,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is traced.
    pub tracer: Tracer,
    /// Whoever waits for these has seen the last socket close.
    pub tasks: TaskTracker,
    /// Closes every socket.
    pub stop: CancellationToken,
}

/// A request that is the gateway's to answer.
#[derive(Debug)]
pub struct Claim(Result<Route, GatewayError>);

impl Gateway {
    /// A gateway of these parts.
    pub fn new(parts: Parts) -> Self {
        let load = Load::new(parts.settings.concurrency);
        Self(Arc::new(Inner { parts, load }))
    }

    /// Waits until every socket is closed. Answers to requests have ended with their connections.
    pub async fn finish(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// How many requests are in flight: those that wait for their actor, too.
    pub fn requests_in_flight(&self) -> usize {
        self.0.load.requests()
    }

    /// How many requests to this actor are in flight.
    pub fn requests_to(&self, actor_id: &Id) -> usize {
        self.0.load.requests_to(actor_id)
    }

    /// How many sockets there are, those of actors that sleep among them.
    pub fn sockets_open(&self) -> usize {
        self.0.load.sockets()
    }

    /// Whether the request is the gateway's. Everything else is the API's.
    pub fn claim(&self, request: &Request) -> Option<Claim> {
        let head =
            Head { method: request.method(), uri: request.uri(), headers: request.headers() };
        route::route(head).map(Claim)
    }

    /// Answers a request that was claimed.
    pub async fn answer(&self, claim: Claim, mut request: Request) -> Response {
        let started = Instant::now();
        let span = self.0.tracer.request("gateway", request.method(), request.headers());
        if let Some(span) = &span {
            request.headers_mut().insert(TRACEPARENT, span.traceparent());
        }
        let ray_id = telemetry::ray_id(request.headers(), self.0.lifecycle.datacenter().label);
        let origin = request.headers().get(header::ORIGIN).cloned();
        let (kind, mut response) = if is_websocket(request.headers()) {
            // Boxed: it is as large as all of a request's way, and happens once for a socket.
            (
                "websocket",
                Box::pin(self.answer_handshake(claim, request, &ray_id, span.as_deref())).await,
            )
        } else {
            self.answer_request(claim, request, &ray_id, span.as_deref()).await
        };
        cors::apply(response.headers_mut(), origin.as_ref());
        if let Ok(ray_id) = HeaderValue::try_from(&ray_id) {
            response.headers_mut().insert(RAY_ID, ray_id);
        }
        let status = response.status().as_u16();
        self.0.metrics.gateway_request(kind, status, started.elapsed());
        if let Some(span) = span {
            span.of_gateway(kind);
            span.ray(&ray_id);
            span.answered(status);
        }
        tracing::debug!(ray_id, kind, status, "request to an actor answered");
        response
    }

    async fn answer_request(
        &self,
        claim: Claim,
        request: Request,
        ray_id: &str,
        span: Option<&ActiveSpan>,
    ) -> (&'static str, Response) {
        let from = request.extensions().get().copied();
        let outcome = match claim.0 {
            Ok(Route::Preflight) => return ("preflight", cors::preflight(request.headers())),
            Ok(Route::Actor(routed)) => {
                match self.admitted(*routed, request.headers(), from, false).await {
                    Ok(routed) => self.forward(routed, request, ray_id, span).await,
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        let response = outcome.unwrap_or_else(|error| {
            self.note(&error, ray_id, span);
            error.response()
        });
        ("http", response)
    }

    async fn answer_handshake(
        &self,
        claim: Claim,
        request: Request,
        ray_id: &str,
        span: Option<&ActiveSpan>,
    ) -> Response {
        let from = request.extensions().get().copied();
        let routed = match claim.0 {
            Ok(Route::Actor(routed)) => self.admitted(*routed, request.headers(), from, true).await,
            // A handshake is a GET: what is no handshake is refused as such.
            Ok(Route::Preflight) => Err(GatewayError::WebSocketNotSupported),
            Err(error) => Err(error),
        };
        self.open_socket(routed, request, ray_id, span).await
    }

    /// The route of a request that may take it.
    async fn admitted(
        &self,
        routed: Routed,
        headers: &HeaderMap,
        from: Option<ClientAddress>,
        is_websocket: bool,
    ) -> Result<Routed, GatewayError> {
        if !self.0.settings.require_token {
            return Ok(routed);
        }
        let gate = &self.0.gate;
        let credential = access::identify(gate, &routed, headers, from, is_websocket)?;
        access::admit(gate, self.lifecycle(), &credential, routed).await
    }

    /// Counts one more request to an actor, or one more socket.
    async fn counted(&self, actor_id: Id, is_socket: bool) -> Result<InProgress, GatewayError> {
        let namespace = self.lifecycle().namespace_of(actor_id).await?;
        let namespace = namespace.ok_or_else(GatewayError::actor_not_found)?;
        let load = &self.0.load;
        let counted = if is_socket {
            load.socket(actor_id, namespace)
        } else {
            load.request(actor_id, namespace)
        };
        if let Err(GatewayError::TooMany { limit, .. }) = &counted {
            self.metrics().limit_reached(*limit);
        }
        counted
    }

    fn lifecycle(&self) -> &Lifecycle {
        &self.0.lifecycle
    }

    fn settings(&self) -> &GatewaySettings {
        &self.0.settings
    }

    fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    fn stopping(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// Says in a request's span which actor it is for.
    async fn trace_actor(&self, span: Option<&ActiveSpan>, actor_id: Id) {
        let Some(span) = span else { return };
        span.actor(actor_id);
        // Boxed: it is not for every request to carry. What fails, fails again for the request itself.
        if let Ok(Some(namespace)) = Box::pin(self.lifecycle().namespace_of(actor_id)).await {
            span.namespace(namespace);
        }
    }

    /// Counts a failure, and logs what the client is not told.
    fn note(&self, error: &GatewayError, ray_id: &str, span: Option<&ActiveSpan>) {
        let (group, code, _) = error.wire();
        self.0.metrics.gateway_failure(group, code);
        if let Some(span) = span {
            span.error(group, code);
        }
        if let Some(cause) = error.hidden_cause() {
            tracing::error!(ray_id, error = %cause, "a request to an actor failed");
        }
    }
}
