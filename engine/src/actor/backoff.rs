//! How long an actor waits before it is placed again.

use super::{RetryRules, Rules};
use crate::keyspace::tables::Retries;

/// The most that is added to a wait so that actors do not come back all at once.
pub(super) const MAX_JITTER: u64 = 500;

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterFailure {
    /// The next attempt is at this time.
    RetryAt(u64),
    /// It has failed for too long.
    GiveUp,
}

/// Counts a failed attempt at `now`. `jitter` is any number.
pub(super) fn failed(
    retries: &mut Retries,
    rules: &Rules,
    retry: RetryRules,
    now: u64,
    jitter: u64,
) -> AfterFailure {
    if retries.count == 0 || now.saturating_sub(retries.last_ts) > retry.reset {
        *retries = Retries { count: 0, first_ts: now, last_ts: now };
    }
    retries.count = retries.count.saturating_add(1);
    retries.last_ts = now;
    if now.saturating_sub(retries.first_ts) > rules.give_up {
        *retries = Retries::default();
        return AfterFailure::GiveUp;
    }
    let exponent = retries.count.min(retry.max_exponent);
    let wait = retry.base.saturating_mul(1_u64.checked_shl(exponent).unwrap_or(u64::MAX));
    AfterFailure::RetryAt(now.saturating_add(wait).saturating_add(jitter % (MAX_JITTER + 1)))
}
