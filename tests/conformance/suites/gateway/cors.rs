//! Browsers ask before they call.

use rivet_conformance::{
    differences::chosen,
    engine::Engine,
    envoy::Options,
    http::Request,
    namespace::{Namespace, gateway},
};

const ORIGIN: &str = "http://app.example";

#[tokio::test]
async fn a_preflight_is_answered_by_the_gateway() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let actor = namespace.actor().await;
    let request = Request::new("OPTIONS", format!("/gateway/{actor}/x"))
        .header("origin", ORIGIN)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "x-rivet-token,x-own");
    let answer = namespace.engine().send(request).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(answer.header("access-control-expose-headers"), Some("*"));
    assert_eq!(
        answer.header("access-control-allow-methods"),
        Some("GET, POST, PUT, DELETE, OPTIONS, PATCH")
    );
    assert_eq!(answer.header("access-control-allow-headers"), Some("x-rivet-token,x-own"));
    assert_eq!(answer.header("access-control-max-age"), Some("86400"));
    assert_eq!(answer.header("vary"), Some("Origin"));
}

#[tokio::test]
async fn a_preflight_without_an_origin_is_for_everybody() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let actor = namespace.actor().await;
    let answer =
        namespace.engine().send(Request::new("OPTIONS", format!("/gateway/{actor}/x"))).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("*"));
}

#[tokio::test]
async fn the_gateways_word_on_origins_counts_not_the_actors() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let request = gateway("GET", &actor, "/x").header("origin", ORIGIN);
    let app = async {
        let request = envoy.request("/x").await;
        let headers = [("access-control-allow-origin", "http://actor.example")];
        envoy.respond(&request.id, 200, &headers, b"");
    };
    let (answer, ()) = tokio::join!(namespace.engine().send(request), app);
    let all: Vec<_> = answer.headers.get_all("access-control-allow-origin").iter().collect();
    assert_eq!(all, [ORIGIN]);
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(answer.header("access-control-expose-headers"), Some("*"));
}

#[tokio::test]
async fn errors_behind_the_routing_name_the_origin() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let request = gateway("GET", "9altld6eln51kd75yyx7ak8b9pbl00", "/x").header("origin", ORIGIN);
    let answer = namespace.engine().send(request).await;
    assert_eq!(answer.verdict(), "404 actor.not_found");
    assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
}

#[tokio::test]
async fn errors_in_a_query_can_be_read_by_a_browser() {
    let engine = Engine::shared().await;
    let request = Request::get("/gateway/thing/x?rvt-bad=1").header("origin", ORIGIN);
    let answer = engine.send(request).await;
    assert_eq!(answer.verdict(), "400 guard.query_invalid_params");
    let expected = chosen("query-error-cors", None, Some(ORIGIN));
    assert_eq!(answer.header("access-control-allow-origin"), expected);
}
