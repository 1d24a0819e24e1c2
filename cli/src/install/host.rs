//! The facts about this host that a plan depends on. Looking at them changes nothing.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    os::unix::fs::MetadataExt,
};

use bundle_spec::{
    manifest::{Image, Platform},
    text::Name,
};
use camino::{Utf8Path, Utf8PathBuf};

use super::images::{self, ImageStore, Presence};
use crate::{
    docker::{Daemon, DockerError},
    error::Outcome,
    runtime::{
        compose::Compose, containers::Containers, process::ProcessIdentity, supervise::Supervised,
        systemd,
    },
    site::{
        InstallDir,
        state::{Runtime, project},
    },
};

/// Facts about this host.
#[derive(Debug, Clone)]
pub(crate) struct HostFacts {
    /// What this program was built for, and so what runs here.
    pub(crate) platform: Option<Platform>,
    /// Whether we may hand files to another user.
    pub(crate) is_root: bool,
    /// The file system of the site.
    pub(crate) site_space: Space,
    /// Docker, for the compose runtime.
    pub(crate) docker: Option<DockerFacts>,
    /// Ports that are wanted and taken by somebody else, and by whom as far as known.
    pub(crate) taken_ports: Vec<(SocketAddr, String)>,
    /// Whether a systemd that we may use runs here.
    pub(crate) has_systemd: bool,
    /// Whether everything of the install runs and is well, for one that is complete.
    pub(crate) is_well: bool,
}

/// Facts about the daemon.
#[derive(Debug, Clone)]
pub(crate) struct DockerFacts {
    pub(crate) version: String,
    pub(crate) compose: String,
    pub(crate) store: ImageStore,
    /// The file system of its images; none where we cannot see it.
    pub(crate) space: Option<Space>,
    /// What it has of each image.
    pub(crate) images: BTreeMap<Name, Presence>,
}

/// Free space of a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Space {
    /// Its device number: what tells file systems apart.
    pub(crate) device: u64,
    /// A path on it.
    pub(crate) path: Utf8PathBuf,
    /// Bytes that we may use.
    pub(crate) free: u64,
}

impl HostFacts {
    /// Gathers the facts for the install at `install`, which wants to listen on `ports`.
    pub(crate) fn gather<'a>(
        install: &InstallDir,
        docker: Option<(&Daemon, &Compose)>,
        images: impl Iterator<Item = &'a Image>,
        ports: &[SocketAddr],
    ) -> Outcome<Self> {
        let docker_facts = match docker {
            Some((daemon, compose)) => Some(docker_facts(daemon, compose, install.name(), images)?),
            None => None,
        };
        Ok(Self {
            platform: Platform::current(),
            is_root: rustix::process::geteuid().is_root(),
            site_space: Space::of(install.path()).unwrap_or_default(),
            docker: docker_facts,
            taken_ports: taken(install, docker.map(|(daemon, _)| daemon), ports)?,
            has_systemd: systemd::is_available(),
            is_well: false,
        })
    }
}

impl Space {
    /// The file system that `path` is or would be on.
    pub(crate) fn of(path: &Utf8Path) -> Option<Self> {
        let path = path.ancestors().find(|path| path.exists())?;
        let found = rustix::fs::statvfs(path.as_std_path()).ok()?;
        let device = path.metadata().ok()?.dev();
        Some(Self {
            device,
            path: path.to_owned(),
            free: found.f_bavail.saturating_mul(found.f_frsize),
        })
    }
}

impl Default for Space {
    /// A file system of which nothing is known holds nothing.
    fn default() -> Self {
        Self { device: 0, path: "/".into(), free: 0 }
    }
}

/// The runtime to use when nobody said which: containers where Docker answers.
pub(crate) fn default_runtime() -> Runtime {
    if Daemon::connect().is_ok() { Runtime::Compose } else { Runtime::Binary }
}

fn docker_facts<'a>(
    daemon: &Daemon,
    compose: &Compose,
    install: &Name,
    images: impl Iterator<Item = &'a Image>,
) -> Result<DockerFacts, DockerError> {
    let info = daemon.wait("describe itself", daemon.client().info())?;
    let is_containerd = info.driver_status.iter().flatten().any(|pair| {
        pair.first().is_some_and(|key| key == "driver-type")
            && pair.iter().any(|text| text.contains("containerd"))
    });
    let store = if is_containerd { ImageStore::Containerd } else { ImageStore::Classic };
    let data_root = info.docker_root_dir.map(Utf8PathBuf::from).filter(|path| path.exists());
    Ok(DockerFacts {
        version: daemon.version().to_owned(),
        compose: format!("{} {}", compose.name(), compose.version()),
        store,
        space: data_root.and_then(|path| Space::of(&path)),
        images: images::presence(daemon, store, install, images)?,
    })
}

/// The wanted ports that somebody else has.
fn taken(
    install: &InstallDir,
    daemon: Option<&Daemon>,
    ports: &[SocketAddr],
) -> Outcome<Vec<(SocketAddr, String)>> {
    let busy: Vec<SocketAddr> =
        ports.iter().copied().filter(|port| TcpListener::bind(port).is_err()).collect();
    if busy.is_empty() || is_ours(install, daemon)? {
        return Ok(Vec::new());
    }
    Ok(busy.into_iter().map(|port| (port, holder(port))).collect())
}

/// Whether the install itself runs already: then the ports are taken by it.
fn is_ours(install: &InstallDir, daemon: Option<&Daemon>) -> Outcome<bool> {
    if Supervised::of(install).record()?.is_some_and(|record| {
        record.supervisor.is_alive()
            || record.engine.as_ref().is_some_and(ProcessIdentity::is_alive)
    }) {
        return Ok(true);
    }
    if systemd::Unit::of(install.name()).is_some_and(|unit| unit.exists() && unit.is_active()) {
        return Ok(true);
    }
    let Some(daemon) = daemon else { return Ok(false) };
    let containers = Containers::of(daemon, project(install.name())).list()?;
    Ok(containers.iter().any(|container| {
        container.service == crate::compose::ENGINE_SERVICE && !container.ports.is_empty()
    }))
}

/// Who listens at `address`: ` by rivet-engine (process 42)`, or nothing where it cannot be told.
fn holder(address: SocketAddr) -> String {
    let found = crate::install::prove::listeners()
        .into_iter()
        .find(|listener| listener.address.port() == address.port() && listener.pid.is_some());
    let Some(pid) = found.and_then(|listener| listener.pid) else { return String::new() };
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
    format!(" by {name} (process {pid})")
}
