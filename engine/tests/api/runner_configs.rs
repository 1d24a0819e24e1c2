//! Runner configs: stored, read back, replaced, filtered, and refused in the words of upstream.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::App;

#[tokio::test]
async fn a_normal_runner_config_is_stored_and_read_back() {
    let app = App::new().await;
    let body =
        json!({"datacenters": {"default": {"normal": {}, "drain_on_version_upgrade": true}}});

    let put = app.put("/runner-configs/pool?namespace=default", &body).await;
    let again = app.put("/runner-configs/pool?namespace=default", &body).await;
    let listed = app.get("/runner-configs?namespace=default").await.json();

    assert_eq!(
        (put.status, put.json()),
        (StatusCode::OK, json!({"endpoint_config_changed": true}))
    );
    assert_eq!(again.json(), json!({"endpoint_config_changed": true}));
    assert_eq!(
        listed,
        json!({
            "runner_configs": {"pool": {"datacenters": {"default": {
                "normal": {
                    "drain_on_version_upgrade": true,
                    "actor_eviction_delay": 0,
                    "actor_eviction_period": 0,
                    "actor_eviction_rate": 1.0,
                },
                "protocol_version": null,
            }}}},
            "pagination": {"cursor": null},
        })
    );
}

#[tokio::test]
async fn a_serverless_runner_config_is_read_back_with_its_defaults() {
    let app = App::new().await;
    let put = |url: &'static str, extra: Value| {
        let app = &app;
        async move {
            let mut config = json!({"url": url, "request_lifespan": 3600});
            config.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            let body =
                json!({"datacenters": {"default": {"serverless": config, "metadata": {"a": 1}}}});
            app.put("/runner-configs/s?namespace=default", &body).await.json()
        }
    };
    let changed = |yes: bool| json!({"endpoint_config_changed": yes});

    assert_eq!(put("http://app/api", json!({})).await, changed(true));
    assert_eq!(put("http://app/api", json!({"max_runners": 10})).await, changed(false));
    assert_eq!(put("http://app/api", json!({"headers": {"x": "y"}})).await, changed(true));
    assert_eq!(
        put("http://app/new", json!({"max_runners": 10, "slots_per_runner": 3, "newer": 1})).await,
        changed(true)
    );
    let listed = app.get("/runner-configs?namespace=default&runner_name=s").await.json();
    assert_eq!(
        listed["runner_configs"]["s"]["datacenters"]["default"],
        json!({
            "serverless": {
                "url": "http://app/new",
                "headers": {},
                "request_lifespan": 3600,
                "max_concurrent_actors": 10,
                "drain_grace_period": 1800,
                "slots_per_runner": 3,
                "min_runners": 0,
                "max_runners": 10,
                "runners_margin": 0,
                "drain_on_version_upgrade": true,
                "actor_eviction_delay": 0,
                "actor_eviction_period": 0,
                "actor_eviction_rate": 1.0,
            },
            "metadata": {"a": 1},
            "protocol_version": null,
        })
    );
}

#[tokio::test]
async fn a_put_replaces_and_an_empty_put_removes() {
    let app = App::new().await;
    let normal = json!({"datacenters": {"default": {"normal": {}}}});
    app.put("/runner-configs/p?namespace=default", &normal).await;

    let emptied = app.put("/runner-configs/p?namespace=default", &json!({"datacenters": {}})).await;

    assert_eq!(emptied.json(), json!({"endpoint_config_changed": false}));
    let listed = app.get("/runner-configs?namespace=default").await.json();
    assert_eq!(listed["runner_configs"], json!({}));
}

#[tokio::test]
async fn a_runner_config_is_deleted_as_often_as_one_likes() {
    let app = App::new().await;
    let normal = json!({"datacenters": {"default": {"normal": {}}}});
    app.put("/runner-configs/p?namespace=default", &normal).await;

    for _ in 0..2 {
        let deleted = app.delete("/runner-configs/p?namespace=default").await;
        assert_eq!((deleted.status, deleted.json()), (StatusCode::OK, json!({})));
    }
    let elsewhere = app.delete("/runner-configs/p?namespace=nope").await;
    assert_eq!(elsewhere.json()["code"], "not_found");
}

#[tokio::test]
async fn runner_configs_are_filtered_and_paged() {
    let app = App::new().await;
    let normal = json!({"datacenters": {"default": {"normal": {}}}});
    let serverless = json!({"datacenters": {"default": {
        "serverless": {"url": "http://a", "request_lifespan": 3600}
    }}});
    for (pool, config) in [("a", &normal), ("b", &serverless), ("c", &normal)] {
        app.put(&format!("/runner-configs/{pool}?namespace=default"), config).await;
    }
    let pools = |query: &'static str| {
        let app = &app;
        async move {
            let listed =
                app.get(&format!("/runner-configs?namespace=default&{query}")).await.json();
            let pools: Vec<String> =
                listed["runner_configs"].as_object().unwrap().keys().cloned().collect();
            (pools.concat(), listed["pagination"]["cursor"].as_str().map(str::to_owned))
        }
    };

    assert_eq!(pools("variant=normal").await.0, "ac");
    assert_eq!(pools("variant=serverless").await.0, "b");
    assert_eq!(pools("runner_name=a&runner_name=b&runner_name=nope").await.0, "ab");
    assert_eq!(pools("runner_names=b,c").await.0, "bc");
    assert_eq!(pools("limit=2").await, ("ab".to_owned(), Some("b".to_owned())));
    assert_eq!(pools("limit=2&cursor=b").await, ("c".to_owned(), None));
}

#[tokio::test]
async fn runner_configs_that_cannot_work_are_refused_in_the_words_of_upstream() {
    let app = App::new().await;
    let put = |path: &'static str, datacenters: Value| {
        let app = &app;
        async move { app.put(path, &json!({"datacenters": datacenters})).await.json() }
    };
    let here = "/runner-configs/p?namespace=default";

    let elsewhere = put(here, json!({"nope": {"normal": {}}})).await;
    assert_eq!(elsewhere["message"], "The provided datacenter does not exist.");
    let nowhere = put("/runner-configs/p?namespace=nope", json!({"default": {"normal": {}}})).await;
    assert_eq!(nowhere["message"], "The namespace does not exist.");
    let neither = put(here, json!({"default": {"other": {}}})).await;
    assert!(
        neither["message"].as_str().unwrap().contains(
            "datacenters.default: no variant of enum RunnerConfigKind found in flattened data"
        ),
        "{neither}"
    );
    let no_url = put(here, json!({"default": {"serverless": {"request_lifespan": 1}}})).await;
    assert!(no_url["message"].as_str().unwrap().contains("missing field `url`"), "{no_url}");
    let bad_number = put(here, json!({"default": {"normal": {"actor_eviction_delay": "x"}}})).await;
    assert!(
        bad_number["message"]
            .as_str()
            .unwrap()
            .contains("datacenters.default: invalid type: string \"x\", expected u32"),
        "{bad_number}"
    );
    let ftp = json!({"default": {"serverless": {"url": "ftp://a", "request_lifespan": 3600}}});
    assert_eq!(
        put(here, ftp).await,
        json!({
            "group": "runner_config",
            "code": "invalid",
            "message": "Invalid runner config: invalid serverless url: scheme \"ftp\" is not \
                        allowed, expected http or https",
            "metadata": {"reason": "invalid serverless url: scheme \"ftp\" is not allowed, \
                                    expected http or https"},
        })
    );
    let nothing_stored = app.get("/runner-configs?namespace=default").await.json();
    assert_eq!(nothing_stored["runner_configs"], json!({}));
}
