//! Datacenters: there is one.

use rivet_conformance::engine::Engine;
use serde_json::json;

#[tokio::test]
async fn the_datacenter_has_the_public_url_with_a_slash() {
    let engine = Engine::shared().await;
    let found = engine.api("GET", "/datacenters").await.ok();
    let url = format!("http://127.0.0.1:{}/", engine.port());
    assert_eq!(
        found,
        json!({
            "datacenters": [{"label": 1, "name": "default", "url": url}],
            "pagination": {"cursor": null},
        })
    );
}

#[tokio::test]
async fn the_namespace_that_apps_add_is_ignored() {
    let engine = Engine::shared().await;
    engine.api("GET", "/datacenters?namespace=default").await.ok();
}
