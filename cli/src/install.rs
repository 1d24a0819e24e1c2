//! Turning a verified bundle into a running install: facts, plan, steps, proof.
//!
//! [`plan`] is pure: it decides from the manifest, the host's facts and the install's state, and
//! changes nothing. [`execute`] does exactly what the plan says, one recorded step after another.

mod error;
pub(crate) mod execute;
pub(crate) mod host;
pub(crate) mod images;
pub(crate) mod load;
pub(crate) mod operate;
pub(crate) mod plan;
pub(crate) mod prove;
pub(crate) mod rehearse;
pub(crate) mod remove;
pub(crate) mod render;
pub(crate) mod rotate;
pub(crate) mod values;

pub(crate) use error::InstallError;

/// The port inside the container at which the API listens.
pub(crate) const API_PORT: u16 = 6420;

/// The numeric user that containers run as when rivetctl is root.
pub(crate) const CONTAINER_USER: u32 = 65532;
