//! The API in one process, without sockets: shapes, messages and access as clients know them.

mod support;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use self::support::{App, TOKEN};

#[tokio::test]
async fn health_and_metadata_are_open_and_ignore_parameters() {
    let app = App::new().await;

    let health = app.as_stranger(Method::GET, "/health?x=1").await;
    let metadata = app.as_stranger(Method::GET, "/metadata?namespace=default").await;

    assert_eq!(health.status, 200);
    assert_eq!(
        health.json(),
        json!({"runtime": "engine", "status": "ok", "version": env!("CARGO_PKG_VERSION")})
    );
    assert_eq!(metadata.json()["runtime"], "engine");
    assert_eq!(metadata.json()["envoy_protocol_version"], 8);
}

#[tokio::test]
async fn every_route_but_health_and_metadata_wants_a_token() {
    let app = App::new().await;
    let guarded: Vec<_> = rivet_engine::api::routes::public()
        .into_iter()
        .filter(|route| route.access != rivet_engine::api::routes::Access::Public)
        .map(|route| route.path)
        .collect();
    assert_eq!(
        guarded,
        [
            "/health/fanout",
            "/datacenters",
            "/namespaces",
            "/runner-configs",
            "/runner-configs/{runner_name}"
        ]
    );

    for path in guarded {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE] {
            let answer = app.as_stranger(method.clone(), &path.replace(['{', '}'], "")).await;
            let refused = [StatusCode::FORBIDDEN, StatusCode::METHOD_NOT_ALLOWED];
            assert!(refused.contains(&answer.status), "{method} {path}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn a_missing_and_a_wrong_token_are_told_apart() {
    let app = App::new().await;
    let denied = |reason: &str| {
        json!({
            "group": "api",
            "code": "forbidden",
            "message": format!("Access denied: {reason}"),
            "metadata": {"reason": reason},
        })
    };

    let none = app.as_stranger(Method::GET, "/namespaces").await;
    assert_eq!((none.status, none.json()), (StatusCode::FORBIDDEN, denied("Token not provided")));
    let in_query = app.as_stranger(Method::GET, &format!("/namespaces?token={TOKEN}")).await;
    assert_eq!(in_query.status, 403);
    for wrong in ["Bearer admin", "Bearer dev", &format!("Bearer {TOKEN}x")] {
        let answer = app.send(Method::GET, "/namespaces", &[("authorization", wrong)], "").await;
        assert_eq!(
            (answer.status, answer.json()),
            (StatusCode::FORBIDDEN, denied("Invalid token")),
            "{wrong}"
        );
    }
    // A stranger learns nothing about what a body should look like.
    let body = app
        .send(Method::POST, "/namespaces", &[("content-type", "application/json")], "{broken")
        .await;
    assert_eq!(body.status, 403);
}

#[tokio::test]
async fn namespaces_are_created_once_and_listed_oldest_first() {
    let app = App::new().await;

    let created =
        app.post("/namespaces", &json!({"name": "ns-one", "display_name": "Ns One"})).await;
    let again = app.post("/namespaces", &json!({"name": "ns-one", "display_name": "Ns"})).await;
    let listed = app.get("/namespaces").await;

    let namespace = created.json()["namespace"].clone();
    assert_eq!(created.status, 200);
    assert_eq!(namespace["name"], "ns-one");
    assert_eq!(namespace["display_name"], "Ns One");
    assert!(namespace["create_ts"].is_u64());
    let id = namespace["namespace_id"].as_str().unwrap();
    assert!(id.len() == 30 && id.ends_with("00"), "{id}");
    assert_eq!(
        (again.status, again.json()),
        (
            StatusCode::BAD_REQUEST,
            json!({
                "group": "namespace",
                "code": "name_not_unique",
                "message": "Namespace name must be unique.",
            })
        )
    );
    let listed = listed.json();
    assert_eq!(names(&listed), ["default", "ns-one"]);
    assert_eq!(listed["pagination"]["cursor"], namespace["create_ts"].to_string());
}

#[tokio::test]
async fn namespaces_are_found_by_name_and_by_id() {
    let app = App::new().await;
    let default = app.get("/namespaces?name=default").await.json();
    let id = default["namespaces"][0]["namespace_id"].as_str().unwrap().to_owned();

    assert_eq!(default["namespaces"][0]["display_name"], "Default");
    assert_eq!(default["pagination"]["cursor"], Value::Null);
    assert_eq!(
        app.get("/namespaces?name=unknown").await.json(),
        json!({"namespaces": [], "pagination": {"cursor": null}})
    );
    for query in [
        format!("namespace_id={id}"),
        format!("namespace_ids={id}"),
        format!("namespace_id={}", id.to_uppercase()),
    ] {
        assert_eq!(names(&app.get(&format!("/namespaces?{query}")).await.json()), ["default"]);
    }
}

#[tokio::test]
async fn namespaces_are_paged_by_their_cursor() {
    let app = App::new().await;
    for name in ["a", "b", "c"] {
        app.post("/namespaces", &json!({"name": name, "display_name": name})).await;
    }

    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app.get(&format!("/namespaces?limit=2&cursor={cursor}")).await.json();
        seen.extend(names(&page).into_iter().map(str::to_owned));
        match page["pagination"]["cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }

    assert_eq!(seen, ["default", "a", "b", "c"]);
}

#[tokio::test]
async fn what_is_not_understood_is_refused_in_the_words_of_upstream() {
    let app = App::new().await;
    let query = |path: &'static str| {
        let app = &app;
        async move { app.get(path).await.reason() }
    };
    let failed = "Failed to deserialize query string: ";

    assert_eq!(
        query("/namespaces?token=x").await,
        format!(
            "{failed}token: unknown field `token`, expected one of `limit`, `cursor`, `name`, \
             `namespace_ids`, `namespace_id`"
        )
    );
    assert_eq!(
        query("/namespaces?limit=-1").await,
        format!("{failed}limit: invalid digit found in string")
    );
    assert_eq!(
        query("/namespaces?namespace_id=abc").await,
        format!("{failed}namespace_id[0]: invalid input length: expected at least 4 characters")
    );
    assert_eq!(
        query("/namespaces?namespace_ids=a,b").await,
        "invalid id in `namespace_ids` query: invalid input length: expected at least 4 characters"
    );
    assert_eq!(
        query("/namespaces?name=a&name=b").await,
        format!("{failed}name: unsupported value")
    );
    assert_eq!(query("/runner-configs").await, format!("{failed}missing field `namespace`"));
    assert_eq!(
        query("/runner-configs?namespace=default&variant=bad").await,
        format!("{failed}variant: unknown variant `bad`, expected `serverless` or `normal`")
    );
}

#[tokio::test]
async fn bodies_that_are_not_understood_are_refused_in_the_words_of_upstream() {
    let app = App::new().await;
    let with = |content_type: &'static str, body: String| {
        let app = &app;
        async move {
            let headers = [("authorization", app.bearer.as_str()), ("content-type", content_type)];
            app.send(Method::POST, "/namespaces", &headers, &body).await
        }
    };
    let json_body = |body: &str| with("application/json", body.to_owned());
    let target = "Failed to deserialize the JSON body into the target type: ";

    assert_eq!(
        with("text/plain", "{}".to_owned()).await.reason(),
        "Expected request with `Content-Type: application/json`"
    );
    assert_eq!(
        json_body("{bad").await.reason(),
        "Failed to parse the request body as JSON: key must be a string at line 1 column 2"
    );
    assert_eq!(
        json_body(r#"{"name":"ok1"}"#).await.reason(),
        format!("{target}missing field `display_name` at line 1 column 14")
    );
    assert_eq!(
        json_body(r#"{"name":"ok1","display_name":"x","more":1}"#).await.reason(),
        format!(
            "{target}more: unknown field `more`, expected `name` or `display_name` at line 1 \
             column 39"
        )
    );
    let two_mebibytes = format!(r#"{{"name":"{}"}}"#, "a".repeat(2 << 20));
    let answer = json_body(&two_mebibytes).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.reason(), "Failed to buffer the request body: length limit exceeded");
    let broken_name = json_body(r#"{"name":"a--b","display_name":"x"}"#).await;
    assert_eq!(
        broken_name.json(),
        json!({
            "group": "namespace",
            "code": "failed_to_create",
            "message": "Failed to create namespace: invalid name",
            "metadata": {"reason": "invalid name"},
        })
    );
}

#[tokio::test]
async fn a_body_beyond_the_limit_of_the_front_is_refused_unread() {
    let app = App::new().await;
    let length = (20 * 1024 * 1024 + 1).to_string();
    let headers = [("content-length", length.as_str()), ("content-type", "application/json")];

    let answer = app.send(Method::POST, "/namespaces", &headers, "").await;

    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.header("x-rivet-error"), Some("guard.invalid_request_body"));
    assert_eq!(answer.json()["code"], "invalid_request_body");
    assert_eq!(answer.json()["metadata"], json!({"reason": "length limit exceeded"}));
}

#[tokio::test]
async fn datacenters_and_fanout_name_this_engine() {
    let app = App::new().await;

    assert_eq!(
        app.get("/datacenters?namespace=default").await.json(),
        json!({
            "datacenters": [{"label": 1, "name": "default", "url": "http://127.0.0.1:6420/"}],
            "pagination": {"cursor": null},
        })
    );
    let fanout = app.get("/health/fanout").await.json();
    let here = &fanout["datacenters"][0];
    assert_eq!((&here["datacenter_label"], &here["status"]), (&json!(1), &json!("ok")));
    assert_eq!(here["response"]["runtime"], "engine");
    assert!(here["rtt_ms"].is_f64());
    assert_eq!(here["error"], Value::Null);
}

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

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_apart_without_a_token() {
    let app = App::new().await;

    let unknown = app.as_stranger(Method::GET, "/nope").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.json(),
        json!({
            "group": "api",
            "code": "not_found",
            "message": "The requested resource was not found",
        })
    );
    assert_eq!(unknown.header("access-control-allow-origin"), Some("*"));
    for (path, allow) in [
        ("/namespaces", "GET,HEAD,POST"),
        ("/runner-configs/p", "PUT,DELETE"),
        ("/health", "GET,HEAD"),
    ] {
        let wrong = app.as_stranger(Method::PATCH, path).await;
        assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(wrong.header("allow"), Some(allow));
        assert!(wrong.body.is_empty());
    }
}

#[tokio::test]
async fn a_browser_may_ask_from_its_own_origin() {
    let app = App::new().await;
    let headers = [
        ("origin", "http://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-custom"),
    ];

    let preflight = app.send(Method::OPTIONS, "/namespaces", &headers, "").await;
    let origin = ("origin", "http://app.example");
    let get =
        app.send(Method::GET, "/namespaces", &[origin, ("authorization", &app.bearer)], "").await;

    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-methods"), Some("POST"));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("x-custom"));
    assert_eq!(preflight.header("access-control-allow-origin"), Some("http://app.example"));
    assert_eq!(preflight.header("allow"), Some("GET,HEAD,POST"));
    assert_eq!(get.header("access-control-allow-origin"), Some("http://app.example"));
    assert_eq!(get.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(
        get.header("vary"),
        Some("origin, access-control-request-method, access-control-request-headers")
    );
}

#[tokio::test]
async fn every_answer_carries_its_own_ray_id() {
    let app = App::new().await;
    let mut seen = std::collections::BTreeSet::new();

    for (method, path) in [
        (Method::GET, "/health"),
        (Method::GET, "/namespaces"),
        (Method::GET, "/nope"),
        (Method::PATCH, "/namespaces"),
        (Method::OPTIONS, "/namespaces"),
    ] {
        let answer = app.as_stranger(method, path).await;
        let id = answer.header("x-rivet-ray-id").unwrap().to_owned();
        assert_eq!(id.len(), 30);
        seen.insert(id);
    }

    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn the_health_port_serves_health_and_nothing_else() {
    let app = App::new().await;

    assert_eq!(app.at_peer("/health").await.status, 200);
    assert_eq!(app.at_peer("/namespaces").await.status, 404);
    assert_eq!(app.at_peer("/metadata").await.status, 404);
}

#[tokio::test]
async fn metrics_count_routes_not_paths() {
    let app = App::new().await;
    app.as_stranger(Method::GET, "/runner-configs/secret-pool?namespace=default").await;
    app.as_stranger(Method::GET, "/made/up/by/a/client").await;
    app.as_stranger(Method::from_bytes(b"MADEUP").unwrap(), "/health").await;
    app.as_stranger(Method::GET, "/namespaces").await;

    let text = app.metrics("/any/path").await;

    assert!(text.contains(
        r#"rivet_engine_http_requests_total{method="GET",route="/runner-configs/{runner_name}",status="405"} 1"#
    ), "{text}");
    assert!(
        text.contains(r#"rivet_engine_auth_refusals_total{reason="not_provided"} 1"#),
        "{text}"
    );
    assert!(text.contains(r#"rivet_engine_storage_commits_total{outcome="committed"}"#));
    for client_chosen in ["secret-pool", "made/up", "MADEUP"] {
        assert!(!text.contains(client_chosen), "{client_chosen}");
    }
}

fn names(listed: &Value) -> Vec<&str> {
    let namespaces = listed["namespaces"].as_array().unwrap();
    namespaces.iter().map(|namespace| namespace["name"].as_str().unwrap()).collect()
}
