//! Taking an install away, in an order that can be interrupted and repeated.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use serde::Serialize;

use super::load;
use crate::{
    docker::Daemon,
    error::Outcome,
    runtime::{containers::Containers, supervise::Supervised, systemd},
    site::{
        InstallDir, durable,
        state::{InstallState, Runtime, project},
    },
};

/// What happens to the engine's data and the secrets that belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DataFate {
    /// They stay: a later install of the same name takes them up again.
    Keep,
    /// They are deleted.
    Purge,
}

/// What will be removed, and what stays.
#[derive(Debug, Serialize)]
pub(crate) struct Removal {
    pub(crate) install: String,
    pub(crate) data: DataFate,
    pub(crate) containers: Vec<String>,
    pub(crate) volumes: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) processes: Vec<String>,
    pub(crate) paths: Vec<Utf8PathBuf>,
    pub(crate) kept: Vec<String>,
}

impl Removal {
    fn nothing(dir: &InstallDir, data: DataFate) -> Self {
        Self {
            install: dir.name().to_string(),
            data,
            containers: Vec::new(),
            volumes: Vec::new(),
            tags: Vec::new(),
            processes: Vec::new(),
            paths: Vec::new(),
            kept: Vec::new(),
        }
    }
}

/// Looks at what there is to remove.
pub(crate) fn look(
    dir: &InstallDir,
    state: &InstallState,
    daemon: Option<&Daemon>,
    data: DataFate,
) -> Outcome<Removal> {
    let mut removal = Removal::nothing(dir, data);
    if let Some(daemon) = daemon {
        let containers = Containers::of(daemon, state.project());
        removal.containers =
            containers.list()?.into_iter().map(|container| container.service).collect();
        let volumes = containers.volumes()?;
        match data {
            DataFate::Purge => removal.volumes = volumes,
            DataFate::Keep => {
                removal.kept.extend(volumes.iter().map(|name| format!("volume {name}")));
            }
        }
        removal.tags = state.images.iter().map(|image| image.tag.clone()).collect();
    }
    if let Some(unit) = systemd::Unit::of(dir.name()).filter(systemd::Unit::exists) {
        removal.processes.push(format!("systemd unit {}", unit.name()));
    }
    if let Some(record) = Supervised::of(dir).running()? {
        removal.processes.push(format!("supervisor (process {})", record.supervisor.pid));
    }
    match data {
        DataFate::Purge => removal.paths.push(dir.path().to_owned()),
        DataFate::Keep => {
            removal.paths =
                vec![dir.path().join("generations"), dir.current(), dir.logs(), dir.state_file()];
            removal.kept.extend([dir.data().into_string(), dir.secrets().into_string()]);
        }
    }
    Ok(removal)
}

/// Looks at what an earlier removal has left.
pub(crate) fn look_at_leftovers(
    dir: &InstallDir,
    daemon: Option<&Daemon>,
    data: DataFate,
) -> Outcome<Removal> {
    let mut removal = Removal::nothing(dir, data);
    match data {
        DataFate::Purge => removal.paths.push(dir.path().to_owned()),
        DataFate::Keep => removal.kept.push(dir.path().to_string()),
    }
    if let Some(daemon) = daemon {
        removal.volumes = Containers::of(daemon, project(dir.name())).volumes()?;
    }
    Ok(removal)
}

/// Removes what an earlier removal has left.
pub(crate) fn remove_leftovers(dir: &InstallDir, daemon: Option<&Daemon>) -> Outcome {
    if let Some(daemon) = daemon {
        Containers::of(daemon, project(dir.name())).remove_volumes()?;
    }
    Ok(durable::remove_dir(dir.path())?)
}

/// Removes it. The state goes last, so that until then the command can be repeated.
pub(crate) fn remove(
    dir: &InstallDir,
    state: &mut InstallState,
    daemon: Option<&Daemon>,
    data: DataFate,
) -> Outcome {
    state.removing = true;
    state.complete = false;
    state.store(dir)?;
    if state.settings.runtime == Runtime::Binary {
        if let Some(unit) = systemd::Unit::of(dir.name()) {
            unit.remove()?;
        }
        Supervised::of(dir).stop()?;
    }
    if let Some(daemon) = daemon {
        let containers = Containers::of(daemon, state.project());
        containers.remove()?;
        if data == DataFate::Purge {
            containers.remove_volumes()?;
        }
        let tags: BTreeSet<&str> = state.images.iter().map(|image| image.tag.as_str()).collect();
        for tag in tags {
            load::untag(daemon, tag)?;
        }
    }
    durable::remove_dir(&dir.path().join("generations"))?;
    durable::remove_file(&dir.current())?;
    durable::remove_dir(&dir.logs())?;
    durable::remove_file(&dir.path().join("supervisor.lock"))?;
    if data == DataFate::Purge {
        durable::remove_dir(&dir.data())?;
        durable::remove_dir(&dir.secrets())?;
    }
    durable::remove_file(&dir.state_file())?;
    if data == DataFate::Purge {
        durable::remove_dir(dir.path())?;
    }
    Ok(())
}
