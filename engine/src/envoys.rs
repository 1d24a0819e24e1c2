//! The envoys that are connected: how they are reached, which is free, what is in flight to them.
//!
//! Nothing here is stored. After a restart envoys connect again and say who they are.

mod connection;
mod registry;
mod tunnel;

use std::sync::Arc;

pub use self::{
    connection::{
        CloseFrame, ConnectionClosed, ConnectionOf, EnvoyConnection, Outgoing, OutgoingQueue,
    },
    registry::{Detached, EnvoySummary, Envoys, Thresholds},
    tunnel::{Tunnel, TunnelOverflow, Tunnels},
};
use crate::keyspace::Id;

/// Which envoy: the key is the app's choice, unique in its namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvoyId {
    /// The namespace.
    pub namespace_id: Id,
    /// The key.
    pub key: Arc<str>,
}
