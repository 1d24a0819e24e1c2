//! What the API does to actors that exist.

use rivet_conformance::{
    engine::Engine, envoy::Options, namespace::Namespace, protocol::StopActorReason,
};
use serde_json::json;

const UNKNOWN: &str = "ln7dve1jzrfjiwp5fd3mz91nr2cl00";

#[tokio::test]
async fn destroying_waits_until_the_app_has_stopped_the_actor() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::by_hand()).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    envoy.running(&actor, 1);
    namespace.connectable(&actor).await;
    let target = format!("/actors/{actor}");
    let mut deletion = Box::pin(namespace.delete(&target));
    tokio::select! {
        early = &mut deletion => panic!("answered before the actor stopped: {}", early.text()),
        reason = envoy.stop_of(&actor, 1) => assert_eq!(reason, StopActorReason::Destroy),
    }
    envoy.stopped(&actor, 1);
    assert_eq!(deletion.await.ok(), json!({}));
    assert!(namespace.describe(&actor).await["destroy_ts"].is_i64());
}

#[tokio::test]
async fn destroying_twice_is_no_error() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let actor = namespace.actor().await;
    assert_eq!(namespace.delete(&format!("/actors/{actor}")).await.ok(), json!({}));
    assert_eq!(namespace.delete(&format!("/actors/{actor}")).await.ok(), json!({}));
}

#[tokio::test]
async fn what_does_not_exist_cannot_be_destroyed() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let answer = namespace.delete(&format!("/actors/{UNKNOWN}")).await;
    assert_eq!(answer.verdict(), "400 actor.not_found");
    assert_eq!(answer.message(), "The actor does not exist or was destroyed.");
}

#[tokio::test]
async fn an_actor_of_another_namespace_cannot_be_destroyed() {
    let engine = Engine::shared().await;
    let (here, there) = (Namespace::new(engine).await, Namespace::new(engine).await);
    let actor = there.actor().await;
    let answer = here.delete(&format!("/actors/{actor}")).await;
    assert_eq!(answer.verdict(), "400 actor.not_found");
    assert!(there.describe(&actor).await["destroy_ts"].is_null());
}

#[tokio::test]
async fn a_destroyed_actor_frees_its_key() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let body = json!({"name": "a", "key": "k", "runner_name_selector": "default", "crash_policy": "sleep"});
    let first = namespace.put("/actors", &body).await.ok();
    let id = first["actor"]["actor_id"].as_str().unwrap();
    namespace.delete(&format!("/actors/{id}")).await.ok();
    let second = namespace.put("/actors", &body).await.ok();
    assert_eq!(second["created"], true);
    assert_ne!(second["actor"]["actor_id"], id);
}

#[tokio::test]
async fn sleep_stops_a_running_actor() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    assert_eq!(namespace.post(&format!("/actors/{actor}/sleep"), &json!({})).await.ok(), json!({}));
    assert_eq!(envoy.stop_of(&actor, 1).await, StopActorReason::SleepIntent);
    let asleep = namespace.asleep(&actor).await;
    assert!(asleep["start_ts"].is_i64());
    assert!(asleep.get("error").is_none(), "{asleep}");
}

#[tokio::test]
async fn reschedule_starts_the_next_generation() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let answer = namespace.post(&format!("/actors/{actor}/reschedule"), &json!({})).await;
    assert_eq!(answer.ok(), json!({}));
    assert_eq!(envoy.stop_of(&actor, 1).await, StopActorReason::GoingAway);
    envoy.start_of(&actor, 2).await;
    namespace.connectable(&actor).await;
}

#[tokio::test]
async fn a_value_of_an_actor_is_read_by_its_key_in_base64() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.kv_put(&actor, &[("abc", "V1")]).await.unwrap();
    let found = namespace.get(&format!("/actors/{actor}/kv/keys/YWJj")).await.ok();
    assert_eq!(found["value"], "VjE=");
    assert!(found["update_ts"].is_i64());
    // "a?>" needs the characters that a path has to escape.
    envoy.kv_put(&actor, &[("a??>", "V2")]).await.unwrap();
    let found = namespace.get(&format!("/actors/{actor}/kv/keys/YT8%2FPg%3D%3D")).await.ok();
    assert_eq!(found["value"], "VjI=");
}

#[tokio::test]
async fn a_key_that_is_not_there_is_told_so() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let answer = namespace.get(&format!("/actors/{actor}/kv/keys/YWJj")).await;
    assert_eq!(answer.verdict(), "400 actor.kv_key_not_found");
}
