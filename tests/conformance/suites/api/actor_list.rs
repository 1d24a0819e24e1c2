//! Finding actors.

use rivet_conformance::{
    differences::chosen,
    engine::Engine,
    namespace::{Namespace, POOL},
};
use serde_json::{Value, json};

async fn create(namespace: &Namespace<'_>, name: &str, key: Option<&str>) -> String {
    let body =
        json!({"name": name, "key": key, "runner_name_selector": POOL, "crash_policy": "sleep"});
    let created = namespace.post("/actors", &body).await.ok();
    created["actor"]["actor_id"].as_str().unwrap().to_owned()
}

fn ids(found: &Value) -> Vec<String> {
    let actors = found["actors"].as_array().unwrap().iter();
    actors.map(|actor| actor["actor_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn actors_are_found_by_id() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (one, two) = (create(&namespace, "a", None).await, create(&namespace, "b", None).await);
    for query in [format!("actor_id={one}&actor_id={two}"), format!("actor_ids={one},{two}")] {
        let mut found = ids(&namespace.get(&format!("/actors?{query}")).await.ok());
        let mut expected = vec![one.clone(), two.clone()];
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn an_actor_is_found_by_name_and_key() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let actor = create(&namespace, "a", Some("k")).await;
    create(&namespace, "a", Some("l")).await;
    let found = namespace.get("/actors?name=a&key=k").await.ok();
    assert_eq!(ids(&found), [actor]);
    let none = namespace.get("/actors?name=a&key=m").await.ok();
    assert_eq!(none, json!({"actors": [], "pagination": {"cursor": null}}));
}

#[tokio::test]
async fn actors_of_a_name_come_newest_first_and_in_pages() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        // The cursor is a time in milliseconds, so no two may have the same.
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        expected.insert(0, create(&namespace, "a", None).await);
    }
    let first = namespace.get("/actors?name=a&limit=2").await.ok();
    assert_eq!(ids(&first), expected[..2]);
    let cursor = first["pagination"]["cursor"].as_str().unwrap();
    assert_eq!(cursor, first["actors"][1]["create_ts"].to_string());
    let second = namespace.get(&format!("/actors?name=a&limit=2&cursor={cursor}")).await.ok();
    assert_eq!(ids(&second), expected[2..]);
}

#[tokio::test]
async fn actors_of_another_namespace_are_not_found() {
    let engine = Engine::shared().await;
    let (here, there) = (Namespace::new(engine).await, Namespace::new(engine).await);
    let actor = create(&there, "a", Some("k")).await;
    assert_eq!(ids(&here.get(&format!("/actors?actor_id={actor}")).await.ok()), [""; 0]);
    assert_eq!(ids(&here.get("/actors?name=a&key=k").await.ok()), [""; 0]);
}

#[tokio::test]
async fn destroyed_actors_are_listed_on_request_and_always_found_by_id() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let actor = create(&namespace, "a", Some("k")).await;
    namespace.delete(&format!("/actors/{actor}")).await.ok();
    assert_eq!(ids(&namespace.get("/actors?name=a").await.ok()), [""; 0]);
    let with_destroyed = namespace.get("/actors?name=a&include_destroyed=true").await.ok();
    assert_eq!(ids(&with_destroyed), std::slice::from_ref(&actor));
    let by_id = namespace.describe(&actor).await;
    assert!(by_id["destroy_ts"].is_i64());
}

#[tokio::test]
async fn a_search_needs_ids_or_a_name() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let answer = namespace.get("/actors").await;
    assert_eq!(answer.verdict(), "400 validation.invalid_input");
    assert!(
        answer.text().contains("Name is required when not using actor_ids."),
        "{}",
        answer.text()
    );
    let actor = create(&namespace, "a", None).await;
    let both = namespace.get(&format!("/actors?actor_id={actor}&name=a")).await;
    assert_eq!(both.verdict(), "400 validation.invalid_input");
    let key = namespace.get("/actors?key=k").await;
    assert_eq!(key.verdict(), "400 validation.invalid_input");
}

#[tokio::test]
async fn at_most_32_ids_are_looked_up() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let actor = create(&namespace, "a", None).await;
    let many = vec![actor.as_str(); 33].join(",");
    let answer = namespace.get(&format!("/actors?actor_ids={many}")).await;
    assert_eq!(answer.verdict(), "400 validation.too_many_actor_ids");
    assert_eq!(answer.json()["metadata"], json!({"max": 32, "count": 33}));
}

#[tokio::test]
async fn malformed_ids_are_skipped_in_a_list_and_refused_alone() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let actor = create(&namespace, "a", None).await;
    let list = namespace.get(&format!("/actors?actor_ids=zz,{actor}")).await.ok();
    assert_eq!(ids(&list), [actor]);
    let alone = namespace.get("/actors?actor_id=zz").await;
    assert_eq!(alone.verdict(), "400 api.bad_request");
}

#[tokio::test]
async fn a_cursor_that_is_none_is_refused() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let answer = namespace.get("/actors?name=a&cursor=zz").await;
    let expected = chosen("bad-cursor", "500 core.internal_error", "400 api.bad_request");
    assert_eq!(answer.verdict(), expected);
}

#[tokio::test]
async fn names_of_created_actors_are_listed_in_pages() {
    let namespace = Namespace::new(Engine::shared().await).await;
    create(&namespace, "beta", None).await;
    create(&namespace, "alpha", None).await;
    let all = namespace.get("/actors/names").await.ok();
    let mut names: Vec<&String> = all["names"].as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["alpha", "beta"]);
    assert_eq!(all["names"]["alpha"], json!({"metadata": {}}));
    let first = namespace.get("/actors/names?limit=1").await.ok();
    assert_eq!(first["pagination"]["cursor"], "alpha");
    let second = namespace.get("/actors/names?limit=1&cursor=alpha").await.ok();
    assert!(second["names"]["beta"].is_object(), "{second}");
}
