//! Actors that fail.

use rivet_conformance::{
    engine::Engine,
    envoy::Options,
    namespace::{Namespace, POOL, gateway},
    protocol::Command,
};
use serde_json::json;

#[tokio::test]
async fn a_crashed_actor_sleeps_with_the_reason() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.crashed(&actor, 1, "boom");
    let asleep = namespace.asleep(&actor).await;
    assert_eq!(asleep["error"], json!({"crashed": {"message": "boom"}}));
    assert!(asleep["start_ts"].is_i64());
}

#[tokio::test]
async fn a_request_starts_a_crashed_actor_again() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.crashed(&actor, 1, "boom");
    namespace.asleep(&actor).await;
    assert_eq!(namespace.call(&actor, "/again").await.text(), "GET /again");
    envoy.start_of(&actor, 2).await;
    let running = namespace.connectable(&actor).await;
    assert!(running.get("error").is_none(), "{running}");
}

#[tokio::test]
async fn a_crashed_actor_keeps_its_key() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let body =
        json!({"name": "a", "key": "k", "runner_name_selector": POOL, "crash_policy": "destroy"});
    let created = namespace.put("/actors", &body).await.ok();
    let actor = created["actor"]["actor_id"].as_str().unwrap();
    envoy.start_of(actor, 1).await;
    namespace.connectable(actor).await;
    envoy.crashed(actor, 1, "boom");
    namespace.asleep(actor).await;
    let again = namespace.put("/actors", &body).await.ok();
    assert_eq!(again["created"], false);
    assert_eq!(again["actor"]["actor_id"], actor);
}

#[tokio::test]
async fn an_actor_that_fails_to_start_sleeps_with_the_reason() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::by_hand()).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    envoy.crashed(&actor, 1, "no start");
    let asleep = namespace.asleep(&actor).await;
    assert_eq!(asleep["error"], json!({"crashed": {"message": "no start"}}));
    assert!(asleep["start_ts"].is_null(), "{asleep}");
}

#[tokio::test]
async fn a_request_to_an_actor_that_fails_to_start_wakes_it_again_and_again() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options { obey: false, ..Options::default() }).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    let app = async {
        for generation in 1..=3 {
            envoy.start_of(&actor, generation).await;
            envoy.crashed(&actor, generation, "not yet");
        }
        envoy.start_of(&actor, 4).await;
        envoy.running(&actor, 4);
    };
    let request = gateway("GET", &actor, "/patient").send(namespace.engine().port());
    let (answer, ()) = tokio::join!(request, app);
    assert_eq!(answer.text(), "GET /patient");
}

#[tokio::test]
async fn an_app_that_crashes_in_every_start_harms_no_other_actor() {
    let namespace = Namespace::new(Engine::shared().await).await;
    namespace.pool("broken").await;
    let broken = namespace.envoy_with(Options::by_hand().pool("broken")).await;
    let healthy = namespace.envoy().await;
    let body = json!({"name": "a", "runner_name_selector": "broken", "crash_policy": "restart"});
    let created = namespace.post("/actors", &body).await.ok();
    let bad = created["actor"]["actor_id"].as_str().unwrap().to_owned();
    let app = async {
        loop {
            let generation = broken
                .commands_of(&bad)
                .iter()
                .filter(|given| matches!(given.inner, Command::CommandStartActor(_)))
                .map(|given| given.checkpoint.generation)
                .max()
                .unwrap_or(0);
            if generation > 0 {
                broken.crashed(&bad, generation, "always");
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let good = namespace.running_actor(&healthy).await;
    let mut callers = Vec::new();
    for _ in 0..3 {
        callers.push(tokio::spawn(gateway("GET", &bad, "/x").send(namespace.engine().port())));
    }
    let calls = async {
        for number in 0..20 {
            let path = format!("/{number}");
            assert_eq!(namespace.call(&good, &path).await.text(), format!("GET {path}"));
        }
    };
    tokio::select! {
        () = app => {}
        () = calls => {}
    }
    for caller in callers {
        caller.abort();
    }
}
