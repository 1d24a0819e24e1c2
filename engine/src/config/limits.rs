//! The block `limits`: how much may be there at once. 0 is any number.

use std::time::Duration;

use super::{ConfigError, merge::Merged, values::number};
use crate::limits::{ConcurrencyLimits, ConnectionLimits, ENVOYS_PER_NAMESPACE};

/// The smallest room that a connection reads a head into.
const HEAD_BYTES_MIN: usize = 8 << 10;

/// How connections are bounded.
pub(super) fn connections(merged: &mut Merged) -> Result<ConnectionLimits, ConfigError> {
    let default = ConnectionLimits::default();
    let head_bytes = count(merged, "limits.max_head_bytes", default.head_bytes)?;
    Ok(ConnectionLimits {
        all: count(merged, "limits.max_connections", default.all)?,
        per_address: count(merged, "limits.max_connections_per_address", default.per_address)?,
        head_timeout: time(merged, "limits.head_timeout_ms", default.head_timeout)?,
        body_timeout: time(merged, "limits.body_timeout_ms", default.body_timeout)?,
        head_bytes: head_bytes.max(HEAD_BYTES_MIN),
    })
}

/// What may be in flight to actors.
pub(super) fn concurrency(merged: &mut Merged) -> Result<ConcurrencyLimits, ConfigError> {
    let default = ConcurrencyLimits::default();
    let mut max = |name: &str, default| count(merged, &format!("limits.max_{name}"), default);
    Ok(ConcurrencyLimits {
        requests_per_actor: max("requests_per_actor", default.requests_per_actor)?,
        requests_per_namespace: max("requests_per_namespace", default.requests_per_namespace)?,
        sockets_per_actor: max("sockets_per_actor", default.sockets_per_actor)?,
        sockets_per_namespace: max("sockets_per_namespace", default.sockets_per_namespace)?,
    })
}

/// How many envoys one namespace may have.
pub(super) fn envoys_per_namespace(merged: &mut Merged) -> Result<usize, ConfigError> {
    count(merged, "limits.max_envoys_per_namespace", ENVOYS_PER_NAMESPACE)
}

fn count(merged: &mut Merged, key: &str, default: usize) -> Result<usize, ConfigError> {
    let given = number(merged, key, u64::from(u32::MAX))?;
    Ok(given.map_or(default, |given| usize::try_from(given).unwrap_or(usize::MAX)))
}

/// Never 0: nothing would ever come in time.
fn time(merged: &mut Merged, key: &str, default: Duration) -> Result<Duration, ConfigError> {
    let given = number(merged, key, u64::from(u32::MAX))?;
    Ok(given.map_or(default, |given| Duration::from_millis(given.max(1))))
}
