//! How much may be there at once, and how it is counted.
//!
//! A count is taken before the thing that is counted, and given back when it is dropped, on whatever
//! way it ends. Nothing here waits: what there is no room for is refused at once, by name.
//! `docs/limits.md` lists every limit.

mod doors;
mod shares;
mod slots;

use std::time::Duration;

pub use self::{
    doors::{Admission, Doors},
    shares::{Share, Shares},
    slots::{Slot, Slots},
};

/// What was refused, or ended, because there was too much of it. Its names are labels of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Connections in all.
    Connections,
    /// Connections of one address.
    ConnectionsPerAddress,
    /// Files that the process may have open.
    Files,
    /// The time until a body has come.
    BodyTime,
    /// Requests to one actor.
    RequestsPerActor,
    /// Requests to the actors of one namespace.
    RequestsPerNamespace,
    /// Sockets to one actor.
    SocketsPerActor,
    /// Sockets to the actors of one namespace.
    SocketsPerNamespace,
    /// Envoys of one namespace.
    EnvoysPerNamespace,
    /// Bytes that wait for a client that reads too slowly.
    SlowReader,
}

impl Limit {
    /// Its name in metrics and errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::ConnectionsPerAddress => "connections_per_address",
            Self::Files => "files",
            Self::BodyTime => "body_time",
            Self::RequestsPerActor => "requests_per_actor",
            Self::RequestsPerNamespace => "requests_per_namespace",
            Self::SocketsPerActor => "sockets_per_actor",
            Self::SocketsPerNamespace => "sockets_per_namespace",
            Self::EnvoysPerNamespace => "envoys_per_namespace",
            Self::SlowReader => "slow_reader",
        }
    }
}

/// The sender of a body let the time for it pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body did not come in time")]
pub struct BodyTooSlow;

/// What the operator allows of connections. Numbers of things: 0 is any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections to the API port.
    pub all: usize,
    /// Those of one address, or of one IPv6 network of 64 bits.
    pub per_address: usize,
    /// How long a connection may take to send the head of its next request.
    pub head_timeout: Duration,
    /// How long a client may let a body wait for its next piece; for all of a body that is read whole.
    pub body_timeout: Duration,
    /// The largest head of a request, in bytes.
    pub head_bytes: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            all: 65_536,
            per_address: 32_768,
            // Longer than proxies keep connections that nobody uses: they should be the ones to close.
            head_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(30),
            head_bytes: 128 << 10,
        }
    }
}

/// How much may be in flight to actors at once. 0 is any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConcurrencyLimits {
    /// Requests to one actor.
    pub requests_per_actor: usize,
    /// Requests to the actors of one namespace.
    pub requests_per_namespace: usize,
    /// Sockets to one actor.
    pub sockets_per_actor: usize,
    /// Sockets to the actors of one namespace.
    pub sockets_per_namespace: usize,
}

impl Default for ConcurrencyLimits {
    fn default() -> Self {
        Self {
            requests_per_actor: 4_096,
            requests_per_namespace: 16_384,
            sockets_per_actor: 16_384,
            sockets_per_namespace: 32_768,
        }
    }
}

/// How many envoys a namespace may have connected at once, unless the operator says otherwise.
pub const ENVOYS_PER_NAMESPACE: usize = 4_096;
