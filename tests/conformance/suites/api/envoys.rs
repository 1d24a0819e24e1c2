//! Connected envoys, as the API lists them.

use rivet_conformance::{
    engine::Engine,
    envoy::Options,
    namespace::Namespace,
    protocol::{ToRivet, ToRivetMetadata},
    wait::eventually,
};
use serde_json::{Value, json};

async fn listed(namespace: &Namespace<'_>, query: &str) -> Vec<Value> {
    let found = namespace.get(&format!("/envoys{query}")).await.ok();
    found["envoys"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_envoy_is_listed_as_soon_as_it_is_initialized() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let row = eventually("the envoy is listed", || async {
        listed(&namespace, "").await.into_iter().next()
    })
    .await;
    assert_eq!(row["envoy_key"], envoy.key());
    assert_eq!(row["datacenter"], "default");
    assert_eq!(row["pool_name"], "default");
    assert_eq!(row["version"], 1);
    assert_eq!(row["slots"], 0);
    assert_eq!(row["stop_ts"], Value::Null);
    assert!(row["create_ts"].is_i64() && row["last_ping_ts"].is_i64(), "{row}");
    assert!(row["namespace_id"].is_string() && row["last_rtt"].is_i64(), "{row}");
}

#[tokio::test]
async fn the_list_is_narrowed_by_pool_and_by_key() {
    let namespace = Namespace::new(Engine::shared().await).await;
    namespace.pool("services").await;
    let one = namespace.envoy().await;
    let two = namespace.envoy_with(Options::default().pool("services")).await;
    let services = eventually("the envoy of the pool is listed", || async {
        listed(&namespace, "?name=services").await.into_iter().next()
    })
    .await;
    assert_eq!(services["envoy_key"], two.key());
    let by_key = eventually("the envoy is found by its key", || async {
        listed(&namespace, &format!("?envoy_key={}", one.key())).await.into_iter().next()
    })
    .await;
    assert_eq!(by_key["envoy_key"], one.key());
    assert_eq!(listed(&namespace, "?name=none-such").await, Vec::<Value>::new());
}

#[tokio::test]
async fn slots_count_the_actors_of_an_envoy() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    namespace.running_actor(&envoy).await;
    namespace.running_actor(&envoy).await;
    eventually("two slots are taken", || async {
        (listed(&namespace, "").await[0]["slots"] == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_an_envoy_says_of_itself_is_listed() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let metadata = Some(r#"{"rivetkit":{"version":"2.3.19"}}"#.to_owned());
    let metadata = ToRivetMetadata { prepopulate_actor_names: None, metadata };
    envoy.send(ToRivet::ToRivetMetadata(metadata));
    eventually("the metadata is listed", || async {
        let row = listed(&namespace, "").await.into_iter().next()?;
        (row["metadata"] == json!({"rivetkit": {"version": "2.3.19"}})).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_envoy_that_goes_is_no_longer_listed() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    eventually("the envoy is listed", || async { listed(&namespace, "").await.into_iter().next() })
        .await;
    envoy.crash();
    eventually("the list is empty", || async {
        listed(&namespace, "").await.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_envoy_that_says_it_stops_is_no_longer_listed() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    eventually("the envoy is listed", || async { listed(&namespace, "").await.into_iter().next() })
        .await;
    envoy.stopping();
    eventually("the list is empty", || async {
        listed(&namespace, "").await.is_empty().then_some(())
    })
    .await;
    assert_eq!(envoy.close_seen(), None, "the engine leaves it to the app to close");
}

#[tokio::test]
async fn there_are_no_runners() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let runners = namespace.get("/runners").await.ok();
    assert_eq!(runners, json!({"runners": [], "pagination": {"cursor": null}}));
    let names = namespace.get("/runners/names").await.ok();
    assert_eq!(names, json!({"names": [], "pagination": {"cursor": null}}));
}
