//! Where may the engine connect to? The operator's policy for URLs that users register.
//!
//! Whoever may register a pool tells the engine to call a URL. Addresses that only the host itself
//! or its network reaches are a way to talk to services that trust them: so an address is judged
//! after its name is resolved, and again for each redirect. Pure: nothing is resolved here.

mod kind;

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use self::kind::{Kind, embedded, kind};

/// What may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether this host may be called.
    pub allow_loopback: bool,
    /// Whether addresses of private networks may be called.
    pub allow_private_networks: bool,
    /// Whether plain HTTP may be spoken.
    pub allow_insecure_scheme: bool,
    /// Networks that may be called whatever kind they are of.
    pub allow_networks: Vec<IpNet>,
    /// Networks that may never be called.
    pub deny_networks: Vec<IpNet>,
    /// Hosts that may be called wherever they are.
    pub allow_hosts: Vec<String>,
    /// How many redirects are followed.
    pub max_redirects: usize,
}

impl Default for Policy {
    /// Upstream's values.
    fn default() -> Self {
        Self {
            allow_loopback: true,
            allow_private_networks: true,
            allow_insecure_scheme: true,
            allow_networks: Vec::new(),
            deny_networks: Vec::new(),
            allow_hosts: Vec::new(),
            max_redirects: 4,
        }
    }
}

/// Why a destination is not called. The words are those that clients of upstream know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// Not HTTP.
    #[error("scheme {0:?} is not allowed, expected http or https")]
    Scheme(String),
    /// Plain HTTP, where TLS is wanted.
    #[error("plaintext http is not allowed, use https")]
    Plaintext,
    /// A user name or a password in the URL, which logs and answers would show.
    #[error("url must not contain embedded credentials")]
    Credentials,
    /// No host to call.
    #[error("url has no host")]
    NoHost,
    /// An address in a denied network.
    #[error("address {0} is explicitly denied")]
    Denied(IpAddr),
    /// An address of a kind that is not called.
    #[error("address {address} is not an allowed destination ({kind})")]
    Special {
        /// The address.
        address: IpAddr,
        /// Its kind.
        kind: &'static str,
    },
    /// Sent on too often.
    #[error("exceeded the maximum of {0} redirects")]
    Redirects(usize),
    /// Every address of the host is blocked.
    #[error("host {0:?} resolved to no allowed addresses")]
    NoAllowedAddress(String),
    /// Nobody knows the host.
    #[error("failed to resolve host {0:?}")]
    Unresolved(String),
}

impl Policy {
    /// Judges what a URL says. A name in it is judged when it is resolved.
    pub fn check_url(&self, url: &Url) -> Result<(), Blocked> {
        match url.scheme() {
            "https" => {}
            "http" if self.allow_insecure_scheme => {}
            "http" => return Err(Blocked::Plaintext),
            other => return Err(Blocked::Scheme(other.to_owned())),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Blocked::Credentials);
        }
        let address = match url.host() {
            None => return Err(Blocked::NoHost),
            Some(Host::Domain(_)) => return Ok(()),
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
        };
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        if self.exempts(host) { self.check_denied(address) } else { self.check_address(address) }
    }

    /// Those of the addresses of `host` that may be called.
    pub fn allowed(
        &self,
        host: &str,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> Result<Vec<IpAddr>, Blocked> {
        let exempt = self.exempts(host);
        let may_be_called = |address: &IpAddr| {
            let judged =
                if exempt { self.check_denied(*address) } else { self.check_address(*address) };
            judged.is_ok()
        };
        let allowed: Vec<_> = addresses.into_iter().filter(may_be_called).collect();
        if allowed.is_empty() {
            return Err(Blocked::NoAllowedAddress(host.to_owned()));
        }
        Ok(allowed)
    }

    fn exempts(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        self.allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }

    fn check_address(&self, address: IpAddr) -> Result<(), Blocked> {
        self.check_denied(address)?;
        let meant = embedded(address);
        let listed = |network: &IpNet| network.contains(&address) || network.contains(&meant);
        if self.allow_networks.iter().any(listed) {
            return Ok(());
        }
        match kind(meant) {
            Kind::Public => Ok(()),
            Kind::Loopback if self.allow_loopback => Ok(()),
            Kind::Private(_) if self.allow_private_networks => Ok(()),
            Kind::Loopback => Err(Blocked::Special { address, kind: "loopback" }),
            Kind::Private(kind) | Kind::Never(kind) => Err(Blocked::Special { address, kind }),
        }
    }

    fn check_denied(&self, address: IpAddr) -> Result<(), Blocked> {
        let meant = embedded(address);
        let listed = |network: &IpNet| network.contains(&address) || network.contains(&meant);
        if self.deny_networks.iter().any(listed) {
            return Err(Blocked::Denied(address));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
