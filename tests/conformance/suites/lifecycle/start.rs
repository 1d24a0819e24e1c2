//! Starting, and waiting for somebody to start on.

use rivet_conformance::{
    differences::chosen, engine::Engine, envoy::Options, namespace::Namespace,
};

#[tokio::test]
async fn a_running_actor_has_started_and_is_connectable_since_the_same_moment() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let running = namespace.describe(&actor).await;
    assert_eq!(running["start_ts"], running["connectable_ts"]);
    assert!(running["start_ts"].as_i64() >= running["create_ts"].as_i64());
    for absent in ["sleep_ts", "reschedule_ts", "destroy_ts", "pending_allocation_ts"] {
        assert!(running[absent].is_null(), "{absent}: {running}");
    }
    assert!(running.get("error").is_none(), "{running}");
}

#[tokio::test]
async fn an_actor_is_connectable_only_when_the_app_says_so() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::by_hand()).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    let starting = namespace.describe(&actor).await;
    assert!(starting["start_ts"].is_null() && starting["connectable_ts"].is_null(), "{starting}");
    envoy.running(&actor, 1);
    namespace.connectable(&actor).await;
}

#[tokio::test]
async fn an_actor_without_an_envoy_waits_and_says_why() {
    let namespace = Namespace::new(Engine::shared().await).await;
    namespace.deserted().await;
    let actor = namespace.actor().await;
    let waiting =
        namespace.until(&actor, "the actor waits", |actor| actor["error"] == "no_envoys").await;
    assert!(waiting["connectable_ts"].is_null());
    namespace
        .until(&actor, "the next try has a time", |actor| actor["reschedule_ts"].is_i64())
        .await;
}

#[tokio::test]
async fn a_waiting_actor_starts_when_an_envoy_comes() {
    let engine = Engine::start(&[
        ("PEGBOARD__BASE_RETRY_TIMEOUT", "600000"),
        ("PEGBOARD__RETRY_RESET_DURATION", "600000"),
        ("PEGBOARD__RESCHEDULE_BACKOFF_MAX_EXPONENT", "8"),
    ])
    .await;
    let namespace = Namespace::new(&engine).await;
    namespace.deserted().await;
    let actor = namespace.actor().await;
    namespace
        .until(&actor, "the next try is far", |actor| {
            actor["reschedule_ts"]
                .as_i64()
                .is_some_and(|at| at > rivet_conformance::wait::now_ms() + 60_000)
        })
        .await;
    let envoy = namespace.envoy().await;
    if chosen("pending-start", true, false) {
        // Its next try is minutes away.
        return;
    }
    envoy.start_of(&actor, 1).await;
    let running = namespace.connectable(&actor).await;
    assert!(running.get("error").is_none(), "{running}");
    assert!(running["reschedule_ts"].is_null(), "{running}");
}

#[tokio::test]
async fn an_app_that_does_not_start_an_actor_in_time_has_lost_it() {
    let namespace = Namespace::new(Engine::hasty().await).await;
    let envoy = namespace.envoy_with(Options::by_hand()).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    let asleep = namespace
        .until(&actor, "the start is given up", |actor| {
            actor["error"]["envoy_no_response"].is_object()
        })
        .await;
    assert!(asleep["start_ts"].is_null(), "{asleep}");
}

#[tokio::test]
async fn a_late_word_of_a_lost_generation_does_not_count() {
    let namespace = Namespace::new(Engine::hasty().await).await;
    let envoy = namespace.envoy_with(Options::by_hand()).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    namespace.asleep(&actor).await;
    envoy.running(&actor, 1);
    envoy.stopped(&actor, 1);
    envoy.kv_put(&actor, &[("a", "1")]).await.ok();
    let asleep = namespace.describe(&actor).await;
    assert!(asleep["connectable_ts"].is_null() && asleep["destroy_ts"].is_null(), "{asleep}");
}

#[tokio::test]
async fn an_actor_of_a_pool_that_never_had_an_envoy_says_why_it_does_not_start() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let actor = namespace.actor().await;
    let expected = chosen("pool-without-envoy", "no_capacity", "no_envoys");
    namespace.until(&actor, "the actor says why", |actor| actor["error"] == expected).await;
    let envoy = namespace.envoy().await;
    assert_eq!(namespace.call(&actor, "/wake").await.text(), "GET /wake");
    envoy.start_of(&actor, 1).await;
}
