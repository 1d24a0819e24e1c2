//! An app that shuts down says so first.

use rivet_conformance::{
    engine::Engine, envoy::Options, namespace::Namespace, protocol::StopActorReason,
};

#[tokio::test]
async fn all_actors_of_a_stopping_envoy_are_sent_away() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::by_hand()).await;
    let mut actors = Vec::new();
    for _ in 0..3 {
        let actor = namespace.actor().await;
        envoy.start_of(&actor, 1).await;
        envoy.running(&actor, 1);
        namespace.connectable(&actor).await;
        actors.push(actor);
    }
    envoy.stopping();
    for actor in &actors {
        assert_eq!(envoy.stop_of(actor, 1).await, StopActorReason::GoingAway);
        assert!(namespace.describe(actor).await["connectable_ts"].is_null());
    }
}

#[tokio::test]
async fn its_actors_move_to_another_envoy() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let first = namespace.envoy().await;
    let actor = namespace.running_actor(&first).await;
    let second = namespace.envoy().await;
    first.stopping();
    second.start_of(&actor, 2).await;
    let moved = namespace.connectable(&actor).await;
    assert!(moved.get("error").is_none(), "{moved}");
}

#[tokio::test]
async fn its_actors_wait_for_another_envoy() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let first = namespace.envoy().await;
    let actor = namespace.running_actor(&first).await;
    first.stopping();
    namespace
        .until(&actor, "the actor waits", |actor| {
            actor["error"] == "no_envoys" && actor["connectable_ts"].is_null()
        })
        .await;
    let second = namespace.envoy().await;
    second.start_of(&actor, 2).await;
}

#[tokio::test]
async fn a_stopping_envoy_gets_no_new_actors() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let first = namespace.envoy().await;
    let second = namespace.envoy().await;
    first.stopping();
    rivet_conformance::wait::eventually("only one envoy is listed", || async {
        let found = namespace.get("/envoys").await.ok();
        (found["envoys"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    for _ in 0..4 {
        namespace.running_actor(&second).await;
    }
}
