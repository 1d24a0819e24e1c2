//! The host ports that the vendor's services will publish, as far as they can be told before
//! Compose reads the file: so that a taken port is noticed before anything is changed.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use serde_yaml_ng::{Mapping, Value};

/// The addresses that `service` publishes TCP ports at. Ranges and what cannot be told are left to
/// Docker, which refuses them later and more roughly.
pub(super) fn ports(service: &Mapping, variables: &BTreeMap<&str, &str>) -> Vec<SocketAddr> {
    let ports = service.get("ports").and_then(Value::as_sequence).into_iter().flatten();
    ports.filter_map(|port| address(port, variables)).collect()
}

fn address(port: &Value, variables: &BTreeMap<&str, &str>) -> Option<SocketAddr> {
    let text = |value: &Value| match value {
        Value::String(text) => interpolate(text, variables),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let (host, published, protocol) = match port {
        Value::Mapping(long) => (
            long.get("host_ip").map_or(Some(String::new()), text)?,
            text(long.get("published")?)?,
            long.get("protocol").map_or(Some("tcp".to_owned()), text)?,
        ),
        short => {
            let short = text(short)?;
            let (short, protocol) = short.rsplit_once('/').unwrap_or((&short, "tcp"));
            let (rest, _container) = short.rsplit_once(':')?;
            let (host, published) = rest.rsplit_once(':').unwrap_or(("", rest));
            (host.to_owned(), published.to_owned(), protocol.to_owned())
        }
    };
    let host = match host.trim_start_matches('[').trim_end_matches(']') {
        "" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        host => host.parse().ok()?,
    };
    let published = published.parse::<u16>().ok().filter(|port| *port > 0)?;
    (protocol == "tcp").then_some(SocketAddr::new(host, published))
}

/// Fills in `$NAME`, `${NAME}` and `${NAME:-default}`; none for anything less plain.
fn interpolate(text: &str, variables: &BTreeMap<&str, &str>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        let (expression, left) = if let Some(inside) = after.strip_prefix('{') {
            inside.split_once('}')?
        } else {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len()))
        };
        let (name, default) = match expression.split_once(":-").or(expression.split_once('-')) {
            Some((name, default)) => (name, Some(default)),
            None => (expression, None),
        };
        filled
            .push_str(variables.get(name).copied().filter(|value| !value.is_empty()).or(default)?);
        rest = left;
    }
    filled.push_str(rest);
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(port: &str) -> Option<String> {
        let port = serde_yaml_ng::from_str(port).unwrap();
        address(&port, &BTreeMap::from([("PORT", "8080"), ("BIND", "10.0.0.1")]))
            .map(|port| port.to_string())
    }

    #[test]
    fn published_addresses_are_read_from_every_spelling() {
        for (port, expected) in [
            ("'127.0.0.1:${PORT}:80'", "127.0.0.1:8080"),
            ("'$PORT:80'", "0.0.0.0:8080"),
            ("'${BIND}:${OTHER:-9000}:80/tcp'", "10.0.0.1:9000"),
            ("'[::1]:8443:443'", "[::1]:8443"),
            ("{target: 80, published: 8081, host_ip: 127.0.0.1}", "127.0.0.1:8081"),
            ("{target: 80, published: '${PORT}'}", "0.0.0.0:8080"),
        ] {
            assert_eq!(found(port).as_deref(), Some(expected), "{port}");
        }
    }

    #[test]
    fn what_docker_chooses_or_what_cannot_be_told_is_left_out() {
        for port in [
            "80",
            "'127.0.0.1::80'",
            "'53:53/udp'",
            "'8000-8010:80'",
            "'${UNKNOWN}:80'",
            "{target: 80}",
        ] {
            assert_eq!(found(port), None, "{port}");
        }
    }
}
