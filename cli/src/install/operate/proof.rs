//! `prove` for an install: every claim that is made about a fresh one, checked from outside.

use std::{collections::HashMap, time::Instant};

use bollard::query_parameters::ListNetworksOptions;

use super::{Installed, Keeper};
use crate::{
    compose::ENGINE_SERVICE,
    error::{FileError, Outcome},
    install::{
        API_PORT,
        prove::{self, ProofError},
    },
    site::secret::Secret,
};

/// The network option without which Docker hides containers behind the host's address.
const MASQUERADE: &str = "com.docker.network.bridge.enable_ip_masquerade";

impl Installed {
    /// Proves everything; gives what was proved, in words.
    pub(crate) fn prove(&self, token: &Secret) -> Outcome<Vec<String>> {
        let api = self.api();
        let health = prove::wait_healthy(&api, prove::HEALTH_PATIENCE, &|| self.engine_said())?;
        let mut proved =
            vec![format!("the engine {} answers at {} and is well", health.version, api.address())];
        proved.push(prove::closed(&api, token)??);
        proved.push(match &self.daemon {
            Some(_) => self.prove_published_ports()?,
            None => self.prove_listeners()?,
        });
        proved.push(self.prove_telemetry_off()?);
        if self.daemon.is_some() {
            proved.push(self.prove_no_way_out()?);
            proved.extend(self.prove_services()?);
        }
        Ok(proved)
    }

    fn prove_published_ports(&self) -> Outcome<String> {
        let containers =
            self.containers().map(|containers| containers.list()).transpose()?.unwrap_or_default();
        let settings = &self.state.settings;
        let planned =
            format!("{}->{API_PORT}/tcp", std::net::SocketAddr::new(settings.bind, settings.port));
        let engine = containers.iter().filter(|container| container.service == ENGINE_SERVICE);
        let published: Vec<&String> = engine.flat_map(|container| &container.ports).collect();
        match published.iter().find(|port| ***port != planned) {
            None if !published.is_empty() => {
                Ok(format!("the engine publishes {planned} and nothing else"))
            }
            other => Err(ProofError::WiderThanPlanned {
                what: "the engine".into(),
                found: other.map_or_else(|| "nothing".to_owned(), |port| (*port).clone()),
                planned,
            }
            .into()),
        }
    }

    fn prove_listeners(&self) -> Outcome<String> {
        let engine = match self.keeper() {
            Keeper::Supervisor(supervised) => {
                supervised.running()?.and_then(|record| record.engine)
            }
            Keeper::Systemd(_) => None,
        };
        let planned = self.planned_ports()?;
        // Without the process's number (systemd), whoever listens at the planned ports is looked at.
        let is_engine = |listener: &prove::Listener| match &engine {
            Some(engine) => listener.pid == Some(engine.pid),
            None => planned.iter().any(|planned| planned.port() == listener.address.port()),
        };
        let found: Vec<_> = prove::listeners().into_iter().filter(is_engine).collect();
        let words: Vec<String> = planned.iter().map(ToString::to_string).collect();
        let words = words.join(", ");
        match found.iter().find(|listener| !planned.contains(&listener.address)) {
            None if !found.is_empty() => {
                Ok(format!("the engine listens at {words} and nowhere else"))
            }
            other => Err(ProofError::WiderThanPlanned {
                what: "the engine".into(),
                found: other.map_or_else(
                    || "no address".to_owned(),
                    |listener| listener.address.to_string(),
                ),
                planned: words,
            }
            .into()),
        }
    }

    fn prove_telemetry_off(&self) -> Outcome<String> {
        let path = self.generation().join("engine").join("config.json");
        let bytes = std::fs::read(&path).map_err(FileError::on("read", &path))?;
        let config: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if config["telemetry"]["enabled"] == serde_json::Value::Bool(false) {
            return Ok("telemetry is off".to_owned());
        }
        Err(ProofError::Telemetry { path }.into())
    }

    fn prove_no_way_out(&self) -> Outcome<String> {
        let Some(daemon) = &self.daemon else { return Ok(String::new()) };
        let label = format!("com.docker.compose.project={}", self.state.project());
        let labels = HashMap::from([(
            "label".to_owned(),
            vec![label, "com.docker.compose.network=default".to_owned()],
        )]);
        let options = ListNetworksOptions { filters: Some(labels) };
        let networks =
            daemon.wait("list networks", daemon.client().list_networks(Some(options)))?;
        let closed = |network: &bollard::models::Network| {
            let options = network.options.as_ref();
            options
                .and_then(|options| options.get(MASQUERADE))
                .is_some_and(|value| value == "false")
        };
        match networks.iter().find(|network| !closed(network)) {
            None if !networks.is_empty() => {
                Ok("the install's network has no way out of the host".to_owned())
            }
            other => {
                let network = other.and_then(|network| network.name.clone());
                Err(ProofError::WayOut { network: network.unwrap_or_else(|| "(none)".into()) }
                    .into())
            }
        }
    }

    /// Every service runs, is healthy where it can say so, and did not have to be restarted.
    fn prove_services(&self) -> Outcome<Vec<String>> {
        let started = Instant::now();
        loop {
            let unwell = self.unwell_services()?;
            let Some((service, container)) = unwell.first() else { break };
            let has_ended = container.as_ref().is_some_and(|container| {
                container.restarts > 3 || container.health.as_deref() == Some("unhealthy")
            });
            if has_ended || started.elapsed() >= prove::SERVICES_PATIENCE {
                return Err(self
                    .unwell(
                        service,
                        container.as_ref().map(|container| {
                            let health = container.health.clone().unwrap_or_default();
                            format!(
                                "{} {health} (exit {}, {} restarts)",
                                container.state, container.exit_code, container.restarts
                            )
                        }),
                        started,
                    )
                    .into());
            }
            std::thread::sleep(prove::POLL);
        }
        let containers =
            self.containers().map(|containers| containers.list()).transpose()?.unwrap_or_default();
        if let Some(container) = containers.iter().find(|container| container.restarts > 0) {
            let state = format!("running again after {} restarts", container.restarts);
            return Err(self.unwell(&container.service, Some(state), started).into());
        }
        let apps: Vec<&str> = containers
            .iter()
            .map(|container| container.service.as_str())
            .filter(|service| *service != ENGINE_SERVICE)
            .collect();
        Ok(if apps.is_empty() {
            Vec::new()
        } else {
            vec![format!("services run: {}", apps.join(", "))]
        })
    }

    fn unwell(&self, service: &str, state: Option<String>, started: Instant) -> ProofError {
        let said = self
            .containers()
            .map(|containers| containers.last_lines(service, 20))
            .unwrap_or_default();
        ProofError::ServiceUnwell {
            service: service.to_owned(),
            state: state.unwrap_or_else(|| "not there".to_owned()),
            seconds: started.elapsed().as_secs(),
            said: prove::last_words(&said),
        }
    }
}
