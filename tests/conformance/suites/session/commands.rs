//! What the engine tells an app to do, and when it says it again.

use rivet_conformance::{
    engine::Engine,
    envoy::Options,
    namespace::{Namespace, POOL},
    protocol::Command,
};
use serde_json::json;

#[tokio::test]
async fn a_start_carries_what_the_actor_was_created_with() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let body = json!({
        "name": "thing", "key": "k", "runner_name_selector": POOL, "crash_policy": "sleep",
        "input": "AQID",
    });
    let created = namespace.post("/actors", &body).await.ok();
    let actor = created["actor"]["actor_id"].as_str().unwrap();
    let start = envoy.start_of(actor, 1).await;
    assert_eq!(start.config.name, "thing");
    assert_eq!(start.config.key.as_deref(), Some("k"));
    assert_eq!(start.config.input.as_deref(), Some(&[1, 2, 3][..]));
    assert!(start.config.create_ts >= created["actor"]["create_ts"].as_i64().unwrap());
    assert_eq!(start.hibernating_requests, []);
}

#[tokio::test]
async fn generations_count_from_one_and_so_do_the_commands_of_each() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    namespace.post(&format!("/actors/{actor}/reschedule"), &json!({})).await.ok();
    envoy.start_of(&actor, 2).await;
    let given: Vec<(u32, i64)> = envoy
        .commands_of(&actor)
        .iter()
        .map(|given| (given.checkpoint.generation, given.checkpoint.index))
        .collect();
    assert_eq!(given, [(1, 1), (1, 2), (2, 1)]);
}

#[tokio::test]
async fn every_generation_gets_the_input_and_a_time_of_its_own() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let body = json!({
        "name": "thing", "runner_name_selector": POOL, "crash_policy": "sleep", "input": "AQID",
    });
    let created = namespace.post("/actors", &body).await.ok();
    let actor = created["actor"]["actor_id"].as_str().unwrap();
    let first = envoy.start_of(actor, 1).await;
    namespace.connectable(actor).await;
    namespace.post(&format!("/actors/{actor}/reschedule"), &json!({})).await.ok();
    let second = envoy.start_of(actor, 2).await;
    assert_eq!(second.config.input, first.config.input);
    assert!(second.config.create_ts > first.config.create_ts);
}

#[tokio::test]
async fn what_was_not_acknowledged_is_said_again_after_a_reconnect() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let options = Options { acknowledge: false, ..Options::by_hand() };
    let first = namespace.envoy_with(options.clone()).await;
    let actor = namespace.actor().await;
    first.start_of(&actor, 1).await;
    let given = first.commands_of(&actor);
    first.crash();
    let second = namespace.envoy_with(options).await;
    second.start_of(&actor, 1).await;
    assert_eq!(second.commands_of(&actor), given);
}

#[tokio::test]
async fn what_was_acknowledged_is_not_said_again() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let options = Options::by_hand();
    let first = namespace.envoy_with(options.clone()).await;
    let actor = namespace.actor().await;
    first.start_of(&actor, 1).await;
    first.running(&actor, 1);
    namespace.connectable(&actor).await;
    first.crash();
    let second = namespace.envoy_with(options).await;
    // The next command shows that the first one would have come before.
    namespace.post(&format!("/actors/{actor}/sleep"), &json!({})).await.ok();
    second.stop_of(&actor, 1).await;
    let given = second.commands_of(&actor);
    assert_eq!(given.len(), 1, "{given:?}");
    assert!(matches!(given[0].inner, Command::CommandStopActor(_)));
    assert_eq!(given[0].checkpoint.index, 2);
}

#[tokio::test]
async fn commands_outlive_the_engine() {
    let engine = Engine::fresh().await;
    let namespace = Namespace::new(&engine).await;
    let options = Options { acknowledge: false, ..Options::by_hand() };
    let first = namespace.envoy_with(options.clone()).await;
    let actor = namespace.actor().await;
    first.start_of(&actor, 1).await;
    let given = first.commands_of(&actor);
    engine.kill();
    engine.resume().await;
    let second = namespace.envoy_with(options).await;
    second.start_of(&actor, 1).await;
    assert_eq!(second.commands_of(&actor), given);
}
