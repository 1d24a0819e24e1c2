//! The way to one envoy: a queue of frames, bounded in bytes.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rivet_envoy_protocol as protocol;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use vbare::OwnedVersionedData as _;

use super::EnvoyId;

/// How many bytes may wait for an envoy that reads slowly before those who send wait too.
const QUEUE_BYTES: usize = 16 << 20;

/// The envoy's connection has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the envoy's connection is closed")]
pub struct ConnectionClosed;

/// Why the engine ends a connection: code and reason of the close frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseFrame {
    /// The code (RFC 6455, section 7.4).
    pub code: u16,
    /// `group.code`; the ray id is added where it is sent.
    pub reason: &'static str,
}

/// A frame on its way, and the room that it takes.
#[derive(Debug)]
pub struct Outgoing {
    /// The encoded message.
    pub frame: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// Where the session takes frames from.
pub type OutgoingQueue = mpsc::UnboundedReceiver<Outgoing>;

/// Who connects, and how it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionOf {
    /// The envoy.
    pub envoy: EnvoyId,
    /// The name of its namespace.
    pub namespace: Arc<str>,
    /// The pool that it serves.
    pub pool: Arc<str>,
    /// The version of its app.
    pub version: u32,
    /// The version of the protocol.
    pub protocol_version: u16,
}

/// One connection of an envoy.
#[derive(Debug)]
pub struct EnvoyConnection {
    of: ConnectionOf,
    queue: mpsc::UnboundedSender<Outgoing>,
    room: Arc<Semaphore>,
    closed: CancellationToken,
    close_frame: OnceLock<CloseFrame>,
    commands: tokio::sync::Mutex<()>,
}

impl EnvoyConnection {
    /// A connection, and the queue that its session empties.
    pub fn new(of: ConnectionOf) -> (Arc<Self>, OutgoingQueue) {
        let (queue, outgoing) = mpsc::unbounded_channel();
        let connection = Self {
            of,
            queue,
            room: Arc::new(Semaphore::new(QUEUE_BYTES)),
            closed: CancellationToken::new(),
            close_frame: OnceLock::new(),
            commands: tokio::sync::Mutex::default(),
        };
        (Arc::new(connection), outgoing)
    }

    /// Whose connection it is.
    pub fn envoy(&self) -> &EnvoyId {
        &self.of.envoy
    }

    /// The name of its namespace.
    pub fn namespace(&self) -> &Arc<str> {
        &self.of.namespace
    }

    /// The pool that the envoy serves.
    pub fn pool(&self) -> &Arc<str> {
        &self.of.pool
    }

    /// The version of the app.
    pub fn version(&self) -> u32 {
        self.of.version
    }

    /// The version of the protocol that the envoy speaks.
    pub fn protocol_version(&self) -> u16 {
        self.of.protocol_version
    }

    /// Held by whoever sends commands: those of an actor have to arrive in their order.
    pub fn commands(&self) -> &tokio::sync::Mutex<()> {
        &self.commands
    }

    /// Queues a message, and waits while the queue is full.
    pub async fn send(&self, message: protocol::ToEnvoy) -> Result<(), ConnectionClosed> {
        let frame = self.encode(message)?;
        let wanted = u32::try_from(frame.len().min(QUEUE_BYTES)).map_err(|_| ConnectionClosed)?;
        // There is room almost always: only who finds none sets up the wait for it.
        let room = if let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(wanted) {
            room
        } else {
            tokio::select! {
                () = self.closed.cancelled() => return Err(ConnectionClosed),
                room = Arc::clone(&self.room).acquire_many_owned(wanted) => {
                    room.map_err(|_| ConnectionClosed)?
                }
            }
        };
        self.queue(Outgoing { frame, _room: Some(room) })
    }

    /// Queues a message whatever waits there: for the few small ones that must not wait.
    pub fn send_now(&self, message: protocol::ToEnvoy) -> Result<(), ConnectionClosed> {
        let frame = self.encode(message)?;
        self.queue(Outgoing { frame, _room: None })
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Waits for the end of the connection.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Ends the connection. The first reason given is the one that the envoy reads.
    pub fn close(&self, frame: Option<CloseFrame>) {
        if let Some(frame) = frame {
            let _ = self.close_frame.set(frame);
        }
        self.closed.cancel();
    }

    /// What the envoy is told at the end, when it is the engine that ends the connection.
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        self.close_frame.get()
    }

    fn encode(&self, message: protocol::ToEnvoy) -> Result<Bytes, ConnectionClosed> {
        if self.is_closed() {
            return Err(ConnectionClosed);
        }
        let wrapped = protocol::versioned::ToEnvoy::wrap_latest(message);
        match wrapped.serialize(self.of.protocol_version) {
            Ok(frame) => Ok(frame.into()),
            Err(error) => {
                // An older protocol has no word for it: the envoy could not have asked for it.
                tracing::warn!(%error, envoy_key = %self.of.envoy.key, "a message was not encoded");
                Err(ConnectionClosed)
            }
        }
    }

    fn queue(&self, outgoing: Outgoing) -> Result<(), ConnectionClosed> {
        self.queue.send(outgoing).map_err(|_| ConnectionClosed)
    }
}
