//! `/admin/drain`, as operators, load balancers and clients of the API see it.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App};

fn actor(key: &str) -> Value {
    json!({"name": "counter", "key": key, "runner_name_selector": "pool", "crash_policy": "sleep"})
}

async fn drain(app: &App) -> Value {
    let answer = app.post("/admin/drain", &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()
}

/// Refused because the engine drains.
fn is_held_back(answer: &Answer) -> bool {
    let json = answer.json();
    (answer.status.as_u16(), &json["group"], &json["code"])
        == (503, &json!("core"), &json!("draining"))
        && answer.header("retry-after").is_some()
}

#[tokio::test]
async fn a_drain_is_asked_for_watched_and_taken_back() {
    let app = App::new().await;
    let serving = json!({
        "state": "serving", "since_ts": null, "actors_running": 0, "requests_in_flight": 0,
        "sockets_open": 0, "envoys": 0,
    });
    assert_eq!(app.get("/admin/drain").await.json(), serving);

    let begun = drain(&app).await;
    let again = drain(&app).await;

    assert!(["draining", "drained"].contains(&begun["state"].as_str().unwrap()), "{begun}");
    assert!(begun["since_ts"].is_u64());
    assert_eq!(again["since_ts"], begun["since_ts"]);
    while app.get("/admin/drain").await.json()["state"] != "drained" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(app.delete("/admin/drain").await.json(), serving);
    assert_eq!(app.delete("/admin/drain").await.json(), serving);
    assert_eq!(app.get("/admin/drain").await.json(), serving);
}

#[tokio::test]
async fn an_engine_that_drains_is_alive_and_not_ready_and_its_metrics_say_so() {
    let app = App::new().await;
    drain(&app).await;

    let ready = app.as_stranger(Method::GET, "/ready").await;
    let at_peer = app.at_peer("/ready").await;
    let alive = app.as_stranger(Method::GET, "/health").await;
    let metrics = app.metrics("/metrics").await;

    assert_eq!(ready.status, 503);
    assert_eq!(ready.json(), json!({"status": "not_ready", "failed": ["draining"]}));
    assert_eq!((at_peer.status.as_u16(), alive.status.as_u16()), (503, 200));
    assert!(metrics.contains("rivet_engine_draining 1"), "{metrics}");
    assert!(metrics.contains(r#"rivet_engine_ready_check{check="draining"} 0"#), "{metrics}");
    app.delete("/admin/drain").await;
    assert_eq!(app.as_stranger(Method::GET, "/ready").await.status, 200);
}

#[tokio::test]
async fn what_would_start_an_actor_is_refused_while_the_engine_drains_and_the_rest_goes_on() {
    let app = App::new().await;
    app.configure("pool").await;
    let there = app.post("/actors?namespace=default", &actor("there")).await.json();
    let id = there["actor"]["actor_id"].as_str().unwrap();
    drain(&app).await;

    let refused = [
        app.post("/actors?namespace=default", &actor("new")).await,
        app.put("/actors?namespace=default", &actor("new")).await,
        app.post(&format!("/actors/{id}/reschedule?namespace=default"), &json!({})).await,
    ];
    let answered = [
        app.put("/actors?namespace=default", &actor("there")).await,
        app.get("/actors?namespace=default&name=counter").await,
        app.post(&format!("/actors/{id}/sleep?namespace=default"), &json!({})).await,
        app.post("/namespaces", &json!({"name": "other", "display_name": "Other"})).await,
        app.post("/admin/compact", &json!({})).await,
        app.delete(&format!("/actors/{id}?namespace=default")).await,
    ];

    for answer in &refused {
        assert!(is_held_back(answer), "{} {}", answer.status, answer.json());
    }
    for answer in &answered {
        assert_eq!(answer.status, 200, "{}", answer.json());
    }
    assert_eq!(answered[1].json()["actors"].as_array().unwrap().len(), 1);
    app.delete("/admin/drain").await;
    assert_eq!(app.post("/actors?namespace=default", &actor("new")).await.status, 200);
}

#[tokio::test]
async fn a_drain_and_its_end_are_written_down_once_however_often_they_are_asked_for() {
    let app = App::new().await;
    for _ in 0..2 {
        drain(&app).await;
    }
    for _ in 0..2 {
        app.delete("/admin/drain").await;
    }

    let entries = app.get("/audit").await.json();

    let methods: Vec<_> =
        entries["entries"].as_array().unwrap().iter().map(|entry| &entry["method"]).collect();
    assert_eq!(methods, ["DELETE", "POST"]);
}
