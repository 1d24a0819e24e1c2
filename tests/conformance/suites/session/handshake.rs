//! Who may connect. A refusal comes in a close frame behind an accepted handshake.

use rivet_conformance::{
    differences::chosen,
    engine::Engine,
    envoy::{Envoy, Options},
    http::Request,
    namespace::Namespace,
    socket::{self, Closed},
};

async fn refused(namespace: &str, options: Options) -> Closed {
    let envoy = Envoy::connect(Engine::shared().await.port(), namespace, options).await;
    envoy.closed().await
}

async fn verdict(options: Options) -> String {
    let namespace = Namespace::new(Engine::shared().await).await;
    let closed = refused(namespace.name(), options).await;
    assert_eq!(closed.ray().map(str::len), Some(30), "{closed:?}");
    closed.verdict()
}

#[tokio::test]
async fn the_subprotocol_is_answered() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let target = format!(
        "/envoys/connect?protocol_version=8&namespace={}&envoy_key=abc&version=1&pool_name=default",
        namespace.name()
    );
    let offered = format!("rivet, rivet_token.{}", rivet_conformance::engine::TOKEN);
    let answer =
        socket::raw_handshake(Engine::shared().await.port(), &target, Some(&offered)).await;
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("sec-websocket-protocol"), Some("rivet"));
}

#[tokio::test]
async fn the_pool_has_to_be_configured() {
    let options = Options::default().pool("nowhere");
    assert_eq!(verdict(options).await, "1011 ws.no_runner_config");
}

#[tokio::test]
async fn the_namespace_has_to_exist() {
    let closed = refused("none-such", Options::default()).await;
    assert_eq!(closed.verdict(), "1011 namespace.not_found");
}

#[tokio::test]
async fn protocols_that_the_engine_does_not_speak_are_refused() {
    for protocol in [1, 9] {
        let target_only = Options { protocol: 8, ..Options::default() };
        let namespace = Namespace::new(Engine::shared().await).await;
        let target = format!(
            "/envoys/connect?protocol_version={protocol}&namespace={}&envoy_key={}&version=1\
             &pool_name=default",
            namespace.name(),
            target_only.key
        );
        let token = format!("rivet_token.{}", rivet_conformance::engine::TOKEN);
        let port = Engine::shared().await.port();
        let mut socket = socket::Socket::open(port, &target, &["rivet", &token]).await;
        assert_eq!(socket.closed().await.verdict(), "1011 ws.invalid_request", "{protocol}");
    }
}

#[tokio::test]
async fn keys_of_envoys_follow_their_rules() {
    for key in ["ab", "-bad", "bad-", "b.d", &"k".repeat(129)] {
        let options = Options::default().key(key);
        assert_eq!(verdict(options).await, "1011 ws.invalid_request", "{key}");
    }
}

#[tokio::test]
async fn the_version_has_to_be_a_number() {
    let options = Options { version: "new".to_owned(), ..Options::default() };
    let expected = chosen("envoy-version", "1011 core.internal_error", "1011 ws.invalid_request");
    assert_eq!(verdict(options).await, expected);
}

#[tokio::test]
async fn an_envoy_without_a_token_is_refused() {
    let options = Options { token: None, ..Options::default() };
    assert_eq!(verdict(options).await, "1011 guard.missing_header");
}

#[tokio::test]
async fn an_envoy_with_a_wrong_token_is_refused() {
    let options = Options { token: Some("wrong".to_owned()), ..Options::default() };
    assert_eq!(verdict(options).await, "1011 api.forbidden");
}

#[tokio::test]
async fn a_plain_request_is_told_what_is_there() {
    let engine = Engine::shared().await;
    let target = "/envoys/connect?protocol_version=8&namespace=default&envoy_key=abc&version=1\
                  &pool_name=default";
    let request = Request::get(target).header("x-rivet-token", rivet_conformance::engine::TOKEN);
    let answer = engine.send(request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), "pegboard-envoy WebSocket endpoint");
    let stranger = engine.send(Request::get(target)).await;
    assert_eq!(stranger.status, chosen("envoy-path-token", 400, 403));
}
