//! An install that exists: its state, and what runs it, in one hand. Steps, proofs and the
//! operating commands all work through it.

mod proof;

use std::{collections::BTreeMap, net::SocketAddr};

use bundle_spec::manifest::EngineFlavor;
use camino::Utf8PathBuf;

use super::{render, values::Values};
use crate::{
    compose::ENGINE_SERVICE,
    docker::Daemon,
    engine_api::EngineApi,
    error::Outcome,
    runtime::{
        RuntimeError,
        compose::Compose,
        containers::{Container, Containers},
        supervise::Supervised,
        systemd,
    },
    site::{
        InstallDir, SiteError, durable,
        secret::Secret,
        state::{InstallState, Runtime},
        tokens::Tokens,
    },
};

/// An install and the means to work on it.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) dir: InstallDir,
    pub(crate) state: InstallState,
    /// The daemon, for the compose runtime.
    pub(crate) daemon: Option<Daemon>,
}

/// What manages the engine's process in the binary runtime.
#[derive(Debug)]
pub(crate) enum Keeper<'a> {
    Systemd(systemd::Unit),
    Supervisor(Supervised<'a>),
}

impl Installed {
    /// Opens the install at `dir`; for the compose runtime Docker has to answer.
    pub(crate) fn open(dir: InstallDir) -> Outcome<Self> {
        let missing =
            || SiteError::Damaged { path: dir.state_file(), reason: "it is not there".into() };
        let state = InstallState::load(&dir)?.ok_or_else(missing)?;
        let daemon = match state.settings.runtime {
            Runtime::Compose => Some(Daemon::connect()?),
            Runtime::Binary => None,
        };
        Ok(Self { dir, state, daemon })
    }

    /// The engine's API.
    pub(crate) fn api(&self) -> EngineApi {
        EngineApi::at(self.state.settings.bind, self.state.settings.port)
    }

    /// The install's tokens.
    pub(crate) fn tokens(&self) -> Tokens<'_> {
        Tokens::of(&self.dir, self.state.container_user)
    }

    /// The token in force.
    pub(crate) fn token(&self) -> Outcome<Secret> {
        let path = self.dir.secrets().join("token");
        let missing = || SiteError::Damaged { path, reason: "it is not there".into() };
        Ok(self.tokens().current()?.ok_or_else(missing)?)
    }

    /// Whose engine it is.
    pub(crate) fn flavor(&self) -> EngineFlavor {
        self.state.engine.flavor
    }

    /// The files of the generation in force.
    pub(crate) fn generation(&self) -> Utf8PathBuf {
        self.dir.generation(self.state.generation)
    }

    /// The values that the install was given.
    pub(crate) fn values(&self) -> Result<Values, SiteError> {
        Ok(Values {
            plain: read_values(&self.generation().join("values.json"))?,
            secret: read_values(&self.dir.secrets().join("values.json"))?,
        })
    }

    /// The install's containers; none in the binary runtime.
    pub(crate) fn containers(&self) -> Option<Containers<'_>> {
        let daemon = self.daemon.as_ref()?;
        Some(Containers::of(daemon, self.state.project()))
    }

    /// The services that should run, from the rendered Compose file.
    pub(crate) fn services(&self) -> Result<Vec<String>, SiteError> {
        let path = self.generation().join("compose.yaml");
        let Some(text) = durable::read_if_there(&path)? else { return Ok(Vec::new()) };
        let file: serde_yaml_ng::Value = serde_yaml_ng::from_slice(&text)
            .map_err(|error| SiteError::Damaged { path, reason: error.to_string() })?;
        let services = file.get("services").and_then(|services| services.as_mapping());
        let names = services.into_iter().flat_map(|services| services.keys());
        Ok(names.filter_map(|name| name.as_str().map(str::to_owned)).collect())
    }

    /// Starts the engine, alone.
    pub(crate) fn start_engine(&self, token: &Secret) -> Outcome {
        match &self.daemon {
            Some(daemon) => self.up(daemon, token, &[ENGINE_SERVICE]),
            None => Ok(self.start_process()?),
        }
    }

    /// Brings every service to what is rendered, with `token`; only what changed is touched.
    pub(crate) fn start_services(&self, token: &Secret) -> Outcome {
        match &self.daemon {
            Some(daemon) => self.up(daemon, token, &[]),
            None => Ok(()),
        }
    }

    /// Restarts the engine, for one that reads its token at start only.
    pub(crate) fn restart_engine(&self) -> Outcome {
        match (self.containers(), self.keeper()) {
            (Some(containers), _) => Ok(containers.restart(ENGINE_SERVICE)?),
            (None, Keeper::Systemd(unit)) => Ok(unit.restart()?),
            (None, Keeper::Supervisor(supervised)) => {
                supervised.stop()?;
                Ok(self.start_process()?)
            }
        }
    }

    /// What keeps the engine's process running in the binary runtime.
    pub(crate) fn keeper(&self) -> Keeper<'_> {
        match systemd::Unit::of(self.dir.name()) {
            Some(unit) if unit.exists() => Keeper::Systemd(unit),
            _ => Keeper::Supervisor(Supervised::of(&self.dir)),
        }
    }

    /// The engine's last words.
    pub(crate) fn engine_said(&self) -> String {
        match (self.containers(), self.keeper()) {
            (Some(containers), _) => containers.last_lines(ENGINE_SERVICE, 20),
            (None, Keeper::Supervisor(supervised)) => supervised.last_lines(20),
            (None, Keeper::Systemd(unit)) => format!("see `journalctl -u {}`", unit.name()),
        }
    }

    /// Whether the engine answers, its token works, and every service is there and well.
    pub(crate) fn is_well(&self) -> bool {
        let Ok(token) = self.token() else { return false };
        let api = self.api();
        let engine = api.health().is_ok_and(|health| health.status == "ok")
            && api.probe(Some(&token)).is_ok_and(|status| status == 200);
        engine && self.is_kept() && self.unwell_services().is_ok_and(|unwell| unwell.is_empty())
    }

    /// Whether somebody would start the engine again: an orphan may answer as if all were well.
    fn is_kept(&self) -> bool {
        match (&self.daemon, self.keeper()) {
            (Some(_), _) => true,
            (None, Keeper::Systemd(unit)) => unit.is_active(),
            (None, Keeper::Supervisor(supervised)) => {
                supervised.running().is_ok_and(|found| found.is_some())
            }
        }
    }

    /// The services that should run and are not there or not well, and what is known of them.
    pub(crate) fn unwell_services(&self) -> Outcome<Vec<(String, Option<Container>)>> {
        let Some(containers) = self.containers() else { return Ok(Vec::new()) };
        let found = containers.list()?;
        let mut unwell = Vec::new();
        for service in self.services()? {
            let container = found.iter().find(|container| container.service == service);
            if !container.is_some_and(Container::is_well) {
                unwell.push((service, container.cloned()));
            }
        }
        Ok(unwell)
    }

    /// The command that runs the engine on this host itself.
    pub(crate) fn engine_command(&self) -> Vec<String> {
        let paths = render::EnginePaths::of(&self.dir, self.state.generation, Runtime::Binary);
        let mut command = vec![self.engine_program().into_string()];
        command.extend(paths.arguments(self.flavor()));
        command
    }

    /// The engine's program of the generation in force.
    pub(crate) fn engine_program(&self) -> Utf8PathBuf {
        self.generation().join("bin").join("rivet-engine")
    }

    /// The copy of rivetctl that supervises it.
    pub(crate) fn supervisor_program(&self) -> Utf8PathBuf {
        self.generation().join("bin").join("rivetctl")
    }

    /// Where the engine may listen: what the plan said.
    pub(crate) fn planned_ports(&self) -> Outcome<Vec<SocketAddr>> {
        let ports = super::plan::ports(&self.state.settings)?;
        Ok(ports.into_iter().map(|port| port.address).collect())
    }

    fn up(&self, daemon: &Daemon, token: &Secret, services: &[&str]) -> Outcome {
        let compose = Compose::find(daemon.socket())?;
        let variables = render::variables(&self.dir, &self.state, &self.values()?, token);
        Ok(compose.up(&self.state.project(), &self.generation(), &variables, services)?)
    }

    fn start_process(&self) -> Result<(), RuntimeError> {
        let command = self.engine_command();
        match systemd::Unit::of(self.dir.name()) {
            Some(unit) if systemd::is_available() => unit.start(&self.dir, &command),
            _ => Supervised::of(&self.dir).start(&self.supervisor_program(), &command),
        }
    }
}

fn read_values(path: &camino::Utf8Path) -> Result<BTreeMap<String, serde_json::Value>, SiteError> {
    let Some(bytes) = durable::read_if_there(path)? else { return Ok(BTreeMap::new()) };
    serde_json::from_slice(&bytes)
        .map_err(|error| SiteError::Damaged { path: path.to_owned(), reason: error.to_string() })
}
