//! Connections: accepted, served, and closed between two requests when the process stops.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{extract::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service;

use super::addressed::Addressed;
use crate::{auth::ClientAddress, telemetry::Metrics};

/// A client that has not sent a request's head by then is not going to.
const HEADER_TIMEOUT: Duration = Duration::from_mins(1);

/// After a failed accept: long enough for file descriptors to come back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Something that answers requests.
pub(super) trait Answers:
    Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
}

impl<S> Answers for S where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// Everything that is being served.
#[derive(Debug, Clone)]
pub(super) struct Serving {
    stop: CancellationToken,
    /// Closed connections that are not done at the deadline.
    abandon: CancellationToken,
    tasks: TaskTracker,
    metrics: Arc<Metrics>,
    nodelay: bool,
}

impl Serving {
    pub(super) fn new(stop: CancellationToken, metrics: Arc<Metrics>, nodelay: bool) -> Self {
        let (abandon, tasks) = (CancellationToken::new(), TaskTracker::new());
        Self { stop, abandon, tasks, metrics, nodelay }
    }

    /// Serves `service` to whoever connects to `listener`.
    pub(super) fn spawn<S: Answers>(&self, listener: TcpListener, service: S) {
        let serving = self.clone();
        self.tasks.spawn(async move { serving.accept(listener, service).await });
    }

    /// Lets running requests finish, for at most `deadline`.
    pub(super) async fn finish(self, deadline: Duration) {
        self.tasks.close();
        if tokio::time::timeout(deadline, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                connections = self.metrics.connections().get(),
                "requests were still running at the deadline and are given up"
            );
            self.abandon.cancel();
            self.tasks.wait().await;
        }
    }

    async fn accept<S: Answers>(self, listener: TcpListener, service: S) {
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let address = ClientAddress::new(peer.ip());
                    let (serving, service) =
                        (self.clone(), Addressed { address, service: service.clone() });
                    self.tasks.spawn(async move { serving.serve(stream, service).await });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn serve<S: Answers>(&self, stream: TcpStream, service: S) {
        // Without it the last packet of an answer waits for an acknowledgement.
        if let Err(error) = stream.set_nodelay(self.nodelay) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            // A WebSocket leaves this task: whoever answered its handshake has it from then on.
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        self.metrics.connections().inc();
        let outcome = tokio::select! {
            outcome = connection.as_mut() => outcome,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    outcome = connection.as_mut() => outcome,
                    () = self.abandon.cancelled() => Ok(()),
                }
            }
        };
        self.metrics.connections().dec();
        if let Err(error) = outcome {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
