//! An open socket: messages both ways, until one end closes it or the generation ends.

use bytes::Bytes;
use rivet_envoy_protocol as protocol;
use rivet_envoy_protocol::{
    ToEnvoyTunnelMessageKind as ToEnvoy, ToRivetTunnelMessageKind as ToRivet,
};
use tokio::time::sleep_until;

use super::{
    FAILED, Line, Received,
    client::{Client, Said, Unreachable},
    hibernation,
    pending::Kept,
    recv,
};
use crate::{
    gateway::{GatewayError, reached::Over},
    limits::Limit,
    websocket,
};

/// So many messages are taken from the app before they are sent in one go.
const BATCH: usize = 64;

/// A socket, open at both ends.
#[derive(Debug)]
pub(super) struct Dialogue {
    client: Client,
    line: Line,
}

/// Why it ends.
#[derive(Debug)]
pub(super) enum End {
    /// The client closed it.
    ByClient {
        /// With this code.
        code: Option<u16>,
        /// With these words.
        reason: Option<String>,
    },
    /// The client broke the rules.
    Wrong(u16),
    /// The client is gone.
    Gone,
    /// The app closed it.
    ByApp {
        /// With this code.
        code: Option<u16>,
        /// With these words.
        reason: Option<String>,
    },
    /// The actor stopped, and the socket with it.
    Stopped,
    /// The engine stops.
    GoingAway,
    /// Something failed.
    Failed(GatewayError),
}

/// What comes after a message.
#[derive(Debug)]
enum Next {
    Talk,
    /// The generation is over or about to be; the socket is not, unless the client has ended it.
    Hibernate(Option<End>),
    End(End),
}

impl Dialogue {
    pub(super) fn new(client: Client, line: Line) -> Self {
        Self { client, line }
    }

    /// Passes messages on until the socket closes.
    pub(super) async fn run(mut self, ray_id: &str) {
        let end = loop {
            match self.talk().await {
                Next::Talk => {}
                Next::Hibernate(closed) => {
                    let Self { client, line } = &mut self;
                    // Boxed: most sockets are awake, and the rest have time.
                    if let Err(end) = Box::pin(hibernation::outlast(client, line, closed)).await {
                        break end;
                    }
                }
                Next::End(end) => break end,
            }
        };
        self.finish(end, ray_id).await;
    }

    /// One message, or whatever else comes first.
    async fn talk(&mut self) -> Next {
        let Self { client, line } = self;
        let stop = line.gateway.stopping().clone();
        let overdue_at = line.overdue_at();
        let overdue = async {
            match overdue_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            said = client.next() => match said {
                Said::Message { data, binary } => line.pass_on(data, binary).await,
                other => line.ended_by_client(End::of(other)),
            },
            received = recv(&mut line.tunnel, &mut line.reached) => self.batch(received).await,
            () = overdue => Next::End(End::Failed(GatewayError::MessageTimeout)),
            () = stop.cancelled() => Next::End(End::GoingAway),
        }
    }

    /// Takes what the app sent, and whatever else has come meanwhile, and sends it in one go.
    async fn batch(&mut self, first: Received) -> Next {
        let mut next = self.received(first).await;
        for _ in 0..BATCH {
            if !matches!(next, Next::Talk) {
                break;
            }
            let Some(kind) = self.line.tunnel.try_recv() else { break };
            next = self.received(kind.into()).await;
        }
        let flushed = unless_too_slow(&self.line, self.client.flush()).await;
        match (next, flushed) {
            (Next::Talk, Err(end)) => Next::End(end),
            (Next::Talk, Ok(Err(Unreachable))) => Next::End(End::Gone),
            (next, _) => next,
        }
    }

    async fn received(&mut self, received: Received) -> Next {
        let line = &mut self.line;
        let kind = match received {
            Received::Kind(kind) => kind,
            Received::Over(Over::Stopped) if line.can_hibernate => return Next::Hibernate(None),
            Received::Over(_) => return Next::End(End::Stopped),
            Received::Overflow => return Next::End(line.too_slow()),
        };
        match kind {
            ToRivet::ToRivetWebSocketMessage(message) => {
                let protocol::ToRivetWebSocketMessage { data, binary } = message;
                deliver(&mut self.client, &self.line, data, binary)
                    .await
                    .map_or_else(Next::End, |()| Next::Talk)
            }
            ToRivet::ToRivetWebSocketMessageAck(ack) => {
                line.pending.confirmed(ack.index);
                Next::Talk
            }
            ToRivet::ToRivetWebSocketClose(close) if close.hibernate && line.can_hibernate => {
                Next::Hibernate(None)
            }
            ToRivet::ToRivetWebSocketClose(close) => {
                Next::End(End::ByApp { code: close.code, reason: close.reason })
            }
            ToRivet::ToRivetWebSocketOpen(_)
            | ToRivet::ToRivetResponseStart(_)
            | ToRivet::ToRivetResponseChunk(_)
            | ToRivet::ToRivetResponseAbort(_)
            | ToRivet::ToRivetRequestBodyWindowUpdate(_)
            | ToRivet::ToRivetRequestBodyCancel => Next::Talk,
        }
    }

    /// Tells each end what the other one needs to hear.
    async fn finish(self, end: End, ray_id: &str) {
        let Self { client, mut line } = self;
        if let Some((code, reason)) = end.for_the_app() {
            line.say_closed(code, reason);
        }
        // Only now: until it is told, the app keeps what belongs to the socket.
        drop(line);
        match end {
            End::ByClient { .. } => client.closed().await,
            End::Gone => {}
            End::Wrong(code) => client.close(code, "").await,
            End::ByApp { code: None, reason } => {
                client.close(1000, reason.as_deref().unwrap_or("ws.closed")).await;
            }
            End::ByApp { code: Some(code), reason } => {
                client.close(code, reason.as_deref().unwrap_or_default()).await;
            }
            End::Stopped => client.close(1000, "actor.stopped").await,
            End::GoingAway => {
                let reason = websocket::close_reason("ws", "going_away", ray_id);
                client.close(1001, &reason).await;
            }
            End::Failed(error) => client.close(FAILED, &error.close_reason(ray_id)).await,
        }
    }
}

/// Gives the client a message of the app.
pub(super) async fn deliver(
    client: &mut Client,
    line: &Line,
    data: Vec<u8>,
    binary: bool,
) -> Result<(), End> {
    match unless_too_slow(line, client.put_message(data, binary)).await? {
        Some(Ok(())) => Ok(()),
        Some(Err(Unreachable)) => Err(End::Gone),
        None => {
            let detail = "a message that is called text is none".to_owned();
            Err(End::Failed(GatewayError::InvalidResponse { detail }))
        }
    }
}

/// What comes of writing to the client, unless so much waits for it meanwhile that it is given up.
async fn unless_too_slow<T>(line: &Line, written: impl Future<Output = T>) -> Result<T, End> {
    tokio::select! {
        biased;
        written = written => Ok(written),
        () = line.tunnel.overflowed() => Err(line.too_slow()),
    }
}

impl End {
    /// What a client did that is no message.
    pub(super) fn of(said: Said) -> Self {
        match said {
            Said::Close { code, reason } => Self::ByClient { code, reason },
            Said::Wrong(code) => Self::Wrong(code),
            Said::Gone | Said::Message { .. } => Self::Gone,
        }
    }

    /// Code and reason that the app hears, when it does not know already.
    pub(super) fn for_the_app(&self) -> Option<(Option<u16>, Option<String>)> {
        let vanished = || Some((Some(1011), Some("ws.downstream_closed".to_owned())));
        match self {
            Self::ByClient { code, reason } => Some((*code, reason.clone())),
            Self::Wrong(code) => Some((Some(*code), None)),
            Self::Gone | Self::Failed(_) => vanished(),
            Self::GoingAway => Some((Some(1001), Some("ws.going_away".to_owned()))),
            Self::ByApp { .. } | Self::Stopped => None,
        }
    }
}

impl Line {
    /// Sends the app a message of the client; keeps it when it may have to be sent again.
    async fn pass_on(&mut self, data: Bytes, binary: bool) -> Next {
        let kind = message(data.clone(), binary);
        let sent = if self.can_hibernate {
            let index = match self.keep(data, binary) {
                Ok(index) => index,
                Err(end) => return Next::End(end),
            };
            self.reached.resend(&self.tunnel, index, kind).await
        } else {
            self.reached.send(&mut self.tunnel, kind).await.map(|_| ())
        };
        // What the app still had to say when it ended is in the tunnel: it is heard first.
        let _ = sent;
        Next::Talk
    }

    /// What follows when the client has ended the socket. A generation that is over hears nothing
    /// any more: the next one has to be told, even if the news of its end has not been read here.
    fn ended_by_client(&self, end: End) -> Next {
        match self.reached.is_over() {
            Some(Over::Stopped) if self.can_hibernate => Next::Hibernate(Some(end)),
            _ => Next::End(end),
        }
    }

    /// Keeps a message of the client under the next index.
    pub(super) fn keep(&mut self, data: Bytes, binary: bool) -> Result<u16, End> {
        let index = self.tunnel.reserve();
        let kept = Kept { index, data, binary };
        match self.pending.keep(kept) {
            Ok(()) => Ok(index),
            Err(_) => Err(End::Failed(GatewayError::WebSocketPendingLimit)),
        }
    }

    /// Sends the new generation everything that the old one has not confirmed. `false`: it is over
    /// already.
    pub(super) async fn send_pending(&mut self) -> Result<bool, End> {
        let again = self.pending.again();
        for kept in again.map_err(|_| End::Failed(GatewayError::MessageTimeout))? {
            let Kept { index, data, binary } = kept;
            let sent = self.reached.resend(&self.tunnel, index, message(data, binary)).await;
            if sent.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The client reads more slowly than the app writes, and too much waits.
    pub(super) fn too_slow(&self) -> End {
        self.gateway.metrics().limit_reached(Limit::SlowReader);
        End::Failed(GatewayError::ResponseClosed)
    }

    fn overdue_at(&self) -> Option<tokio::time::Instant> {
        self.pending.overdue_at(self.gateway.settings().ack_timeout)
    }

    /// Tells the app that the socket is closed. It waits for nothing: an envoy that is away learns
    /// of it when the app compares its sockets with those that are still there.
    pub(super) fn say_closed(&mut self, code: Option<u16>, reason: Option<String>) {
        let close = protocol::ToEnvoyWebSocketClose { code, reason };
        let kind = ToEnvoy::ToEnvoyWebSocketClose(close);
        let _ = self.tunnel.send_now(self.reached.connection(), kind);
    }
}

/// A message of the client, as often as it is needed.
fn message(data: Bytes, binary: bool) -> impl Fn() -> ToEnvoy {
    move || {
        ToEnvoy::ToEnvoyWebSocketMessage(protocol::ToEnvoyWebSocketMessage {
            data: data.to_vec(),
            binary,
        })
    }
}
