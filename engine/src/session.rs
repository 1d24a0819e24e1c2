//! Envoys' connections: commands and requests out; events, answers and storage requests in.
//!
//! A connection is read by one task, which only sorts: what belongs to a request in flight goes to
//! its tunnel at once, everything else goes into the lane of its actor. Lanes are worked off in
//! order and independently, so that a slow actor holds up neither others nor pings. What waits in
//! lanes is bounded in bytes: beyond that the socket is not read.

mod connect;
mod events;
mod lanes;
mod socket;
mod sqlite;
mod work;

use std::{sync::Arc, time::Duration};

use axum::{extract::Request, http::HeaderValue, response::Response};
use rivet_envoy_protocol as protocol;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::connect::{Refusal, Wanted};
use crate::{
    auth::Gate,
    envoys::{CloseFrame, ConnectionOf, EnvoyConnection, EnvoyId, OutgoingQueue},
    keyspace::Id,
    lifecycle::Lifecycle,
    limits::{Admission, ENVOYS_PER_NAMESPACE, Limit, Share, Shares},
    telemetry::{self, Metrics},
    websocket::{Handshake, MessageLimits, close_reason, is_websocket},
};

/// The path of envoys' connections.
pub const PATH: &str = "/envoys/connect";

/// What the operator sets about envoys' connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSettings {
    /// Told to the envoy: after this time without a connection it gives its actors up.
    pub lost_threshold: Duration,
    /// Told to the envoy: how long an actor may take to stop.
    pub stop_threshold: Duration,
    /// Told to the envoy: the largest answer to a request, in bytes.
    pub max_response_payload: u64,
    /// How often the envoy is asked whether it is there.
    pub ping_interval: Duration,
    /// A connection without an answer for this long is ended.
    pub ping_timeout: Duration,
    /// How many envoys of one namespace may be connected; 0: any number.
    pub max_per_namespace: usize,
}

impl Default for SessionSettings {
    /// Upstream's values.
    fn default() -> Self {
        Self {
            lost_threshold: Duration::from_secs(15),
            stop_threshold: Duration::from_mins(30),
            max_response_payload: 20 << 20,
            ping_interval: Duration::from_secs(3),
            ping_timeout: Duration::from_secs(15),
            max_per_namespace: ENVOYS_PER_NAMESPACE,
        }
    }
}

impl SessionSettings {
    fn init(&self) -> protocol::ToEnvoy {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        protocol::ToEnvoy::ToEnvoyInit(protocol::ToEnvoyInit {
            metadata: protocol::ProtocolMetadata {
                envoy_lost_threshold: millis(self.lost_threshold),
                actor_stop_threshold: millis(self.stop_threshold),
                max_response_payload_size: self.max_response_payload,
            },
        })
    }
}

/// Takes envoys' connections; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Sessions(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    lifecycle: Lifecycle,
    gate: Gate,
    settings: SessionSettings,
    metrics: Arc<Metrics>,
    tasks: TaskTracker,
    stop: CancellationToken,
    connected: Shares<Id>,
}

impl Sessions {
    /// Sessions that end when `stop` is cancelled.
    pub fn new(
        lifecycle: Lifecycle,
        gate: Gate,
        settings: SessionSettings,
        metrics: Arc<Metrics>,
        stop: CancellationToken,
    ) -> Self {
        let tasks = TaskTracker::new();
        let connected = Shares::new(settings.max_per_namespace);
        Self(Arc::new(Inner { lifecycle, gate, settings, metrics, tasks, stop, connected }))
    }

    /// Whether the request is an envoy that wants to connect.
    pub fn claims(&self, request: &Request) -> bool {
        request.uri().path() == PATH && is_websocket(request.headers())
    }

    /// Answers such a request: opens the connection, or opens it only to say why not.
    pub fn connect(&self, mut request: Request) -> Response {
        let wanted = Wanted::of(&request, &self.0.gate);
        let ray_id = telemetry::ray_id(request.headers(), self.0.lifecycle.datacenter().label);
        let handshake = match Handshake::of(&mut request) {
            Ok(handshake) => handshake,
            Err(error) => return error.response(),
        };
        let (mut response, opening) = handshake.accept(MessageLimits::default());
        if let Ok(ray_id) = HeaderValue::try_from(&ray_id) {
            response.headers_mut().insert(telemetry::RAY_ID, ray_id);
        }
        let session = self.clone();
        let admission = request.extensions_mut().remove::<Admission>();
        self.0.tasks.spawn(async move {
            // The connection counts as long as the socket is there.
            let _admission = admission;
            let admitted = match wanted {
                Ok(wanted) => session.admit(wanted).await,
                Err(refusal) => Err(refusal),
            };
            match admitted {
                Ok((connection, outgoing, _share)) => match opening.socket_of_an_envoy().await {
                    Ok(socket) => session.serve(connection, outgoing, socket, &ray_id).await,
                    Err(error) => {
                        tracing::debug!(ray_id, %error, "an envoy went before it was there");
                    }
                },
                Err(refusal) => {
                    tracing::info!(ray_id, reason = refusal.reason(), "an envoy was refused");
                    let (group, code) = refusal.group_and_code();
                    opening.refuse(1011, &close_reason(group, code, &ray_id)).await;
                }
            }
        });
        response
    }

    /// Waits until all connections are closed.
    pub async fn finish(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// A connection for the envoy, when its pool is known.
    async fn admit(
        &self,
        wanted: Wanted,
    ) -> Result<(Arc<EnvoyConnection>, OutgoingQueue, Share<Id>), Refusal> {
        let lifecycle = &self.0.lifecycle;
        let namespace_id = lifecycle.namespace_id(&wanted.namespace).await?;
        if !lifecycle.pool_is_known(namespace_id, &wanted.pool).await? {
            return Err(Refusal::NoRunnerConfig);
        }
        let share = self.0.connected.take(namespace_id).ok_or_else(|| {
            self.0.metrics.limit_reached(Limit::EnvoysPerNamespace);
            Refusal::TooMany
        })?;
        let envoy = EnvoyId { namespace_id, key: wanted.envoy_key.into() };
        let (connection, outgoing) = EnvoyConnection::new(ConnectionOf {
            envoy,
            namespace: wanted.namespace.into(),
            pool: wanted.pool.into(),
            version: wanted.version,
            protocol_version: wanted.protocol_version,
        });
        Ok((connection, outgoing, share))
    }
}

/// The close frame of a connection that another one of the same envoy replaces.
const EVICTION: CloseFrame = CloseFrame { code: 1000, reason: "ws.eviction" };

/// The close frame when the engine stops.
const GOING_AWAY: CloseFrame = CloseFrame { code: 1011, reason: "ws.going_away" };

/// The close frame of an envoy that does not answer.
const TIMED_OUT: CloseFrame = CloseFrame { code: 1011, reason: "ws.timed_out" };

/// The close frame of an envoy that sends more than a message may hold.
const INVALID_PACKET: CloseFrame = CloseFrame { code: 1011, reason: "ws.invalid_packet" };
