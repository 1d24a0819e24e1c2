//! What the audit log says about calls over the API.

use axum::http::Method;
use rivet_engine::{
    api::routes::{self, Access},
    auth::{Operation, Resource},
};
use serde_json::{Value, json};

use crate::support::App;

async fn entries(app: &App) -> Vec<Value> {
    let mut entries = app.get("/audit").await.json()["entries"].as_array().unwrap().clone();
    entries.reverse();
    entries
}

#[tokio::test]
async fn a_call_that_changes_something_is_written_down() {
    let app = App::new().await;
    let body = json!({"name": "new", "display_name": "New"});
    let created = app.post("/namespaces", &body).await;
    app.configure("pool").await;
    app.delete("/runner-configs/pool?namespace=default").await;
    let token = app.post("/auth/secret-tokens?namespace=default", &json!({})).await.json();
    app.get("/namespaces").await;

    let entries = entries(&app).await;

    let said = |index: usize, field: &str| entries[index][field].clone();
    assert_eq!(entries.len(), 4, "{entries:?}");
    assert_eq!((said(0, "method"), said(0, "path")), (json!("POST"), json!("/namespaces")));
    assert_eq!((said(0, "status"), said(0, "actor")), (json!(200), json!({"kind": "admin"})));
    assert_eq!(said(0, "created"), created.json()["namespace"]["namespace_id"]);
    assert_eq!(said(0, "ray_id"), created.header("x-rivet-ray-id").unwrap());
    assert_eq!(
        (said(1, "path"), said(1, "namespace")),
        (json!("/runner-configs/pool"), json!("default"))
    );
    assert_eq!(said(2, "method"), "DELETE");
    assert_eq!(said(3, "created"), token["token_id"]);
    assert!(!json!(entries).to_string().contains(&token["token"].as_str().unwrap()[3..]));
}

#[tokio::test]
async fn who_asked_and_why_they_were_refused_is_written_down() {
    let app = App::new().await;
    let created = app.post("/auth/public-tokens?namespace=default", &json!({})).await.json();
    let body = json!({"namespace": "default", "subject": "ann",
        "grants": [{"resource": "actor", "target": "any", "operations": ["list"]}]});
    let issued = app.post("/auth/tokens", &body).await.json();
    for token in [&created["token"], &issued["token"], &json!("wrong-wrong-wrong-wrong")] {
        let token = token.as_str().unwrap();
        let path = "/runner-configs/pool?namespace=default";
        app.send(Method::DELETE, path, &[("x-rivet-token", token)], "").await;
    }
    app.post("/namespaces", &json!({"name": "", "display_name": ""})).await;

    let entries = entries(&app).await;

    let actors: Vec<_> = entries.iter().map(|entry| entry["actor"].clone()).collect();
    assert_eq!(
        actors[1..],
        [
            json!({"kind": "admin"}),
            json!({"kind": "public", "token_id": created["token_id"]}),
            json!({"kind": "scoped", "token_id": issued["token_id"], "subject": "ann"}),
            json!({"kind": "nobody"}),
            json!({"kind": "admin"}),
        ]
    );
    assert_eq!(entries[1]["created"], issued["token_id"]);
    assert_eq!(entries[1]["namespace"], "default");
    let results: Vec<_> =
        entries[2..].iter().map(|entry| (&entry["status"], &entry["error"])).collect();
    let refused = (&json!(403), &json!("api.forbidden"));
    let failed = (&json!(400), &json!("namespace.failed_to_create"));
    assert_eq!(results, [refused, refused, refused, failed]);
}

#[tokio::test]
async fn finding_an_actor_is_no_change() {
    let app = App::new().await;
    app.configure("pool").await;
    let actor = json!({
        "name": "a", "key": "k", "runner_name_selector": "pool", "crash_policy": "sleep"
    });
    for _ in 0..3 {
        app.put("/actors?namespace=default", &actor).await;
    }

    let entries = entries(&app).await;

    assert_eq!(entries.iter().filter(|entry| entry["path"] == "/actors").count(), 1);
}

#[tokio::test]
async fn the_log_is_read_page_by_page() {
    let app = App::new().await;
    for _ in 0..3 {
        app.post("/auth/signing-keys", &json!({})).await;
    }

    let first = app.get("/audit?limit=2").await.json();
    let cursor = first["pagination"]["cursor"].as_str().unwrap();
    let second = app.get(&format!("/audit?limit=2&cursor={cursor}")).await.json();

    let numbers = |page: &Value| {
        let entries = page["entries"].as_array().unwrap();
        entries.iter().map(|entry| entry["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((numbers(&first), numbers(&second)), (vec![3, 2], vec![1]));
    assert_eq!(second["pagination"]["cursor"], Value::Null);
    assert_eq!(app.get("/audit?cursor=x").await.status, 400);
}

#[tokio::test]
async fn no_route_changes_or_deletes_an_entry() {
    let of_the_log = routes::public().into_iter().flat_map(|route| {
        let endpoints = route.endpoints.into_iter();
        endpoints.map(move |endpoint| (route.path, endpoint.method, endpoint.access))
    });
    let of_the_log = of_the_log.filter_map(|(path, method, access)| match access {
        Access::Wants(wants) if wants.resource == Resource::AuditLog => {
            Some((path, method, wants.operation))
        }
        _ => None,
    });
    let of_the_log: Vec<_> = of_the_log.collect();
    assert_eq!(of_the_log, [("/audit", Method::GET, Operation::List)]);

    let app = App::new().await;
    app.post("/auth/signing-keys", &json!({})).await;
    let before = entries(&app).await;
    for path in ["/audit", "/audit/1"] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer =
                app.send(method.clone(), path, &[("authorization", &app.bearer)], "").await;
            assert!([404, 405].contains(&answer.status.as_u16()), "{method} {path}");
        }
    }
    assert_eq!(entries(&app).await, before);
}
