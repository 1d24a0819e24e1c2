//! The block `outbound`: where the engine may connect to.

use ipnet::IpNet;

use super::{
    ConfigError,
    merge::Merged,
    values::{boolean, list, number},
};
use crate::outbound::Policy;

/// Where the engine may connect to.
pub(super) fn outbound(merged: &mut Merged) -> Result<Policy, ConfigError> {
    let default = Policy::default();
    let redirects = number(merged, "outbound.max_redirects", 100)?;
    Ok(Policy {
        allow_loopback: boolean(merged, "outbound.allow_loopback")?
            .unwrap_or(default.allow_loopback),
        allow_private_networks: boolean(merged, "outbound.allow_private_networks")?
            .unwrap_or(default.allow_private_networks),
        allow_insecure_scheme: boolean(merged, "outbound.allow_insecure_scheme")?
            .unwrap_or(default.allow_insecure_scheme),
        allow_networks: networks(merged, "outbound.allow_cidrs")?,
        deny_networks: networks(merged, "outbound.deny_cidrs")?,
        allow_hosts: list(merged, "outbound.allow_hosts", "host names", |text| {
            (!text.is_empty()).then(|| text.to_owned())
        })?,
        max_redirects: match redirects {
            None => default.max_redirects,
            Some(redirects) => usize::try_from(redirects).expect("it is at most 100"),
        },
    })
}

fn networks(merged: &mut Merged, key: &str) -> Result<Vec<IpNet>, ConfigError> {
    list(merged, key, "networks (10.0.0.0/8, fd00::/8)", |text| text.parse().ok())
}
