//! The block `pegboard`: the times of actors, envoys and serverless pools.

use std::time::Duration;

use super::{
    ConfigError,
    merge::Merged,
    values::{millis, number},
};
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
pub(super) fn actors(merged: &mut Merged) -> Result<Rules, ConfigError> {
    let default = Rules::default();
    Ok(Rules {
        start_threshold: at(merged, "actor_start_threshold", default.start_threshold)?,
        stop_threshold: at(merged, "actor_stop_threshold", default.stop_threshold)?,
        retry: RetryRules {
            base: at(merged, "base_retry_timeout", default.retry.base)?,
            max_exponent: exponent(
                merged,
                "pegboard.reschedule_backoff_max_exponent",
                default.retry.max_exponent,
            )?,
            reset: at(merged, "retry_reset_duration", default.retry.reset)?,
        },
        serverless_retry: RetryRules {
            base: at(merged, "serverless_base_retry_timeout", default.serverless_retry.base)?,
            max_exponent: exponent(
                merged,
                "pegboard.serverless_backoff_max_exponent",
                default.serverless_retry.max_exponent,
            )?,
            reset: at(merged, "serverless_retry_reset_duration", default.serverless_retry.reset)?,
        },
        give_up: at(merged, "actor_retry_duration_threshold", default.give_up)?,
    })
}

/// The times and limits of envoys.
pub(super) fn envoys(merged: &mut Merged) -> Result<EnvoySettings, ConfigError> {
    Ok(EnvoySettings {
        eligible_threshold: at(merged, "envoy_eligible_threshold", 10_000)?,
        lost_threshold: at(merged, "envoy_lost_threshold", 15_000)?,
        ping_interval: Duration::from_millis(
            at(merged, "envoy_update_ping_interval", 3_000)?.max(1),
        ),
        ping_timeout: Duration::from_millis(at(merged, "envoy_ping_timeout", 15_000)?),
        max_response_payload: at(merged, "envoy_max_response_payload_size", 20 << 20)?,
    })
}

/// How serverless pools are looked after.
pub(super) fn serverless(merged: &mut Merged) -> Result<ServerlessSettings, ConfigError> {
    let successes = "pegboard.runner_pool_consecutive_successes_to_clear_error";
    let successes = number(merged, successes, u64::from(u32::MAX))?.unwrap_or(3);
    Ok(ServerlessSettings {
        default_poll_interval: Duration::from_millis(at(
            merged,
            "default_metadata_poll_interval",
            10_000,
        )?),
        min_poll_interval: Duration::from_millis(at(merged, "min_metadata_poll_interval", 5_000)?),
        successes_to_clear_error: narrow(successes),
    })
}

fn at(merged: &mut Merged, name: &str, default: u64) -> Result<u64, ConfigError> {
    millis(merged, &format!("pegboard.{name}"), default)
}

fn exponent(merged: &mut Merged, key: &str, default: u32) -> Result<u32, ConfigError> {
    Ok(number(merged, key, u64::from(u32::MAX))?.map_or(default, narrow))
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).expect("it was read with the bound of a u32")
}
