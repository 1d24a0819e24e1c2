//! Every key there is: its kind, and what it does in this engine.

/// What a value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Text that is never shown.
    Secret,
    /// A whole number, not negative.
    Number,
    /// `true` or `false`.
    Bool,
    /// A list; in a variable, separated by commas.
    List,
    /// Whatever upstream takes there.
    Any,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// What it says.
    Used,
    /// Nothing; the engine warns once.
    Ignored,
    /// Nothing, because what it switches on does not exist here; the engine warns when it is on.
    AlwaysOff,
    /// The engine does not start with it, for this reason.
    Refused(&'static str),
}

/// A key.
#[derive(Debug, Clone, Copy)]
pub struct KnownKey {
    /// Its path. `*` stands for any one name.
    pub path: &'static str,
    /// What its value has to be.
    pub kind: Kind,
    /// What it does.
    pub effect: Effect,
}

const SINGLE_NODE: &str =
    "it stores its data in RocksDB on one node; remove the key and set file_system.path";
const NO_TLS: &str = "it serves plain HTTP; remove the block and put a TLS proxy in front of it";
const NO_EXPORT: &str = "it sends data nowhere; remove the block and collect its logs and metrics";

/// The keys with an effect of their own, or with a reason not to have one.
const SPECIFIC: &[KnownKey] = &[
    used("auth.admin_token", Kind::Secret),
    used("auth.admin_token_file", Kind::Text),
    used("auth.insecure_allow_unauthenticated", Kind::Bool),
    used("auth.gateway", Kind::Text),
    used("auth.failures_per_minute", Kind::Number),
    used("audit.max_entries", Kind::Number),
    used("audit.max_age_days", Kind::Number),
    used("checkpoints.max_count", Kind::Number),
    used("checkpoints.max_age_days", Kind::Number),
    used("file_system.path", Kind::Text),
    used("file_system.durability", Kind::Text),
    used("guard.host", Kind::Text),
    used("guard.port", Kind::Number),
    used("guard.tcp_nodelay", Kind::Bool),
    used("guard.http_max_request_body_size", Kind::Number),
    used("guard.actor_ready_timeout_ms", Kind::Number),
    used("guard.proxy_retry_max_attempts", Kind::Number),
    used("guard.proxy_retry_initial_interval_ms", Kind::Number),
    used("guard.websocket_max_message_size", Kind::Number),
    used("guard.websocket_max_frame_size", Kind::Number),
    used("api_peer.host", Kind::Text),
    used("api_peer.port", Kind::Number),
    used("metrics.host", Kind::Text),
    used("metrics.port", Kind::Number),
    used("topology.datacenter_label", Kind::Number),
    used("topology.datacenters", Kind::Any),
    used("topology.datacenters.*.name", Kind::Text),
    used("topology.datacenters.*.datacenter_label", Kind::Number),
    used("topology.datacenters.*.public_url", Kind::Text),
    ignored("topology.datacenters.*.is_leader"),
    ignored("topology.datacenters.*.peer_url"),
    ignored("topology.datacenters.*.proxy_url"),
    ignored("topology.datacenters.*.valid_hosts"),
    used("pegboard.actor_start_threshold", Kind::Number),
    used("pegboard.actor_stop_threshold", Kind::Number),
    used("pegboard.gateway_websocket_open_timeout_ms", Kind::Number),
    used("pegboard.gateway_response_start_timeout_ms", Kind::Number),
    used("pegboard.gateway_response_chunk_idle_timeout_ms", Kind::Number),
    used("pegboard.gateway_hws_message_ack_timeout_ms", Kind::Number),
    used("pegboard.gateway_hws_max_pending_size", Kind::Number),
    used("pegboard.gateway_http_max_request_body_size", Kind::Number),
    used("pegboard.actor_retry_duration_threshold", Kind::Number),
    used("pegboard.base_retry_timeout", Kind::Number),
    used("pegboard.retry_reset_duration", Kind::Number),
    used("pegboard.reschedule_backoff_max_exponent", Kind::Number),
    used("pegboard.serverless_base_retry_timeout", Kind::Number),
    used("pegboard.serverless_retry_reset_duration", Kind::Number),
    used("pegboard.serverless_backoff_max_exponent", Kind::Number),
    used("pegboard.default_metadata_poll_interval", Kind::Number),
    used("pegboard.min_metadata_poll_interval", Kind::Number),
    used("pegboard.runner_pool_consecutive_successes_to_clear_error", Kind::Number),
    used("pegboard.envoy_eligible_threshold", Kind::Number),
    used("pegboard.envoy_lost_threshold", Kind::Number),
    used("pegboard.envoy_ping_timeout", Kind::Number),
    used("pegboard.envoy_update_ping_interval", Kind::Number),
    used("pegboard.envoy_max_response_payload_size", Kind::Number),
    used("outbound.allow_loopback", Kind::Bool),
    used("outbound.allow_private_networks", Kind::Bool),
    used("outbound.allow_insecure_scheme", Kind::Bool),
    used("outbound.allow_cidrs", Kind::List),
    used("outbound.deny_cidrs", Kind::List),
    used("outbound.allow_hosts", Kind::List),
    used("outbound.max_redirects", Kind::Number),
    used("sqlite.max_storage_bytes", Kind::Number),
    used("runtime.guard_shutdown_duration", Kind::Number),
    KnownKey { path: "telemetry.enabled", kind: Kind::Bool, effect: Effect::AlwaysOff },
    refused("postgres.url", SINGLE_NODE),
    refused("postgres.ssl.root_cert_path", SINGLE_NODE),
    refused("postgres.ssl.client_cert_path", SINGLE_NODE),
    refused("postgres.ssl.client_key_path", SINGLE_NODE),
    refused("nats.addresses", SINGLE_NODE),
    refused("nats.port", SINGLE_NODE),
    refused("nats.username", SINGLE_NODE),
    refused("nats.password", SINGLE_NODE),
    refused("nats.client_capacity", SINGLE_NODE),
    refused("nats.subscription_capacity", SINGLE_NODE),
    refused("nats.disable_memory_optimization", SINGLE_NODE),
    refused("postgres_notify", SINGLE_NODE),
    refused("postgres_notify.*", SINGLE_NODE),
    refused("guard.https", NO_TLS),
    refused("guard.https.port", NO_TLS),
    refused("guard.https.tls.actor_cert_path", NO_TLS),
    refused("guard.https.tls.actor_key_path", NO_TLS),
    refused("guard.https.tls.api_cert_path", NO_TLS),
    refused("guard.https.tls.api_key_path", NO_TLS),
    refused("clickhouse", NO_EXPORT),
    refused("clickhouse.*", NO_EXPORT),
    refused("clickhouse.*.*", NO_EXPORT),
];

/// The keys of upstream that have no effect here: by block, then by name.
const IGNORED: &[(&str, &[&str])] = &[
    ("memory", &["channel"]),
    ("features.guard_gateway_v3", &["mode", "percentage"]),
    ("cache", &["enabled", "driver"]),
    ("logs", &["redirect_logs_dir"]),
    ("pyroscope", &["server_url", "sample_rate"]),
    (
        "runtime",
        &[
            "worker_cpu_max",
            "worker_load_shedding_curve",
            "worker_load_shedding_beta",
            "worker_shutdown_duration",
            "force_shutdown_duration",
            "allow_version_rollback",
            "gasoline_prune_*",
        ],
    ),
    (
        "sqlite",
        &[
            "unstable_disable_commit_size_cap",
            "unstable_disable_compaction",
            "compaction_*",
            "manager_*",
            "actor_read_bytes_per_second",
            "actor_write_bytes_per_second",
            "pitr.interval_ms",
            "pitr.retention_ms",
        ],
    ),
    (
        "guard",
        &[
            "enable_websocket_health_route",
            "route_cache_ttl_ms",
            "route_timeout_ms",
            "route_dispatch_timeout_ms",
            "route_api_public_timeout_ms",
            "route_compute_timeout_ms",
            "route_auth_check_timeout_ms",
            "route_pegboard_subscribe_timeout_ms",
            "route_pegboard_fetch_actor_timeout_ms",
            "route_pegboard_auth_check_timeout_ms",
            "route_pegboard_wake_signal_timeout_ms",
            "route_pegboard_resolve_query_timeout_ms",
            "actor_force_wake_pending_timeout_ms",
            "rate_limit",
            "rate_limit.requests",
            "rate_limit.period_ms",
            "max_in_flight",
            "upstream_request_timeout_ms",
            "websocket_setup_timeout_ms",
            "websocket_connect_attempt_timeout_ms",
            "websocket_send_timeout_ms",
            "websocket_flush_timeout_ms",
            "http_client_pool_idle_timeout_ms",
            "admission_client_state_cache_capacity",
            "admission_client_state_cache_idle_timeout_ms",
            "trace_propagation",
        ],
    ),
    (
        "pegboard",
        &[
            "actor_allocation_threshold",
            "runner_*",
            "hibernating_request_eligible_threshold",
            "serverless_drain_grace_period",
            "pool_desired_max_override",
            "actor_allocation_candidate_sample_size",
            "actor_create_rate_limit_requests",
            "actor_create_rate_limit_drip_rate_ms",
            "gateway_update_ping_interval_ms",
            "gateway_gc_interval_ms",
            "gateway_tunnel_ping_timeout_ms",
            "gateway_websocket_rate_limit_requests",
            "gateway_websocket_rate_limit_drip_rate_ms",
            "gateway_http_response_body_channel_capacity",
            "gateway_http_response_queue_max_messages",
            "gateway_streaming_http_response_queue_max_bytes",
            "envoy_event_demuxer_gc_interval",
            "envoy_event_demuxer_max_last_seen_threshold",
            "envoy_load_balancer.hash.virtual_nodes",
            "envoy_load_balancer.hash.samples",
            "envoy_load_balancer.hash.max_scan",
            "envoy_load_balancer.hash.use_snapshot_read",
            "envoy_expire_scheduler_max_concurrent_expires",
            "envoy_expire_scheduler_max_pending",
            "envoy_websocket_rate_limit_requests",
            "envoy_websocket_rate_limit_drip_rate_us",
            "preload_max_total_bytes",
        ],
    ),
];

/// The key with this path.
pub fn find(path: &str) -> Option<KnownKey> {
    let specific = SPECIFIC.iter().find(|known| matches(known.path, path)).copied();
    let accepted = || {
        IGNORED.iter().any(|(block, names)| {
            let name = path.strip_prefix(block).and_then(|rest| rest.strip_prefix('.'));
            name.is_some_and(|name| names.iter().any(|pattern| matches(pattern, name)))
        })
    };
    specific.or_else(|| accepted().then(|| ignored("*")))
}

/// Whether there are keys below this path.
pub fn is_table(path: &str) -> bool {
    all().any(|known| {
        let (mut pattern, mut names) = (known.split('.'), path.split('.'));
        names.all(|name| pattern.next().is_some_and(|segment| segment_matches(segment, name)))
            && pattern.next().is_some()
    })
}

/// The known key that looks most like this one, when one does.
pub fn nearest(path: &str) -> Option<String> {
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(known, path);
    all()
        .filter(|known| !known.contains('*'))
        .map(|known| (likeness(&known), known))
        .filter(|(likeness, _)| *likeness > 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// The keys that are used or refused: those that an operator has to know.
#[cfg(test)]
pub(super) fn with_effect() -> impl Iterator<Item = &'static str> {
    SPECIFIC.iter().filter(|known| known.effect != Effect::Ignored).map(|known| known.path)
}

/// Every key, as its path.
fn all() -> impl Iterator<Item = String> {
    let specific = SPECIFIC.iter().map(|known| known.path.to_owned());
    let ignored = IGNORED
        .iter()
        .flat_map(|(block, names)| names.iter().map(move |name| format!("{block}.{name}")));
    specific.chain(ignored)
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('.'), path.split('.'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(segment), Some(name)) if segment_matches(segment, name) => {}
            _ => return false,
        }
    }
}

fn segment_matches(segment: &str, name: &str) -> bool {
    match segment.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => segment == name,
    }
}

const fn used(path: &'static str, kind: Kind) -> KnownKey {
    KnownKey { path, kind, effect: Effect::Used }
}

const fn ignored(path: &'static str) -> KnownKey {
    KnownKey { path, kind: Kind::Any, effect: Effect::Ignored }
}

const fn refused(path: &'static str, reason: &'static str) -> KnownKey {
    KnownKey { path, kind: Kind::Any, effect: Effect::Refused(reason) }
}
