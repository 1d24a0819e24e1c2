//! The keys of actors, envoys and pools.

use super::{
    Key, Kind, Preset,
    kind::{BYTES, COUNT, COUNT_32, MICROS, MILLIS},
};

const NO_RUNNERS: &str = "there are no runners of the protocol before envoys; see pegboard.envoy_*";
const OTHER_BALANCE: &str = "the envoy with the fewest actors is taken";
const NO_LIMIT: &str = "it is not limited here";
const OWN_BOOKKEEPING: &str = "envoys are kept account of in another way";

pub(super) const KEYS: &[Key] = &[
    Key::upstream(
        "pegboard.actor_start_threshold",
        MILLIS,
        Preset::Number(30_000),
        "how long an actor may take to start",
    ),
    Key::upstream(
        "pegboard.actor_stop_threshold",
        MILLIS,
        Preset::Number(1_800_000),
        "how long an actor may take to stop; the upper bound of a pool's `drain_grace_period`",
    ),
    Key::upstream(
        "pegboard.base_retry_timeout",
        MILLIS,
        Preset::Number(2_000),
        "an actor that no envoy can take is tried again after twice this time, then after four times, and so on",
    ),
    Key::upstream(
        "pegboard.reschedule_backoff_max_exponent",
        COUNT_32,
        Preset::Number(8),
        "how often that wait doubles at most",
    ),
    Key::upstream(
        "pegboard.retry_reset_duration",
        MILLIS,
        Preset::Number(600_000),
        "after so long without a failure the wait begins anew",
    ),
    Key::upstream(
        "pegboard.actor_retry_duration_threshold",
        MILLIS,
        Preset::Number(300_000),
        "after so long of failures an actor sleeps until somebody asks for it",
    ),
    Key::upstream(
        "pegboard.serverless_base_retry_timeout",
        MILLIS,
        Preset::Number(2_000),
        "as `pegboard.base_retry_timeout`, for actors of serverless pools",
    ),
    Key::upstream(
        "pegboard.serverless_backoff_max_exponent",
        COUNT_32,
        Preset::Number(8),
        "as `pegboard.reschedule_backoff_max_exponent`, for actors of serverless pools",
    ),
    Key::upstream(
        "pegboard.serverless_retry_reset_duration",
        MILLIS,
        Preset::Number(600_000),
        "as `pegboard.retry_reset_duration`, for actors of serverless pools",
    ),
    Key::upstream(
        "pegboard.envoy_eligible_threshold",
        MILLIS,
        Preset::Number(10_000),
        "an envoy that was not heard of for longer gets no more actors",
    ),
    Key::upstream(
        "pegboard.envoy_lost_threshold",
        MILLIS,
        Preset::Number(15_000),
        "an envoy that is gone for longer has lost its actors",
    ),
    Key::upstream(
        "pegboard.envoy_update_ping_interval",
        MILLIS,
        Preset::Number(3_000),
        "how often envoys are pinged; at least 1",
    ),
    Key::upstream(
        "pegboard.envoy_ping_timeout",
        MILLIS,
        Preset::Number(15_000),
        "an envoy that does not answer for longer is disconnected",
    ),
    Key::upstream(
        "pegboard.envoy_max_response_payload_size",
        BYTES,
        Preset::Number(20 << 20),
        "the largest body that an actor may answer a request with",
    ),
    Key::upstream(
        "pegboard.default_metadata_poll_interval",
        MILLIS,
        Preset::Number(10_000),
        "how often a serverless pool is asked for its metadata, where its config does not say",
    ),
    Key::upstream(
        "pegboard.min_metadata_poll_interval",
        MILLIS,
        Preset::Number(5_000),
        "how often at most",
    ),
    Key::upstream(
        "pegboard.runner_pool_consecutive_successes_to_clear_error",
        COUNT_32,
        Preset::Number(3),
        "after so many requests that went well, a serverless pool's last error is forgotten",
    ),
    Key::upstream(
        "pegboard.serverless_drain_grace_period",
        MILLIS,
        Preset::Nothing,
        "how long serverless requests may end in",
    )
    .without_effect("each pool's config has a `drain_grace_period`"),
    Key::upstream(
        "pegboard.actor_allocation_threshold",
        MILLIS,
        Preset::Nothing,
        "how long finding an envoy may take",
    )
    .without_effect("an envoy is found at once, or waited for"),
    Key::upstream(
        "pegboard.actor_allocation_candidate_sample_size",
        COUNT,
        Preset::Nothing,
        "how many envoys are looked at",
    )
    .without_effect(OTHER_BALANCE),
    Key::upstream(
        "pegboard.pool_desired_max_override",
        COUNT,
        Preset::Nothing,
        "an upper bound for all pools",
    )
    .without_effect("each pool's config has its own bound"),
    Key::upstream(
        "pegboard.hibernating_request_eligible_threshold",
        MILLIS,
        Preset::Nothing,
        "how long a sleeping socket counts as connected",
    )
    .without_effect("a sleeping socket counts as long as it is open"),
    Key::upstream(
        "pegboard.preload_max_total_bytes",
        BYTES,
        Preset::Nothing,
        "how much data an actor is started with",
    )
    .without_effect("apps ask for the data of their actors"),
    Key::upstream(
        "pegboard.actor_create_rate_limit_requests",
        COUNT,
        Preset::Nothing,
        "how many actors may be created",
    )
    .without_effect(NO_LIMIT),
    Key::upstream(
        "pegboard.actor_create_rate_limit_drip_rate_ms",
        MILLIS,
        Preset::Nothing,
        "how fast that number grows again",
    )
    .without_effect(NO_LIMIT),
    Key::upstream(
        "pegboard.envoy_websocket_rate_limit_requests",
        COUNT,
        Preset::Nothing,
        "how many messages an envoy may send",
    )
    .without_effect(NO_LIMIT),
    Key::upstream(
        "pegboard.envoy_websocket_rate_limit_drip_rate_us",
        MICROS,
        Preset::Nothing,
        "how fast that number grows again",
    )
    .without_effect(NO_LIMIT),
    Key::upstream(
        "pegboard.envoy_event_demuxer_gc_interval",
        MILLIS,
        Preset::Nothing,
        "how often an envoy's events are cleaned up",
    )
    .without_effect(OWN_BOOKKEEPING),
    Key::upstream(
        "pegboard.envoy_event_demuxer_max_last_seen_threshold",
        MILLIS,
        Preset::Nothing,
        "when an actor's events are forgotten",
    )
    .without_effect(OWN_BOOKKEEPING),
    Key::upstream(
        "pegboard.envoy_expire_scheduler_max_concurrent_expires",
        COUNT,
        Preset::Nothing,
        "how many envoys are given up at once",
    )
    .without_effect(OWN_BOOKKEEPING),
    Key::upstream(
        "pegboard.envoy_expire_scheduler_max_pending",
        COUNT,
        Preset::Nothing,
        "how many envoys wait for that",
    )
    .without_effect(OWN_BOOKKEEPING),
    Key::upstream(
        "pegboard.envoy_load_balancer.hash.virtual_nodes",
        COUNT,
        Preset::Nothing,
        "how envoys are chosen",
    )
    .without_effect(OTHER_BALANCE),
    Key::upstream(
        "pegboard.envoy_load_balancer.hash.samples",
        COUNT,
        Preset::Nothing,
        "how envoys are chosen",
    )
    .without_effect(OTHER_BALANCE),
    Key::upstream(
        "pegboard.envoy_load_balancer.hash.max_scan",
        COUNT,
        Preset::Nothing,
        "how envoys are chosen",
    )
    .without_effect(OTHER_BALANCE),
    Key::upstream(
        "pegboard.envoy_load_balancer.hash.slot_jitter",
        COUNT,
        Preset::Nothing,
        "how envoys are chosen",
    )
    .without_effect(OTHER_BALANCE),
    Key::upstream(
        "pegboard.envoy_load_balancer.hash.use_snapshot_read",
        Kind::Bool,
        Preset::Nothing,
        "how envoys are chosen",
    )
    .without_effect(OTHER_BALANCE),
    Key::upstream(
        "pegboard.runner_eligible_threshold",
        MILLIS,
        Preset::Nothing,
        "when a runner gets no more actors",
    )
    .without_effect(NO_RUNNERS),
    Key::upstream(
        "pegboard.runner_lost_threshold",
        MILLIS,
        Preset::Nothing,
        "when a runner is given up",
    )
    .without_effect(NO_RUNNERS),
    Key::upstream(
        "pegboard.runner_max_response_payload_body_size",
        BYTES,
        Preset::Nothing,
        "the largest answer of a runner",
    )
    .without_effect(NO_RUNNERS),
    Key::upstream(
        "pegboard.runner_update_ping_interval_ms",
        MILLIS,
        Preset::Nothing,
        "how often runners are pinged",
    )
    .without_effect(NO_RUNNERS),
    Key::upstream(
        "pegboard.runner_ping_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "when a silent runner is disconnected",
    )
    .without_effect(NO_RUNNERS),
    Key::upstream(
        "pegboard.runner_event_demuxer_gc_interval_ms",
        MILLIS,
        Preset::Nothing,
        "how often a runner's events are cleaned up",
    )
    .without_effect(NO_RUNNERS),
    Key::upstream(
        "pegboard.runner_event_demuxer_max_last_seen_ms",
        MILLIS,
        Preset::Nothing,
        "when an actor's events are forgotten",
    )
    .without_effect(NO_RUNNERS),
];
