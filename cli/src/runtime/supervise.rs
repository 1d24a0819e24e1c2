//! The engine as a supervised process, for hosts without systemd.
//!
//! `rivetctl supervise` is the supervisor: a detached process that runs the engine, starts it
//! again when it ends, and writes its output to `logs/engine.log`. This module is both its body
//! and the way the other commands start, stop and look at it.

mod body;
mod log;

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::{RuntimeError, process::ProcessIdentity};
use crate::{
    error::FileError,
    site::{InstallDir, durable},
};

pub(crate) use body::run;

/// How long the supervisor has to say that it is there.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// How long the engine, and so the supervisor, has to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(40);

/// What the supervisor writes down about itself and its engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// The supervisor.
    pub(crate) supervisor: ProcessIdentity,
    /// The engine, while one runs.
    pub(crate) engine: Option<ProcessIdentity>,
    /// How often the engine ended and was started again.
    pub(crate) restarts: u64,
    /// The engine's command line.
    pub(crate) command: Vec<String>,
}

/// The supervised engine of one install.
#[derive(Debug)]
pub(crate) struct Supervised<'a> {
    install: &'a InstallDir,
}

impl<'a> Supervised<'a> {
    /// The engine of `install`.
    pub(crate) fn of(install: &'a InstallDir) -> Self {
        Self { install }
    }

    /// What was written down, if a supervisor ever ran.
    pub(crate) fn record(&self) -> Result<Option<Record>, RuntimeError> {
        let bytes = durable::read_if_there(&record_file(self.install.path()))?;
        // A record that cannot be read says nothing about a running process.
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// The record of a supervisor that runs now.
    pub(crate) fn running(&self) -> Result<Option<Record>, RuntimeError> {
        Ok(self.record()?.filter(|record| record.supervisor.is_alive()))
    }

    /// Starts a supervisor for `command`, unless one with this very command runs already.
    pub(crate) fn start(
        &self,
        rivetctl: &Utf8Path,
        command: &[String],
    ) -> Result<(), RuntimeError> {
        match self.running()? {
            Some(record) if record.command == command => return Ok(()),
            Some(_) => self.stop()?,
            None => self.stop_orphan()?,
        }
        let log_path = self.install.logs().join("supervisor.log");
        let log = std::fs::File::create(&log_path).map_err(FileError::on("write", &log_path))?;
        let errors = log.try_clone().map_err(FileError::on("write", &log_path))?;
        let mut child = Command::new(rivetctl)
            .args(["supervise", "--dir", self.install.path().as_str(), "--"])
            .args(command)
            .env_clear()
            .envs(std::env::var_os("RUST_LOG").map(|filter| ("RUST_LOG", filter)))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(|source| RuntimeError::Spawn { program: rivetctl.to_string(), source })?;
        let started = Instant::now();
        while started.elapsed() < START_PATIENCE {
            if self.running()?.is_some_and(|record| record.supervisor.pid == child.id()) {
                return Ok(());
            }
            if matches!(child.try_wait(), Ok(Some(_))) {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let said = std::fs::read_to_string(&log_path).unwrap_or_default().trim().to_owned();
        Err(RuntimeError::SupervisorSilent { seconds: START_PATIENCE.as_secs(), said })
    }

    /// Stops engine and supervisor; fine when neither runs.
    pub(crate) fn stop(&self) -> Result<(), RuntimeError> {
        if let Some(record) = self.running()? {
            record.supervisor.stop(STOP_PATIENCE)?;
        }
        self.stop_orphan()?;
        Ok(durable::remove_file(&record_file(self.install.path()))?)
    }

    /// The last lines of the engine's output.
    pub(crate) fn last_lines(&self, count: usize) -> String {
        let text = std::fs::read(log_file(self.install.path())).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }

    /// Ends an engine whose supervisor was killed: it would hold the ports and the data.
    fn stop_orphan(&self) -> Result<(), RuntimeError> {
        match self.record()?.and_then(|record| record.engine) {
            Some(engine) if engine.is_alive() => engine.stop(STOP_PATIENCE),
            _ => Ok(()),
        }
    }
}

/// Where the engine's output goes.
pub(crate) fn log_file(install: &Utf8Path) -> Utf8PathBuf {
    install.join("logs").join("engine.log")
}

fn record_file(install: &Utf8Path) -> Utf8PathBuf {
    install.join("supervisor.json")
}
