//! One generation of an actor, and the way to it, for as long as both last.

use std::sync::Arc;

use rivet_envoy_protocol as protocol;
use tokio::sync::watch;

use crate::{
    envoys::{EnvoyConnection, Envoys, Tunnel},
    keyspace::Id,
    lifecycle::{Phase, View},
};

/// The first protocol with windows for bodies in both directions.
const STREAMING_PROTOCOL: u16 = 8;

/// The generation takes no more messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// It stopped, or its envoy lost it.
    Stopped,
    /// The actor is gone for good.
    Destroyed,
}

/// A generation that a request or a socket talks to.
#[derive(Debug)]
pub(super) struct Reached {
    envoys: Envoys,
    view: watch::Receiver<View>,
    generation: u32,
    connection: Arc<EnvoyConnection>,
}

impl Reached {
    pub(super) fn new(
        envoys: Envoys,
        view: watch::Receiver<View>,
        generation: u32,
        connection: Arc<EnvoyConnection>,
    ) -> Self {
        Self { envoys, view, generation, connection }
    }

    /// Which generation it is.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// The namespace of the actor, which is that of every envoy that runs it.
    pub(super) fn namespace_id(&self) -> Id {
        self.connection.envoy().namespace_id
    }

    /// The connection that messages went over last.
    pub(super) fn connection(&self) -> &EnvoyConnection {
        &self.connection
    }

    /// What is known of the actor, now and later.
    pub(super) fn view(&self) -> watch::Receiver<View> {
        self.view.clone()
    }

    /// Whether the app takes and sends bodies in pieces, within windows.
    pub(super) fn streams(&self) -> bool {
        self.connection.protocol_version() >= STREAMING_PROTOCOL
    }

    /// Whether it is over already.
    pub(super) fn is_over(&self) -> Option<Over> {
        over(&self.view.borrow(), self.generation)
    }

    /// Waits for its end.
    pub(super) async fn over(&mut self) -> Over {
        let generation = self.generation;
        let ended = self.view.wait_for(|view| over(view, generation).is_some()).await;
        // A view that is dropped says nothing any more: the engine stops.
        ended.ok().and_then(|view| over(&view, generation)).unwrap_or(Over::Stopped)
    }

    /// Sends what `kind` makes, under the next index. While the envoy is away it waits.
    pub(super) async fn send(
        &mut self,
        tunnel: &mut Tunnel,
        kind: impl Fn() -> protocol::ToEnvoyTunnelMessageKind,
    ) -> Result<u16, Over> {
        loop {
            if let Some(over) = self.is_over() {
                return Err(over);
            }
            if let Ok(index) = tunnel.send(&self.connection, kind()).await {
                return Ok(index);
            }
            self.reconnected().await?;
        }
    }

    /// Sends what `kind` makes, under an index that was taken before.
    pub(super) async fn resend(
        &mut self,
        tunnel: &Tunnel,
        index: u16,
        kind: impl Fn() -> protocol::ToEnvoyTunnelMessageKind,
    ) -> Result<(), Over> {
        loop {
            if let Some(over) = self.is_over() {
                return Err(over);
            }
            if tunnel.resend(&self.connection, index, kind()).await.is_ok() {
                return Ok(());
            }
            self.reconnected().await?;
        }
    }

    /// Waits for the envoy to be back.
    async fn reconnected(&mut self) -> Result<(), Over> {
        if !self.connection.is_closed() {
            // It has no words for this message, and will not have any.
            return Err(Over::Stopped);
        }
        let (envoys, envoy) = (self.envoys.clone(), self.connection.envoy().clone());
        tokio::select! {
            connection = envoys.connected(&envoy) => {
                self.connection = connection;
                Ok(())
            }
            over = self.over() => Err(over),
        }
    }
}

fn over(view: &View, generation: u32) -> Option<Over> {
    let alive = matches!(view.phase, Phase::Starting | Phase::Running | Phase::Stopping);
    match view.phase {
        Phase::Destroyed => Some(Over::Destroyed),
        _ if alive && view.generation == generation => None,
        _ => Some(Over::Stopped),
    }
}
