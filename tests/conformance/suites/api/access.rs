//! Who may ask what.

use rivet_conformance::{
    differences::chosen,
    engine::{Engine, TOKEN},
    http::Request,
};

const ACTOR: &str = "ln7dve1jzrfjiwp5fd3mz91nr2cl00";

/// Routes that answer nobody without the token, with a body that they would take.
fn guarded() -> Vec<(&'static str, String)> {
    let actor = |rest: &str| format!("/actors/{ACTOR}{rest}?namespace=default");
    vec![
        ("GET", "/health/fanout".to_owned()),
        ("GET", "/namespaces".to_owned()),
        ("POST", "/namespaces".to_owned()),
        ("GET", "/datacenters".to_owned()),
        ("GET", "/envoys?namespace=default".to_owned()),
        ("GET", "/runners?namespace=default".to_owned()),
        ("GET", "/runners/names?namespace=default".to_owned()),
        ("GET", "/runner-configs?namespace=default".to_owned()),
        ("PUT", "/runner-configs/some?namespace=default".to_owned()),
        ("DELETE", "/runner-configs/some?namespace=default".to_owned()),
        ("POST", "/runner-configs/some/refresh-metadata?namespace=default".to_owned()),
        ("POST", "/runner-configs/serverless-health-check?namespace=default".to_owned()),
        ("GET", "/actors?namespace=default&name=a".to_owned()),
        ("GET", format!("/actors?namespace=default&actor_ids={ACTOR}")),
        ("POST", "/actors?namespace=default".to_owned()),
        ("PUT", "/actors?namespace=default".to_owned()),
        ("GET", "/actors/names?namespace=default".to_owned()),
        ("DELETE", actor("")),
        ("POST", actor("/sleep")),
        ("POST", actor("/reschedule")),
        ("GET", actor("/kv/keys/YQ==")),
    ]
}

/// A body that each of these routes can read, since upstream's reads it before it looks at the token.
fn body(method: &str, target: &str) -> Option<&'static str> {
    let path = target.split('?').next().unwrap();
    match (method, path) {
        ("POST", "/namespaces") => Some(r#"{"name":"n","display_name":"N"}"#),
        ("PUT", "/runner-configs/some") => Some(r#"{"datacenters":{"default":{"normal":{}}}}"#),
        ("POST", "/runner-configs/serverless-health-check") => {
            Some(r#"{"url":"http://127.0.0.1:9","headers":{}}"#)
        }
        ("POST" | "PUT", "/actors") => Some(
            r#"{"name":"a","key":"k","runner_name_selector":"default","crash_policy":"sleep"}"#,
        ),
        ("POST", _) => Some("{}"),
        _ => None,
    }
}

fn request(method: &str, target: &str) -> Request {
    let request = Request::new(method, target);
    match body(method, target) {
        Some(body) => request.header("content-type", "application/json").body(body),
        None => request,
    }
}

#[tokio::test]
async fn everything_but_health_and_metadata_asks_for_the_token() {
    let engine = Engine::shared().await;
    for (method, target) in guarded() {
        let none = engine.send(request(method, &target)).await;
        assert_eq!(none.verdict(), "403 api.forbidden", "{method} {target}");
        assert_eq!(none.json()["metadata"]["reason"], "Token not provided", "{method} {target}");
        let wrong = engine.send(request(method, &target).bearer("wrong")).await;
        assert_eq!(wrong.verdict(), "403 api.forbidden", "{method} {target}");
        assert_eq!(wrong.json()["metadata"]["reason"], "Invalid token", "{method} {target}");
        assert_eq!(wrong.message(), "Access denied: Invalid token", "{method} {target}");
    }
}

#[tokio::test]
async fn the_token_is_taken_from_the_authorization_header() {
    let engine = Engine::shared().await;
    let header = Request::get("/namespaces").header("x-rivet-token", TOKEN);
    let status = engine.send(header).await.status;
    assert_eq!(status, chosen("api-token-header", 403, 200));
    let basic = Request::get("/namespaces").header("authorization", format!("Basic {TOKEN}"));
    assert_eq!(engine.send(basic).await.json()["metadata"]["reason"], "Token not provided");
    let bearer = Request::get("/namespaces").bearer(TOKEN);
    engine.send(bearer).await.ok();
}
