//! The connection to the Docker daemon of this host.
//!
//! Only a local socket is accepted: a bundle's bytes and an install's secrets must not leave the
//! host because of a `DOCKER_HOST` somebody once exported.

use std::borrow::Cow;

use bollard::Docker;
use tokio::runtime::Runtime;

use crate::error::{Class, Explain};

/// Where the daemon listens unless told otherwise.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// Oldest Engine API that can do all that is needed: Docker 20.10.
const OLDEST_API: (u32, u32) = (1, 41);

/// Bounds one ordinary request. Loading an image has no such bound: it takes what it takes.
const REQUEST_TIMEOUT_SECONDS: u64 = 120;

/// A daemon that answered and is new enough.
#[derive(Debug)]
pub(crate) struct Daemon {
    docker: Docker,
    runtime: Runtime,
    socket: String,
    version: String,
}

/// Why there is no usable daemon.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DockerError {
    /// `DOCKER_HOST` names another machine, or a transport that could.
    #[error("DOCKER_HOST is {found:?}, but only a local socket (unix:///path) is accepted")]
    Remote { found: String },

    /// Nothing answers.
    #[error("no Docker daemon answers at {socket}")]
    Absent { socket: String, source: bollard::errors::Error },

    /// It answers and is older than 20.10.
    #[error(
        "the Docker daemon at {socket} is version {version} (API {api}), but 20.10 (API 1.41) or newer is needed"
    )]
    TooOld { socket: String, version: String, api: String },

    /// It refused a request.
    #[error("the Docker daemon failed to {doing}")]
    Request { doing: String, source: bollard::errors::Error },

    /// The background runtime could not start.
    #[error("cannot start the runtime that talks to Docker")]
    Runtime(#[source] std::io::Error),
}

impl Explain for DockerError {
    fn class(&self) -> Class {
        match self {
            Self::Remote { .. } | Self::Absent { .. } | Self::TooOld { .. } => Class::Preflight,
            Self::Request { .. } | Self::Runtime(_) => Class::Daemon,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Remote { .. } => "RCTL-DOCKER-REMOTE",
            Self::Absent { .. } => "RCTL-DOCKER-ABSENT",
            Self::TooOld { .. } => "RCTL-DOCKER-OLD",
            Self::Request { .. } => "RCTL-DOCKER-REQUEST",
            Self::Runtime(_) => "RCTL-RUNTIME",
        }
        .into()
    }

    fn advice(&self) -> String {
        match self {
            Self::Remote { .. } => "Unset DOCKER_HOST, or run rivetctl on the Docker host itself.",
            Self::Absent { .. } => {
                "Start Docker (and check that you may use its socket), or use `--runtime binary`."
            }
            Self::TooOld { .. } => "Upgrade Docker, or use `--runtime binary`.",
            Self::Request { .. } => "Look at the daemon's log, mend what it says, and run again.",
            Self::Runtime(_) => "Check the limits on processes and memory.",
        }
        .into()
    }
}

impl Daemon {
    /// Connects to the daemon that `DOCKER_HOST` (or the default socket) names, and checks it.
    pub(crate) fn connect() -> Result<Self, DockerError> {
        let host = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
        Self::connect_to(&socket_of(host.as_deref())?)
    }

    fn connect_to(socket: &str) -> Result<Self, DockerError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(DockerError::Runtime)?;
        let absent = |source| DockerError::Absent { socket: socket.to_owned(), source };
        let docker = {
            let _inside = runtime.enter();
            Docker::connect_with_unix(socket, REQUEST_TIMEOUT_SECONDS, bollard::API_DEFAULT_VERSION)
                .map_err(absent)?
        };
        let docker = runtime.block_on(docker.negotiate_version()).map_err(absent)?;
        let answer = runtime.block_on(docker.version()).map_err(absent)?;
        let version = answer.version.unwrap_or_default();
        let api = answer.api_version.unwrap_or_default();
        if parse_api(&api) < Some(OLDEST_API) {
            return Err(DockerError::TooOld { socket: socket.to_owned(), version, api });
        }
        Ok(Self { docker, runtime, socket: socket.to_owned(), version })
    }

    /// The client. Its futures run through [`Daemon::wait`].
    pub(crate) fn client(&self) -> &Docker {
        &self.docker
    }

    /// Waits for a request; `doing` completes "the Docker daemon failed to …".
    pub(crate) fn wait<T>(
        &self,
        doing: &str,
        request: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<T, DockerError> {
        self.runtime
            .block_on(request)
            .map_err(|source| DockerError::Request { doing: doing.to_owned(), source })
    }

    /// The runtime, for work that streams.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The daemon's socket, to hand to `docker compose`.
    pub(crate) fn socket(&self) -> &str {
        &self.socket
    }

    /// The daemon's version, for people.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

/// The socket path that a `DOCKER_HOST` value names.
fn socket_of(host: Option<&str>) -> Result<String, DockerError> {
    match host {
        None => Ok(DEFAULT_SOCKET.to_owned()),
        Some(host) => match host.strip_prefix("unix://") {
            Some(path) if path.starts_with('/') => Ok(path.to_owned()),
            _ => Err(DockerError::Remote { found: host.to_owned() }),
        },
    }
}

fn parse_api(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_local_socket_is_accepted() {
        assert_eq!(socket_of(None).unwrap(), DEFAULT_SOCKET);
        assert_eq!(socket_of(Some("unix:///run/d.sock")).unwrap(), "/run/d.sock");
        for remote in ["tcp://10.0.0.1:2375", "ssh://host", "unix://relative", "npipe:////./x"] {
            assert!(matches!(socket_of(Some(remote)), Err(DockerError::Remote { .. })), "{remote}");
        }
    }

    #[test]
    fn api_versions_are_compared_as_numbers() {
        assert!(parse_api("1.9") < Some(OLDEST_API));
        assert!(parse_api("1.100") > Some(OLDEST_API));
        assert!(parse_api("") < Some(OLDEST_API));
    }
}
