//! Who may call actors. Upstream lets everybody; ours asks for the token.

use rivet_conformance::{
    differences::chosen,
    engine::{Engine, TOKEN},
    http::Request,
    namespace::{Namespace, POOL},
    socket::Socket,
};

#[tokio::test]
async fn calling_an_actor_needs_a_token() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let expected = chosen("gateway-token", "200", "403 api.forbidden");
    let target = format!("/gateway/{actor}/x");
    let none = namespace.engine().send(Request::get(&target)).await;
    assert_eq!(none.verdict(), expected);
    let wrong = Request::get(&target).header("x-rivet-token", "wrong");
    assert_eq!(namespace.engine().send(wrong).await.verdict(), expected);
}

#[tokio::test]
async fn creating_an_actor_through_the_gateway_needs_a_token() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let _envoy = namespace.envoy().await;
    let target = format!(
        "/gateway/thing/x?rvt-namespace={}&rvt-method=getOrCreate&rvt-pool={POOL}&rvt-key=a",
        namespace.name()
    );
    let none = namespace.engine().send(Request::get(&target)).await;
    assert_eq!(none.verdict(), chosen("gateway-token", "200", "403 api.forbidden"));
    let query = Request::get(format!("{target}&rvt-token={TOKEN}"));
    assert_eq!(namespace.engine().send(query).await.text(), "GET /x");
}

#[tokio::test]
async fn a_socket_to_an_actor_needs_a_token() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let port = namespace.engine().port();
    let target = format!("/gateway/{actor}/x");
    let mut socket = Socket::open(port, &target, &["rivet"]).await;
    if chosen("gateway-token", true, false) {
        socket.say("hello").await;
        assert_eq!(socket.hear().await, "hello");
    } else {
        assert_eq!(socket.closed().await.verdict(), "1011 guard.missing_header");
        let mut wrong = Socket::open(port, &target, &["rivet", "rivet_token.wrong"]).await;
        assert_eq!(wrong.closed().await.verdict(), "1011 api.forbidden");
    }
    let token = format!("rivet_token.{TOKEN}");
    let mut socket = Socket::open(port, &target, &["rivet", &token]).await;
    socket.say("hello").await;
    assert_eq!(socket.hear().await, "hello");
}
