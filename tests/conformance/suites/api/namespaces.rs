//! Namespaces.

use rivet_conformance::{engine::Engine, http::Response, namespace::unique};
use serde_json::json;

async fn create(engine: &Engine, name: &str, display_name: &str) -> Response {
    let body = json!({"name": name, "display_name": display_name});
    engine.api_with("POST", "/namespaces", &body).await
}

#[tokio::test]
async fn the_default_namespace_is_there_from_the_start() {
    let engine = Engine::shared().await;
    let found = engine.api("GET", "/namespaces?name=default").await.ok();
    assert_eq!(found["namespaces"][0]["name"], "default");
    assert_eq!(found["namespaces"][0]["display_name"], "Default");
    assert!(found["pagination"]["cursor"].is_null());
}

#[tokio::test]
async fn a_new_namespace_is_found_by_name_and_by_id() {
    let engine = Engine::shared().await;
    let name = unique("ns");
    let created = create(engine, &name, "Some Name").await.ok();
    let namespace = &created["namespace"];
    assert_eq!(namespace["name"], name.as_str());
    assert_eq!(namespace["display_name"], "Some Name");
    assert!(namespace["create_ts"].is_i64());
    let id = namespace["namespace_id"].as_str().unwrap();
    assert_eq!(id.len(), 30);
    for query in
        [format!("name={name}"), format!("namespace_id={id}"), format!("namespace_ids={id}")]
    {
        let found = engine.api("GET", format!("/namespaces?{query}")).await.ok();
        assert_eq!(found["namespaces"], json!([namespace]), "{query}");
    }
}

#[tokio::test]
async fn an_unknown_name_finds_nothing() {
    let engine = Engine::shared().await;
    let found = engine.api("GET", "/namespaces?name=none-such").await.ok();
    assert_eq!(found["namespaces"], json!([]));
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused() {
    let engine = Engine::shared().await;
    let name = unique("ns");
    create(engine, &name, "First").await.ok();
    assert_eq!(create(engine, &name, "Second").await.verdict(), "400 namespace.name_not_unique");
}

#[tokio::test]
async fn names_follow_their_rules() {
    let engine = Engine::shared().await;
    let long = "a".repeat(65);
    for (name, reason) in [
        ("", "name too short"),
        (long.as_str(), "name too long"),
        ("-a", "invalid name"),
        ("a-", "invalid name"),
        ("a--b", "invalid name"),
        ("A", "invalid name"),
        ("a_b", "invalid name"),
    ] {
        let answer = create(engine, name, "Name").await;
        assert_eq!(answer.verdict(), "400 namespace.failed_to_create", "{name:?}");
        assert_eq!(answer.json()["metadata"]["reason"], reason, "{name:?}");
    }
}

#[tokio::test]
async fn display_names_follow_their_rules() {
    let engine = Engine::shared().await;
    let long = "a".repeat(129);
    for (display_name, reason) in [
        ("", "display name too short"),
        (long.as_str(), "display name too long"),
        (" a", "invalid display name"),
        ("a ", "invalid display name"),
        ("a  b", "invalid display name"),
        ("a\tb", "invalid display name"),
    ] {
        let answer = create(engine, &unique("ns"), display_name).await;
        assert_eq!(answer.verdict(), "400 namespace.failed_to_create", "{display_name:?}");
        assert_eq!(answer.json()["metadata"]["reason"], reason, "{display_name:?}");
    }
}

#[tokio::test]
async fn a_page_ends_with_a_cursor() {
    let engine = Engine::shared().await;
    create(engine, &unique("ns"), "Name").await.ok();
    let page = engine.api("GET", "/namespaces?limit=1").await.ok();
    let listed = page["namespaces"].as_array().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(page["pagination"]["cursor"], listed[0]["create_ts"].to_string());
}
