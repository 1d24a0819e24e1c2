//! What clients read.

use super::*;
use crate::keyspace::Id;

fn every_error() -> Vec<GatewayError> {
    let actor_id = || "an-actor".to_owned();
    vec![
        GatewayError::NoRoute { host: "h".to_owned(), path: "/p".to_owned() },
        GatewayError::MissingHeader { header: "x-rivet-actor" },
        GatewayError::NoSocketToken,
        GatewayError::InvalidHeader { header: "x-a", detail: "expected b" },
        GatewayError::QueryInvalidParams { detail: "d".to_owned() },
        GatewayError::QueryDuplicateParam { name: "rvt-key".to_owned() },
        GatewayError::QueryPathTokenSyntax,
        GatewayError::QueryGetDisallowedParams,
        GatewayError::QueryMissingPool,
        GatewayError::QueryEmptyActorName,
        GatewayError::QueryInvalidBase64Input,
        GatewayError::QueryInvalidCborInput,
        GatewayError::QueryInvalidPercentEncoding { name: "rvt-key".to_owned() },
        GatewayError::Forbidden(Denied::Invalid),
        GatewayError::actor_not_found(),
        GatewayError::Lifecycle(LifecycleError::NamespaceNotFound),
        GatewayError::Lifecycle(LifecycleError::DatacenterNotFound),
        GatewayError::Lifecycle(LifecycleError::NoRunnerConfig {
            namespace: "n".to_owned(),
            pool: "p".to_owned(),
        }),
        GatewayError::Lifecycle(LifecycleError::DuplicateKey {
            key: "k".to_owned(),
            existing: Id::random(1),
        }),
        GatewayError::Lifecycle(LifecycleError::EmptyKey),
        GatewayError::Lifecycle(LifecycleError::KeyTooLarge { max: 1, preview: "k".to_owned() }),
        GatewayError::Lifecycle(LifecycleError::Draining),
        GatewayError::DestroyedWhileWaiting,
        GatewayError::ReadyTimeout { actor_id: actor_id() },
        GatewayError::WakeRetriesExceeded { actor_id: actor_id() },
        GatewayError::RunnerFailed { actor_id: actor_id() },
        GatewayError::StoppedWhileWaiting { actor_id: actor_id() },
        GatewayError::BodyTooLarge { limit: 20_971_520 },
        GatewayError::BodyBroken,
        GatewayError::BodyTimeout,
        GatewayError::TooMany { limit: crate::limits::Limit::RequestsPerActor, max: 4 },
        GatewayError::RequestAborted,
        GatewayError::UpstreamFailed,
        GatewayError::InvalidResponse { detail: "d".to_owned() },
        GatewayError::RetriesExceeded { attempts: 7, last: "l", last_status: 503 },
        GatewayError::ResponseStartTimeout,
        GatewayError::ResponseClosed,
        GatewayError::MessageTimeout,
        GatewayError::WebSocketOpenTimeout,
        GatewayError::WebSocketClosedBeforeOpen,
        GatewayError::WebSocketPendingLimit,
        GatewayError::WebSocketNotSupported,
        GatewayError::ServiceUnavailable,
    ]
}

/// The codes and their statuses are what clients branch on: a change here breaks them.
#[test]
fn codes_and_statuses_are_those_that_clients_know() {
    let table: Vec<String> = every_error()
        .iter()
        .map(|error| {
            let (group, code, status) = error.wire();
            format!("{} {group}.{code}", status.as_u16())
        })
        .collect();

    assert_eq!(
        table,
        [
            "404 guard.no_route",
            "400 guard.missing_header",
            "400 guard.missing_header",
            "400 guard.invalid_header",
            "400 guard.query_invalid_params",
            "400 guard.query_duplicate_param",
            "400 guard.query_path_token_syntax",
            "400 guard.query_get_disallowed_params",
            "400 guard.query_missing_pool",
            "400 guard.query_empty_actor_name",
            "400 guard.query_invalid_base64_input",
            "400 guard.query_invalid_cbor_input",
            "400 guard.query_invalid_percent_encoding",
            "403 api.forbidden",
            "404 actor.not_found",
            "400 namespace.not_found",
            "400 datacenter.not_found",
            "400 actor.no_runner_config_configured",
            "400 actor.duplicate_key",
            "400 actor.empty_key",
            "400 actor.key_too_large",
            "503 core.draining",
            "400 actor.destroyed_while_waiting_for_ready",
            "503 guard.actor_ready_timeout",
            "503 guard.actor_wake_retries_exceeded",
            "400 guard.actor_runner_failed",
            "503 guard.actor_stopped_while_waiting",
            "413 guard.invalid_request_body",
            "400 guard.invalid_request_body",
            "408 guard.request_timeout",
            "429 guard.rate_limit",
            "503 guard.tunnel_request_aborted",
            "502 guard.upstream_error",
            "502 guard.invalid_response_body",
            "502 guard.retry_attempts_exceeded",
            "504 guard.gateway_response_start_timeout",
            "503 guard.tunnel_response_closed",
            "504 guard.tunnel_message_timeout",
            "400 guard.websocket_open_timeout",
            "400 guard.websocket_closed_before_open",
            "400 guard.websocket_pending_limit_reached",
            "400 guard.websocket_not_supported",
            "503 guard.service_unavailable",
        ]
    );
}

#[tokio::test]
async fn an_answer_says_the_code_in_its_body_and_in_a_header() {
    let error = GatewayError::ReadyTimeout { actor_id: "a".to_owned() };
    let response = error.response();
    assert_eq!(response.headers()["x-rivet-error"], "guard.actor_ready_timeout");
    assert_eq!(response.headers()["content-type"], "application/json");

    let bytes = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(body["group"], "guard");
    assert_eq!(body["code"], "actor_ready_timeout");
    assert_eq!(body["metadata"], json!({ "actor_id": "a" }));

    let bare = GatewayError::QueryMissingPool.response();
    let bytes = axum::body::to_bytes(bare.into_body(), 1 << 16).await.unwrap();
    assert!(!String::from_utf8(bytes.to_vec()).unwrap().contains("metadata"));
}

#[test]
fn the_reason_of_a_close_frame_fits_into_it() {
    let ray_id = Id::random(1).to_string();
    for error in every_error() {
        let reason = error.close_reason(&ray_id);
        assert!(reason.len() <= 123, "{reason}");
        assert!(reason.ends_with(&format!("#{ray_id}")), "{reason}");
    }
}
