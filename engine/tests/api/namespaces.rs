//! Namespaces: created, found, listed, and refused in the words of upstream.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::App;

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

fn names(listed: &Value) -> Vec<&str> {
    let namespaces = listed["namespaces"].as_array().unwrap();
    namespaces.iter().map(|namespace| namespace["name"].as_str().unwrap()).collect()
}
