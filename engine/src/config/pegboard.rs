//! The block `pegboard`: the times of actors, envoys and serverless pools.

use std::time::Duration;

use super::values::Values;
use crate::actor::{RetryRules, Rules};

/// The times and limits of envoys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvoySettings {
    /// An envoy whose last pong is older gets no more actors, in milliseconds.
    pub eligible_threshold: u64,
    /// An envoy that is gone for longer has lost its actors, in milliseconds.
    pub lost_threshold: u64,
    /// How often envoys are pinged.
    pub ping_interval: Duration,
    /// An envoy that has not answered a ping for longer is disconnected.
    pub ping_timeout: Duration,
    /// The largest body that an envoy may answer a request with, in bytes.
    pub max_response_payload: u64,
}

/// How serverless pools are looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerlessSettings {
    /// How often a pool's metadata is fetched, unless its config says so.
    pub default_poll_interval: Duration,
    /// How often at most.
    pub min_poll_interval: Duration,
    /// After so many requests without an error the pool's last error is forgotten.
    pub successes_to_clear_error: u32,
}

/// The times in the life of actors.
pub(super) fn actors(values: &Values) -> Rules {
    Rules {
        start_threshold: values.number("pegboard.actor_start_threshold"),
        stop_threshold: values.number("pegboard.actor_stop_threshold"),
        retry: RetryRules {
            base: values.number("pegboard.base_retry_timeout"),
            max_exponent: values.number("pegboard.reschedule_backoff_max_exponent"),
            reset: values.number("pegboard.retry_reset_duration"),
        },
        serverless_retry: RetryRules {
            base: values.number("pegboard.serverless_base_retry_timeout"),
            max_exponent: values.number("pegboard.serverless_backoff_max_exponent"),
            reset: values.number("pegboard.serverless_retry_reset_duration"),
        },
        give_up: values.number("pegboard.actor_retry_duration_threshold"),
    }
}

/// The times and limits of envoys.
pub(super) fn envoys(values: &Values) -> EnvoySettings {
    let ping_interval = values.number::<u64>("pegboard.envoy_update_ping_interval").max(1);
    EnvoySettings {
        eligible_threshold: values.number("pegboard.envoy_eligible_threshold"),
        lost_threshold: values.number("pegboard.envoy_lost_threshold"),
        ping_interval: Duration::from_millis(ping_interval),
        ping_timeout: values.millis("pegboard.envoy_ping_timeout"),
        max_response_payload: values.number("pegboard.envoy_max_response_payload_size"),
    }
}

/// How serverless pools are looked after.
pub(super) fn serverless(values: &Values) -> ServerlessSettings {
    ServerlessSettings {
        default_poll_interval: values.millis("pegboard.default_metadata_poll_interval"),
        min_poll_interval: values.millis("pegboard.min_metadata_poll_interval"),
        successes_to_clear_error: values
            .number("pegboard.runner_pool_consecutive_successes_to_clear_error"),
    }
}
