//! Published ports: on which of the host's addresses they open.

use serde_yaml_ng::Value;

use super::{Scan, service::text};

/// Reports a service that listens beyond loopback.
pub(super) fn check(service: &str, value: &Value, scan: &mut Scan<'_>) {
    let Some(ports) = value.as_sequence() else {
        scan.problem(
            "RCTL-COMPOSE-YAML",
            format!("services.{service}.ports"),
            text(value),
            "Write a list of ports.",
        );
        return;
    };
    if ports.iter().any(|port| !is_loopback(&host_address(port))) {
        scan.risk(
            "publishes-on-all-interfaces",
            service,
            "publishes a port on addresses that other machines can reach",
        );
    }
}

/// The address part of a port; empty when there is none, which means all interfaces.
fn host_address(port: &Value) -> String {
    match port {
        Value::Mapping(long) => long.get("host_ip").map(text).unwrap_or_default(),
        short => {
            let short = text(short);
            let parts = split_outside_braces(&short);
            // Container port, host port, and whatever is before them: an IPv6 address has colons.
            let address = parts[..parts.len().saturating_sub(2)].join(":");
            address.trim_start_matches('[').trim_end_matches(']').to_owned()
        }
    }
}

fn is_loopback(address: &str) -> bool {
    address == "localhost"
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Splits at colons that are not part of a `${NAME:-default}`.
pub(super) fn split_outside_braces(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => (),
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(port: &str) -> bool {
        !is_loopback(&host_address(&serde_yaml_ng::from_str(port).unwrap()))
    }

    #[test]
    fn only_loopback_addresses_are_quiet() {
        for port in [
            "'127.0.0.1:80:8080'",
            "'127.0.0.1:${PORT:-8080}:80'",
            "'[::1]:80:80'",
            "'127.0.0.1::80'",
            "{target: 80, host_ip: 127.0.0.1}",
        ] {
            assert!(!open(port), "{port}");
        }
        for port in [
            "80",
            "'8080:80'",
            "'0.0.0.0:80:80'",
            "'${BIND:-127.0.0.1}:80:80'",
            "'[::]:80:80'",
            "'10.0.0.1:80:80'",
            "{target: 80, published: 80}",
        ] {
            assert!(open(port), "{port}");
        }
    }
}
