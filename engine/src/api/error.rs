//! The one shape in which every failed request is answered: group, code, message, metadata.

use std::{path::Path, sync::Arc};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    auth::{Denied, TokenFileError, TokenStoreError},
    backup::BackupError,
    directory::DirectoryError,
    lifecycle::LifecycleError,
    storage::StorageError,
};

/// A request that failed, ready to be answered.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    body: Envelope,
    /// What really happened: for the log, never for the client.
    cause: Option<Cause>,
    /// After how many seconds it is worth another try.
    retry_after: Option<u64>,
}

/// Group and code of an answer that is an error, for those who write down what happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct ErrorCode(pub(super) &'static str, pub(super) &'static str);

/// What the log says about an answer that hides its cause.
#[derive(Debug, Clone)]
pub(super) struct Cause(pub(super) Arc<AnyError>);

/// In a box, so that what points at it stays small.
type AnyError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Serialize)]
struct Envelope {
    group: &'static str,
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Value>,
}

impl ApiError {
    /// The query, the path or the body is not what the route takes.
    pub(super) fn bad_request(reason: &str) -> Self {
        let message = format!("Request is invalid: {reason}");
        Self::new("api", "bad_request", message).because(reason)
    }

    /// No route has this path.
    pub(super) fn route_not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            ..Self::new("api", "not_found", "The requested resource was not found".to_owned())
        }
    }

    /// The token is missing, wrong, or not good for this.
    pub(super) fn denied(denied: Denied) -> Self {
        let reason = denied.reason();
        let message = format!("Access denied: {reason}");
        let (status, group, code, retry_after) = match denied {
            Denied::TooMany { retry_after } => {
                (StatusCode::TOO_MANY_REQUESTS, "guard", "rate_limit", Some(retry_after))
            }
            Denied::NotProvided
            | Denied::Invalid
            | Denied::Expired
            | Denied::Revoked
            | Denied::NotPermitted => (StatusCode::FORBIDDEN, "api", "forbidden", None),
        };
        Self { status, retry_after, ..Self::new(group, code, message).because(reason) }
    }

    /// Parameters that do not go together.
    pub(super) fn invalid_input(message: &str) -> Self {
        Self::new("validation", "invalid_input", message.to_owned())
            .with(json!({ "message": message }))
    }

    /// More ids than are looked up at once.
    pub(super) fn too_many_actor_ids(max: usize, count: usize) -> Self {
        let message = format!("Too many actor IDs provided. Maximum is {max}, got {count}");
        Self::new("validation", "too_many_actor_ids", message)
            .with(json!({ "count": count, "max": max }))
    }

    /// A serverless pool did not say what it has to; `reason` says why.
    pub(super) fn failed_to_fetch_metadata(reason: &Value) -> Self {
        // Upstream never fills its placeholder in, and clients compare the text.
        let message = "Failed to fetch serverless metadata: {reason}.".to_owned();
        Self::new("serverless_runner_pool", "failed_to_fetch_metadata", message)
            .with(json!({ "reason": reason }))
    }

    /// The actor keeps nothing under the key.
    pub(super) fn kv_key_not_found() -> Self {
        let message = "The KV key does not exist for this actor.".to_owned();
        Self::new("actor", "kv_key_not_found", message)
    }

    /// Somebody compacts already.
    pub(super) fn compaction_runs() -> Self {
        let message = "The data is being compacted at this moment.".to_owned();
        Self { status: StatusCode::CONFLICT, ..Self::new("storage", "compaction_running", message) }
    }

    /// The admin tokens are in no file that could be read again.
    pub(super) fn no_token_file() -> Self {
        let message = "The admin token is not in a file: it stays as it was when the engine started. \
             To rotate it without a restart, set `auth.admin_token_file`.";
        Self {
            status: StatusCode::CONFLICT,
            ..Self::new("token_file", "not_configured", message.to_owned())
        }
    }

    /// The token file cannot be used: the tokens before it are those that count.
    pub(super) fn token_file(path: &Path, error: &TokenFileError) -> Self {
        let code = match error {
            TokenFileError::Unreadable(_) => "unreadable",
            TokenFileError::TooLarge | TokenFileError::NotText | TokenFileError::Json { .. } => {
                "malformed"
            }
            TokenFileError::Empty => "empty",
            TokenFileError::Token { .. } => "invalid_token",
        };
        let message =
            format!("The token file {} {error}. The tokens before it stay valid.", path.display());
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self { status, ..Self::new("token_file", code, message) }
    }

    fn new(group: &'static str, code: &'static str, message: String) -> Self {
        let body = Envelope { group, code, message, metadata: None };
        Self { status: StatusCode::BAD_REQUEST, body, cause: None, retry_after: None }
    }

    fn because(self, reason: &str) -> Self {
        self.with(json!({ "reason": reason }))
    }

    fn with(mut self, metadata: Value) -> Self {
        self.body.metadata = Some(metadata);
        self
    }

    fn stored(cause: StorageError) -> Self {
        if matches!(cause, StorageError::Full) {
            let refused = Self::new("core", "disk_full", cause.to_string());
            return Self { status: StatusCode::INSUFFICIENT_STORAGE, ..refused };
        }
        Self::internal(cause)
    }

    fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        let message = "An internal error occurred".to_owned();
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            cause: Some(Cause(Arc::new(Box::new(cause)))),
            ..Self::new("core", "internal_error", message)
        }
    }
}

/// The whole map from the engine's errors to the wire, in one match without a catch-all.
impl From<DirectoryError> for ApiError {
    fn from(error: DirectoryError) -> Self {
        let message = error.to_string();
        match error {
            DirectoryError::NamespaceNotFound => Self::new("namespace", "not_found", message),
            DirectoryError::NamespaceNameNotUnique => {
                Self::new("namespace", "name_not_unique", message)
            }
            DirectoryError::InvalidNamespace(reason) => {
                Self::new("namespace", "failed_to_create", message).because(&reason.to_string())
            }
            DirectoryError::DatacenterNotFound => Self::new("datacenter", "not_found", message),
            DirectoryError::InvalidRunnerConfig(reason) => {
                Self::new("runner_config", "invalid", message).because(&reason.to_string())
            }
            DirectoryError::Storage(cause) => Self::stored(cause),
        }
    }
}

impl From<LifecycleError> for ApiError {
    fn from(error: LifecycleError) -> Self {
        let message = error.to_string();
        match error {
            LifecycleError::NotFound => Self::new("actor", "not_found", message),
            LifecycleError::NamespaceNotFound => Self::new("namespace", "not_found", message),
            LifecycleError::DatacenterNotFound => Self::new("datacenter", "not_found", message),
            LifecycleError::NoRunnerConfig { namespace, pool } => {
                Self::new("actor", "no_runner_config_configured", message)
                    .with(json!({ "namespace": namespace, "pool_name": pool }))
            }
            LifecycleError::DuplicateKey { key, existing } => {
                Self::new("actor", "duplicate_key", message)
                    .with(json!({ "existing_actor_id": existing, "key": key }))
            }
            LifecycleError::EmptyKey => Self::new("actor", "empty_key", message),
            LifecycleError::KeyTooLarge { max, preview } => {
                Self::new("actor", "key_too_large", message)
                    .with(json!({ "key_preview": preview, "max_size": max }))
            }
            LifecycleError::Draining => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                retry_after: error.retry_after(),
                ..Self::new("core", "draining", message)
            },
            LifecycleError::Storage(cause) => Self::stored(cause),
        }
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        Self::stored(error)
    }
}

impl From<BackupError> for ApiError {
    fn from(error: BackupError) -> Self {
        let message = error.to_string();
        let with_status =
            |status, code| Self { status, ..Self::new("checkpoint", code, message.clone()) };
        match error {
            BackupError::NotFound => Self::new("checkpoint", "not_found", message),
            BackupError::Busy => with_status(StatusCode::CONFLICT, "being_made"),
            BackupError::InUse => with_status(StatusCode::CONFLICT, "in_use"),
            BackupError::Stopping => with_status(StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            // Only an operator hears of these, and has to know what to mend.
            BackupError::Io(_) | BackupError::Name(_) | BackupError::Damaged { .. } => {
                let failed = with_status(StatusCode::INTERNAL_SERVER_ERROR, "failed");
                Self { cause: Some(Cause(Arc::new(Box::new(error)))), ..failed }
            }
            BackupError::Storage(cause) => Self::stored(cause),
        }
    }
}

impl From<TokenStoreError> for ApiError {
    fn from(error: TokenStoreError) -> Self {
        let message = error.to_string();
        match error {
            TokenStoreError::NotFound => Self::new("token", "not_found", message),
            TokenStoreError::TooLong => Self::invalid_input(&message),
            TokenStoreError::Corrupt => Self::stored(StorageError::Corrupt {
                table: "signing keys",
                key: String::new(),
                reason: message,
            }),
            TokenStoreError::Storage(cause) => Self::stored(cause),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let code = ErrorCode(self.body.group, self.body.code);
        let mut response = (self.status, Json(self.body)).into_response();
        response.extensions_mut().insert(code);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        // Converting has no side effects: whoever watches requests logs the cause that is in here.
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

/// The answer to a body that is larger than anything the engine reads.
pub(super) fn body_too_large() -> Response {
    let reason = "length limit exceeded";
    let message = format!("Unable to parse request body: {reason}.");
    let error = ApiError {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        ..ApiError::new("guard", "invalid_request_body", message).because(reason)
    };
    let mut response = error.into_response();
    let code = HeaderValue::from_static("guard.invalid_request_body");
    response.headers_mut().insert("x-rivet-error", code);
    response
}
