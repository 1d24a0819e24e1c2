//! Actors of a serverless pool.

use rivet_conformance::{
    differences::chosen,
    engine::{Engine, TOKEN},
    envoy::{Envoy, Options},
    namespace::Namespace,
    protocol::StopActorReason,
    serverless::{Serverless, StartAnswer},
    wait::eventually,
};
use serde_json::{Value, json};

/// A pool that this app serves, and about which the engine has found out.
async fn pool(namespace: &Namespace<'_>, app: &Serverless, more: Value) {
    namespace.put("/runner-configs/sl", &app.pool(&more)).await.ok();
    eventually("the protocol of the pool is known", || async {
        let found = namespace.get("/runner-configs?runner_name=sl").await.ok();
        let config = &found["runner_configs"]["sl"]["datacenters"]["default"];
        (config["protocol_version"] == 8).then_some(())
    })
    .await;
}

async fn create(namespace: &Namespace<'_>) -> String {
    let body = json!({"name": "thing", "runner_name_selector": "sl", "crash_policy": "sleep"});
    let created = namespace.post("/actors", &body).await.ok();
    created["actor"]["actor_id"].as_str().unwrap().to_owned()
}

/// The envoy that the app opens when it was started.
async fn envoy(namespace: &Namespace<'_>) -> Envoy {
    namespace.envoy_with(Options::default().pool("sl")).await
}

#[tokio::test]
async fn an_actor_is_started_by_a_request() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let app = Serverless::start().await;
    pool(&namespace, &app, json!({})).await;
    let actor = create(&namespace).await;
    let (asked, command) = app.start_of(&actor, 1).await;
    assert_eq!(asked.body[..2], [8, 0], "the version of the protocol comes first");
    assert_eq!(command.checkpoint.index, 0);
    assert_eq!(asked.headers["x-own"], "v");
    let endpoint = format!("http://127.0.0.1:{}/", namespace.engine().port());
    assert_eq!(asked.headers["x-rivet-endpoint"], endpoint);
    assert_eq!(asked.headers["x-rivet-pool-name"], "sl");
    assert_eq!(asked.headers["x-rivet-namespace-name"], namespace.name());
    let token = asked.headers["x-rivet-token"].to_str().unwrap().to_owned();
    assert_eq!(token == TOKEN, chosen("start-token", true, false));
    let options = Options { token: Some(token), ..Options::default() };
    let envoy = namespace.envoy_with(options.pool("sl")).await;
    envoy.running(&actor, 1);
    namespace.connectable(&actor).await;
    assert!(envoy.commands_of(&actor).is_empty(), "the start is not said again");
    assert_eq!(namespace.call(&actor, "/x").await.text(), "GET /x");
}

#[tokio::test]
async fn later_commands_come_over_the_connection_and_count_from_one() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let app = Serverless::start().await;
    pool(&namespace, &app, json!({})).await;
    let actor = create(&namespace).await;
    app.start_of(&actor, 1).await;
    let envoy = envoy(&namespace).await;
    envoy.running(&actor, 1);
    namespace.connectable(&actor).await;
    namespace.post(&format!("/actors/{actor}/sleep"), &json!({})).await.ok();
    assert_eq!(envoy.stop_of(&actor, 1).await, StopActorReason::SleepIntent);
    assert_eq!(envoy.commands_of(&actor)[0].checkpoint.index, 1);
    namespace.asleep(&actor).await;
    namespace.idle().await;
    let wake = tokio::spawn({
        let request = rivet_conformance::namespace::gateway("GET", &actor, "/wake");
        request.send(namespace.engine().port())
    });
    app.start_of(&actor, 2).await;
    envoy.running(&actor, 2);
    assert_eq!(wake.await.unwrap().text(), "GET /wake");
}

#[tokio::test]
async fn an_actor_moves_before_its_request_has_lived_its_span() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let app = Serverless::start().await;
    pool(&namespace, &app, json!({"request_lifespan": 7, "drain_grace_period": 4})).await;
    let actor = create(&namespace).await;
    app.start_of(&actor, 1).await;
    let envoy = envoy(&namespace).await;
    envoy.running(&actor, 1);
    namespace.connectable(&actor).await;
    assert_eq!(envoy.stop_of(&actor, 1).await, StopActorReason::GoingAway);
    app.start_of(&actor, 2).await;
    envoy.running(&actor, 2);
    namespace.connectable(&actor).await;
    eventually("the first stream is closed", || async { (app.ended_streams() >= 1).then_some(()) })
        .await;
}

#[tokio::test]
async fn a_start_that_fails_is_recorded_and_tried_again() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let app = Serverless::start().await;
    pool(&namespace, &app, json!({})).await;
    app.answer_start(StartAnswer::Status(500, "out of order".to_owned()));
    let actor = create(&namespace).await;
    eventually("the pool tells its error", || async {
        let found = namespace.get("/runner-configs?runner_name=sl").await.ok();
        let config = &found["runner_configs"]["sl"]["datacenters"]["default"];
        let error = &config["runner_pool_error"]["serverless_http_error"];
        (error["status_code"] == 500 && error["body"] == "out of order").then_some(())
    })
    .await;
    app.answer_start(StartAnswer::Stream);
    let wake = tokio::spawn({
        let request = rivet_conformance::namespace::gateway("GET", &actor, "/wake");
        request.send(namespace.engine().port())
    });
    let envoy = envoy(&namespace).await;
    // Every generation that is started runs, whichever it is that succeeds.
    let run = async {
        let mut generation = 0;
        loop {
            generation += 1;
            app.start_of(&actor, generation).await;
            envoy.running(&actor, generation);
        }
    };
    tokio::select! {
        () = run => {}
        _ = namespace.connectable(&actor) => {}
    }
    wake.abort();
}

#[tokio::test]
async fn a_request_to_an_actor_that_cannot_be_started_is_told_of_the_pools_error() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let app = Serverless::start().await;
    pool(&namespace, &app, json!({})).await;
    app.answer_start(StartAnswer::Status(500, "out of order".to_owned()));
    let actor = create(&namespace).await;
    let answer = namespace.call(&actor, "/x").await;
    let expected = chosen(
        "ready-timeout",
        "503 guard.actor_wake_retries_exceeded",
        "400 guard.actor_runner_failed",
    );
    assert_eq!(answer.verdict(), expected);
}
