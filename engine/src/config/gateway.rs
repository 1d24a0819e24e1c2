//! What the operator asks of the gateway.

use std::time::Duration;

use super::{AuthSettings, ConfigError, GatewayAccess, limits, merge::Merged, values::number};
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
    /// The settings that `merged` asks for, where the API reads bodies of up to `max_request_body`.
    pub(super) fn from_merged(
        merged: &mut Merged,
        auth: &AuthSettings,
        max_request_body: u64,
    ) -> Result<Self, ConfigError> {
        let default = Self::default();
        let mut millis = |key: &str, default: Duration| {
            let given = number(merged, key, u64::MAX)?;
            Ok::<_, ConfigError>(given.map_or(default, Duration::from_millis))
        };
        let ready_timeout = millis("guard.actor_ready_timeout_ms", default.ready_timeout)?;
        let response_start_timeout =
            millis("pegboard.gateway_response_start_timeout_ms", default.response_start_timeout)?;
        let pause = millis("pegboard.gateway_response_chunk_idle_timeout_ms", Duration::ZERO)?;
        let retry_interval =
            millis("guard.proxy_retry_initial_interval_ms", default.retry_interval)?;
        let websocket_open_timeout =
            millis("pegboard.gateway_websocket_open_timeout_ms", default.websocket_open_timeout)?;
        let ack_timeout =
            millis("pegboard.gateway_hws_message_ack_timeout_ms", default.ack_timeout)?;
        let own_limit = number(merged, "pegboard.gateway_http_max_request_body_size", u64::MAX)?;
        let attempts = number(merged, "guard.proxy_retry_max_attempts", 100)?;
        let mut bytes = |key: &str, default: usize| {
            let given = number(merged, key, u64::from(u32::MAX))?;
            let given = given.map(|given| usize::try_from(given).unwrap_or(usize::MAX));
            Ok::<_, ConfigError>(given.unwrap_or(default))
        };
        let messages = MessageLimits {
            message: bytes("guard.websocket_max_message_size", default.messages.message)?,
            frame: bytes("guard.websocket_max_frame_size", default.messages.frame)?,
        };
        let max_pending = number(merged, "pegboard.gateway_hws_max_pending_size", u64::MAX)?;
        Ok(Self {
            require_token: auth.gateway == GatewayAccess::Token && !auth.is_open(),
            max_request_body: own_limit.unwrap_or(max_request_body).min(max_request_body),
            ready_timeout,
            response_start_timeout,
            chunk_idle_timeout: Some(pause).filter(|pause| !pause.is_zero()),
            retry_attempts: attempts
                .and_then(|attempts| u32::try_from(attempts).ok())
                .unwrap_or(default.retry_attempts),
            retry_interval,
            websocket_open_timeout,
            ack_timeout,
            max_pending: max_pending.unwrap_or(default.max_pending),
            messages,
            concurrency: limits::concurrency(merged)?,
        })
    }
}
