//! What a client of an actor reads when the engine, not the actor, answers.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};

use crate::{
    auth::Denied, lifecycle::LifecycleError, limits::Limit, storage::StorageError, websocket,
};

/// A request that did not reach an actor, or whose answer did not reach the client.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GatewayError {
    /// Nothing is served there.
    #[error("No route found for hostname {host}, path {path}.")]
    NoRoute {
        /// The host that was asked for.
        host: String,
        /// The path.
        path: String,
    },
    /// A header that the route needs is not there.
    #[error("Missing {header} header.")]
    MissingHeader {
        /// Its name.
        header: &'static str,
    },
    /// A header says something else than it may.
    #[error("Invalid {header} header: {detail}.")]
    InvalidHeader {
        /// Its name.
        header: &'static str,
        /// What it may say.
        detail: &'static str,
    },
    /// The parameters of a query are not those that there are.
    #[error("invalid query gateway params: {detail}")]
    QueryInvalidParams {
        /// What is wrong.
        detail: String,
    },
    /// A parameter is there twice.
    #[error("duplicate query gateway param: {name}")]
    QueryDuplicateParam {
        /// Which.
        name: String,
    },
    /// A token in the path belongs to an id.
    #[error("query gateway paths must not use @token syntax")]
    QueryPathTokenSyntax,
    /// Parameters for a new actor, where none is made.
    #[error(
        "query gateway method=get does not allow rvt-input, rvt-region, rvt-crash-policy, or \
         rvt-pool params"
    )]
    QueryGetDisallowedParams,
    /// Nobody said who runs the new actor.
    #[error("query gateway method=getOrCreate requires rvt-pool param")]
    QueryMissingPool,
    /// There is no name.
    #[error("query gateway actor name must not be empty")]
    QueryEmptyActorName,
    /// The input is not base64url.
    #[error("invalid base64url in query gateway input")]
    QueryInvalidBase64Input,
    /// The input is not CBOR.
    #[error("invalid query gateway input cbor: invalid cbor")]
    QueryInvalidCborInput,
    /// A parameter is not text.
    #[error("invalid percent-encoding for query gateway param '{name}'")]
    QueryInvalidPercentEncoding {
        /// Which.
        name: String,
    },
    /// There is no valid token, or one that is not good for this.
    #[error("Access denied: {}", .0.reason())]
    Forbidden(Denied),
    /// A socket carries no token at all.
    #[error("Missing rivet_token subprotocol.")]
    NoSocketToken,
    /// The actor cannot be had.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    /// The actor was destroyed while the request waited for it.
    #[error("The actor was destroyed while the request waited for it to become ready.")]
    DestroyedWhileWaiting,
    /// The actor does not become ready.
    #[error(
        "Timed out waiting for actor to become ready. Ensure that the pool selector is accurate \
         and there are envoys available in the namespace you created this actor."
    )]
    ReadyTimeout {
        /// Which.
        actor_id: String,
    },
    /// The actor stops each time it is woken.
    #[error("The actor stopped again each time it was woken.")]
    WakeRetriesExceeded {
        /// Which.
        actor_id: String,
    },
    /// The pool does not start actors at the moment.
    #[error("The actor's pool failed to start it.")]
    RunnerFailed {
        /// Which.
        actor_id: String,
    },
    /// The actor stopped before it answered; it may have seen the request.
    #[error("The actor stopped before it answered.")]
    StoppedWhileWaiting {
        /// Which.
        actor_id: String,
    },
    /// The body is larger than anything that is passed on.
    #[error("Unable to parse request body: request body exceeded the {limit}-byte limit.")]
    BodyTooLarge {
        /// How much may be sent.
        limit: u64,
    },
    /// The client's body did not come, or came broken.
    #[error("Unable to parse request body: the body ended early.")]
    BodyBroken,
    /// The client's body does not come.
    #[error("The body did not come in time.")]
    BodyTimeout,
    /// As much is in flight as may be.
    #[error("Too many at once: {} is {max}.", .limit.name())]
    TooMany {
        /// Which limit it is.
        limit: Limit,
        /// How many there may be.
        max: usize,
    },
    /// The app gave the request up before it answered.
    #[error("The request was aborted before it was answered.")]
    RequestAborted,
    /// The app failed to answer.
    #[error("The actor failed to answer.")]
    UpstreamFailed,
    /// The app's answer is none.
    #[error("The actor's answer is not valid: {detail}.")]
    InvalidResponse {
        /// Why.
        detail: String,
    },
    /// Every attempt failed.
    #[error("The request failed {attempts} times.")]
    RetriesExceeded {
        /// How often it was sent.
        attempts: u32,
        /// What the last failure was.
        last: &'static str,
        /// And its status.
        last_status: u16,
    },
    /// The app does not answer.
    #[error("The actor did not begin to answer in time.")]
    ResponseStartTimeout,
    /// The answer comes faster than the client reads it.
    #[error("The answer could not be passed on.")]
    ResponseClosed,
    /// The app does not say that it has got a message.
    #[error("The actor did not confirm a message in time.")]
    MessageTimeout,
    /// The app does not open the socket.
    #[error("The actor did not open the socket in time.")]
    WebSocketOpenTimeout,
    /// The app closed the socket instead of opening it.
    #[error("The actor closed the socket before it was open.")]
    WebSocketClosedBeforeOpen,
    /// Too much waits for the app to confirm it.
    #[error("Too many messages wait for the actor.")]
    WebSocketPendingLimit,
    /// Nothing speaks WebSocket there.
    #[error("WebSockets are not supported on this path.")]
    WebSocketNotSupported,
    /// The engine stops.
    #[error("The engine is stopping.")]
    ServiceUnavailable,
}

impl GatewayError {
    /// No such actor.
    pub(super) fn actor_not_found() -> Self {
        Self::Lifecycle(LifecycleError::NotFound)
    }

    /// Whether it is one because the engine drains, and would be none afterwards.
    pub(super) fn is_draining(&self) -> bool {
        matches!(self, Self::Lifecycle(LifecycleError::Draining))
    }

    /// The whole map from errors to the wire, in one match without a catch-all.
    pub fn wire(&self) -> (&'static str, &'static str, StatusCode) {
        const BAD: StatusCode = StatusCode::BAD_REQUEST;
        const BAD_GATEWAY: StatusCode = StatusCode::BAD_GATEWAY;
        const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
        const TIMEOUT: StatusCode = StatusCode::GATEWAY_TIMEOUT;
        match self {
            Self::NoRoute { .. } => ("guard", "no_route", StatusCode::NOT_FOUND),
            Self::MissingHeader { .. } | Self::NoSocketToken => ("guard", "missing_header", BAD),
            Self::InvalidHeader { .. } => ("guard", "invalid_header", BAD),
            Self::QueryInvalidParams { .. } => ("guard", "query_invalid_params", BAD),
            Self::QueryDuplicateParam { .. } => ("guard", "query_duplicate_param", BAD),
            Self::QueryPathTokenSyntax => ("guard", "query_path_token_syntax", BAD),
            Self::QueryGetDisallowedParams => ("guard", "query_get_disallowed_params", BAD),
            Self::QueryMissingPool => ("guard", "query_missing_pool", BAD),
            Self::QueryEmptyActorName => ("guard", "query_empty_actor_name", BAD),
            Self::QueryInvalidBase64Input => ("guard", "query_invalid_base64_input", BAD),
            Self::QueryInvalidCborInput => ("guard", "query_invalid_cbor_input", BAD),
            Self::QueryInvalidPercentEncoding { .. } => {
                ("guard", "query_invalid_percent_encoding", BAD)
            }
            Self::Forbidden(Denied::TooMany { .. }) | Self::TooMany { .. } => {
                ("guard", "rate_limit", StatusCode::TOO_MANY_REQUESTS)
            }
            Self::Forbidden(_) => ("api", "forbidden", StatusCode::FORBIDDEN),
            Self::Lifecycle(error) => lifecycle(error),
            Self::DestroyedWhileWaiting => ("actor", "destroyed_while_waiting_for_ready", BAD),
            Self::ReadyTimeout { .. } => ("guard", "actor_ready_timeout", UNAVAILABLE),
            Self::WakeRetriesExceeded { .. } => {
                ("guard", "actor_wake_retries_exceeded", UNAVAILABLE)
            }
            Self::RunnerFailed { .. } => ("guard", "actor_runner_failed", BAD),
            Self::StoppedWhileWaiting { .. } => {
                ("guard", "actor_stopped_while_waiting", UNAVAILABLE)
            }
            Self::BodyTooLarge { .. } => {
                ("guard", "invalid_request_body", StatusCode::PAYLOAD_TOO_LARGE)
            }
            Self::BodyTimeout => ("guard", "request_timeout", StatusCode::REQUEST_TIMEOUT),
            Self::BodyBroken => ("guard", "invalid_request_body", BAD),
            Self::RequestAborted => ("guard", "tunnel_request_aborted", UNAVAILABLE),
            Self::UpstreamFailed => ("guard", "upstream_error", BAD_GATEWAY),
            Self::InvalidResponse { .. } => ("guard", "invalid_response_body", BAD_GATEWAY),
            Self::RetriesExceeded { .. } => ("guard", "retry_attempts_exceeded", BAD_GATEWAY),
            Self::ResponseStartTimeout => ("guard", "gateway_response_start_timeout", TIMEOUT),
            Self::ResponseClosed => ("guard", "tunnel_response_closed", UNAVAILABLE),
            Self::MessageTimeout => ("guard", "tunnel_message_timeout", TIMEOUT),
            Self::WebSocketOpenTimeout => ("guard", "websocket_open_timeout", BAD),
            Self::WebSocketClosedBeforeOpen => ("guard", "websocket_closed_before_open", BAD),
            Self::WebSocketPendingLimit => ("guard", "websocket_pending_limit_reached", BAD),
            Self::WebSocketNotSupported => ("guard", "websocket_not_supported", BAD),
            Self::ServiceUnavailable => ("guard", "service_unavailable", UNAVAILABLE),
        }
    }

    /// What a program needs to know besides the code.
    fn metadata(&self) -> Option<Value> {
        Some(match self {
            Self::NoRoute { host, path } => json!({ "host": host, "path": path }),
            Self::MissingHeader { header } => json!({ "header": header }),
            Self::InvalidHeader { header, detail } => {
                json!({ "header": header, "detail": detail })
            }
            Self::QueryInvalidParams { detail } | Self::InvalidResponse { detail } => {
                json!({ "detail": detail })
            }
            Self::QueryInvalidCborInput => json!({ "detail": "invalid cbor" }),
            Self::QueryDuplicateParam { name } | Self::QueryInvalidPercentEncoding { name } => {
                json!({ "name": name })
            }
            Self::Forbidden(denied) => json!({ "reason": denied.reason() }),
            Self::TooMany { limit, max } => json!({ "limit": limit.name(), "max": max }),
            Self::ReadyTimeout { actor_id }
            | Self::WakeRetriesExceeded { actor_id }
            | Self::RunnerFailed { actor_id }
            | Self::StoppedWhileWaiting { actor_id } => json!({ "actor_id": actor_id }),
            Self::BodyTooLarge { limit } => {
                json!({ "reason": format!("request body exceeded the {limit}-byte limit") })
            }
            Self::RetriesExceeded { attempts, last, last_status } => json!({
                "attempts": attempts,
                "last_status": last_status,
                "last_error_code": last,
                "last_target_kind": "actor",
            }),
            Self::Lifecycle(LifecycleError::NoRunnerConfig { namespace, pool }) => {
                json!({ "namespace": namespace, "pool_name": pool })
            }
            Self::Lifecycle(LifecycleError::DuplicateKey { key, existing }) => {
                json!({ "key": key, "existing_actor_id": existing.to_string() })
            }
            Self::Lifecycle(LifecycleError::KeyTooLarge { max, preview }) => {
                json!({ "max_size": max, "key_preview": preview })
            }
            _ => return None,
        })
    }

    /// The answer to a request that failed so.
    pub(super) fn response(&self) -> Response {
        let (group, code, status) = self.wire();
        let mut body = json!({ "group": group, "code": code, "message": self.message() });
        if let Some(metadata) = self.metadata() {
            body["metadata"] = metadata;
        }
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let retry_after = match self {
            Self::Forbidden(Denied::TooMany { retry_after }) => Some(*retry_after),
            Self::TooMany { .. } => Some(1),
            Self::Lifecycle(error) => error.retry_after(),
            _ => None,
        };
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Ok(name) = HeaderValue::try_from(format!("{group}.{code}")) {
            headers.insert("x-rivet-error", name);
        }
        response
    }

    /// The reason in the close frame of a socket that failed so.
    pub(super) fn close_reason(&self, ray_id: &str) -> String {
        let (group, code, _) = self.wire();
        websocket::close_reason(group, code, ray_id)
    }

    /// What really happened, when the client is not told: for the log.
    pub(super) fn hidden_cause(&self) -> Option<&LifecycleError> {
        match self {
            Self::Lifecycle(LifecycleError::Storage(StorageError::Full)) => None,
            Self::Lifecycle(error @ LifecycleError::Storage(_)) => Some(error),
            _ => None,
        }
    }

    fn message(&self) -> String {
        match self.hidden_cause() {
            None => self.to_string(),
            Some(_) => "An internal error occurred".to_owned(),
        }
    }
}

fn lifecycle(error: &LifecycleError) -> (&'static str, &'static str, StatusCode) {
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    match error {
        LifecycleError::NotFound => ("actor", "not_found", StatusCode::NOT_FOUND),
        LifecycleError::NamespaceNotFound => ("namespace", "not_found", BAD),
        LifecycleError::DatacenterNotFound => ("datacenter", "not_found", BAD),
        LifecycleError::NoRunnerConfig { .. } => ("actor", "no_runner_config_configured", BAD),
        LifecycleError::DuplicateKey { .. } => ("actor", "duplicate_key", BAD),
        LifecycleError::EmptyKey => ("actor", "empty_key", BAD),
        LifecycleError::KeyTooLarge { .. } => ("actor", "key_too_large", BAD),
        LifecycleError::Draining => ("core", "draining", StatusCode::SERVICE_UNAVAILABLE),
        LifecycleError::Storage(StorageError::Full) => {
            ("core", "disk_full", StatusCode::INSUFFICIENT_STORAGE)
        }
        LifecycleError::Storage(_) => ("core", "internal_error", StatusCode::INTERNAL_SERVER_ERROR),
    }
}

#[cfg(test)]
mod tests;
