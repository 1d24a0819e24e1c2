//! What can go wrong between rivetctl and whatever runs the engine.

use std::borrow::Cow;

use crate::{
    docker::DockerError,
    error::{Class, Explain, FileError},
    site::SiteError,
};

/// Why the engine could not be started, stopped or looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RuntimeError {
    #[error("`{program} {action}` failed ({status}): {said}")]
    Compose { program: String, action: String, status: String, said: String },

    #[error("`systemctl {action}` failed: {said}")]
    Systemctl { action: String, said: String },

    #[error("cannot start {program}")]
    Spawn { program: String, source: std::io::Error },

    #[error("the supervisor did not come up within {seconds} s: {said}")]
    SupervisorSilent { seconds: u64, said: String },

    #[error("process {pid} did not stop within {seconds} s")]
    WillNotStop { pid: u32, seconds: u64 },

    #[error("the path {path:?} holds a character that {place} cannot have")]
    AwkwardPath { path: String, place: &'static str },

    #[error("no service {service:?} in this install; there are {known}")]
    UnknownService { service: String, known: String },

    #[error(transparent)]
    Docker(#[from] DockerError),

    #[error(transparent)]
    Site(#[from] SiteError),

    #[error(transparent)]
    File(#[from] FileError),
}

impl Explain for RuntimeError {
    fn class(&self) -> Class {
        match self {
            Self::Compose { .. }
            | Self::Systemctl { .. }
            | Self::Spawn { .. }
            | Self::SupervisorSilent { .. }
            | Self::WillNotStop { .. } => Class::Daemon,
            Self::AwkwardPath { .. } => Class::Preflight,
            Self::UnknownService { .. } => Class::Usage,
            Self::Docker(error) => error.class(),
            Self::Site(error) => error.class(),
            Self::File(error) => error.class(),
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Compose { .. } => "RCTL-COMPOSE-FAILED",
            Self::Systemctl { .. } => "RCTL-SYSTEMCTL-FAILED",
            Self::Spawn { .. } => "RCTL-SPAWN",
            Self::SupervisorSilent { .. } => "RCTL-SUPERVISOR",
            Self::WillNotStop { .. } => "RCTL-WILL-NOT-STOP",
            Self::AwkwardPath { .. } => "RCTL-PATH-AWKWARD",
            Self::UnknownService { .. } => "RCTL-NO-SERVICE",
            Self::Docker(error) => return error.code(),
            Self::Site(error) => return error.code(),
            Self::File(error) => return error.code(),
        }
        .into()
    }

    fn advice(&self) -> String {
        match self {
            Self::Compose { .. } => {
                "Mend what it says and run the same command again; finished steps are not repeated."
                    .into()
            }
            Self::Systemctl { .. } => {
                "`journalctl -u UNIT` and `systemctl status UNIT` say more.".into()
            }
            Self::Spawn { .. } => {
                "Check that the file exists, may be executed, and is not on a noexec mount.".into()
            }
            Self::SupervisorSilent { .. } => {
                "logs/supervisor.log in the install's directory says more.".into()
            }
            Self::WillNotStop { pid, .. } => {
                format!("Look at what process {pid} waits for; the command can be repeated.")
            }
            Self::AwkwardPath { .. } => "Choose a plainer directory with --root.".into(),
            Self::UnknownService { .. } => "Name one of them, or none for all.".into(),
            Self::Docker(error) => error.advice(),
            Self::Site(error) => error.advice(),
            Self::File(error) => error.advice(),
        }
    }
}
