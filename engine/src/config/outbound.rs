//! The block `outbound`: where the engine may connect to.

use super::values::Values;
use crate::outbound::Policy;

/// Where the engine may connect to.
pub(super) fn outbound(values: &Values) -> Policy {
    Policy {
        allow_loopback: values.switch("outbound.allow_loopback"),
        allow_private_networks: values.switch("outbound.allow_private_networks"),
        allow_insecure_scheme: values.switch("outbound.allow_insecure_scheme"),
        allow_networks: values.list("outbound.allow_cidrs"),
        deny_networks: values.list("outbound.deny_cidrs"),
        allow_hosts: values.list("outbound.allow_hosts"),
        max_redirects: values.number("outbound.max_redirects"),
    }
}
