//! Proof that what was started is healthy and closed, by asking it from outside.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, Instant},
};

use crate::{
    engine_api::{EngineApi, EngineApiError, Health},
    error::{Class, Explain},
    site::secret::Secret,
};

/// How long an engine has to become healthy.
pub(crate) const HEALTH_PATIENCE: Duration = Duration::from_secs(90);

/// How long the product's services have to settle.
pub(crate) const SERVICES_PATIENCE: Duration = Duration::from_mins(3);

/// Between two looks.
pub(crate) const POLL: Duration = Duration::from_millis(100);

/// Tokens that documentation shows and clients default to. None of them may open anything.
const WELL_KNOWN: [&str; 2] = ["admin", "dev"];

/// What was found instead of a healthy, closed engine.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProofError {
    #[error("the engine was not healthy within {seconds} s ({last}); it said last: {said}")]
    Unhealthy { seconds: u64, last: String, said: String },

    #[error("the engine answered {status} to its own token, expected 200")]
    TokenRefused { status: u16 },

    #[error("the engine answered {status} to {whom}, expected 401 or 403")]
    Open { status: u16, whom: String },

    #[error("{what} listens at {found}; planned was {planned}")]
    WiderThanPlanned { what: String, found: String, planned: String },

    #[error("telemetry is not off in {path}")]
    Telemetry { path: camino::Utf8PathBuf },

    #[error("the install's network {network} gives containers a way out of the host")]
    WayOut { network: String },

    #[error("the service {service} is {state} after {seconds} s; it said last: {said}")]
    ServiceUnwell { service: String, state: String, seconds: u64, said: String },
}

impl Explain for ProofError {
    fn class(&self) -> Class {
        Class::Health
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::Unhealthy { .. } => "RCTL-PROVE-HEALTH",
            Self::TokenRefused { .. } => "RCTL-PROVE-TOKEN",
            Self::Open { .. } => "RCTL-PROVE-OPEN",
            Self::WiderThanPlanned { .. } => "RCTL-PROVE-PORT",
            Self::Telemetry { .. } => "RCTL-PROVE-TELEMETRY",
            Self::WayOut { .. } => "RCTL-PROVE-NETWORK",
            Self::ServiceUnwell { .. } => "RCTL-PROVE-SERVICE",
        }
        .into()
    }

    fn advice(&self) -> String {
        match self {
            Self::Unhealthy { .. } | Self::ServiceUnwell { .. } => {
                "`rivetctl logs NAME` shows more. Mend what it says and run the same command again.".into()
            }
            Self::TokenRefused { .. } | Self::Telemetry { .. } => "Run the same command again; if it stays so, tell the vendor.".into(),
            Self::Open { .. } | Self::WiderThanPlanned { .. } | Self::WayOut { .. } => {
                "Do not use this install: stop it with `rivetctl uninstall NAME` (the data stays) and tell the vendor.".into()
            }
        }
    }
}

/// Waits until the engine says that it is well and ready; `said` gives its last words for the error.
pub(crate) fn wait_healthy(
    api: &EngineApi,
    patience: Duration,
    said: &dyn Fn() -> String,
) -> Result<Health, ProofError> {
    let started = Instant::now();
    loop {
        let last = match api.health().and_then(|health| Ok((api.not_ready()?, health))) {
            Ok((failed, health)) if health.status == "ok" && failed.is_empty() => {
                return Ok(health);
            }
            Ok((_, health)) if health.status != "ok" => {
                format!("its status is {:?}", health.status)
            }
            Ok((failed, _)) => format!("it is not ready: {}", failed.join(", ")),
            Err(error) => error.to_string(),
        };
        if started.elapsed() >= patience {
            let said = last_words(&said());
            return Err(ProofError::Unhealthy { seconds: patience.as_secs(), last, said });
        }
        std::thread::sleep(POLL);
    }
}

/// Proves that the token opens the API and that no token and well-known tokens do not.
pub(crate) fn closed(
    api: &EngineApi,
    token: &Secret,
) -> Result<Result<String, ProofError>, EngineApiError> {
    let status = api.probe(Some(token))?;
    if status != 200 {
        return Ok(Err(ProofError::TokenRefused { status }));
    }
    let mut strangers = vec![("no token".to_owned(), None)];
    strangers.extend(
        WELL_KNOWN
            .map(|name| (format!("the token {name:?}"), Some(Secret::from_text(name.to_owned())))),
    );
    for (whom, stranger) in strangers {
        let status = api.probe(stranger.as_ref())?;
        if !matches!(status, 401 | 403) {
            return Ok(Err(ProofError::Open { status, whom }));
        }
    }
    Ok(Ok("the token opens the API; no token, \"admin\" and \"dev\" are refused".to_owned()))
}

/// The end of a log, printable and on one line.
pub(crate) fn last_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(8)..].join(" | ");
    let last: String = last.chars().filter(|c| !c.is_control()).collect();
    if last.is_empty() { "nothing".to_owned() } else { last }
}

/// A listening TCP socket of this network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    /// Whose it is, where we may know.
    pub(crate) pid: Option<u32>,
}

/// Every listening TCP socket.
pub(crate) fn listeners() -> Vec<Listener> {
    let owners = socket_owners();
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .flat_map(|table| table.lines().skip(1).filter_map(parse_listener).collect::<Vec<_>>())
        .map(|(address, inode)| Listener { address, pid: owners.get(&inode).copied() })
        .collect()
}

/// One line of the kernel's table, if it is a socket in state LISTEN (0A).
fn parse_listener(line: &str) -> Option<(SocketAddr, u64)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    if *fields.get(3)? != "0A" {
        return None;
    }
    let (host, port) = fields.get(1)?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let bytes = hex::decode(host).ok()?;
    // Each group of four bytes is one word in the processor's order, little-endian here.
    let bytes: Vec<u8> = bytes.chunks(4).flat_map(|word| word.iter().rev().copied()).collect();
    let host = match bytes.len() {
        4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => return None,
    };
    Some((SocketAddr::new(host, port), fields.get(9)?.parse().ok()?))
}

/// Socket inode to process, for the processes that we may look at.
fn socket_owners() -> HashMap<u64, u32> {
    let mut owners = HashMap::new();
    let Ok(processes) = std::fs::read_dir("/proc") else { return owners };
    for process in processes.filter_map(Result::ok) {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let Ok(files) = std::fs::read_dir(process.path().join("fd")) else { continue };
        for file in files.filter_map(Result::ok) {
            let Ok(target) = std::fs::read_link(file.path()) else { continue };
            let inode = target
                .to_str()
                .and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
            if let Some(inode) = inode {
                owners.insert(inode, pid);
            }
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_read_right() {
        let v4 = "   0: 0100007F:1914 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1";
        let v6 = "   1: 00000000000000000000000000000000:1914 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4712 1";
        let connected = v4.replace(" 0A ", " 01 ");

        assert_eq!(parse_listener(v4), Some(("127.0.0.1:6420".parse().unwrap(), 4711)));
        assert_eq!(parse_listener(v6), Some(("[::]:6420".parse().unwrap(), 4712)));
        assert_eq!(parse_listener(&connected), None);
    }

    #[test]
    fn our_own_listener_is_found_with_its_process() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();

        let found = listeners().into_iter().find(|listener| listener.address == address).unwrap();

        assert_eq!(found.pid, Some(std::process::id()));
    }
}
