//! What an engine remembers when it is killed.

use rivet_conformance::{
    engine::Engine,
    envoy::Options,
    namespace::{Namespace, POOL},
};
use serde_json::json;

#[tokio::test]
async fn actors_and_what_is_known_of_them_outlive_the_engine() {
    let engine = Engine::fresh().await;
    let namespace = Namespace::new(&engine).await;
    let envoy = namespace.envoy().await;
    let body =
        json!({"name": "a", "key": "k", "runner_name_selector": POOL, "crash_policy": "sleep"});
    let created = namespace.put("/actors", &body).await.ok();
    let actor = created["actor"]["actor_id"].as_str().unwrap();
    envoy.start_of(actor, 1).await;
    namespace.connectable(actor).await;
    envoy.kv_put(actor, &[("a", "1")]).await.unwrap();
    envoy.crashed(actor, 1, "boom");
    let before = namespace.asleep(actor).await;
    engine.kill();
    engine.resume().await;
    assert_eq!(namespace.describe(actor).await, before);
    let again = namespace.put("/actors", &body).await.ok();
    assert_eq!(again["created"], false);
    assert_eq!(again["actor"]["actor_id"], actor);
    let value = namespace.get(&format!("/actors/{actor}/kv/keys/YQ==")).await.ok();
    assert_eq!(value["value"], "MQ==");
}

#[tokio::test]
async fn actors_whose_envoy_does_not_return_are_lost_after_a_restart() {
    let engine = Engine::fresh().await;
    let namespace = Namespace::new(&engine).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    engine.kill();
    engine.resume().await;
    let asleep = namespace.asleep(&actor).await;
    assert!(asleep["error"]["envoy_connection_lost"].is_object(), "{asleep}");
    let other = namespace.envoy().await;
    assert_eq!(namespace.call(&actor, "/x").await.text(), "GET /x");
    other.start_of(&actor, 2).await;
}

#[tokio::test]
async fn a_stop_that_was_under_way_is_finished_after_a_restart() {
    let engine = Engine::fresh().await;
    let namespace = Namespace::new(&engine).await;
    let options = Options::by_hand();
    let first = namespace.envoy_with(options.clone()).await;
    let actor = namespace.actor().await;
    first.start_of(&actor, 1).await;
    first.running(&actor, 1);
    namespace.connectable(&actor).await;
    first.wants_sleep(&actor, 1);
    first.stop_of(&actor, 1).await;
    engine.kill();
    engine.resume().await;
    let second = namespace.envoy_with(options).await;
    second.continue_events(&actor, 1, 2);
    second.stopped(&actor, 1);
    let asleep = namespace.asleep(&actor).await;
    assert!(asleep["destroy_ts"].is_null(), "{asleep}");
}
