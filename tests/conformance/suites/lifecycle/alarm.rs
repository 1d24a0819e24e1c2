//! One alarm per actor, which wakes it.

use rivet_conformance::{engine::Engine, envoy::Options, namespace::Namespace, wait::now_ms};

#[tokio::test]
async fn an_alarm_wakes_a_sleeping_actor() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let at = now_ms() + 2_000;
    envoy.alarm(&actor, 1, Some(at));
    envoy.wants_sleep(&actor, 1);
    namespace.asleep(&actor).await;
    envoy.start_of(&actor, 2).await;
    // Timers of a few milliseconds are not exact.
    assert!(now_ms() + 50 >= at, "it was woken early");
    namespace.connectable(&actor).await;
}

#[tokio::test]
async fn the_last_alarm_counts() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.alarm(&actor, 1, Some(now_ms() + 3_600_000));
    envoy.alarm(&actor, 1, Some(now_ms() + 1_500));
    envoy.wants_sleep(&actor, 1);
    namespace.asleep(&actor).await;
    envoy.start_of(&actor, 2).await;
}

#[tokio::test]
async fn a_cleared_alarm_wakes_nobody() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let (cleared, kept) =
        (namespace.running_actor(&envoy).await, namespace.running_actor(&envoy).await);
    let at = now_ms() + 1_500;
    envoy.alarm(&cleared, 1, Some(at));
    envoy.alarm(&cleared, 1, None);
    envoy.alarm(&kept, 1, Some(at + 500));
    envoy.wants_sleep(&cleared, 1);
    envoy.wants_sleep(&kept, 1);
    // The other one's alarm is later, so when it has rung, this one's would have.
    envoy.start_of(&kept, 2).await;
    assert!(namespace.describe(&cleared).await["sleep_ts"].is_i64());
    assert_eq!(envoy.commands_of(&cleared).len(), 2);
}

#[tokio::test]
async fn an_alarm_of_the_past_wakes_an_actor_as_soon_as_it_sleeps() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.alarm(&actor, 1, Some(now_ms() - 1_000));
    envoy.wants_sleep(&actor, 1);
    envoy.start_of(&actor, 2).await;
}

#[tokio::test]
async fn an_alarm_does_not_disturb_a_running_actor() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let (awake, asleep) =
        (namespace.running_actor(&envoy).await, namespace.running_actor(&envoy).await);
    let at = now_ms() + 1_000;
    envoy.alarm(&awake, 1, Some(at));
    envoy.alarm(&asleep, 1, Some(at + 500));
    envoy.wants_sleep(&asleep, 1);
    envoy.start_of(&asleep, 2).await;
    assert_eq!(envoy.commands_of(&awake).len(), 1);
    // It is still set, and counts once the actor sleeps.
    envoy.wants_sleep(&awake, 1);
    envoy.start_of(&awake, 2).await;
}

#[tokio::test]
async fn an_alarm_outlives_the_engine_and_rings_late_rather_than_never() {
    let engine = Engine::fresh().await;
    let namespace = Namespace::new(&engine).await;
    let options = Options::default();
    let envoy = namespace.envoy_with(options.clone()).await;
    let actor = namespace.running_actor(&envoy).await;
    let at = now_ms() + 2_500;
    envoy.alarm(&actor, 1, Some(at));
    envoy.wants_sleep(&actor, 1);
    namespace.asleep(&actor).await;
    namespace.idle().await;
    engine.kill();
    while now_ms() < at {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    engine.resume().await;
    let envoy = namespace.envoy_with(options).await;
    envoy.start_of(&actor, 2).await;
}
