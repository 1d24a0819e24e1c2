//! The three ports, and who is let in at each.

use std::{sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{BindError, connections::Serving, files, front::Front, listener};
use crate::{
    api::Api,
    config::Settings,
    limits::{ConnectionLimits, Doors},
};

/// Connections to the ports for probes and metrics, of which nobody needs many: each.
const PROBES: usize = 256;

/// How long the answer to somebody who watches may take when everything else is done.
const WATCHERS_DEADLINE: Duration = Duration::from_secs(1);

/// The ports, had.
pub(super) struct Ports {
    guard: TcpListener,
    api_peer: TcpListener,
    metrics: TcpListener,
}

impl Ports {
    /// Takes all of them, or says which one cannot be had.
    pub(super) fn bind(settings: &Settings) -> Result<Self, BindError> {
        let [guard, api_peer, metrics] =
            [settings.guard, settings.api_peer, settings.metrics].map(listener::bind);
        Ok(Self { guard: guard?, api_peer: api_peer?, metrics: metrics? })
    }
}

/// What is being served.
pub(super) struct Served {
    /// The API port.
    pub(super) requests: Serving,
    /// The ports for health and metrics.
    pub(super) watchers: Watchers,
}

/// Those who watch the engine, which they may do longer than others may ask it for something.
pub(super) struct Watchers {
    serving: Serving,
    end: CancellationToken,
}

impl Served {
    /// Serves the API through `front` until `stop` is cancelled, and health and metrics until they are
    /// ended.
    pub(super) fn begin(
        api: &Api,
        ports: Ports,
        front: Front,
        stop: &CancellationToken,
        settings: &Settings,
    ) -> Self {
        let (nodelay, limits) = (settings.tcp_nodelay, settings.connections);
        let serving = |stop| Serving::new(stop, Arc::clone(&api.metrics), nodelay, limits);
        let end = CancellationToken::new();
        let (requests, watchers) = (serving(stop.clone()), serving(end.clone()));
        requests.spawn(ports.guard, doors(&limits), front);
        watchers.spawn(ports.api_peer, Doors::new(PROBES, 0), api.peer_router());
        watchers.spawn(ports.metrics, Doors::new(PROBES, 0), api.metrics_router());
        Self { requests, watchers: Watchers { serving: watchers, end } }
    }
}

impl Watchers {
    /// Ends what they see.
    pub(super) async fn finish(self) {
        self.end.cancel();
        self.serving.finish(WATCHERS_DEADLINE).await;
    }
}

/// Room for connections to the API port: as much as is wanted and the system has files for.
fn doors(limits: &ConnectionLimits) -> Doors {
    let room = files::room_for_connections();
    let all = files::fitting(limits.all, room);
    if all < limits.all {
        tracing::warn!(
            connections = all,
            wanted = limits.all,
            "fewer connections than limits.max_connections: raise the limit on open files"
        );
    }
    Doors::new(all, limits.per_address)
}
