//! Which addresses does a name stand for? What the hosts file says, then what the name servers of this
//! host say.

use std::{
    io,
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use hickory_resolver::{TokioResolver, config::LookupIpStrategy};

/// Nobody knows the name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name {0:?} does not resolve")]
pub struct Unresolved(pub String);

/// Asks the name servers of this host: a static program has no others to ask. Cloning it is cheap.
///
/// Where the host names no server (no `resolv.conf`), only its hosts file and addresses are
/// understood. The usual clients would ask a public server then; this engine asks nobody.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Made at the first question, inside of the runtime.
    servers: Arc<OnceLock<Option<TokioResolver>>>,
}

impl Names {
    /// The addresses of `host`, in the order in which they are to be tried.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Unresolved> {
        let unresolved = || Unresolved(host.to_owned());
        if let Some(known) = from_hosts_file(host) {
            return Ok(known);
        }
        let servers = self.servers.get_or_init(of_this_host).as_ref().ok_or_else(unresolved)?;
        let found = servers.lookup_ip(host).await.map_err(|error| {
            tracing::debug!(host, %error, "a name was not resolved");
            unresolved()
        })?;
        Ok(found.iter().collect())
    }
}

fn of_this_host() -> Option<TokioResolver> {
    let mut builder = TokioResolver::builder_tokio()
        .inspect_err(|error| tracing::warn!(%error, "this host names no name server"))
        .ok()?;
    builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    builder
        .build()
        .inspect_err(|error| tracing::warn!(%error, "the name servers of this host are not usable"))
        .ok()
}

/// What the hosts file says. It is small, and changes while the engine runs.
fn from_hosts_file(host: &str) -> Option<Vec<IpAddr>> {
    let text = match std::fs::read_to_string("/etc/hosts") {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            tracing::debug!(%error, "the hosts file could not be read");
            String::new()
        }
    };
    let found = entries(&text, host);
    if found.is_empty() && host.trim_end_matches('.').eq_ignore_ascii_case("localhost") {
        return Some(vec![
            IpAddr::from([127, 0, 0, 1]),
            IpAddr::from([0_u16, 0, 0, 0, 0, 0, 0, 1]),
        ]);
    }
    (!found.is_empty()).then_some(found)
}

fn entries(text: &str, host: &str) -> Vec<IpAddr> {
    let host = host.trim_end_matches('.');
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let named = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let address: IpAddr = words.next()?.parse().ok()?;
        words.any(|name| name.eq_ignore_ascii_case(host)).then_some(address)
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_file_names_addresses_in_any_letter_case() {
        let text =
            "127.0.0.1 localhost\n# 9.9.9.9 app\n10.0.0.5\tapp App.internal # app\n::1 app\n";
        let addresses = |host: &str| -> Vec<String> {
            entries(text, host).iter().map(ToString::to_string).collect()
        };

        assert_eq!(addresses("APP.internal."), ["10.0.0.5"]);
        assert_eq!(addresses("app"), ["10.0.0.5", "::1"]);
        assert!(addresses("9.9.9.9").is_empty());
    }

    #[test]
    fn this_host_is_known_without_a_hosts_file() {
        let found = from_hosts_file("localhost").unwrap();

        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback));
    }
}
