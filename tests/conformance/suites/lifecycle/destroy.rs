//! The end of an actor, which deletes all that it stored.

use rivet_conformance::{
    differences::chosen,
    engine::Engine,
    envoy::{Options, sqlite},
    namespace::Namespace,
    protocol::StopActorReason,
};
use serde_json::json;

#[tokio::test]
async fn an_actor_that_wants_to_stop_is_destroyed() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.wants_stop(&actor, 1);
    assert_eq!(envoy.stop_of(&actor, 1).await, StopActorReason::StopIntent);
    namespace.destroyed(&actor).await;
    assert_eq!(namespace.call(&actor, "/gone").await.verdict(), "404 actor.not_found");
}

#[tokio::test]
async fn an_actor_that_ends_well_on_its_own_is_destroyed() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.stopped(&actor, 1);
    namespace.destroyed(&actor).await;
}

#[tokio::test]
async fn a_sleeping_actor_is_destroyed_at_once() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.wants_sleep(&actor, 1);
    namespace.asleep(&actor).await;
    namespace.idle().await;
    let commands = envoy.commands_of(&actor).len();
    assert_eq!(namespace.delete(&format!("/actors/{actor}")).await.ok(), json!({}));
    assert!(namespace.describe(&actor).await["destroy_ts"].is_i64());
    assert_eq!(envoy.commands_of(&actor).len(), commands, "nobody had to be asked");
}

#[tokio::test]
async fn a_starting_actor_is_told_of_its_end_when_it_runs() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::by_hand()).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    let target = format!("/actors/{actor}");
    let app = async {
        // Other work passes on the same line meanwhile, and no stop comes.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert_eq!(envoy.commands_of(&actor).len(), 1);
        envoy.running(&actor, 1);
        assert_eq!(envoy.stop_of(&actor, 1).await, StopActorReason::Destroy);
        envoy.stopped(&actor, 1);
    };
    let (answer, ()) = tokio::join!(namespace.delete(&target), app);
    assert_eq!(answer.ok(), json!({}));
}

#[tokio::test]
async fn storage_goes_with_the_actor() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.kv_put(&actor, &[("a", "1")]).await.unwrap();
    let fence = sqlite::Fence::at(1, 0);
    envoy.commit(&actor, vec![sqlite::page(1, 7)], 1, fence).await.unwrap();
    namespace.delete(&format!("/actors/{actor}")).await.ok();
    let value = namespace.get(&format!("/actors/{actor}/kv/keys/YQ==")).await;
    assert_ne!(value.status, 200, "{}", value.text());
    let pages = envoy.get_pages(&actor, [1], sqlite::Fence::generation(1)).await;
    assert_eq!(pages.is_ok(), chosen("pages-of-the-destroyed", true, false), "{pages:?}");
}

#[tokio::test]
async fn a_destroyed_actor_is_not_found_by_its_key() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let body = json!({"name": "a", "key": "k", "runner_name_selector": "default", "crash_policy": "sleep"});
    let created = namespace.put("/actors", &body).await.ok();
    let actor = created["actor"]["actor_id"].as_str().unwrap();
    envoy.start_of(actor, 1).await;
    namespace.connectable(actor).await;
    envoy.wants_stop(actor, 1);
    namespace.destroyed(actor).await;
    assert_eq!(namespace.get("/actors?name=a&key=k").await.ok()["actors"], json!([]));
}
