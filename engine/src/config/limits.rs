//! The block `limits`: how much may be there at once. 0 is any number.

use std::time::Duration;

use super::values::Values;
use crate::limits::{ConcurrencyLimits, ConnectionLimits};

/// The smallest room that a connection reads a head into.
const HEAD_BYTES_MIN: usize = 8 << 10;

/// How connections are bounded.
pub(super) fn connections(values: &Values) -> ConnectionLimits {
    let head_bytes: usize = values.number("limits.max_head_bytes");
    ConnectionLimits {
        all: values.number("limits.max_connections"),
        per_address: values.number("limits.max_connections_per_address"),
        head_timeout: time(values, "limits.head_timeout_ms"),
        body_timeout: time(values, "limits.body_timeout_ms"),
        head_bytes: head_bytes.max(HEAD_BYTES_MIN),
    }
}

/// What may be in flight to actors.
pub(super) fn concurrency(values: &Values) -> ConcurrencyLimits {
    ConcurrencyLimits {
        requests_per_actor: values.number("limits.max_requests_per_actor"),
        requests_per_namespace: values.number("limits.max_requests_per_namespace"),
        sockets_per_actor: values.number("limits.max_sockets_per_actor"),
        sockets_per_namespace: values.number("limits.max_sockets_per_namespace"),
    }
}

/// Never 0: nothing would ever come in time.
fn time(values: &Values, key: &str) -> Duration {
    values.millis(key).max(Duration::from_millis(1))
}
