//! Going to sleep, and being woken.

use rivet_conformance::{
    engine::Engine, envoy::Options, namespace::Namespace, protocol::StopActorReason,
};

#[tokio::test]
async fn an_actor_that_wants_to_sleep_is_told_to_and_sleeps_when_it_has_stopped() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::by_hand()).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    envoy.running(&actor, 1);
    let running = namespace.connectable(&actor).await;
    envoy.wants_sleep(&actor, 1);
    assert_eq!(envoy.stop_of(&actor, 1).await, StopActorReason::SleepIntent);
    namespace
        .until(&actor, "it is no longer connectable", |actor| actor["connectable_ts"].is_null())
        .await;
    envoy.stopped(&actor, 1);
    let asleep = namespace.asleep(&actor).await;
    assert_eq!(asleep["start_ts"], running["start_ts"]);
}

#[tokio::test]
async fn a_request_wakes_an_actor_as_its_next_generation() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let first = namespace.describe(&actor).await;
    envoy.wants_sleep(&actor, 1);
    namespace.asleep(&actor).await;
    assert_eq!(namespace.call(&actor, "/wake").await.text(), "GET /wake");
    envoy.start_of(&actor, 2).await;
    let awake = namespace.connectable(&actor).await;
    assert_eq!(awake["start_ts"], first["start_ts"], "the first start is kept");
    assert!(awake["sleep_ts"].is_null(), "{awake}");
    assert!(awake["connectable_ts"].as_i64() > first["connectable_ts"].as_i64());
}

#[tokio::test]
async fn a_request_that_comes_while_an_actor_stops_is_answered_by_the_next_generation() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options { obey: false, ..Options::default() }).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    envoy.running(&actor, 1);
    namespace.connectable(&actor).await;
    envoy.wants_sleep(&actor, 1);
    envoy.stop_of(&actor, 1).await;
    namespace
        .until(&actor, "it is no longer connectable", |actor| actor["connectable_ts"].is_null())
        .await;
    let app = async {
        // The stop is answered only when the request is surely there.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        envoy.stopped(&actor, 1);
        envoy.start_of(&actor, 2).await;
        envoy.running(&actor, 2);
    };
    let (answer, ()) = tokio::join!(namespace.call(&actor, "/late"), app);
    assert_eq!(answer.text(), "GET /late");
}

#[tokio::test]
async fn an_actor_told_to_sleep_may_end_in_error_and_sleeps() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::by_hand()).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    envoy.running(&actor, 1);
    envoy.wants_sleep(&actor, 1);
    envoy.stop_of(&actor, 1).await;
    envoy.crashed(&actor, 1, "in onSleep");
    namespace.asleep(&actor).await;
}

#[tokio::test]
async fn storage_outlives_sleep() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.kv_put(&actor, &[("a", "1")]).await.unwrap();
    envoy.wants_sleep(&actor, 1);
    namespace.asleep(&actor).await;
    let found = namespace.get(&format!("/actors/{actor}/kv/keys/YQ==")).await.ok();
    assert_eq!(found["value"], "MQ==");
    namespace.call(&actor, "/wake").await.text();
    envoy.start_of(&actor, 2).await;
    assert_eq!(envoy.kv_get(&actor, &["a"]).await.unwrap().pairs(), ["a=1"]);
}

#[tokio::test]
async fn an_app_that_does_not_stop_an_actor_in_time_has_lost_it() {
    let namespace = Namespace::new(Engine::hasty().await).await;
    let envoy = namespace.envoy_with(Options::by_hand()).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    envoy.running(&actor, 1);
    namespace.connectable(&actor).await;
    envoy.wants_sleep(&actor, 1);
    envoy.stop_of(&actor, 1).await;
    let asleep = namespace.asleep(&actor).await;
    assert!(asleep["destroy_ts"].is_null(), "{asleep}");
}
