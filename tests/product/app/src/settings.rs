//! What the operator chose, from the environment.

use std::env;

use crate::endpoint::{Endpoint, ParseEndpointError};

/// Everything the app needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where it listens.
    pub(crate) port: u16,
    /// The engine.
    pub(crate) endpoint: Endpoint,
    /// What the page says.
    pub(crate) title: String,
}

/// A setting that is missing or not what it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("{0} is not set")]
    Missing(&'static str),
    #[error("PORT is {0:?}, expected a port number")]
    Port(String),
    #[error("RIVET_ENDPOINT: {0}")]
    Endpoint(#[from] ParseEndpointError),
}

impl Settings {
    /// Reads `RIVET_ENDPOINT`, `NOTES_TITLE` and `PORT`.
    pub(crate) fn from_environment() -> Result<Self, SettingsError> {
        Ok(Self {
            port: port()?,
            endpoint: text("RIVET_ENDPOINT")?.parse()?,
            title: text("NOTES_TITLE")?,
        })
    }
}

/// `PORT`, 8080 unless set.
pub(crate) fn port() -> Result<u16, SettingsError> {
    match env::var("PORT") {
        Ok(port) => port.parse().map_err(|_| SettingsError::Port(port)),
        Err(_) => Ok(8080),
    }
}

fn text(name: &'static str) -> Result<String, SettingsError> {
    env::var(name).map_err(|_| SettingsError::Missing(name))
}
