//! Health and metadata, which clients and probes ask without a token.

use rivet_conformance::{differences::chosen, engine::Engine, http::Request};

#[tokio::test]
async fn health_says_that_an_engine_runs() {
    let engine = Engine::shared().await;
    let health = engine.send(Request::get("/health")).await.ok();
    assert_eq!(health["runtime"], "engine");
    assert_eq!(health["status"], "ok");
    let version = health["version"].as_str().unwrap();
    assert!(chosen("version", version == "2.3.19", version.split('.').count() >= 3), "{version}");
}

#[tokio::test]
async fn health_is_answered_on_the_peers_port_too() {
    let engine = Engine::shared().await;
    let health = Request::get("/health").send(engine.peer_port()).await.ok();
    assert_eq!(health["runtime"], "engine");
}

#[tokio::test]
async fn any_path_of_the_metrics_port_shows_metrics() {
    let engine = Engine::shared().await;
    for path in ["/", "/metrics", "/whatever"] {
        let answer = Request::get(path).send(engine.metrics_port()).await;
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains("# TYPE rivet_"), "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn metadata_names_the_protocol_and_ignores_what_the_client_adds() {
    let engine = Engine::shared().await;
    let metadata = engine.send(Request::get("/metadata?namespace=default&more=1")).await.ok();
    assert_eq!(metadata["runtime"], "engine");
    assert_eq!(metadata["envoy_protocol_version"], 8);
    for key in ["version", "git_sha", "build_timestamp", "rustc_version", "cargo_profile"] {
        assert!(metadata[key].is_string(), "{key}: {metadata}");
    }
}

#[tokio::test]
async fn the_health_of_all_datacenters_is_that_of_the_only_one() {
    let engine = Engine::shared().await;
    let fanout = engine.api("GET", "/health/fanout").await.ok();
    let datacenter = &fanout["datacenters"][0];
    assert_eq!(datacenter["datacenter_label"], 1);
    assert_eq!(datacenter["datacenter_name"], "default");
    assert_eq!(datacenter["status"], "ok");
    assert_eq!(datacenter["response"]["runtime"], "engine");
    assert!(datacenter["error"].is_null());
}
