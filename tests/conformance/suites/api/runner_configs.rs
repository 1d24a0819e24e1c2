//! Runner configs: which pools there are, and how they run actors.

use rivet_conformance::{engine::Engine, http::Response, namespace::Namespace};
use serde_json::{Value, json};

async fn put(namespace: &Namespace<'_>, pool: &str, config: Value) -> Response {
    let body = json!({"datacenters": {"default": config}});
    namespace.put(&format!("/runner-configs/{pool}"), &body).await
}

async fn get(namespace: &Namespace<'_>, pool: &str) -> Value {
    let found = namespace.get(&format!("/runner-configs?runner_name={pool}")).await.ok();
    found["runner_configs"][pool]["datacenters"]["default"].clone()
}

fn serverless(url: &str) -> Value {
    json!({"url": url, "request_lifespan": 3600, "max_runners": 10})
}

#[tokio::test]
async fn a_normal_pool_is_answered_with_all_its_settings() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let config = json!({"normal": {}, "drain_on_version_upgrade": true});
    let answer = put(&namespace, "pool", config).await.ok();
    assert_eq!(answer, json!({"endpoint_config_changed": true}));
    let found = get(&namespace, "pool").await;
    assert_eq!(found["normal"]["drain_on_version_upgrade"], true);
    assert_eq!(found["normal"]["actor_eviction_delay"], 0);
    assert_eq!(found["normal"]["actor_eviction_period"], 0);
    assert_eq!(found["normal"]["actor_eviction_rate"].as_f64(), Some(1.0));
    assert!(found.get("protocol_version").is_none_or(Value::is_null), "{found}");
}

#[tokio::test]
async fn the_protocol_version_is_known_once_an_envoy_was_there() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let _envoy = namespace.envoy().await;
    rivet_conformance::wait::eventually("the protocol version is known", || async {
        (get(&namespace, "default").await["protocol_version"] == 8).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_serverless_pool_gets_its_defaults() {
    let namespace = Namespace::new(Engine::shared().await).await;
    put(&namespace, "pool", json!({"serverless": serverless("http://127.0.0.1:9/api")})).await.ok();
    let found = get(&namespace, "pool").await;
    let serverless = &found["serverless"];
    assert_eq!(serverless["url"], "http://127.0.0.1:9/api");
    assert_eq!(serverless["headers"], json!({}));
    assert_eq!(serverless["request_lifespan"], 3600);
    assert_eq!(serverless["drain_grace_period"], 1800);
    assert_eq!(serverless["slots_per_runner"], 1);
    assert_eq!(serverless["min_runners"], 0);
    assert_eq!(serverless["max_runners"], 10);
    assert_eq!(serverless["max_concurrent_actors"], 10);
    assert_eq!(serverless["runners_margin"], 0);
}

#[tokio::test]
async fn the_same_url_again_changes_no_endpoint() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let config = json!({"serverless": serverless("http://127.0.0.1:9/api")});
    let first = put(&namespace, "pool", config.clone()).await.ok();
    assert_eq!(first["endpoint_config_changed"], true);
    let second = put(&namespace, "pool", config).await.ok();
    assert_eq!(second["endpoint_config_changed"], false);
    let elsewhere = json!({"serverless": serverless("http://127.0.0.1:9/other")});
    assert_eq!(put(&namespace, "pool", elsewhere).await.ok()["endpoint_config_changed"], true);
}

#[tokio::test]
async fn pools_are_listed_by_kind_and_by_name() {
    let namespace = Namespace::new(Engine::shared().await).await;
    put(&namespace, "one", json!({"serverless": serverless("http://127.0.0.1:9/")})).await.ok();
    put(&namespace, "two", json!({"normal": {}})).await.ok();
    let names = |found: Value| -> Vec<String> {
        let mut names: Vec<String> =
            found["runner_configs"].as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    let all = namespace.get("/runner-configs").await.ok();
    assert_eq!(names(all), ["default", "one", "two"]);
    let serverless = namespace.get("/runner-configs?variant=serverless").await.ok();
    assert_eq!(names(serverless), ["one"]);
    let normal = namespace.get("/runner-configs?variant=normal").await.ok();
    assert_eq!(names(normal), ["default", "two"]);
    let two = namespace.get("/runner-configs?runner_names=one,two").await.ok();
    assert_eq!(names(two), ["one", "two"]);
}

#[tokio::test]
async fn a_deleted_pool_is_gone_and_deleting_it_again_is_no_error() {
    let namespace = Namespace::new(Engine::shared().await).await;
    put(&namespace, "pool", json!({"normal": {}})).await.ok();
    assert_eq!(namespace.delete("/runner-configs/pool").await.ok(), json!({}));
    assert!(get(&namespace, "pool").await.is_null());
    assert_eq!(namespace.delete("/runner-configs/pool").await.ok(), json!({}));
}

#[tokio::test]
async fn the_datacenter_has_to_exist() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let body = json!({"datacenters": {"moon": {"normal": {}}}});
    let answer = namespace.put("/runner-configs/pool", &body).await;
    assert_eq!(answer.verdict(), "400 datacenter.not_found");
}

#[tokio::test]
async fn a_pool_is_normal_or_serverless() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let neither = put(&namespace, "pool", json!({})).await;
    assert_eq!(neither.verdict(), "400 api.bad_request");
}

#[tokio::test]
async fn serverless_settings_follow_their_rules() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let with = |field: &str, value: Value| {
        let mut config = serverless("http://127.0.0.1:9/");
        config[field] = value;
        json!({"serverless": config})
    };
    let many: serde_json::Map<String, Value> =
        (0..17).map(|number| (format!("x-{number}"), json!("v"))).collect();
    for config in [
        with("url", json!("no url")),
        with("headers", Value::Object(many)),
        with("headers", json!({"x".repeat(129): "v"})),
        with("headers", json!({"x": "v".repeat(4097)})),
        with("slots_per_runner", json!(0)),
        with("request_lifespan", json!(900)),
    ] {
        let answer = put(&namespace, "pool", config.clone()).await;
        assert_eq!(answer.verdict(), "400 runner_config.invalid", "{config}");
        assert!(answer.json()["metadata"]["reason"].is_string(), "{config}");
    }
    let short = put(&namespace, "pool", with("request_lifespan", json!(900))).await;
    let reason = short.json()["metadata"]["reason"].clone();
    assert_eq!(reason, "`drain_grace_period` must be less than `request_lifespan` (1800s >= 900s)");
}
