//! What the operator asked for: defaults, then files, then `RIVET__` variables.
//!
//! Every key that the upstream engine knows is known here: used, accepted without effect, or
//! refused with the reason ([`keys`]). Everything else is a mistake, and named as one.

mod access;
mod audit;
mod checkpoints;
mod error;
mod gateway;
pub mod keys;
mod layer;
mod merge;
mod outbound;
mod pegboard;
mod settings;
mod sources;
mod topology;
mod values;

use std::collections::BTreeMap;

pub use self::{
    access::{AuthSettings, GatewayAccess, Secret},
    audit::AuditSettings,
    checkpoints::CheckpointSettings,
    error::{ConfigError, Origin},
    gateway::GatewaySettings,
    pegboard::{EnvoySettings, ServerlessSettings},
    settings::{Listen, Settings},
    sources::Sources,
};

/// The environment of the process.
pub type Environment = BTreeMap<String, String>;

/// A configuration that holds together.
#[derive(Debug)]
pub struct Loaded {
    /// What is used.
    pub settings: Settings,
    /// What was asked for and has no effect, one sentence each.
    pub warnings: Vec<String>,
    /// Which files were read.
    pub files: Vec<std::path::PathBuf>,
}

/// Reads the configuration from `sources`.
pub fn load(sources: &Sources, environment: &Environment) -> Result<Loaded, ConfigError> {
    let files = sources.files()?;
    let mut merged = merge::Merged::default();
    for file in &files {
        merged.apply(layer::from_file(file)?);
    }
    merged.apply(layer::from_environment(environment)?);
    let warnings = merged.warnings();
    let settings = Settings::from_merged(&mut merged, environment)?;
    Ok(Loaded { settings, warnings, files })
}

#[cfg(test)]
mod tests;
