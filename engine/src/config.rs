//! What the operator asked for: defaults, then files, then `RIVET__` variables.
//!
//! Every key that the upstream engine knows is known here: used, accepted without effect, or
//! refused with the reason ([`keys`]). Everything else is a mistake, and named as one.

mod access;
mod audit;
mod checkpoints;
mod consistency;
mod document;
mod error;
mod gateway;
pub mod keys;
mod layer;
mod limits;
mod merge;
mod otel;
mod outbound;
mod pegboard;
mod schema;
mod settings;
mod show;
mod sources;
mod topology;
mod tree;
mod values;

use std::{collections::BTreeMap, path::PathBuf};

pub use self::{
    access::{AuthSettings, GatewayAccess, Secret},
    audit::AuditSettings,
    checkpoints::CheckpointSettings,
    document::markdown,
    error::{ConfigError, Origin, Problems},
    gateway::GatewaySettings,
    layer::is_variable,
    pegboard::{EnvoySettings, ServerlessSettings},
    schema::schema,
    settings::{Listen, Settings},
    show::{Entry, Standing},
    sources::Sources,
};
use self::{merge::Merged, values::Values};

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
    pub files: Vec<PathBuf>,
}

/// A configuration as it was found, whether the engine starts with it or not.
#[derive(Debug)]
pub struct Found {
    settings: Settings,
    values: Values,
    problems: Vec<ConfigError>,
    files: Vec<PathBuf>,
}

impl Found {
    /// What there is in `sources` and in `environment`.
    pub fn read(sources: &Sources, environment: &Environment) -> Self {
        let (mut merged, mut problems) = (Merged::default(), Vec::new());
        let files = sources.files(&mut problems);
        for file in &files {
            match layer::from_file(file) {
                Ok(layer) => {
                    merged.apply(layer.leaves);
                    problems.extend(layer.problems);
                }
                Err(problem) => problems.push(problem),
            }
        }
        let is_complete = problems.iter().all(ConfigError::leaves_the_rest_known);
        let layer = layer::from_environment(environment);
        merged.apply(layer.leaves);
        problems.extend(layer.problems);
        let values = merged.checked(&mut problems);
        let settings = Settings::from_values(&values, environment);
        // What a file that cannot be read says, or a key that is misspelt, may be just what is missed.
        if is_complete {
            let misspelt = |block: &str| {
                problems.iter().any(|problem| {
                    matches!(
                        problem,
                        ConfigError::UnknownKey { key, .. } | ConfigError::Value { key, .. }
                            if key.starts_with(block)
                    )
                })
            };
            let misspelt_token = misspelt("auth");
            let mut contradictions = consistency::contradictions(&values, &settings);
            contradictions
                .retain(|problem| !(misspelt_token && matches!(problem, ConfigError::NoToken)));
            problems.extend(contradictions);
        }
        Self { settings, values, problems, files }
    }

    /// The configuration that the engine starts with, or all that is wrong with it.
    pub fn loaded(self) -> Result<Loaded, Problems> {
        if !self.problems.is_empty() {
            return Err(Problems(self.problems));
        }
        let warnings = self.values.warnings();
        Ok(Loaded { settings: self.settings, warnings, files: self.files })
    }

    /// Who would be let in, so that tokens can be looked at together with everything else.
    pub fn auth(&self) -> &AuthSettings {
        &self.settings.auth
    }

    /// Every key that holds, and where its value comes from. Secrets are masked.
    pub fn entries(&self) -> Vec<Entry> {
        show::entries(&self.values, &self.settings)
    }
}

/// Reads the configuration from `sources`.
pub fn load(sources: &Sources, environment: &Environment) -> Result<Loaded, Problems> {
    Found::read(sources, environment).loaded()
}

#[cfg(test)]
mod tests;
