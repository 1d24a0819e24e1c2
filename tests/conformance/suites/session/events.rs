//! What an app reports, and what of it counts.

use rivet_conformance::{
    engine::Engine,
    envoy::{
        Options,
        lifecycle::{intent, state},
    },
    namespace::Namespace,
    protocol::{ActorIntent, ActorState, StopActorReason, ToEnvoy},
};

#[tokio::test]
async fn events_of_another_generation_are_ignored() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.event_at(&actor, 7, 0, intent(ActorIntent::ActorIntentStop));
    envoy.wants_sleep(&actor, 1);
    assert_eq!(envoy.stop_of(&actor, 1).await, StopActorReason::SleepIntent);
}

#[tokio::test]
async fn events_that_were_seen_before_are_ignored() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.event_at(&actor, 1, 0, intent(ActorIntent::ActorIntentStop));
    envoy.wants_sleep(&actor, 1);
    assert_eq!(envoy.stop_of(&actor, 1).await, StopActorReason::SleepIntent);
}

#[tokio::test]
async fn events_said_again_after_a_reconnect_change_nothing() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let options = Options::by_hand();
    let first = namespace.envoy_with(options.clone()).await;
    let actor = namespace.actor().await;
    first.start_of(&actor, 1).await;
    first.running(&actor, 1);
    let before = namespace.connectable(&actor).await;
    first.crash();
    let second = namespace.envoy_with(options).await;
    second.event_at(&actor, 1, 0, state(ActorState::ActorStateRunning));
    second.continue_events(&actor, 1, 1);
    second.wants_sleep(&actor, 1);
    assert_eq!(second.stop_of(&actor, 1).await, StopActorReason::SleepIntent);
    let after = namespace.describe(&actor).await;
    assert_eq!(after["start_ts"], before["start_ts"]);
}

#[tokio::test]
async fn events_are_acknowledged_in_the_long_run() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    for _ in 0..600 {
        envoy.alarm(&actor, 1, None);
    }
    envoy
        .inbox()
        .first("an acknowledgement of hundreds of events", |message| {
            let ToEnvoy::ToEnvoyAckEvents(acknowledgement) = message else { return None };
            acknowledgement.last_event_checkpoints.iter().find(|checkpoint| {
                checkpoint.actor_id == actor && checkpoint.generation == 1 && checkpoint.index > 250
            })?;
            Some(())
        })
        .await;
}

#[tokio::test]
async fn an_envoy_cannot_report_for_another_envoys_actor() {
    let engine = Engine::shared().await;
    let (here, there) = (Namespace::new(engine).await, Namespace::new(engine).await);
    let owner = here.envoy().await;
    let stranger = there.envoy().await;
    let actor = here.running_actor(&owner).await;
    stranger.event_at(&actor, 1, 1, intent(ActorIntent::ActorIntentStop));
    // A round trip on the stranger's line shows that the event was taken in.
    let other = there.running_actor(&stranger).await;
    stranger.kv_put(&other, &[("a", "1")]).await.unwrap();
    owner.wants_sleep(&actor, 1);
    assert_eq!(owner.stop_of(&actor, 1).await, StopActorReason::SleepIntent);
}
