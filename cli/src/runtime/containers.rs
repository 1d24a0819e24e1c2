//! The containers, networks and volumes of one install, found by their labels: so that looking,
//! stopping and removing work without Compose and after the daemon has lost some of them.

use std::collections::HashMap;

use bollard::{
    Docker,
    container::LogOutput,
    errors::Error,
    query_parameters::{
        ListContainersOptions, ListNetworksOptions, ListVolumesOptions, LogsOptions,
        RemoveContainerOptions, RemoveVolumeOptions, RestartContainerOptions, StopContainerOptions,
    },
};
use futures_util::{StreamExt, stream::SelectAll};
use serde::Serialize;

use super::RuntimeError;
use crate::docker::Daemon;

/// The label Compose puts on everything of a project.
const PROJECT_LABEL: &str = "com.docker.compose.project";

/// The label with a container's service.
const SERVICE_LABEL: &str = "com.docker.compose.service";

/// Seconds a container gets to stop by itself.
const STOP_SECONDS: i32 = 30;

/// One container of an install.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Container {
    pub(crate) service: String,
    #[serde(skip)]
    pub(crate) id: String,
    pub(crate) image: String,
    pub(crate) state: String,
    /// `healthy`, `unhealthy`, `starting`, or none where the image has no check.
    pub(crate) health: Option<String>,
    pub(crate) restarts: i64,
    /// Published addresses, as `127.0.0.1:6420->6420/tcp`.
    pub(crate) ports: Vec<String>,
    pub(crate) exit_code: i64,
}

impl Container {
    /// Whether it runs and nothing says that it is unwell.
    pub(crate) fn is_well(&self) -> bool {
        self.state == "running" && self.health.as_deref().is_none_or(|health| health == "healthy")
    }
}

/// Everything of a Compose project in one daemon.
#[derive(Debug)]
pub(crate) struct Containers<'a> {
    daemon: &'a Daemon,
    project: String,
}

impl<'a> Containers<'a> {
    /// The things of `project`.
    pub(crate) fn of(daemon: &'a Daemon, project: String) -> Self {
        Self { daemon, project }
    }

    /// The containers, by service.
    pub(crate) fn list(&self) -> Result<Vec<Container>, RuntimeError> {
        let options =
            ListContainersOptions { all: true, filters: Some(self.filter()), ..Default::default() };
        let docker = self.docker();
        let found = self.daemon.wait("list containers", docker.list_containers(Some(options)))?;
        let mut containers = Vec::new();
        for summary in found {
            let Some(id) = summary.id else { continue };
            let request = docker
                .inspect_container(&id, None::<bollard::query_parameters::InspectContainerOptions>);
            // One that was removed since it was listed is left out.
            let details = self.daemon.wait_unless_missing("inspect a container", request)?;
            containers.extend(details.map(|details| describe(id, &details)));
        }
        containers.sort_by(|one, other| one.service.cmp(&other.service));
        Ok(containers)
    }

    /// Restarts the containers of `service`.
    pub(crate) fn restart(&self, service: &str) -> Result<(), RuntimeError> {
        for container in self.list()?.iter().filter(|container| container.service == service) {
            let options = RestartContainerOptions { t: Some(STOP_SECONDS), ..Default::default() };
            let request = self.docker().restart_container(&container.id, Some(options));
            self.daemon.wait("restart a container", request)?;
        }
        Ok(())
    }

    /// Stops and removes every container, then the networks. What is gone already is fine.
    pub(crate) fn remove(&self) -> Result<(), RuntimeError> {
        let docker = self.docker();
        let containers = self.list()?;
        // The apps first, so that they do not see the engine go.
        let (engine, apps): (Vec<_>, Vec<_>) = containers
            .iter()
            .partition(|container| container.service == crate::compose::ENGINE_SERVICE);
        for container in apps.into_iter().chain(engine) {
            let options = StopContainerOptions { t: Some(STOP_SECONDS), ..Default::default() };
            let stop = docker.stop_container(&container.id, Some(options));
            self.daemon.wait_unless_missing("stop a container", stop)?;
            let options = RemoveContainerOptions { force: true, ..Default::default() };
            let remove = docker.remove_container(&container.id, Some(options));
            self.daemon.wait_unless_missing("remove a container", remove)?;
        }
        let options = ListNetworksOptions { filters: Some(self.filter()) };
        for network in self.daemon.wait("list networks", docker.list_networks(Some(options)))? {
            if let Some(id) = network.id {
                self.daemon.wait_unless_missing("remove a network", docker.remove_network(&id))?;
            }
        }
        Ok(())
    }

    /// The names of the volumes.
    pub(crate) fn volumes(&self) -> Result<Vec<String>, RuntimeError> {
        let options = ListVolumesOptions { filters: Some(self.filter()) };
        let found = self.daemon.wait("list volumes", self.docker().list_volumes(Some(options)))?;
        Ok(found.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect())
    }

    /// Removes every volume with what is in it.
    pub(crate) fn remove_volumes(&self) -> Result<(), RuntimeError> {
        for name in self.volumes()? {
            let request = self.docker().remove_volume(&name, None::<RemoveVolumeOptions>);
            self.daemon.wait_unless_missing("remove a volume", request)?;
        }
        Ok(())
    }

    /// Gives every line of the containers' output to `sink`, with the service's name; with
    /// `follow` until the containers stop or `sink` fails.
    pub(crate) fn logs(
        &self,
        services: &[Container],
        tail: &str,
        follow: bool,
        sink: &mut dyn FnMut(&str, &[u8]) -> bool,
    ) -> Result<(), RuntimeError> {
        let mut lines = SelectAll::new();
        for container in services {
            let options = LogsOptions {
                follow,
                stdout: true,
                stderr: true,
                tail: tail.to_owned(),
                ..Default::default()
            };
            let service = container.service.clone();
            let stream = self.docker().logs(&container.id, Some(options));
            lines.push(stream.map(move |line| (service.clone(), line)).boxed());
        }
        self.daemon.runtime().block_on(async {
            while let Some((service, line)) = lines.next().await {
                let line: LogOutput = line.map_err(|source| {
                    crate::docker::DockerError::Request { doing: "read logs".into(), source }
                })?;
                if !sink(&service, &line.into_bytes()) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// The last lines of a service's output, for a message.
    pub(crate) fn last_lines(&self, service: &str, count: u32) -> String {
        let mut text = String::new();
        let containers = self.list().unwrap_or_default();
        let ours: Vec<Container> =
            containers.into_iter().filter(|container| container.service == service).collect();
        let read = self.logs(&ours, &count.to_string(), false, &mut |_, line| {
            text.push_str(&String::from_utf8_lossy(line));
            true
        });
        match read {
            Ok(()) => text,
            Err(error) => format!("(no log: {error})"),
        }
    }

    fn filter(&self) -> HashMap<String, Vec<String>> {
        HashMap::from([("label".to_owned(), vec![format!("{PROJECT_LABEL}={}", self.project)])])
    }

    fn docker(&self) -> &'a Docker {
        self.daemon.client()
    }
}

impl Daemon {
    /// Waits for a request about something that may be gone: then there is nothing.
    pub(crate) fn wait_unless_missing<T>(
        &self,
        doing: &str,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<Option<T>, crate::docker::DockerError> {
        self.wait(doing, async {
            match request.await {
                Err(Error::DockerResponseServerError { status_code, message })
                    if is_gone(status_code, &message) =>
                {
                    Ok(None)
                }
                other => other.map(Some),
            }
        })
    }
}

/// Whether the daemon's refusal says that the thing is not there.
///
/// 304: stopped already. 404: gone. And a 500 of Docker's classic image store: somebody is removing
/// the image at this moment, its layers first; loading it again brings them back.
fn is_gone(status: u16, message: &str) -> bool {
    matches!(status, 304 | 404) || (status == 500 && message.contains("layer does not exist"))
}

fn describe(id: String, details: &bollard::models::ContainerInspectResponse) -> Container {
    let config = details.config.as_ref();
    let state = details.state.as_ref();
    let label = |name| config.and_then(|config| config.labels.as_ref()?.get(name).cloned());
    let health =
        state.and_then(|state| state.health.as_ref()?.status).map(|status| status.to_string());
    let bound = details
        .network_settings
        .as_ref()
        .and_then(|network| network.ports.clone())
        .unwrap_or_default();
    let mut ports = Vec::new();
    for (inside, outside) in bound {
        for binding in outside.unwrap_or_default() {
            let host = binding.host_ip.unwrap_or_default();
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            ports.push(format!("{host}:{}->{inside}", binding.host_port.unwrap_or_default()));
        }
    }
    ports.sort();
    Container {
        service: label(SERVICE_LABEL).unwrap_or_default(),
        id,
        image: config.and_then(|config| config.image.clone()).unwrap_or_default(),
        state: state
            .and_then(|state| state.status)
            .map_or_else(String::new, |status| status.to_string()),
        health: health.filter(|health| !health.is_empty() && health != "none"),
        restarts: details.restart_count.unwrap_or(0),
        ports,
        exit_code: state.and_then(|state| state.exit_code).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_somebody_is_removing_counts_as_gone() {
        for (status, message) in
            [(404, "No such image: sha256:0000"), (304, ""), (500, "layer does not exist")]
        {
            assert!(is_gone(status, message), "{status} {message}");
        }
        assert!(!is_gone(500, "no space left on device"));
        assert!(!is_gone(409, "layer does not exist"));
    }
}
