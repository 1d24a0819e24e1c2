//! Which envoy gets an actor.

use rivet_conformance::{
    engine::Engine,
    envoy::{Envoy, Options},
    namespace::Namespace,
    protocol::ToEnvoy,
    wait::eventually,
};
use serde_json::json;

fn started(envoy: &Envoy) -> usize {
    let batches = envoy.inbox().all(|message| match message {
        ToEnvoy::ToEnvoyCommands(commands) => Some(commands.len()),
        _ => None,
    });
    batches.into_iter().sum()
}

#[tokio::test]
async fn an_actor_starts_in_its_own_pool() {
    let namespace = Namespace::new(Engine::shared().await).await;
    namespace.pool("other").await;
    let default = namespace.envoy().await;
    let other = namespace.envoy_with(Options::default().pool("other")).await;
    let body = json!({"name": "a", "runner_name_selector": "other", "crash_policy": "sleep"});
    for _ in 0..3 {
        let created = namespace.post("/actors", &body).await.ok();
        other.start_of(created["actor"]["actor_id"].as_str().unwrap(), 1).await;
    }
    assert_eq!(started(&default), 0);
}

#[tokio::test]
async fn two_envoys_share_the_actors() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (one, two) = (namespace.envoy().await, namespace.envoy().await);
    for _ in 0..16 {
        let actor = namespace.actor().await;
        namespace.connectable(&actor).await;
    }
    assert_eq!(started(&one) + started(&two), 16);
    assert!(started(&one) > 0 && started(&two) > 0, "{} and {}", started(&one), started(&two));
}

#[tokio::test]
async fn only_the_newest_version_gets_actors() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let version = |version: &str| Options { version: version.to_owned(), ..Options::default() };
    let old = namespace.envoy_with(version("1")).await;
    let new = namespace.envoy_with(version("2")).await;
    eventually("both are listed", || async {
        let found = namespace.get("/envoys").await.ok();
        (found["envoys"].as_array().unwrap().len() == 2).then_some(())
    })
    .await;
    for _ in 0..4 {
        namespace.running_actor(&new).await;
    }
    assert_eq!(started(&old), 0);
}

#[tokio::test]
async fn one_envoy_runs_hundreds_of_actors() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    for _ in 0..10 {
        let batch = (0..20).map(|_| namespace.actor());
        for actor in futures_util::future::join_all(batch).await {
            envoy.start_of(&actor, 1).await;
        }
    }
    eventually("all slots are counted", || async {
        let found = namespace.get("/envoys").await.ok();
        (found["envoys"][0]["slots"] == 200).then_some(())
    })
    .await;
}
