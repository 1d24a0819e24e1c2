//! What a page shows of the engine, its actors and what they keep, beyond what upstream's API tells.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rivet_engine::{actor_data::Fence, keyspace::Id};
use rivet_envoy_protocol as protocol;
use serde_json::{Value, json};

use crate::support::{App, patient};

async fn create(app: &App, name: &str, key: &str) -> Id {
    let body = json!({
        "name": name, "key": key, "runner_name_selector": "pool", "crash_policy": "sleep",
    });
    let answer = app.put("/actors?namespace=default", &body).await;
    answer.json()["actor"]["actor_id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_actors_of_a_namespace_are_counted_by_state() {
    let app = App::new().await;
    app.configure("pool").await;
    create(&app, "counter", "waits").await;
    let gone = create(&app, "counter", "gone").await;
    app.delete(&format!("/actors/{gone}?namespace=default")).await;
    app.post("/namespaces", &json!({"name": "other", "display_name": "Other"})).await;

    let figures = app.get("/figures?namespace=default").await.json();

    let states = json!({"pending": 1, "starting": 0, "running": 0, "stopping": 0, "sleeping": 0});
    assert_eq!(figures["actors"], json!({"by_state": states, "more": false}));
    assert!(figures["storage_bytes"].as_u64().unwrap() > 0);
    let other = app.get("/figures?namespace=other").await.json();
    assert_eq!(other["actors"]["by_state"]["pending"], 0);
    let nowhere = app.get("/figures?namespace=nowhere").await;
    assert_eq!(nowhere.json()["group"], "namespace");
}

#[tokio::test]
async fn requests_are_counted_and_timed() {
    let app = App::new().await;

    app.get("/namespaces").await;
    app.get("/namespaces?nonsense=1").await;
    let figures = app.get("/figures?namespace=default").await.json();

    assert_eq!(figures["api_requests"], json!({"2xx": 1, "4xx": 1}));
    assert_eq!(figures["api_seconds"]["count"], 2);
    let last = figures["api_seconds"]["at_most"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last, json!([10.0, 2]));
}

/// Where an actor is placed, as soon as it is.
async fn started(app: &App, path: &str) -> Value {
    let starts = async {
        loop {
            let placed = app.get(path).await.json();
            if placed["state"] == "starting" {
                return placed;
            }
            tokio::task::yield_now().await;
        }
    };
    patient("an actor that starts", starts).await
}

#[tokio::test]
async fn where_an_actor_runs_is_told_with_its_generation() {
    let app = App::new().await;
    app.configure("pool").await;
    let actor = create(&app, "counter", "one").await;
    let path = format!("/actors/{actor}/placement?namespace=default");
    let waiting = app.get(&path).await.json();
    assert_eq!((&waiting["state"], &waiting["envoy_key"]), (&json!("pending"), &Value::Null));

    let (_connection, _outgoing) = app.connect("pool", "envoy-1").await;
    let placed = started(&app, &path).await;

    assert_eq!((&placed["generation"], &placed["envoy_key"]), (&json!(1), &json!("envoy-1")));
    app.post("/namespaces", &json!({"name": "other", "display_name": "Other"})).await;
    let elsewhere = app.get(&format!("/actors/{actor}/placement?namespace=other")).await;
    assert_eq!((elsewhere.status.as_u16(), &elsewhere.json()["code"]), (400, &json!("not_found")));
}

/// An actor on an envoy, with as many entries.
async fn with_entries(app: &App, count: u8) -> Id {
    app.configure("pool").await;
    let actor = create(app, "counter", "keeps").await;
    let (connection, _outgoing) = app.connect("pool", "envoy-1").await;
    let path = format!("/actors/{actor}/placement?namespace=default");
    started(app, &path).await;
    let fence = Fence {
        namespace_id: connection.envoy().namespace_id,
        envoy_key: connection.envoy().key.to_string(),
        actor,
        generation: Some(1),
    };
    let keys = (0..count).map(|key| vec![key]).collect();
    let values = (0..count).map(|size| vec![7; usize::from(size)]).collect();
    let put = protocol::KvRequestData::KvPutRequest(protocol::KvPutRequest { keys, values });
    let answer = app.lifecycle().data().kv(fence, put).await;
    assert!(matches!(answer, protocol::KvResponseData::KvPutResponse), "{answer:?}");
    actor
}

#[tokio::test]
async fn the_entries_of_an_actor_are_listed_in_pages_without_their_values() {
    let app = App::new().await;
    let actor = with_entries(&app, 5).await;
    let path = format!("/actors/{actor}/kv/keys?namespace=default");
    let pairs = |page: &Value| -> Vec<(Vec<u8>, u64)> {
        let entries = page["entries"].as_array().unwrap().iter();
        let key = |entry: &Value| STANDARD.decode(entry["key"].as_str().unwrap()).unwrap();
        entries.map(|entry| (key(entry), entry["size"].as_u64().unwrap())).collect()
    };

    let first = app.get(&format!("{path}&limit=3")).await.json();
    assert_eq!(pairs(&first), [(vec![0], 0), (vec![1], 1), (vec![2], 2)]);
    let cursor = first["pagination"]["cursor"].as_str().unwrap();
    let cursor: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
    let second = app.get(&format!("{path}&limit=3&cursor={cursor}")).await.json();
    assert_eq!(pairs(&second), [(vec![3], 3), (vec![4], 4)]);
    assert_eq!(second["pagination"]["cursor"], Value::Null);
    assert!(first["entries"][0].get("value").is_none());

    let broken = app.get(&format!("{path}&cursor=%21")).await;
    assert_eq!(broken.status, 400);
}

#[tokio::test]
async fn one_request_reads_a_bounded_number_of_entries() {
    let app = App::new().await;
    let actor = with_entries(&app, 100).await;

    let page = app.get(&format!("/actors/{actor}/kv/keys?namespace=default&limit=1000")).await;

    let page = page.json();
    assert_eq!(page["entries"].as_array().unwrap().len(), 64);
    assert!(page["pagination"]["cursor"].is_string());
}

#[tokio::test]
async fn entries_of_another_namespace_are_not_shown() {
    let app = App::new().await;
    let actor = with_entries(&app, 1).await;
    app.post("/namespaces", &json!({"name": "other", "display_name": "Other"})).await;

    let answer = app.get(&format!("/actors/{actor}/kv/keys?namespace=other")).await;

    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!("not_found")));
}
