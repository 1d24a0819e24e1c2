//! What holds for every route: tokens, unknown paths, origins, ids, limits, other ports.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{App, TOKEN};

#[tokio::test]
async fn health_and_metadata_are_open_and_ignore_parameters() {
    let app = App::new().await;

    let health = app.as_stranger(Method::GET, "/health?x=1").await;
    let metadata = app.as_stranger(Method::GET, "/metadata?namespace=default").await;

    assert_eq!(health.status, 200);
    assert_eq!(
        health.json(),
        json!({"runtime": "engine", "status": "ok", "version": env!("CARGO_PKG_VERSION")})
    );
    assert_eq!(metadata.json()["runtime"], "engine");
    assert_eq!(metadata.json()["envoy_protocol_version"], 8);
}

#[tokio::test]
async fn a_missing_and_a_wrong_token_are_told_apart() {
    let app = App::new().await;
    let denied = |reason: &str| {
        json!({
            "group": "api",
            "code": "forbidden",
            "message": format!("Access denied: {reason}"),
            "metadata": {"reason": reason},
        })
    };

    let none = app.as_stranger(Method::GET, "/namespaces").await;
    assert_eq!((none.status, none.json()), (StatusCode::FORBIDDEN, denied("Token not provided")));
    let in_query = app.as_stranger(Method::GET, &format!("/namespaces?token={TOKEN}")).await;
    assert_eq!(in_query.status, 403);
    for wrong in ["Bearer admin", "Bearer dev", &format!("Bearer {TOKEN}x")] {
        let answer = app.send(Method::GET, "/namespaces", &[("authorization", wrong)], "").await;
        assert_eq!(
            (answer.status, answer.json()),
            (StatusCode::FORBIDDEN, denied("Invalid token")),
            "{wrong}"
        );
    }
    // A stranger learns nothing about what a body should look like.
    let body = app
        .send(Method::POST, "/namespaces", &[("content-type", "application/json")], "{broken")
        .await;
    assert_eq!(body.status, 403);
}

#[tokio::test]
async fn what_is_not_understood_is_refused_in_the_words_of_upstream() {
    let app = App::new().await;
    let query = |path: &'static str| {
        let app = &app;
        async move { app.get(path).await.reason() }
    };
    let failed = "Failed to deserialize query string: ";

    assert_eq!(
        query("/namespaces?token=x").await,
        format!(
            "{failed}token: unknown field `token`, expected one of `limit`, `cursor`, `name`, \
             `namespace_ids`, `namespace_id`"
        )
    );
    assert_eq!(
        query("/namespaces?limit=-1").await,
        format!("{failed}limit: invalid digit found in string")
    );
    assert_eq!(
        query("/namespaces?namespace_id=abc").await,
        format!("{failed}namespace_id[0]: invalid input length: expected at least 4 characters")
    );
    assert_eq!(
        query("/namespaces?namespace_ids=a,b").await,
        "invalid id in `namespace_ids` query: invalid input length: expected at least 4 characters"
    );
    assert_eq!(
        query("/namespaces?name=a&name=b").await,
        format!("{failed}name: unsupported value")
    );
    assert_eq!(query("/runner-configs").await, format!("{failed}missing field `namespace`"));
    assert_eq!(
        query("/runner-configs?namespace=default&variant=bad").await,
        format!("{failed}variant: unknown variant `bad`, expected `serverless` or `normal`")
    );
}

#[tokio::test]
async fn a_body_beyond_the_limit_of_the_front_is_refused_unread() {
    let app = App::new().await;
    let length = (20 * 1024 * 1024 + 1).to_string();
    let headers = [("content-length", length.as_str()), ("content-type", "application/json")];

    let answer = app.send(Method::POST, "/namespaces", &headers, "").await;

    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.header("x-rivet-error"), Some("guard.invalid_request_body"));
    assert_eq!(answer.json()["code"], "invalid_request_body");
    assert_eq!(answer.json()["metadata"], json!({"reason": "length limit exceeded"}));
}

#[tokio::test]
async fn datacenters_and_fanout_name_this_engine() {
    let app = App::new().await;

    assert_eq!(
        app.get("/datacenters?namespace=default").await.json(),
        json!({
            "datacenters": [{"label": 1, "name": "default", "url": "http://127.0.0.1:6420/"}],
            "pagination": {"cursor": null},
        })
    );
    let fanout = app.get("/health/fanout").await.json();
    let here = &fanout["datacenters"][0];
    assert_eq!((&here["datacenter_label"], &here["status"]), (&json!(1), &json!("ok")));
    assert_eq!(here["response"]["runtime"], "engine");
    assert!(here["rtt_ms"].is_f64());
    assert_eq!(here["error"], Value::Null);
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_apart_without_a_token() {
    let app = App::new().await;

    let unknown = app.as_stranger(Method::GET, "/nope").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.json(),
        json!({
            "group": "api",
            "code": "not_found",
            "message": "The requested resource was not found",
        })
    );
    assert_eq!(unknown.header("access-control-allow-origin"), Some("*"));
    for (path, allow) in [
        ("/actors", "GET,HEAD,POST,PUT"),
        ("/namespaces", "GET,HEAD,POST"),
        ("/runner-configs/p", "PUT,DELETE"),
        ("/health", "GET,HEAD"),
    ] {
        let wrong = app.as_stranger(Method::PATCH, path).await;
        assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(wrong.header("allow"), Some(allow));
        assert!(wrong.body.is_empty());
    }
}

#[tokio::test]
async fn a_browser_may_ask_from_its_own_origin() {
    let app = App::new().await;
    let headers = [
        ("origin", "http://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-custom"),
    ];

    let preflight = app.send(Method::OPTIONS, "/namespaces", &headers, "").await;
    let origin = ("origin", "http://app.example");
    let metadata = app.send(Method::GET, "/metadata", &[origin], "").await;
    let get =
        app.send(Method::GET, "/namespaces", &[origin, ("authorization", &app.bearer)], "").await;

    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-methods"), Some("POST"));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("x-custom"));
    assert_eq!(preflight.header("access-control-allow-origin"), Some("http://app.example"));
    assert_eq!(preflight.header("allow"), Some("GET,HEAD,POST"));
    assert_eq!(get.header("access-control-allow-origin"), Some("http://app.example"));
    assert_eq!(metadata.header("access-control-allow-origin"), Some("http://app.example"));
    assert_eq!(get.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(
        get.header("vary"),
        Some("origin, access-control-request-method, access-control-request-headers")
    );
}

#[tokio::test]
async fn every_answer_carries_its_own_ray_id() {
    let app = App::new().await;
    let mut seen = std::collections::BTreeSet::new();

    for (method, path) in [
        (Method::GET, "/health"),
        (Method::GET, "/namespaces"),
        (Method::GET, "/nope"),
        (Method::PATCH, "/namespaces"),
        (Method::OPTIONS, "/namespaces"),
    ] {
        let answer = app.as_stranger(method, path).await;
        let id = answer.header("x-rivet-ray-id").unwrap().to_owned();
        assert_eq!(id.len(), 30);
        seen.insert(id);
    }

    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn a_request_that_comes_with_an_id_keeps_it() {
    let app = App::new().await;
    let given = "0b5c0f9e-1f3a-4c1e-9f0a-3f6d2a9c1b7e";
    let body = json!({"name": "new", "display_name": "New"}).to_string();
    let headers = [
        ("authorization", app.bearer.as_str()),
        ("content-type", "application/json"),
        ("x-rivet-ray-id", given),
    ];

    let answer = app.send(Method::POST, "/namespaces", &headers, &body).await;

    assert_eq!(answer.header("x-rivet-ray-id"), Some(given));
    assert_eq!(app.get("/audit").await.json()["entries"][0]["ray_id"], given);
}

#[tokio::test]
async fn whether_the_engine_is_ready_is_told_to_everybody_and_nothing_beyond() {
    let app = App::new().await;

    for answer in [app.as_stranger(Method::GET, "/ready").await, app.at_peer("/ready").await] {
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"status": "ready"})));
    }
}

#[tokio::test]
async fn the_health_port_serves_health_readiness_and_nothing_else() {
    let app = App::new().await;

    assert_eq!(app.at_peer("/health").await.status, 200);
    assert_eq!(app.at_peer("/ready").await.status, 200);
    assert_eq!(app.at_peer("/namespaces").await.status, 404);
    assert_eq!(app.at_peer("/metadata").await.status, 404);
}

#[tokio::test]
async fn metrics_count_routes_not_paths() {
    let app = App::new().await;
    app.as_stranger(Method::GET, "/runner-configs/secret-pool?namespace=default").await;
    app.as_stranger(Method::GET, "/made/up/by/a/client").await;
    app.as_stranger(Method::from_bytes(b"MADEUP").unwrap(), "/health").await;
    app.as_stranger(Method::GET, "/namespaces").await;

    let text = app.metrics("/any/path").await;

    assert!(text.contains(
        r#"rivet_engine_http_requests_total{method="GET",route="/runner-configs/{runner_name}",status="405"} 1"#
    ), "{text}");
    assert!(
        text.contains(r#"rivet_engine_auth_refusals_total{reason="not_provided"} 1"#),
        "{text}"
    );
    assert!(text.contains(r#"rivet_engine_storage_commits_total{outcome="committed"}"#));
    for client_chosen in ["secret-pool", "made/up", "MADEUP"] {
        assert!(!text.contains(client_chosen), "{client_chosen}");
    }
}
