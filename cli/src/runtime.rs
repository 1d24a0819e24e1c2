//! How the engine is run on this host: as a container, under systemd, or supervised by us.

pub(crate) mod compose;
pub(crate) mod containers;
pub(crate) mod error;
pub(crate) mod process;
pub(crate) mod supervise;
pub(crate) mod systemd;

pub(crate) use error::RuntimeError;
