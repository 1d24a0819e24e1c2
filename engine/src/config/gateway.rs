//! What the operator asks of the gateway.

use std::time::Duration;

use super::{AuthSettings, GatewayAccess, limits, values::Values};
use crate::{limits::ConcurrencyLimits, websocket::MessageLimits};

/// The gateway's limits and times. The defaults are upstream's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewaySettings {
    /// Whether requests to actors need a token. Where nobody has one, they do not.
    pub require_token: bool,
    /// The largest request body that is passed on.
    pub max_request_body: u64,
    /// How long a request waits for its actor.
    pub ready_timeout: Duration,
    /// How long an actor may take to begin its answer.
    pub response_start_timeout: Duration,
    /// How long an answer may pause; `None`: for ever.
    pub chunk_idle_timeout: Option<Duration>,
    /// How often a request that may be repeated is delivered.
    pub retry_attempts: u32,
    /// How long the first pause between two deliveries is. Each one after it is twice as long.
    pub retry_interval: Duration,
    /// How long an app may take to open a socket.
    pub websocket_open_timeout: Duration,
    /// How long an app may take to confirm a message of a socket that survives sleep.
    pub ack_timeout: Duration,
    /// How many bytes of such messages may wait to be confirmed, for each socket.
    pub max_pending: u64,
    /// How much one message may hold.
    pub messages: MessageLimits,
    /// How much may be in flight at once.
    pub concurrency: ConcurrencyLimits,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            require_token: true,
            max_request_body: 20 << 20,
            ready_timeout: Duration::from_secs(30),
            response_start_timeout: Duration::from_mins(5),
            chunk_idle_timeout: None,
            retry_attempts: 7,
            retry_interval: Duration::from_millis(150),
            websocket_open_timeout: Duration::from_secs(15),
            ack_timeout: Duration::from_secs(30),
            max_pending: 128 << 20,
            messages: MessageLimits::default(),
            concurrency: ConcurrencyLimits::default(),
        }
    }
}

impl GatewaySettings {
    /// The settings that `values` ask for, where the API reads bodies of up to `max_request_body`.
    pub(super) fn from_values(values: &Values, auth: &AuthSettings, max_request_body: u64) -> Self {
        let own_limit = values.number_if_set("pegboard.gateway_http_max_request_body_size");
        let pause = values.millis("pegboard.gateway_response_chunk_idle_timeout_ms");
        Self {
            require_token: auth.gateway == GatewayAccess::Token && !auth.is_open(),
            max_request_body: own_limit.unwrap_or(max_request_body).min(max_request_body),
            ready_timeout: values.millis("guard.actor_ready_timeout_ms"),
            response_start_timeout: values.millis("pegboard.gateway_response_start_timeout_ms"),
            chunk_idle_timeout: Some(pause).filter(|pause| !pause.is_zero()),
            retry_attempts: values.number("guard.proxy_retry_max_attempts"),
            retry_interval: values.millis("guard.proxy_retry_initial_interval_ms"),
            websocket_open_timeout: values.millis("pegboard.gateway_websocket_open_timeout_ms"),
            ack_timeout: values.millis("pegboard.gateway_hws_message_ack_timeout_ms"),
            max_pending: values.number("pegboard.gateway_hws_max_pending_size"),
            messages: MessageLimits {
                message: values.number("guard.websocket_max_message_size"),
                frame: values.number("guard.websocket_max_frame_size"),
            },
            concurrency: limits::concurrency(values),
        }
    }
}
