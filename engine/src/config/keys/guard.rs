//! The keys of the API port and of the gateway behind it.

use super::{
    Key, Kind, Preset,
    kind::{BYTES, COUNT, COUNT_32, MILLIS, PORT, Unit, number},
};

const ONE_PROCESS: &str = "requests are routed within one process, without these steps";
const NO_LIMIT: &str = "it is not limited here; limit it in the proxy in front of the engine";
const OTHER_SOCKETS: &str = "sockets have the deadlines of pegboard.gateway_websocket_open_timeout_ms \
                             and pegboard.envoy_ping_timeout";
const NO_TLS: &str = "it serves plain HTTP; remove the block and put a TLS proxy in front of it";
const TLS: &str = "guard.https";

pub(super) const KEYS: &[Key] = &[
    Key::upstream("guard.host", Kind::Address, Preset::Text("::"), "where the API listens"),
    Key::upstream("guard.port", PORT, Preset::Number(6420), "its port"),
    Key::upstream(
        "guard.tcp_nodelay",
        Kind::Bool,
        Preset::Bool(true),
        "answers are sent at once, rather than collected into larger packets",
    ),
    Key::upstream(
        "guard.http_max_request_body_size",
        BYTES,
        Preset::Number(20 << 20),
        "a request that announces a larger body is answered 413, unread. The routes of this version read 2 MiB",
    ),
    Key::upstream(
        "guard.actor_ready_timeout_ms",
        MILLIS,
        Preset::Number(30_000),
        "how long a request waits for its actor to run",
    ),
    Key::upstream(
        "guard.proxy_retry_max_attempts",
        number(Unit::Count, 100),
        Preset::Number(7),
        "how often a GET or HEAD request is delivered when actors stop before they answer. Other requests are never delivered twice",
    ),
    Key::upstream(
        "guard.proxy_retry_initial_interval_ms",
        MILLIS,
        Preset::Number(150),
        "the first pause in between; each pause is twice the one before",
    ),
    Key::upstream(
        "guard.websocket_max_message_size",
        number(Unit::Bytes, u32::MAX as u64),
        Preset::Number(32 << 20),
        "the largest message of a client's WebSocket",
    ),
    Key::upstream(
        "guard.websocket_max_frame_size",
        number(Unit::Bytes, u32::MAX as u64),
        Preset::Number(32 << 20),
        "the largest frame of a client's WebSocket",
    ),
    Key::upstream(
        "guard.enable_websocket_health_route",
        Kind::Bool,
        Preset::Nothing,
        "a WebSocket to probe",
    )
    .without_effect("probes use /health"),
    Key::upstream(
        "guard.route_cache_ttl_ms",
        MILLIS,
        Preset::Nothing,
        "how long routes are cached",
    )
    .without_effect(ONE_PROCESS),
    Key::upstream("guard.route_timeout_ms", MILLIS, Preset::Nothing, "how long routing may take")
        .without_effect(ONE_PROCESS),
    Key::upstream(
        "guard.route_dispatch_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long a step of routing may take",
    )
    .without_effect(ONE_PROCESS),
    Key::upstream(
        "guard.route_api_public_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long a step of routing may take",
    )
    .without_effect(ONE_PROCESS),
    Key::upstream(
        "guard.route_compute_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long a step of routing may take",
    )
    .without_effect(ONE_PROCESS),
    Key::upstream(
        "guard.route_auth_check_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long a step of routing may take",
    )
    .without_effect(ONE_PROCESS),
    Key::upstream(
        "guard.route_pegboard_subscribe_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long a step of routing may take",
    )
    .without_effect(ONE_PROCESS),
    Key::upstream(
        "guard.route_pegboard_fetch_actor_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long a step of routing may take",
    )
    .without_effect(ONE_PROCESS),
    Key::upstream(
        "guard.route_pegboard_auth_check_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long a step of routing may take",
    )
    .without_effect(ONE_PROCESS),
    Key::upstream(
        "guard.route_pegboard_wake_signal_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long a step of routing may take",
    )
    .without_effect(ONE_PROCESS),
    Key::upstream(
        "guard.route_pegboard_resolve_query_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long a step of routing may take",
    )
    .without_effect(ONE_PROCESS),
    Key::upstream(
        "guard.actor_force_wake_pending_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "when a waiting actor is woken by force",
    )
    .without_effect("a waiting actor is started as soon as an envoy can take it"),
    Key::upstream(
        "guard.rate_limit.requests",
        COUNT,
        Preset::Nothing,
        "how many requests an address may send in a period",
    )
    .without_effect(NO_LIMIT),
    Key::upstream("guard.rate_limit.period_ms", MILLIS, Preset::Nothing, "how long that period is")
        .without_effect(NO_LIMIT),
    Key::upstream(
        "guard.max_in_flight",
        COUNT,
        Preset::Nothing,
        "how many requests of an address may run at once",
    )
    .without_effect(NO_LIMIT),
    Key::upstream(
        "guard.upstream_request_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long a request may take",
    )
    .without_effect("pegboard.gateway_response_start_timeout_ms is the deadline"),
    Key::upstream(
        "guard.websocket_setup_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long a socket may take to open",
    )
    .without_effect(OTHER_SOCKETS),
    Key::upstream(
        "guard.websocket_connect_attempt_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long one try may take",
    )
    .without_effect(OTHER_SOCKETS),
    Key::upstream(
        "guard.websocket_send_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long sending may take",
    )
    .without_effect(OTHER_SOCKETS),
    Key::upstream(
        "guard.websocket_flush_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long sending may take",
    )
    .without_effect(OTHER_SOCKETS),
    Key::upstream(
        "guard.http_client_pool_idle_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long idle connections are kept",
    )
    .without_effect(ONE_PROCESS),
    Key::upstream(
        "guard.admission_client_state_cache_capacity",
        COUNT,
        Preset::Nothing,
        "how many addresses are counted",
    )
    .without_effect(NO_LIMIT),
    Key::upstream(
        "guard.admission_client_state_cache_idle_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "how long an address is counted",
    )
    .without_effect(NO_LIMIT),
    Key::upstream(
        "guard.trace_propagation",
        Kind::Bool,
        Preset::Bool(false),
        "whether trace headers are taken over from clients",
    )
    .without_effect("headers of traces reach the actor as they came"),
    Key::upstream("guard.https", Kind::Any, Preset::Nothing, "TLS on a port of its own")
        .refused(TLS, NO_TLS),
    Key::upstream("guard.https.port", PORT, Preset::Nothing, "the port of TLS")
        .refused(TLS, NO_TLS),
    Key::upstream("guard.https.tls.actor_cert_path", Kind::Path, Preset::Nothing, "a certificate")
        .refused(TLS, NO_TLS),
    Key::upstream("guard.https.tls.actor_key_path", Kind::Path, Preset::Nothing, "its key")
        .refused(TLS, NO_TLS),
    Key::upstream("guard.https.tls.api_cert_path", Kind::Path, Preset::Nothing, "a certificate")
        .refused(TLS, NO_TLS),
    Key::upstream("guard.https.tls.api_key_path", Kind::Path, Preset::Nothing, "its key")
        .refused(TLS, NO_TLS),
    Key::upstream(
        "pegboard.gateway_http_max_request_body_size",
        BYTES,
        Preset::Derived("`guard.http_max_request_body_size`"),
        "the largest request body that is passed on to an actor; never more than `guard.http_max_request_body_size`",
    ),
    Key::upstream(
        "pegboard.gateway_response_start_timeout_ms",
        MILLIS,
        Preset::Number(300_000),
        "how long an actor may take to begin its answer",
    ),
    Key::upstream(
        "pegboard.gateway_response_chunk_idle_timeout_ms",
        MILLIS,
        Preset::Number(0),
        "how long a streamed answer may pause; `0`: for ever",
    ),
    Key::upstream(
        "pegboard.gateway_websocket_open_timeout_ms",
        MILLIS,
        Preset::Number(15_000),
        "how long an app may take to open a WebSocket, or to take one up again",
    ),
    Key::upstream(
        "pegboard.gateway_hws_message_ack_timeout_ms",
        MILLIS,
        Preset::Number(30_000),
        "how long a message may be unconfirmed, for each WebSocket that survives its actor's sleep",
    ),
    Key::upstream(
        "pegboard.gateway_hws_max_pending_size",
        BYTES,
        Preset::Number(128 << 20),
        "how many bytes of such messages are kept, for each of these sockets",
    ),
    Key::upstream(
        "pegboard.gateway_update_ping_interval_ms",
        MILLIS,
        Preset::Nothing,
        "how often the gateway pings actors",
    )
    .without_effect(ONE_PROCESS),
    Key::upstream(
        "pegboard.gateway_gc_interval_ms",
        MILLIS,
        Preset::Nothing,
        "how often the gateway cleans up",
    )
    .without_effect(ONE_PROCESS),
    Key::upstream(
        "pegboard.gateway_tunnel_ping_timeout_ms",
        MILLIS,
        Preset::Nothing,
        "when the gateway gives an actor up",
    )
    .without_effect(ONE_PROCESS),
    Key::upstream(
        "pegboard.gateway_websocket_rate_limit_requests",
        COUNT_32,
        Preset::Nothing,
        "how many messages a socket may send",
    )
    .without_effect(NO_LIMIT),
    Key::upstream(
        "pegboard.gateway_websocket_rate_limit_drip_rate_ms",
        MILLIS,
        Preset::Nothing,
        "how fast that number grows again",
    )
    .without_effect(NO_LIMIT),
    Key::upstream(
        "pegboard.gateway_http_response_body_channel_capacity",
        COUNT,
        Preset::Nothing,
        "how much of an answer waits",
    )
    .without_effect("what may wait is bounded by windows"),
    Key::upstream(
        "pegboard.gateway_http_response_queue_max_messages",
        COUNT,
        Preset::Nothing,
        "how much of an answer waits",
    )
    .without_effect("what may wait is bounded by windows"),
    Key::upstream(
        "pegboard.gateway_streaming_http_response_queue_max_bytes",
        BYTES,
        Preset::Nothing,
        "how much of an answer waits",
    )
    .without_effect("what may wait is bounded by windows"),
];
