//! How a request names its actor, and what the actor sees of it.

use rivet_conformance::{
    differences::chosen,
    engine::{Engine, TOKEN},
    envoy::Options,
    http::Request,
    namespace::{Namespace, gateway},
};

const UNKNOWN: &str = "9altld6eln51kd75yyx7ak8b9pbl00";

#[tokio::test]
async fn the_path_behind_the_id_reaches_the_actor_byte_for_byte() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    for (sent, reached) in [
        ("", "/"),
        ("/", "/"),
        ("/abc?x=1&y=%20z", "/abc?x=1&y=%20z"),
        ("/a%2Fb/c", "/a%2Fb/c"),
        ("/abc?flag&empty=", "/abc?flag&empty="),
        ("/deep/er/", "/deep/er/"),
    ] {
        assert_eq!(namespace.call(&actor, sent).await.text(), format!("GET {reached}"), "{sent}");
    }
}

#[tokio::test]
async fn a_token_may_stand_behind_the_id() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let target = format!("/gateway/{actor}@{TOKEN}/abc");
    let answer = namespace.engine().send(Request::get(target)).await;
    assert_eq!(answer.text(), "GET /abc");
}

#[tokio::test]
async fn headers_name_an_actor_for_paths_below_request() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let request = |path: &str| {
        Request::get(path)
            .header("x-rivet-target", "actor")
            .header("x-rivet-actor", &actor)
            .header("x-rivet-token", TOKEN)
    };
    for path in ["/request", "/request/q", "/request?x=1"] {
        let answer = namespace.engine().send(request(path)).await;
        assert_eq!(answer.text(), format!("GET {path}"));
    }
    let elsewhere = namespace.engine().send(request("/other")).await;
    assert_eq!(elsewhere.verdict(), "404 guard.no_route");
}

#[tokio::test]
async fn headers_without_an_actor_are_refused() {
    let engine = Engine::shared().await;
    let request =
        Request::get("/request").header("x-rivet-target", "actor").header("x-rivet-token", TOKEN);
    let answer = engine.send(request).await;
    assert_eq!(answer.verdict(), "400 guard.missing_header");
    assert_eq!(answer.header("x-rivet-error"), Some("guard.missing_header"));
}

#[tokio::test]
async fn an_unknown_target_has_no_route() {
    let engine = Engine::shared().await;
    let answer = engine.send(Request::get("/x").header("x-rivet-target", "moon")).await;
    assert_eq!(answer.verdict(), "404 guard.no_route");
    assert_eq!(answer.json()["metadata"]["path"], "/x");
}

#[tokio::test]
async fn the_api_is_a_target_too() {
    let engine = Engine::shared().await;
    let answer = engine.send(Request::get("/health").header("x-rivet-target", "api-public")).await;
    assert_eq!(answer.ok()["runtime"], "engine");
}

#[tokio::test]
async fn an_unknown_actor_is_not_found() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let answer = namespace.call(UNKNOWN, "/x").await;
    assert_eq!(answer.verdict(), "404 actor.not_found");
    assert_eq!(answer.message(), "The actor does not exist or was destroyed.");
    assert_eq!(answer.header("x-rivet-error"), Some("actor.not_found"));
    assert_eq!(answer.header("x-rivet-ray-id").map(str::len), Some(30));
}

#[tokio::test]
async fn an_id_that_is_none_names_no_actor() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let answer = namespace.call("notanid", "/x").await;
    let expected = chosen("gateway-malformed-id", "500 core.internal_error", "404 actor.not_found");
    assert_eq!(answer.verdict(), expected);
}

#[tokio::test]
async fn a_path_without_an_id_has_no_route() {
    let engine = Engine::shared().await;
    let answer = engine.send(Request::get("/gateway//x").bearer(TOKEN)).await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    let answer = engine.send(Request::get("/gateway/%zz/x").bearer(TOKEN)).await;
    assert_eq!(answer.status, chosen("gateway-malformed-id", 500, 404), "{}", answer.text());
}

#[tokio::test]
async fn the_actor_sees_every_header_and_the_ray_id() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let request = gateway("GET", &actor, "/headers")
        .header("X-Own", "Some Value")
        .header("cookie", "a=1")
        .header("x-rivet-encoding", "json");
    let app = async {
        let request = envoy.request("/headers").await;
        let headers = &request.start.headers;
        assert_eq!(headers["x-own"], "Some Value");
        assert_eq!(headers["cookie"], "a=1");
        assert_eq!(headers["x-rivet-encoding"], "json");
        assert!(headers["host"].starts_with("127.0.0.1:"));
        assert_eq!(headers["x-rivet-ray-id"].len(), 30);
        assert!(!headers.contains_key("x-forwarded-for"));
        let token = chosen("engine-token-forwarded", true, false);
        assert_eq!(headers.contains_key("x-rivet-token"), token);
        envoy.respond(&request.id, 200, &[], b"");
        headers["x-rivet-ray-id"].clone()
    };
    let (answer, ray) = tokio::join!(namespace.engine().send(request), app);
    assert_eq!(answer.header("x-rivet-ray-id"), Some(ray.as_str()));
}

#[tokio::test]
async fn the_client_sees_the_actors_status_and_headers() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let app = async {
        let request = envoy.request("/teapot").await;
        let headers = [("x-own", "v"), ("set-cookie", "a=1"), ("x-rivet-error", "app.own")];
        envoy.respond(&request.id, 418, &headers, b"short and stout");
    };
    let (answer, ()) = tokio::join!(namespace.call(&actor, "/teapot"), app);
    assert_eq!(answer.status, 418);
    assert_eq!(answer.text(), "short and stout");
    assert_eq!(answer.header("x-own"), Some("v"));
    assert_eq!(answer.header("set-cookie"), Some("a=1"));
    assert_eq!(answer.header("x-rivet-error"), Some("app.own"));
    assert_eq!(answer.header("x-rivet-ray-id").map(str::len), Some(30));
}

#[tokio::test]
async fn every_method_passes() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let answer = namespace.engine().send(gateway(method, &actor, "/m")).await;
        assert_eq!(answer.text(), format!("{method} /m"));
    }
    let head = namespace.engine().send(gateway("HEAD", &actor, "/m")).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}
