//! Whether values that are fine by themselves hold together.

use std::net::IpAddr;

use super::{ConfigError, Listen, Settings, access, topology, values::Values};

/// What does not hold together in `settings`, which were made of `values`. Where a value is broken,
/// nothing is said that depends on it: its own problem comes first.
pub(super) fn contradictions(values: &Values, settings: &Settings) -> Vec<ConfigError> {
    let listeners = [settings.guard, settings.api_peer, settings.metrics];
    let mut found = Vec::new();
    let listening_is_known =
        !listeners.iter().any(|listen| values.is_broken(&format!("{}.", listen.block)));
    if listening_is_known {
        if !values.is_broken("auth.") {
            let hosts = listeners.map(|listen| listen.host);
            found.extend(access::contradiction(values, &settings.auth, hosts));
        }
        for (index, first) in listeners.iter().enumerate() {
            let others = listeners[index + 1..].iter();
            found.extend(others.filter(|other| collide(first, other)).map(|other| {
                ConfigError::Contradiction(format!(
                    "`{}.port` and `{}.port` are both {} on the same address: set one of them to \
                     another port",
                    first.block, other.block, first.port
                ))
            }));
        }
    }
    if !values.is_broken("topology.") {
        found.extend(topology::contradiction(values, &settings.datacenter));
    }
    found
}

/// Whether the system would refuse the second of these listeners because of the first.
fn collide(first: &Listen, second: &Listen) -> bool {
    let covers = |a: IpAddr, b: IpAddr| {
        // `::` takes IPv4 connections, too.
        a == b || (a.is_unspecified() && (a.is_ipv6() || b.is_ipv4()))
    };
    first.port != 0
        && first.port == second.port
        && (covers(first.host, second.host) || covers(second.host, first.host))
}
