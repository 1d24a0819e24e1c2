//! Envoys and runners: who is connected.

use serde_json::{Value, json};

use crate::support::App;

fn keys(listed: &Value) -> Vec<&str> {
    let envoys = listed["envoys"].as_array().unwrap();
    envoys.iter().map(|envoy| envoy["envoy_key"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_envoy_is_listed_from_its_connection_to_its_end() {
    let app = App::new().await;
    app.configure("pool").await;
    let (connection, _outgoing) = app.connect("pool", "one").await;
    let body = json!({"name": "a", "runner_name_selector": "pool", "crash_policy": "sleep"});
    app.post("/actors?namespace=default", &body).await;
    let said = json!({"rivetkit": {"version": "2.3.19"}});
    app.lifecycle().envoys().set_metadata(connection.envoy(), said.clone());

    let listed = app.get("/envoys?namespace=default").await.json();

    let envoy = &listed["envoys"][0];
    assert_eq!(
        listed,
        json!({
            "envoys": [{
                "envoy_key": "one",
                "namespace_id": connection.envoy().namespace_id.to_string(),
                "datacenter": "default",
                "pool_name": "pool",
                "version": 1,
                "slots": 1,
                "create_ts": envoy["create_ts"],
                "stop_ts": null,
                "last_ping_ts": envoy["last_ping_ts"],
                "last_connected_ts": null,
                "last_rtt": 0,
                "metadata": said,
            }],
            "pagination": {"cursor": envoy["create_ts"].to_string()},
        })
    );
    app.lifecycle().envoys().set_stopping(connection.envoy());
    let stopping = app.get("/envoys?namespace=default").await.json();
    assert_eq!(stopping, json!({"envoys": [], "pagination": {"cursor": null}}));
}

#[tokio::test]
async fn envoys_are_filtered_by_pool_and_key_and_paged() {
    let app = App::new().await;
    let mut connections = Vec::new();
    for (pool, key) in [("a", "one"), ("a", "two"), ("services", "three")] {
        app.configure(pool).await;
        connections.push(app.connect(pool, key).await);
    }
    let list = |query: String| {
        let app = &app;
        async move { app.get(&format!("/envoys?namespace=default&{query}")).await.json() }
    };

    assert_eq!(keys(&list("name=services".to_owned()).await), ["three"]);
    assert_eq!(keys(&list("envoy_key=one&envoy_key=three&name=a".to_owned()).await), ["one"]);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = list(format!("limit=1&cursor={cursor}")).await;
        seen.extend(keys(&page).into_iter().map(str::to_owned));
        match page["pagination"]["cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen, ["one", "three", "two"]);
    let nowhere = app.get("/envoys?namespace=nope").await.json();
    assert_eq!(nowhere["message"], "The namespace does not exist.");
}

#[tokio::test]
async fn a_pool_says_which_protocol_it_speaks_even_after_its_envoys_left() {
    let app = App::new().await;
    app.configure("pool").await;
    let (connection, _outgoing) = app.connect("pool", "one").await;
    let lifecycle = app.lifecycle();
    let version = || async {
        let listed = app.get("/runner-configs?namespace=default").await.json();
        listed["runner_configs"]["pool"]["datacenters"]["default"]["protocol_version"].clone()
    };

    assert_eq!(version().await, 8);
    lifecycle.envoys().detach(&connection, lifecycle.now());
    assert_eq!(version().await, 8);
}

#[tokio::test]
async fn there_are_no_runners() {
    let app = App::new().await;

    assert_eq!(
        app.get("/runners?namespace=default&include_stopped=true").await.json(),
        json!({"runners": [], "pagination": {"cursor": null}})
    );
    assert_eq!(
        app.get("/runners/names?namespace=default").await.json(),
        json!({"names": [], "pagination": {"cursor": null}})
    );
    assert_eq!(app.get("/runners?namespace=nope").await.json()["code"], "not_found");
}
