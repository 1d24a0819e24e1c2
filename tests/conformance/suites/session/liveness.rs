//! Pings, and envoys that are lost.

use rivet_conformance::{
    differences::chosen,
    engine::Engine,
    envoy::Options,
    namespace::Namespace,
    protocol::{StopActorReason, ToEnvoy},
};

#[tokio::test]
async fn an_envoy_is_pinged_at_once_and_again() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let mut pings = 0;
    envoy
        .inbox()
        .first("two pings", |message| {
            pings += i32::from(matches!(message, ToEnvoy::ToEnvoyPing(_)));
            (pings == 2).then_some(())
        })
        .await;
}

#[tokio::test]
async fn an_envoy_that_does_not_answer_pings_is_dropped() {
    let namespace = Namespace::new(Engine::hasty().await).await;
    let envoy = namespace.envoy_with(Options { pong: false, ..Options::default() }).await;
    assert_eq!(envoy.closed().await.verdict(), "1011 ws.timed_out");
}

#[tokio::test]
async fn a_reconnect_in_time_keeps_the_actors_running() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let options = Options::default();
    let first = namespace.envoy_with(options.clone()).await;
    let actor = namespace.running_actor(&first).await;
    first.crash();
    let second = namespace.envoy_with(options).await;
    assert_eq!(namespace.call(&actor, "/x").await.text(), "GET /x");
    assert!(second.commands_of(&actor).is_empty(), "the generation goes on");
    assert!(namespace.describe(&actor).await["sleep_ts"].is_null());
}

#[tokio::test]
async fn actors_of_a_lost_envoy_sleep_with_the_reason() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let key = envoy.key().to_owned();
    envoy.crash();
    let asleep = namespace.asleep(&actor).await;
    assert_eq!(asleep["error"]["envoy_connection_lost"]["envoy_key"], key, "{asleep}");
}

#[tokio::test]
async fn a_lost_envoy_that_comes_back_is_told_to_stop_its_actors() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let options = Options::default();
    let first = namespace.envoy_with(options.clone()).await;
    let actor = namespace.running_actor(&first).await;
    first.crash();
    namespace.asleep(&actor).await;
    let second = namespace.envoy_with(options).await;
    assert_eq!(second.stop_of(&actor, 1).await, StopActorReason::Lost);
}

#[tokio::test]
async fn a_request_moves_the_actor_of_a_lost_envoy_to_another() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let first = namespace.envoy().await;
    let actor = namespace.running_actor(&first).await;
    first.crash();
    let second = namespace.envoy().await;
    let answer = namespace.call(&actor, "/x").await;
    let verdict = answer.verdict();
    let upstream = ["200", "500 core.internal_error"].contains(&verdict.as_str());
    assert!(chosen("lost-envoy-request", upstream, verdict == "200"), "{verdict}");
    second.start_of(&actor, 2).await;
}

#[tokio::test]
async fn an_engine_that_ends_says_goodbye() {
    let engine = Engine::fresh().await;
    let namespace = Namespace::new(&engine).await;
    let envoy = namespace.envoy().await;
    engine.terminate().await;
    assert_eq!(envoy.closed().await.verdict(), "1011 ws.going_away");
}

#[tokio::test]
async fn actors_go_on_when_the_engine_restarts_and_the_envoy_returns() {
    let engine = Engine::fresh().await;
    let namespace = Namespace::new(&engine).await;
    let options = Options::default();
    let first = namespace.envoy_with(options.clone()).await;
    let actor = namespace.running_actor(&first).await;
    engine.kill();
    engine.resume().await;
    let second = namespace.envoy_with(options).await;
    assert_eq!(namespace.call(&actor, "/x").await.text(), "GET /x");
    assert!(second.commands_of(&actor).is_empty(), "{:?}", second.commands_of(&actor));
}
