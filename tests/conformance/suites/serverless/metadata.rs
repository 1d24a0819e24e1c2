//! What the engine wants to know of an app, and how it says that it could not find out.

use rivet_conformance::{
    engine::Engine, namespace::Namespace, serverless::Serverless, wait::eventually,
};
use serde_json::{Value, json};

const METADATA: &str = "GET /api/rivet/metadata";

async fn check(namespace: &Namespace<'_>, url: &str) -> Value {
    let body = json!({"url": url, "headers": {}});
    namespace.post("/runner-configs/serverless-health-check", &body).await.ok()
}

fn kind(answer: &Value) -> &Value {
    &answer["failure"]["error"]["metadata"]["kind"]
}

#[tokio::test]
async fn an_app_is_asked_for_its_metadata_when_its_pool_is_configured() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let app = Serverless::start().await;
    namespace.put("/runner-configs/sl", &app.pool(&json!({}))).await.ok();
    eventually("the names of its actors are known", || async {
        let names = namespace.get("/actors/names").await.ok();
        (names["names"]["thing"]["metadata"] == json!({"x": 1})).then_some(())
    })
    .await;
    let asked = &app.asked(METADATA)[0];
    assert_eq!(asked.headers["x-own"], "v");
    assert!(asked.headers["user-agent"].to_str().unwrap().starts_with("RivetEngine/"));
    eventually("the protocol of the pool is known", || async {
        let found = namespace.get("/runner-configs?runner_name=sl").await.ok();
        let config = &found["runner_configs"]["sl"]["datacenters"]["default"];
        (config["protocol_version"] == 8).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_app_is_asked_again_and_again() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let app = Serverless::start().await;
    namespace.put("/runner-configs/sl", &app.pool(&json!({}))).await.ok();
    eventually("it was asked three times", || async {
        (app.asked(METADATA).len() >= 3).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_refresh_asks_at_once() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let app = Serverless::start().await;
    let slow = app.pool(&json!({"metadata_poll_interval": 3_600_000}));
    namespace.put("/runner-configs/sl", &slow).await.ok();
    eventually("it was asked", || async { (!app.asked(METADATA).is_empty()).then_some(()) }).await;
    let before = app.asked(METADATA).len();
    let answer = namespace.post("/runner-configs/sl/refresh-metadata", &json!({})).await;
    assert_eq!(answer.ok(), json!({}));
    assert!(app.asked(METADATA).len() > before);
}

#[tokio::test]
async fn a_refresh_that_fails_says_why() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let app = Serverless::start().await;
    namespace.put("/runner-configs/sl", &app.pool(&json!({}))).await.ok();
    app.answer_metadata(500, "broken");
    let answer = namespace.post("/runner-configs/sl/refresh-metadata", &json!({})).await;
    assert_eq!(answer.verdict(), "400 serverless_runner_pool.failed_to_fetch_metadata");
    let reason = &answer.json()["metadata"]["reason"];
    assert_eq!(reason["metadata"]["kind"], "non_success_status", "{reason}");
}

#[tokio::test]
async fn a_healthy_app_passes_the_check() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let app = Serverless::start().await;
    assert_eq!(check(&namespace, &app.url()).await, json!({"success": {"version": "2.3.19"}}));
}

#[tokio::test]
async fn each_way_to_fail_the_check_has_its_name() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let app = Serverless::start().await;
    assert_eq!(kind(&check(&namespace, "not a url").await), "invalid_request");
    assert_eq!(kind(&check(&namespace, "http://127.0.0.1:9/api").await), "request_failed");
    app.answer_metadata(418, "teapot");
    let failed = check(&namespace, &app.url()).await;
    assert_eq!(kind(&failed), "non_success_status");
    let metadata = &failed["failure"]["error"]["metadata"];
    assert_eq!((&metadata["status_code"], &metadata["body"]), (&json!(418), &json!("teapot")));
    app.answer_metadata(200, "{no json");
    let failed = check(&namespace, &app.url()).await;
    assert_eq!(kind(&failed), "invalid_response_json");
    assert_eq!(failed["failure"]["error"]["metadata"]["body"], "{no json");
    app.answer_metadata(200, r#"{"runtime":"other","version":"1"}"#);
    assert_eq!(kind(&check(&namespace, &app.url()).await), "invalid_response_schema");
    let newer = json!({
        "runtime": "rivetkit", "version": "9.0.0", "envoyProtocolVersion": 99,
        "envoy": {"kind": {"serverless": {}}, "version": 1}, "actorNames": {},
    });
    app.answer_metadata(200, newer.to_string());
    let failed = check(&namespace, &app.url()).await;
    assert_eq!(kind(&failed), "invalid_envoy_protocol_version", "{failed}");
    let metadata = &failed["failure"]["error"]["metadata"];
    assert_eq!(metadata["envoy_protocol_version"], 99);
    assert_eq!(metadata["max_supported_envoy_protocol_version"], 8);
}
