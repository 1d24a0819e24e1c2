//! A request that an app may be working on. Whoever drops it unanswered tells the app.

use std::time::Duration;

use bytes::Bytes;
use rivet_envoy_protocol as protocol;
use rivet_envoy_protocol::{
    ToEnvoyTunnelMessageKind as ToEnvoy, ToRivetTunnelMessageKind as ToRivet,
};

use super::{Failure, Message, upload::Piece};
use crate::{
    envoys::Tunnel,
    gateway::{
        GatewayError,
        reached::{Over, Reached},
    },
    keyspace::Id,
};

/// A request on its way.
#[derive(Debug)]
pub(super) struct InFlight {
    tunnel: Tunnel,
    reached: Reached,
    actor_id: Id,
    /// Why the app would be told to give up, as long as it owes an answer.
    owed: Option<protocol::HttpStreamAbortReason>,
}

impl InFlight {
    pub(super) fn new(tunnel: Tunnel, reached: Reached, actor_id: Id) -> Self {
        Self { tunnel, reached, actor_id, owed: None }
    }

    /// Whether the app takes bodies in pieces.
    pub(super) fn streams(&self) -> bool {
        self.reached.streams()
    }

    /// Sends the request itself, with its body or with word that the body follows.
    pub(super) async fn begin(
        &mut self,
        message: &Message,
        inline: Option<Bytes>,
        follows: bool,
        streams: bool,
    ) -> Result<(), Failure> {
        let generation = self.reached.generation();
        let start = || {
            ToEnvoy::ToEnvoyRequestStart(protocol::ToEnvoyRequestStart {
                actor_id: message.actor_id.to_string(),
                actor_generation: Some(generation),
                method: message.method.to_string(),
                path: message.path.clone(),
                headers: message.headers(),
                body: inline.as_ref().map(|body| body.to_vec()),
                stream: follows,
                response_stream: streams,
            })
        };
        match self.reached.send(&mut self.tunnel, start).await {
            Ok(_) => {
                self.owed = Some(reason(
                    protocol::HttpStreamAbortReasonKind::Cancelled,
                    "the client went away",
                ));
                Ok(())
            }
            Err(Over::Stopped) => Err(Failure::NotDelivered),
            Err(Over::Destroyed) => Err(Failure::Final(GatewayError::actor_not_found())),
        }
    }

    /// Sends a piece of the request's body.
    pub(super) async fn send_piece(&mut self, piece: &Piece) -> Result<(), Over> {
        let chunk = || {
            ToEnvoy::ToEnvoyRequestChunk(protocol::ToEnvoyRequestChunk {
                body: piece.bytes.to_vec(),
                finish: piece.finish,
            })
        };
        self.reached.send(&mut self.tunnel, chunk).await.map(|_| ())
    }

    /// Tells the app how much of its answer the client has taken.
    pub(super) async fn send_consumed(&mut self, total: u64) -> Result<(), Over> {
        let update = || {
            let consumed_bytes = total;
            let update = protocol::ToEnvoyResponseBodyWindowUpdate { consumed_bytes };
            ToEnvoy::ToEnvoyResponseBodyWindowUpdate(update)
        };
        self.reached.send(&mut self.tunnel, update).await.map(|_| ())
    }

    /// The app's next message. When the generation ends, what it sent before comes first.
    pub(super) async fn recv(&mut self) -> Result<ToRivet, Failure> {
        tokio::select! {
            biased;
            kind = self.tunnel.recv() => {
                kind.map_err(|_| Failure::Final(GatewayError::ResponseClosed))
            }
            over = self.reached.over() => {
                // Messages travel before the news of the end, but another task brings the news.
                if let Some(kind) = self.tunnel.try_recv() {
                    return kind.map_err(|_| Failure::Final(GatewayError::ResponseClosed));
                }
                self.owed = None;
                Err(over.into())
            }
        }
    }

    /// Waits a moment for the end of the generation to become known.
    pub(super) async fn news(&mut self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.reached.over()).await;
    }

    /// The app owes nothing any more.
    pub(super) fn settled(&mut self) {
        self.owed = None;
    }

    /// The app broke the rules: it is told at once, however long the client takes to notice.
    pub(super) fn refused(&mut self, detail: &str) {
        if self.owed.is_some() {
            self.owed = Some(reason(protocol::HttpStreamAbortReasonKind::InternalError, detail));
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        let Some(reason) = self.owed.take() else { return };
        let abort = protocol::ToEnvoyRequestAbort {
            actor_id: Some(self.actor_id.to_string()),
            actor_generation: Some(self.reached.generation()),
            reason,
        };
        // An envoy that is away learns of it by what does not come any more.
        let abort = ToEnvoy::ToEnvoyRequestAbort(abort);
        let _ = self.tunnel.send_now(self.reached.connection(), abort);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.give_up();
    }
}

fn reason(
    kind: protocol::HttpStreamAbortReasonKind,
    detail: &str,
) -> protocol::HttpStreamAbortReason {
    protocol::HttpStreamAbortReason { kind, detail: Some(detail.to_owned()) }
}
