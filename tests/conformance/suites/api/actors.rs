//! Creating actors.

use rivet_conformance::{
    differences::chosen,
    engine::Engine,
    http::Response,
    namespace::{Namespace, POOL},
};
use serde_json::{Value, json};

fn wanted(name: &str, key: Option<&str>) -> Value {
    json!({"name": name, "key": key, "runner_name_selector": POOL, "crash_policy": "sleep"})
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

async fn create(namespace: &Namespace<'_>, name: &str, key: Option<&str>) -> Response {
    namespace.post("/actors", &wanted(name, key)).await
}

async fn get_or_create(namespace: &Namespace<'_>, name: &str, key: Option<&str>) -> Response {
    namespace.put("/actors", &wanted(name, key)).await
}

#[tokio::test]
async fn a_new_actor_is_answered_before_it_starts() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let created = create(&namespace, "thing", Some("one")).await.ok();
    let actor = &created["actor"];
    assert_eq!(actor["actor_id"].as_str().unwrap().len(), 30);
    assert_eq!(actor["name"], "thing");
    assert_eq!(actor["key"], "one");
    assert_eq!(actor["datacenter"], "default");
    assert_eq!(actor["runner_name_selector"], POOL);
    assert_eq!(actor["namespace_id"].as_str().unwrap().len(), 30);
    assert!(actor["create_ts"].is_i64());
    for absent in ["start_ts", "pending_allocation_ts", "connectable_ts", "destroy_ts"] {
        assert_eq!(actor.get(absent), Some(&Value::Null), "{absent}");
    }
    assert!(actor.get("error").is_none() || actor["error"] == "no_envoys", "{actor}");
}

#[tokio::test]
async fn the_id_ends_with_the_label_of_the_datacenter() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let actor = namespace.actor().await;
    assert!(actor.ends_with("00"), "{actor}");
    assert!(actor.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{actor}");
}

#[tokio::test]
async fn a_key_belongs_to_one_actor() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let first = create(&namespace, "thing", Some("one")).await.ok();
    let id = first["actor"]["actor_id"].as_str().unwrap();
    let mut second = create(&namespace, "thing", Some("one")).await;
    while second.verdict()
        == chosen("get-or-create-race", "400 actor.destroyed_during_creation", "")
    {
        second = create(&namespace, "thing", Some("one")).await;
    }
    assert_eq!(second.verdict(), "400 actor.duplicate_key");
    assert_eq!(second.message(), format!("Actor key 'one' already in use for actor '{id}'"));
    assert_eq!(second.json()["metadata"]["key"], "one");
    assert_eq!(second.json()["metadata"]["existing_actor_id"], id);
}

#[tokio::test]
async fn the_same_key_is_free_under_another_name_and_in_another_namespace() {
    let engine = Engine::shared().await;
    let namespace = Namespace::new(engine).await;
    create(&namespace, "thing", Some("one")).await.ok();
    create(&namespace, "other", Some("one")).await.ok();
    let elsewhere = Namespace::new(engine).await;
    create(&elsewhere, "thing", Some("one")).await.ok();
}

#[tokio::test]
async fn actors_without_a_key_are_as_many_as_one_likes() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let first = create(&namespace, "thing", None).await.ok();
    let second = create(&namespace, "thing", None).await.ok();
    assert_ne!(first["actor"]["actor_id"], second["actor"]["actor_id"]);
    assert_eq!(first["actor"]["key"], Value::Null);
}

#[tokio::test]
async fn get_or_create_creates_once() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let first = get_or_create(&namespace, "thing", Some("one")).await.ok();
    assert_eq!(first["created"], true);
    let second = get_or_create(&namespace, "thing", Some("one")).await.ok();
    assert_eq!(second["created"], false);
    assert_eq!(first["actor"]["actor_id"], second["actor"]["actor_id"]);
}

#[tokio::test]
async fn of_many_who_get_or_create_at_once_one_creates() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let body = wanted("thing", Some("contested"));
    let answers =
        futures_util::future::join_all((0..8).map(|_| namespace.put("/actors", &body))).await;
    let (answers, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer: &&Response| answer.status == 200);
    let loses = |answer: &&Response| answer.verdict() == "400 actor.destroyed_during_creation";
    let fair = refused.iter().all(loses);
    assert!(chosen("get-or-create-race", fair, refused.is_empty()), "{refused:?}");
    let answers: Vec<Value> = answers.into_iter().map(Response::ok).collect();
    assert_eq!(answers.iter().filter(|answer| answer["created"] == true).count(), 1);
    let id = &answers[0]["actor"]["actor_id"];
    assert!(answers.iter().all(|answer| &answer["actor"]["actor_id"] == id));
}

#[tokio::test]
async fn of_many_who_create_one_key_at_once_one_succeeds() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let body = wanted("thing", Some("contested"));
    let answers =
        futures_util::future::join_all((0..6).map(|_| namespace.post("/actors", &body))).await;
    let mut verdicts: Vec<String> = answers.iter().map(Response::verdict).collect();
    let made = verdicts.iter().filter(|verdict| *verdict == "200").count();
    assert!(chosen("get-or-create-race", made >= 1, made == 1), "{verdicts:?}");
    verdicts.retain(|verdict| verdict != "200" && verdict != "400 actor.duplicate_key");
    let also = chosen("get-or-create-race", "400 actor.destroyed_during_creation", "");
    assert!(verdicts.iter().all(|verdict| verdict == also), "{verdicts:?}");
}

#[tokio::test]
async fn get_or_create_needs_a_key() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let body = json!({"name": "thing", "runner_name_selector": POOL, "crash_policy": "sleep"});
    assert_eq!(namespace.put("/actors", &body).await.verdict(), "400 api.bad_request");
}

#[tokio::test]
async fn an_empty_key_is_refused() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let answer = get_or_create(&namespace, "thing", Some("")).await;
    assert_eq!(answer.verdict(), "400 actor.empty_key");
    assert_eq!(answer.message(), "Key label cannot be empty.");
}

#[tokio::test]
async fn a_key_has_at_most_1024_bytes() {
    let namespace = Namespace::new(Engine::shared().await).await;
    get_or_create(&namespace, "thing", Some(&"x".repeat(1024))).await.ok();
    let answer = get_or_create(&namespace, "thing", Some(&"x".repeat(1025))).await;
    assert_eq!(answer.verdict(), "400 actor.key_too_large");
    assert!(answer.message().starts_with("Key label too large (max 1024 bytes): x"));
    assert_eq!(answer.json()["metadata"]["max_size"], 1024);
    assert!(answer.json()["metadata"]["key_preview"].as_str().unwrap().starts_with("xxx"));
}

#[tokio::test]
async fn a_pool_has_to_be_configured() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let body = with(wanted("thing", None), "runner_name_selector", json!("nowhere"));
    let answer = namespace.post("/actors", &body).await;
    assert_eq!(answer.verdict(), "400 actor.no_runner_config_configured");
    let name = namespace.name();
    assert_eq!(
        answer.message(),
        format!(
            "No runner config with name 'nowhere' are available in any datacenter for the namespace \
             '{name}'. Validate a provider is listed that matches the requested pool name."
        )
    );
    assert_eq!(answer.json()["metadata"], json!({"namespace": name, "pool_name": "nowhere"}));
}

#[tokio::test]
async fn the_namespace_has_to_exist() {
    let engine = Engine::shared().await;
    let body = wanted("thing", Some("one"));
    let answer = engine.api_with("PUT", "/actors?namespace=none-such", &body).await;
    assert_eq!(answer.verdict(), "400 namespace.not_found");
}

#[tokio::test]
async fn the_datacenter_has_to_exist() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let body = with(wanted("thing", Some("one")), "datacenter", json!("moon"));
    let answer = namespace.put("/actors", &body).await;
    assert_eq!(answer.verdict(), "400 datacenter.not_found");
    assert_eq!(answer.message(), "The provided datacenter does not exist.");
    let body = with(wanted("thing", Some("one")), "datacenter", json!("default"));
    namespace.put("/actors", &body).await.ok();
}

#[tokio::test]
async fn an_unknown_crash_policy_is_refused() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let body = with(wanted("thing", None), "crash_policy", json!("panic"));
    assert_eq!(namespace.post("/actors", &body).await.verdict(), "400 api.bad_request");
}

#[tokio::test]
async fn every_crash_policy_is_reported_as_sleep() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    for policy in ["restart", "sleep", "destroy"] {
        let body = with(wanted("thing", None), "crash_policy", json!(policy));
        let created = namespace.post("/actors", &body).await.ok();
        let actor = created["actor"]["actor_id"].as_str().unwrap();
        envoy.start_of(actor, 1).await;
        assert_eq!(namespace.connectable(actor).await["crash_policy"], "sleep");
    }
}

#[tokio::test]
async fn input_that_is_no_base64_is_no_input() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let body = with(wanted("thing", None), "input", json!("@@@"));
    let created = namespace.post("/actors", &body).await.ok();
    let start = envoy.start_of(created["actor"]["actor_id"].as_str().unwrap(), 1).await;
    assert_eq!(start.config.input, None);
}

#[tokio::test]
async fn names_may_be_empty_or_long() {
    let namespace = Namespace::new(Engine::shared().await).await;
    create(&namespace, "", None).await.ok();
    create(&namespace, &"n".repeat(300), None).await.ok();
}
