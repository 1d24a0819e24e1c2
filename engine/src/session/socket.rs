//! One connection: read, written, and kept alive.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{
    FutureExt as _, SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use rivet_envoy_protocol as protocol;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes, protocol::CloseFrame};
use vbare::OwnedVersionedData as _;

use super::{EVICTION, GOING_AWAY, INVALID_PACKET, Sessions, TIMED_OUT, work::Dispatcher};
use crate::{
    envoys::{Detached, EnvoyConnection, Outgoing, OutgoingQueue},
    websocket::EnvoySocket,
};

/// How many frames are written before the socket is flushed.
const BURST: usize = 64;

/// How long the envoy may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The envoy said goodbye.
    Closed,
    /// It broke off, or the engine ended it.
    Broken,
}

impl Sessions {
    /// Serves the connection until it ends.
    pub(super) async fn serve(
        &self,
        connection: Arc<EnvoyConnection>,
        outgoing: OutgoingQueue,
        socket: EnvoySocket,
        ray_id: &str,
    ) {
        let lifecycle = &self.0.lifecycle;
        let envoys = lifecycle.envoys();
        // Queued before anybody else can queue anything.
        let _ = connection.send_now(self.0.settings.init());
        if let Some(before) = envoys.attach(&connection, lifecycle.now()) {
            before.close(Some(EVICTION));
        }
        self.0.metrics.envoys().inc();
        tracing::info!(
            ray_id,
            envoy_key = %connection.envoy().key,
            pool = %connection.pool(),
            version = connection.version(),
            protocol_version = connection.protocol_version(),
            "an envoy connected"
        );
        let (sink, stream) = socket.split();
        let taken_in = {
            let (lifecycle, connection) = (lifecycle.clone(), Arc::clone(&connection));
            async move {
                if let Err(error) = lifecycle.envoy_connected(&connection).await {
                    tracing::error!(%error, "an envoy's commands could not be read");
                    connection.close(Some(GOING_AWAY));
                }
                std::future::pending::<()>().await;
            }
        };
        let mut writing = std::pin::pin!(write(&connection, outgoing, sink, ray_id));
        let end = tokio::select! {
            end = self.read(&connection, stream) => end,
            () = writing.as_mut() => End::Broken,
            () = self.keep_alive(&connection) => End::Broken,
            () = taken_in => End::Broken,
        };
        connection.close(None);
        // What the engine has to say at the end still goes out.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, writing).await;
        self.0.metrics.envoys().dec();
        self.gone(&connection, end, ray_id).await;
    }

    async fn gone(&self, connection: &Arc<EnvoyConnection>, end: End, ray_id: &str) {
        let lifecycle = &self.0.lifecycle;
        let was_stopping = lifecycle.envoys().is_stopping(connection.envoy());
        let detached = lifecycle.envoys().detach(connection, lifecycle.now());
        tracing::info!(ray_id, envoy_key = %connection.envoy().key, ?end, "an envoy is gone");
        // One that announced its end and said goodbye does not come back.
        if detached == Detached::Gone && end == End::Closed && was_stopping {
            lifecycle.envoy_left(connection.envoy()).await;
        }
    }

    async fn read(
        &self,
        connection: &Arc<EnvoyConnection>,
        mut stream: SplitStream<EnvoySocket>,
    ) -> End {
        let dispatcher = Dispatcher::new(self.0.lifecycle.clone(), Arc::clone(connection));
        loop {
            let message = tokio::select! {
                () = connection.closed() => return End::Broken,
                () = self.0.stop.cancelled() => {
                    connection.close(Some(GOING_AWAY));
                    return End::Broken;
                }
                message = stream.next() => message,
            };
            match message {
                Some(Ok(Message::Binary(frame))) => {
                    self.receive(&dispatcher, connection, frame).await;
                }
                Some(Ok(Message::Close(_))) => return End::Closed,
                Some(Ok(_)) => {}
                Some(Err(tungstenite::Error::Capacity(error))) => {
                    tracing::warn!(%error, envoy_key = %connection.envoy().key, "too much at once");
                    connection.close(Some(INVALID_PACKET));
                    return End::Broken;
                }
                Some(Err(_)) | None => return End::Broken,
            }
        }
    }

    async fn receive(
        &self,
        dispatcher: &Dispatcher,
        connection: &Arc<EnvoyConnection>,
        frame: Bytes,
    ) {
        let decoded =
            protocol::versioned::ToRivet::deserialize(&frame, connection.protocol_version());
        let bytes = frame.len();
        drop(frame);
        match decoded {
            Ok(message) => dispatcher.dispatch(message, bytes).await,
            // As upstream: a frame that says nothing does no harm.
            Err(error) => {
                self.0.metrics.envoy_frame_refused();
                tracing::debug!(%error, envoy_key = %connection.envoy().key, "not a message");
            }
        }
    }

    /// Asks regularly whether the envoy is there. Ends when it does not answer for too long.
    async fn keep_alive(&self, connection: &Arc<EnvoyConnection>) {
        let settings = &self.0.settings;
        let envoys = self.0.lifecycle.envoys();
        let timeout = u64::try_from(settings.ping_timeout.as_millis()).unwrap_or(u64::MAX);
        let mut ticks = tokio::time::interval(settings.ping_interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = self.0.lifecycle.now();
            if envoys.last_pong(connection).is_some_and(|at| now.saturating_sub(at) > timeout) {
                connection.close(Some(TIMED_OUT));
                return;
            }
            let ts = i64::try_from(now).unwrap_or(i64::MAX);
            let ping = protocol::ToEnvoy::ToEnvoyPing(protocol::ToEnvoyPing { ts });
            if connection.send_now(ping).is_err() {
                return;
            }
        }
    }
}

/// Writes what is queued until the connection ends, then says why it did.
async fn write(
    connection: &EnvoyConnection,
    mut outgoing: OutgoingQueue,
    mut sink: SplitSink<EnvoySocket, Message>,
    ray_id: &str,
) {
    let mut burst: Vec<Outgoing> = Vec::with_capacity(BURST);
    loop {
        let count = tokio::select! {
            biased;
            () = connection.closed() => break,
            count = outgoing.recv_many(&mut burst, BURST) => count,
        };
        if count == 0 {
            break;
        }
        // Whoever is about to send something does so first: one write for many frames costs the engine
        // and the app a fraction of one for each.
        tokio::task::yield_now().await;
        if burst.len() < BURST {
            let _ = outgoing.recv_many(&mut burst, BURST - count).now_or_never();
        }
        let mut frames = futures_util::stream::iter(
            burst.drain(..).map(|outgoing| Ok(Message::Binary(outgoing.frame))),
        );
        let written = tokio::select! {
            () = connection.closed() => break,
            written = sink.send_all(&mut frames) => written,
        };
        if written.is_err() {
            return;
        }
    }
    let frame = connection.close_frame().map(|frame| CloseFrame {
        code: frame.code.into(),
        reason: Utf8Bytes::from(format!("{}#{ray_id}", frame.reason)),
    });
    let _ = sink.send(Message::Close(frame)).await;
    let _ = sink.close().await;
}
