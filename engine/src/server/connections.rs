//! Connections: accepted, served, and closed between two requests when the process stops.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{extract::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service;

use super::addressed::Addressed;
use crate::{
    auth::ClientAddress,
    limits::{Admission, ConnectionLimits, Doors, Limit, Slots},
    telemetry::Metrics,
};

/// Connections that are told why they are closed, at the same time. Others are just closed.
const REFUSALS: usize = 64;

/// What they are told, and how long they have to read it.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
    content-length: 89\r\nretry-after: 1\r\nconnection: close\r\n\r\n\
    {\"group\":\"guard\",\"code\":\"service_unavailable\",\"message\":\"Too many connections are open.\"}";
const REFUSAL_TIME: Duration = Duration::from_secs(1);

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
    limits: ConnectionLimits,
    refusals: Slots,
}

impl Serving {
    pub(super) fn new(
        stop: CancellationToken,
        metrics: Arc<Metrics>,
        nodelay: bool,
        limits: ConnectionLimits,
    ) -> Self {
        let (abandon, tasks) = (CancellationToken::new(), TaskTracker::new());
        Self { stop, abandon, tasks, metrics, nodelay, limits, refusals: Slots::new(REFUSALS) }
    }

    /// Serves `service` to whoever connects to `listener` and finds room behind `doors`.
    pub(super) fn spawn<S: Answers>(&self, listener: TcpListener, doors: Doors, service: S) {
        let serving = self.clone();
        self.tasks.spawn(async move { serving.accept(listener, doors, service).await });
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

    async fn accept<S: Answers>(self, listener: TcpListener, doors: Doors, service: S) {
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let address = ClientAddress::new(peer.ip());
                    match doors.admit(address.group()) {
                        Ok(admission) => self.take(stream, address, admission, service.clone()),
                        Err(limit) => self.refuse(stream, limit),
                    }
                }
                Err(error) => {
                    self.metrics.limit_reached(Limit::Files);
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn take<S: Answers>(
        &self,
        stream: TcpStream,
        address: ClientAddress,
        admission: Admission,
        service: S,
    ) {
        let (serving, service) = (self.clone(), Addressed { address, admission, service });
        self.tasks.spawn(async move { serving.serve(stream, service).await });
    }

    /// Closes a connection that there is no room for, and tells the client so while there is time.
    fn refuse(&self, mut stream: TcpStream, limit: Limit) {
        self.metrics.limit_reached(limit);
        tracing::debug!(limit = limit.name(), "a connection was refused");
        let Some(slot) = self.refusals.take() else { return };
        self.tasks.spawn(async move {
            let told = async {
                let mut unread = [0; 1024];
                // Clients do not take an answer that is there before they have asked.
                if stream.read(&mut unread).await? == 0 {
                    return Ok(());
                }
                stream.write_all(REFUSAL).await?;
                stream.shutdown().await?;
                // A connection that is closed with something unread takes the answer with it.
                while stream.read(&mut unread).await? > 0 {}
                Ok::<_, std::io::Error>(())
            };
            // Whoever does not read it in time does without.
            let _ = tokio::time::timeout(REFUSAL_TIME, told).await;
            drop(slot);
        });
    }

    async fn serve<S: Answers>(&self, stream: TcpStream, service: S) {
        // Without it the last packet of an answer waits for an acknowledgement.
        if let Err(error) = stream.set_nodelay(self.nodelay) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // From the end of the answer before: who is idle and who is slow have the same time.
            .header_read_timeout(self.limits.head_timeout)
            .max_buf_size(self.limits.head_bytes)
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
