//! Ports: had at once, or a clear word about who has them.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
};

use super::purpose;
use crate::config::Listen;

/// A port cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody has it.
    #[error("{address} is in use by another process: stop it, or set {block}.port to a free port")]
    InUse {
        /// The address.
        address: SocketAddr,
        /// The block of the configuration.
        block: &'static str,
    },
    /// This user may not have it.
    #[error("this user may not listen on {address}: set {block}.port to 1024 or more")]
    Forbidden {
        /// The address.
        address: SocketAddr,
        /// The block of the configuration.
        block: &'static str,
    },
    /// The host has no such address.
    #[error(
        "this host has no address {address}: set {block}.host to one that it has \
         (127.0.0.1, 0.0.0.0, ::)"
    )]
    NoSuchAddress {
        /// The address.
        address: SocketAddr,
        /// The block of the configuration.
        block: &'static str,
    },
    /// Something else.
    #[error("{address} ({block}.host, {block}.port) cannot be listened on")]
    Other {
        /// The address.
        address: SocketAddr,
        /// The block of the configuration.
        block: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Listens where `listen` says. `::` is every address of the host, IPv4 or IPv6.
pub(super) fn bind(listen: Listen) -> Result<tokio::net::TcpListener, BindError> {
    let address = SocketAddr::new(listen.host, listen.port);
    let listener = match listen_on(address) {
        // IPv6 is switched off on this host.
        Err(error) if listen.host.is_unspecified() && listen.host.is_ipv6() && no_such(&error) => {
            listen_on(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), listen.port))
        }
        outcome => outcome,
    };
    let block = listen.block;
    let listener = listener.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address, block },
        io::ErrorKind::PermissionDenied => BindError::Forbidden { address, block },
        _ if no_such(&source) => BindError::NoSuchAddress { address, block },
        _ => BindError::Other { address, block, source },
    })?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, purpose = purpose(&listen), "listening");
    }
    Ok(listener)
}

fn listen_on(address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

/// EADDRNOTAVAIL, or EAFNOSUPPORT, which has no name in the standard library.
fn no_such(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = 97;
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(EAFNOSUPPORT)
}
