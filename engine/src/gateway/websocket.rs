//! Sockets between clients and actors.
//!
//! The handshake is answered when the actor runs or when it is clear that it will not; whatever
//! fails is told in the close frame. A socket that the app can take up again survives the actor's
//! sleep: see [`hibernation`].

mod client;
mod dialogue;
mod hibernation;
mod pending;

use std::collections::HashMap;

use axum::{extract::Request, http::HeaderMap, response::Response};
use rivet_envoy_protocol as protocol;
use rivet_envoy_protocol::{
    ToEnvoyTunnelMessageKind as ToEnvoy, ToRivetTunnelMessageKind as ToRivet,
};
use tokio::time::{Instant, timeout_at};

use self::{client::Client, dialogue::Dialogue, pending::Pending};
use super::{
    Gateway, GatewayError, InProgress, headers,
    reached::{Over, Reached},
    route::Routed,
};
use crate::{
    envoys::{Tunnel, TunnelOverflow},
    keyspace::Id,
    limits::Admission,
    telemetry::otel::ActiveSpan,
    websocket::{Handshake, Opening},
};

/// The code of every failure.
const FAILED: u16 = 1011;

/// How often a socket that no app took is offered again.
const MAX_OFFERS: u32 = 8;

/// What the app needs to open a socket.
#[derive(Debug)]
struct Invitation {
    actor_id: Id,
    path: String,
    headers: HashMap<String, String>,
    skip_ready_wait: bool,
}

/// The app's end of a socket.
#[derive(Debug)]
struct Line {
    gateway: Gateway,
    actor_id: Id,
    tunnel: Tunnel,
    reached: Reached,
    can_hibernate: bool,
    pending: Pending,
}

impl Gateway {
    /// Answers a handshake. What becomes of the socket is then up to a task of its own.
    pub(super) async fn open_socket(
        &self,
        routed: Result<Routed, GatewayError>,
        mut request: Request,
        ray_id: &str,
        span: Option<&ActiveSpan>,
    ) -> Response {
        let handshake = match Handshake::of(&mut request) {
            Ok(handshake) => handshake,
            Err(bad) => return bad.response(),
        };
        let invited = match routed {
            Ok(routed) => self.invite(routed, request.headers(), ray_id, span).await,
            Err(error) => Err(error),
        };
        let (response, opening) = handshake.accept(self.settings().messages);
        match invited {
            Ok((invitation, reached, in_progress)) => {
                let (gateway, ray_id) = (self.clone(), ray_id.to_owned());
                let admission = request.extensions_mut().remove::<Admission>();
                self.tasks().spawn(async move {
                    // Connection and socket count as long as they are there.
                    let _counted = (admission, in_progress);
                    gateway.serve(opening, invitation, reached, &ray_id).await;
                });
            }
            Err(error) => {
                self.note(&error, ray_id, span);
                let reason = error.close_reason(ray_id);
                self.tasks().spawn(async move { opening.refuse(FAILED, &reason).await });
            }
        }
        response
    }

    async fn invite(
        &self,
        routed: Routed,
        headers: &HeaderMap,
        ray_id: &str,
        span: Option<&ActiveSpan>,
    ) -> Result<(Invitation, Reached, InProgress), GatewayError> {
        let Routed { target, path, skip_ready_wait, .. } = routed;
        let actor_id = self.find(target).await?;
        self.trace_actor(span, actor_id).await;
        let in_progress = self.counted(actor_id, true).await?;
        let reached = self.ready(actor_id, skip_ready_wait, span).await?;
        let forward_tokens = !self.settings().require_token;
        let headers = headers::to_actor(headers, ray_id, forward_tokens);
        let invitation = Invitation { actor_id, path, headers, skip_ready_wait };
        Ok((invitation, reached, in_progress))
    }

    async fn serve(
        &self,
        opening: Opening,
        invitation: Invitation,
        reached: Reached,
        ray_id: &str,
    ) {
        let Ok(socket) = opening.socket().await else { return };
        let client = Client::new(socket);
        let open = self.metrics().open_socket();
        // Boxed: it is large, and over long before the socket is.
        match Box::pin(self.connect(invitation, reached)).await {
            Ok(line) => Dialogue::new(client, line).run(ray_id).await,
            Err(error) => {
                self.note(&error, ray_id, None);
                client.close(FAILED, &error.close_reason(ray_id)).await;
            }
        }
        drop(open);
    }

    /// Has the app open the socket.
    async fn connect(
        &self,
        invitation: Invitation,
        mut reached: Reached,
    ) -> Result<Line, GatewayError> {
        let actor_id = invitation.actor_id;
        let mut tunnel = self.lifecycle().tunnels().open(actor_id, reached.namespace_id());
        let pending = Pending::new(self.settings().max_pending);
        for offer in 1.. {
            let opened = self.offer(&invitation, &mut tunnel, &mut reached).await;
            match opened {
                Ok(can_hibernate) => {
                    tunnel.set_hibernatable(can_hibernate);
                    let gateway = self.clone();
                    return Ok(Line { gateway, actor_id, tunnel, reached, can_hibernate, pending });
                }
                Err(Refused::NotDelivered) if offer < MAX_OFFERS => {}
                Err(Refused::NotDelivered) => break,
                Err(Refused::Final(error)) => return Err(error),
            }
            reached = self.ready(actor_id, invitation.skip_ready_wait, None).await?;
            tunnel.restart();
        }
        Err(GatewayError::StoppedWhileWaiting { actor_id: actor_id.to_string() })
    }

    /// Offers the socket to one generation. Says whether it survives the generation.
    async fn offer(
        &self,
        invitation: &Invitation,
        tunnel: &mut Tunnel,
        reached: &mut Reached,
    ) -> Result<bool, Refused> {
        let generation = reached.generation();
        let open = || {
            ToEnvoy::ToEnvoyWebSocketOpen(protocol::ToEnvoyWebSocketOpen {
                actor_id: invitation.actor_id.to_string(),
                actor_generation: Some(generation),
                path: invitation.path.clone(),
                headers: invitation.headers.clone(),
            })
        };
        match reached.send(tunnel, open).await {
            Ok(_) => {}
            Err(Over::Stopped) => return Err(Refused::NotDelivered),
            Err(Over::Destroyed) => return Err(Refused::Final(GatewayError::actor_not_found())),
        }
        let deadline = Instant::now() + self.settings().websocket_open_timeout;
        loop {
            let Ok(received) = timeout_at(deadline, recv(tunnel, reached)).await else {
                return Err(Refused::Final(GatewayError::WebSocketOpenTimeout));
            };
            match received {
                Received::Kind(ToRivet::ToRivetWebSocketOpen(open)) => {
                    return Ok(open.can_hibernate);
                }
                Received::Kind(ToRivet::ToRivetWebSocketClose(_)) => {
                    return Err(Refused::Final(GatewayError::WebSocketClosedBeforeOpen));
                }
                Received::Kind(_) => {}
                Received::Over(Over::Destroyed) => {
                    return Err(Refused::Final(GatewayError::actor_not_found()));
                }
                Received::Over(Over::Stopped) => {
                    let actor_id = invitation.actor_id.to_string();
                    let stopped = GatewayError::StoppedWhileWaiting { actor_id };
                    return Err(Refused::Final(stopped));
                }
                Received::Overflow => return Err(Refused::Final(GatewayError::ResponseClosed)),
            }
        }
    }
}

/// Why the app did not open a socket.
#[derive(Debug)]
enum Refused {
    /// The generation ended before it heard of it.
    NotDelivered,
    /// Something that no other offer changes.
    Final(GatewayError),
}

/// What came through a tunnel.
#[derive(Debug)]
enum Received {
    Kind(ToRivet),
    Over(Over),
    Overflow,
}

impl From<Result<ToRivet, TunnelOverflow>> for Received {
    fn from(kind: Result<ToRivet, TunnelOverflow>) -> Self {
        kind.map_or(Self::Overflow, Self::Kind)
    }
}

/// The app's next message. When the generation ends, what it sent before comes first.
async fn recv(tunnel: &mut Tunnel, reached: &mut Reached) -> Received {
    tokio::select! {
        biased;
        kind = tunnel.recv() => kind.into(),
        over = reached.over() => match tunnel.try_recv() {
            Some(kind) => kind.into(),
            None => Received::Over(over),
        },
    }
}
