//! What holds for every route of the API.

use rivet_conformance::{
    differences::chosen,
    engine::{Engine, TOKEN},
    http::Request,
    namespace::Namespace,
};
use serde_json::json;

#[tokio::test]
async fn an_unknown_route_is_not_found() {
    let engine = Engine::shared().await;
    let answer = engine.api("GET", "/no/such/route").await;
    assert_eq!(answer.verdict(), "404 api.not_found");
}

#[tokio::test]
async fn a_wrong_method_is_told_which_are_allowed() {
    let engine = Engine::shared().await;
    let answer = engine.api("DELETE", "/datacenters").await;
    assert_eq!(answer.status, 405);
    assert!(answer.header("allow").unwrap().contains("GET"));
    assert!(answer.body.is_empty());
}

#[tokio::test]
async fn every_answer_has_a_ray_id() {
    let engine = Engine::shared().await;
    for target in ["/health", "/datacenters", "/no/such/route"] {
        let answer = engine.api("GET", target).await;
        let ray = answer.header("x-rivet-ray-id").unwrap();
        assert_eq!(ray.len(), 30, "{target}");
        assert!(ray.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{ray}");
    }
}

#[tokio::test]
async fn errors_of_the_api_carry_no_error_header() {
    let engine = Engine::shared().await;
    let answer = engine.api("GET", "/actors?namespace=none-such&name=a").await;
    assert_eq!(answer.verdict(), "400 namespace.not_found");
    assert_eq!(answer.message(), "The namespace does not exist.");
    assert_eq!(answer.header("x-rivet-error"), None);
}

#[tokio::test]
async fn unknown_query_parameters_are_refused() {
    let engine = Engine::shared().await;
    let answer = engine.api("GET", "/namespaces?token=x").await;
    assert_eq!(answer.verdict(), "400 api.bad_request");
    assert!(answer.message().starts_with("Request is invalid: "), "{}", answer.message());
    assert!(answer.json()["metadata"]["reason"].as_str().unwrap().contains("token"));
}

#[tokio::test]
async fn unknown_fields_of_a_body_are_refused() {
    let engine = Engine::shared().await;
    let body = json!({"name": "a-name", "display_name": "A name", "surprise": 1});
    let answer = engine.api_with("POST", "/namespaces", &body).await;
    assert_eq!(answer.verdict(), "400 api.bad_request");
}

#[tokio::test]
async fn a_body_without_its_content_type_is_refused() {
    let engine = Engine::shared().await;
    let request = Request::post("/namespaces").bearer(TOKEN).body("{}");
    assert_eq!(engine.send(request).await.verdict(), "400 api.bad_request");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let engine = Engine::shared().await;
    let request = Request::post("/namespaces").bearer(TOKEN);
    let request = request.header("content-type", "application/json").body("{\"name\":");
    assert_eq!(engine.send(request).await.verdict(), "400 api.bad_request");
}

#[tokio::test]
async fn a_body_of_more_than_two_mebibytes_is_refused() {
    let engine = Engine::shared().await;
    let namespace = Namespace::new(engine).await;
    let body = json!({
        "name": "a", "runner_name_selector": "default", "crash_policy": "sleep",
        "input": "A".repeat((2 << 20) + 1),
    });
    let answer = namespace.post("/actors", &body).await;
    assert_eq!(answer.verdict(), "400 api.bad_request");
    assert!(answer.message().contains("length limit exceeded"), "{}", answer.message());
}

#[tokio::test]
async fn a_preflight_mirrors_what_it_asks_for() {
    let engine = Engine::shared().await;
    let request = Request::new("OPTIONS", "/actors")
        .header("origin", "http://app.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,x-own");
    let answer = engine.send(request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://app.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("authorization,x-own"));
}

#[tokio::test]
async fn answers_name_the_origin_that_asked() {
    let engine = Engine::shared().await;
    let request = Request::get("/datacenters").bearer(TOKEN).header("origin", "http://app.example");
    let answer = engine.send(request).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://app.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    let vary: Vec<&str> =
        answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(vary.join(", ").contains("origin"), "{vary:?}");
}

#[tokio::test]
async fn the_root_leads_to_the_dashboard() {
    let engine = Engine::shared().await;
    let answer = engine.send(Request::get("/")).await;
    assert_eq!(answer.status, 308);
    assert_eq!(answer.header("location"), chosen("dashboard", Some("/ui/"), Some("ui/")));
}
