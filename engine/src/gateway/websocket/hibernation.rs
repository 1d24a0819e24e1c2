//! A socket that outlasts its actor's sleep.
//!
//! ```text
//!           generation over                     client speaks or closes,
//!   open ───────────────────► asleep ──────────────────────────────────────► waking
//!    ▲                                   or somebody else wakes the actor       │
//!    └──── the app takes the socket up, then gets what it has not confirmed ◄───┘
//! ```
//!
//! The client sees nothing of it. The app learns from the command that starts the next generation
//! which sockets are still there, and says for each that it takes it up, before it says that the
//! actor runs. Indexes go on where they were.
//!
//! While the engine drains nobody is woken: what the client says is kept, within the same bounds, until
//! the engine serves again or stops.

use rivet_envoy_protocol::ToRivetTunnelMessageKind as ToRivet;
use tokio::{
    sync::watch,
    time::{Instant, timeout, timeout_at},
};

use super::{
    Line, Received,
    client::{Client, Said, Unreachable},
    dialogue::{End, deliver},
    recv,
};
use crate::{
    gateway::{
        Gateway, GatewayError,
        reached::{Over, Reached},
    },
    keyspace::Id,
    lifecycle::{Phase, View},
};

/// A client that sends more than this to a sleeping actor has to wait until it is awake.
const MAX_ASLEEP_BYTES: u64 = 1 << 20;

/// Waits until another generation has taken the socket up, or until the socket ends. `closed` is how
/// the client ended it already, if it did: the next generation is started to hear it.
pub(super) async fn outlast(
    client: &mut Client,
    line: &mut Line,
    mut closed: Option<End>,
) -> Result<(), End> {
    let hibernating = line.gateway.metrics().hibernating_socket();
    let outcome = loop {
        // What stood unconfirmed when the actor fell asleep wakes it again: it has seen nothing.
        if closed.is_none() && line.pending.bytes() == 0 {
            match asleep(client, line).await {
                Ok(Woken::ByOthers) => {}
                Ok(Woken::ByClosing(end)) => closed = Some(end),
                Err(end) => break Err(end),
            }
        }
        let reached = match waking(client, line, &mut closed).await {
            Ok(reached) => reached,
            Err(end) => break Err(end),
        };
        line.reached = reached;
        match taken_up(client, line).await {
            Ok(true) => break closed.map_or(Ok(()), Err),
            Ok(false) => {}
            Err(end) => break Err(end),
        }
    };
    drop(hibernating);
    outcome
}

/// Why a sleeping actor wakes.
enum Woken {
    /// It runs again, or there is something for it.
    ByOthers,
    /// The client closes the socket, and the app has to hear it.
    ByClosing(End),
}

/// Nobody says anything.
async fn asleep(client: &mut Client, line: &mut Line) -> Result<Woken, End> {
    let stop = line.gateway.stopping().clone();
    let mut view = line.reached.view();
    let left = line.reached.generation();
    let awake = view.wait_for(|view| match view.phase {
        Phase::Starting | Phase::Running => view.generation != left,
        Phase::Destroyed => true,
        Phase::Pending | Phase::Stopping | Phase::Sleeping => false,
    });
    tokio::select! {
        said = client.next() => match said {
            Said::Message { data, binary } => {
                line.keep(data, binary)?;
                Ok(Woken::ByOthers)
            }
            other => Ok(Woken::ByClosing(End::of(other))),
        },
        view = awake => match view {
            Ok(view) if view.phase == Phase::Destroyed => Err(End::Stopped),
            Ok(_) => Ok(Woken::ByOthers),
            Err(_) => Err(End::GoingAway),
        },
        () = stop.cancelled() => Err(End::GoingAway),
    }
}

/// Wakes the actor, and keeps what the client says meanwhile.
async fn waking(
    client: &mut Client,
    line: &mut Line,
    closed: &mut Option<End>,
) -> Result<Reached, End> {
    let (gateway, actor_id) = (line.gateway.clone(), line.actor_id);
    let stop = gateway.stopping().clone();
    let (left, view) = (line.reached.generation(), line.reached.view());
    let mut ready = Box::pin(async {
        loop {
            match next_generation(&gateway, actor_id, left).await {
                Err(error) if error.is_draining() => served_again(&gateway, view.clone()).await,
                outcome => return outcome,
            }
        }
    });
    loop {
        let listens = closed.is_none() && line.pending.bytes() < MAX_ASLEEP_BYTES;
        tokio::select! {
            reached = &mut ready => return match reached {
                Ok(reached) => Ok(reached),
                Err(GatewayError::DestroyedWhileWaiting) => Err(End::Stopped),
                Err(error) if is_gone(&error) => Err(End::Stopped),
                Err(error) => Err(End::Failed(error)),
            },
            said = client.next(), if listens => match said {
                Said::Message { data, binary } => {
                    line.keep(data, binary)?;
                }
                other => *closed = Some(End::of(other)),
            },
            () = stop.cancelled() => return Err(End::GoingAway),
        }
    }
}

/// The way to a generation after the one that was `left`.
async fn next_generation(
    gateway: &Gateway,
    actor_id: Id,
    left: u32,
) -> Result<Reached, GatewayError> {
    let reached = async {
        loop {
            let mut reached = gateway.ready(actor_id, false, None).await?;
            if reached.generation() != left {
                return Ok(reached);
            }
            // The app let go of the socket; its generation has yet to end.
            reached.over().await;
        }
    };
    let outcome = timeout(gateway.settings().ready_timeout, reached).await;
    outcome.unwrap_or_else(|_| Err(GatewayError::ReadyTimeout { actor_id: actor_id.to_string() }))
}

/// Waits until the engine starts actors again, or until this one is gone for good.
async fn served_again(gateway: &Gateway, mut view: watch::Receiver<View>) {
    tokio::select! {
        () = gateway.lifecycle().draining().over() => {}
        _ = view.wait_for(|view| view.phase == Phase::Destroyed) => {}
    }
}

/// Waits for the app to take the socket up, and gives it what it has not confirmed. `false`: that
/// generation is over, too.
async fn taken_up(client: &mut Client, line: &mut Line) -> Result<bool, End> {
    let deadline = Instant::now() + line.gateway.settings().websocket_open_timeout;
    loop {
        let received = timeout_at(deadline, recv(&mut line.tunnel, &mut line.reached)).await;
        let Ok(received) = received else {
            return Err(End::Failed(GatewayError::WebSocketOpenTimeout));
        };
        let kind = match received {
            Received::Kind(kind) => kind,
            Received::Over(Over::Stopped) => return Ok(false),
            Received::Over(Over::Destroyed) => return Err(End::Stopped),
            Received::Overflow => return Err(line.too_slow()),
        };
        match kind {
            ToRivet::ToRivetWebSocketOpen(open) => {
                line.can_hibernate = open.can_hibernate;
                line.tunnel.set_hibernatable(open.can_hibernate);
                return line.send_pending().await;
            }
            ToRivet::ToRivetWebSocketMessage(message) => {
                deliver(client, line, message.data, message.binary).await?;
                client.flush().await.map_err(|Unreachable| End::Gone)?;
            }
            ToRivet::ToRivetWebSocketMessageAck(ack) => line.pending.confirmed(ack.index),
            // What the generation before said at its end.
            ToRivet::ToRivetWebSocketClose(close) if close.hibernate => {}
            ToRivet::ToRivetWebSocketClose(close) => {
                return Err(End::ByApp { code: close.code, reason: close.reason });
            }
            _ => {}
        }
    }
}

fn is_gone(error: &GatewayError) -> bool {
    matches!(error, GatewayError::Lifecycle(crate::lifecycle::LifecycleError::NotFound))
}
