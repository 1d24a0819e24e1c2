//! Does a URL serve a pool? Asked before one is configured, and again afterwards.

use std::collections::BTreeMap;

use axum::{Json as Answer, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    api::{
        Api,
        body::{Done, Json, Nothing, Path},
        error::ApiError,
        query::{NamespaceQuery, QueryOf},
    },
    serverless::{MetadataError, RefreshError},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct HealthCheckRequest {
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum HealthChecked {
    Success { version: String },
    Failure { error: Failure },
}

/// What is wrong with an app's answer: in words, and as something to branch on.
#[derive(Debug, Serialize)]
pub(in crate::api) struct Failure {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<String>,
    metadata: Value,
}

/// The answer is 200 whatever the app says: the question was answered.
pub(in crate::api) async fn health_check(
    State(api): State<Api>,
    QueryOf(NamespaceQuery { namespace }): QueryOf<NamespaceQuery>,
    Json(request): Json<HealthCheckRequest>,
) -> Result<Answer<HealthChecked>, ApiError> {
    api.lifecycle.namespace_id(&namespace).await?;
    Ok(Answer(match api.serverless.health_check(&request.url, &request.headers).await {
        Ok(metadata) => HealthChecked::Success { version: metadata.version },
        Err(error) => HealthChecked::Failure { error: Failure::of(&error) },
    }))
}

pub(in crate::api) async fn refresh_metadata(
    State(api): State<Api>,
    Path(pool): Path<String>,
    QueryOf(NamespaceQuery { namespace }): QueryOf<NamespaceQuery>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer<Done>, ApiError> {
    match api.serverless.refresh(&namespace, pool).await {
        Ok(()) => Ok(Answer(Done {})),
        Err(RefreshError::Lifecycle(error)) => Err(error.into()),
        Err(RefreshError::Directory(error)) => Err(error.into()),
        Err(error @ RefreshError::NotServerless) => {
            let metadata = json!({ "kind": "invalid_request" });
            let failure = Failure { message: error.to_string(), details: None, metadata };
            Err(ApiError::failed_to_fetch_metadata(json!(failure)))
        }
        Err(RefreshError::Metadata(error)) => {
            Err(ApiError::failed_to_fetch_metadata(json!(Failure::of(&error))))
        }
    }
}

impl Failure {
    fn of(error: &MetadataError) -> Self {
        let (metadata, details) = match error {
            MetadataError::InvalidRequest => (json!({ "kind": "invalid_request" }), None),
            MetadataError::Blocked(blocked) => {
                let reason = blocked.to_string();
                (json!({ "kind": "destination_blocked", "reason": reason }), Some(reason))
            }
            MetadataError::Failed => (json!({ "kind": "request_failed" }), None),
            MetadataError::TimedOut => (json!({ "kind": "request_timed_out" }), None),
            MetadataError::Status { status, body } => {
                (json!({ "kind": "non_success_status", "status_code": status, "body": body }), None)
            }
            MetadataError::NotJson { body, reason } => (
                json!({ "kind": "invalid_response_json", "body": body, "parse_error": reason }),
                None,
            ),
            MetadataError::Unsupported { runtime, version } => (
                json!({
                    "kind": "invalid_response_schema",
                    "runtime": runtime,
                    "version": version,
                }),
                None,
            ),
            MetadataError::Protocol { version, max } => (
                json!({
                    "kind": "invalid_envoy_protocol_version",
                    "envoy_protocol_version": version,
                    "max_supported_envoy_protocol_version": max,
                }),
                None,
            ),
        };
        Self { message: error.to_string(), details, metadata }
    }
}
