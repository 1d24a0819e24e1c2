//! `state.json`: what an install is and which steps are behind it.
//!
//! It is written before the first change and after every step, so that a run that was killed can
//! be continued by reading it.

use bundle_spec::{
    digest::Sha256Digest,
    manifest::EngineFlavor,
    text::{Name, Version},
};
use serde::{Deserialize, Serialize};

use super::{InstallDir, SiteError, durable};

/// The only value of [`InstallState::schema`].
pub(crate) const SCHEMA: &str = "rivetctl-install/1";

/// How the engine is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Runtime {
    /// Engine and services as containers, through Docker Compose.
    Compose,
    /// The engine alone, under systemd or as a supervised process. Needs no Docker.
    Binary,
}

/// Everything an operator chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// How the engine is run.
    pub(crate) runtime: Runtime,
    /// The address at which the API is published.
    pub(crate) bind: std::net::IpAddr,
    /// The API's port.
    pub(crate) port: u16,
    /// The namespace made for the product.
    pub(crate) namespace: Name,
    /// Digest of the values, so that a change is noticed.
    pub(crate) values: Sha256Digest,
}

/// Whose engine runs, in which version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngineState {
    pub(crate) flavor: EngineFlavor,
    pub(crate) version: Version,
    /// The format of data that it writes.
    pub(crate) state_format: u32,
}

/// An image that the install tagged in the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaggedImage {
    pub(crate) name: Name,
    pub(crate) tag: String,
    /// The daemon's id of it.
    pub(crate) id: String,
}

/// What a started rotation has to reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// Seconds that the old token lives on after the new one is in use.
    pub(crate) grace_seconds: u64,
}

/// What an install is and how far it got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstallState {
    pub(crate) schema: String,
    pub(crate) name: Name,
    pub(crate) product: Name,
    pub(crate) channel: Name,
    pub(crate) version: Version,
    pub(crate) release_seq: u64,
    pub(crate) bundle_id: Sha256Digest,
    pub(crate) generation: u64,
    pub(crate) engine: EngineState,
    pub(crate) settings: Settings,
    /// The numeric user that the engine's container runs as, when it is not us.
    pub(crate) container_user: Option<u32>,
    /// Ids of the steps behind it, in order.
    pub(crate) done: Vec<String>,
    /// Whether the last step is behind it.
    pub(crate) complete: bool,
    pub(crate) images: Vec<TaggedImage>,
    /// The rotation under way.
    pub(crate) rotation: Option<Rotation>,
    /// Whether an uninstall was begun.
    pub(crate) removing: bool,
}

impl InstallState {
    /// The state of `install`; none when it was never begun.
    pub(crate) fn load(install: &InstallDir) -> Result<Option<Self>, SiteError> {
        let path = install.state_file();
        let Some(bytes) = durable::read_if_there(&path)? else { return Ok(None) };
        let damaged = |reason: String| SiteError::Damaged { path: path.clone(), reason };
        let state: Self =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if state.schema != SCHEMA {
            return Err(damaged(format!("its schema is {:?}, expected {SCHEMA:?}", state.schema)));
        }
        if state.name != *install.name() {
            return Err(damaged(format!("it is the state of {}", state.name)));
        }
        Ok(Some(state))
    }

    /// Makes it durable.
    pub(crate) fn store(&self, install: &InstallDir) -> Result<(), SiteError> {
        let mut json = serde_json::to_vec_pretty(self).expect("a state is plain data");
        json.push(b'\n');
        Ok(durable::write(&install.state_file(), &json, durable::PRIVATE_FILE)?)
    }

    /// Whether the step `id` is behind it.
    pub(crate) fn is_done(&self, id: &str) -> bool {
        self.done.iter().any(|done| done == id)
    }

    /// The Compose project of the install.
    pub(crate) fn project(&self) -> String {
        project(&self.name)
    }
}

/// The Compose project of the install `name`.
pub(crate) fn project(name: &Name) -> String {
    format!("rivet-{name}")
}
