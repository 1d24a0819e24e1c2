//! Sockets of clients.

use rivet_conformance::{
    differences::chosen,
    engine::{Engine, TOKEN},
    envoy::{Envoy, Options},
    namespace::Namespace,
    socket::{self, Socket},
};
use tokio_tungstenite::tungstenite::Message;

async fn connect(namespace: &Namespace<'_>, actor: &str, path: &str) -> Socket {
    let token = format!("rivet_token.{TOKEN}");
    let target = format!("/gateway/{actor}{path}");
    Socket::open(namespace.engine().port(), &target, &["rivet", &token]).await
}

async fn running(namespace: &Namespace<'_>, options: Options) -> (Envoy, String) {
    let envoy = namespace.envoy_with(options).await;
    let actor = namespace.running_actor(&envoy).await;
    (envoy, actor)
}

#[tokio::test]
async fn a_socket_carries_text_and_bytes_both_ways() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (_envoy, actor) = running(&namespace, Options::default()).await;
    let mut socket = connect(&namespace, &actor, "/ws").await;
    assert_eq!(socket.protocol(), Some("rivet"));
    socket.say("hello").await;
    assert_eq!(socket.hear().await, "hello");
    socket.send(Message::binary(vec![0, 255, 1])).await;
    assert_eq!(socket.next().await, Ok(Message::binary(vec![0, 255, 1])));
}

#[tokio::test]
async fn the_app_sees_path_query_and_subprotocols() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (envoy, actor) = running(&namespace, Options::default()).await;
    let token = format!("rivet_token.{TOKEN}");
    let target = format!("/gateway/{actor}/ws?a=%20b");
    let offered = ["rivet", &token, "rivet_encoding.json", "rivet_conn_params.%7B%7D"];
    let _socket = Socket::open(namespace.engine().port(), &target, &offered).await;
    let open = envoy.socket("/ws?a=%20b").await;
    assert_eq!(open.start.actor_id, actor);
    assert_eq!(open.id.message_index, 0);
    let subprotocols = &open.start.headers["sec-websocket-protocol"];
    assert!(subprotocols.contains("rivet_encoding.json"), "{subprotocols}");
    assert!(subprotocols.contains("rivet_conn_params.%7B%7D"), "{subprotocols}");
}

#[tokio::test]
async fn subprotocols_name_an_actor_for_any_path() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (envoy, actor) = running(&namespace, Options::default()).await;
    let (token, name) = (format!("rivet_token.{TOKEN}"), format!("rivet_actor.{actor}"));
    let offered = ["rivet", "rivet_target.actor", &name, &token];
    let port = namespace.engine().port();
    let mut socket = Socket::open(port, "/any/path?x=1", &offered).await;
    socket.say("hello").await;
    assert_eq!(socket.hear().await, "hello");
    envoy.socket("/any/path?x=1").await;
}

#[tokio::test]
async fn a_socket_by_key_creates_the_actor() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let target = socket::query_target(namespace.name(), "thing", "a", "/connect");
    let mut socket = Socket::open(namespace.engine().port(), &target, &["rivet"]).await;
    socket.say("hello").await;
    assert_eq!(socket.hear().await, "hello");
    envoy.socket("/connect").await;
}

#[tokio::test]
async fn a_socket_that_names_no_actor_is_told_so_in_its_close_frame() {
    let engine = Engine::shared().await;
    let token = format!("rivet_token.{TOKEN}");
    let offered = ["rivet", "rivet_target.actor", &token];
    let mut socket = Socket::open(engine.port(), "/x", &offered).await;
    let closed = socket.closed().await;
    assert_eq!(closed.verdict(), "1011 guard.missing_header");
    assert_eq!(closed.ray().map(str::len), Some(30));
}

#[tokio::test]
async fn a_socket_to_the_api_is_not_supported() {
    let engine = Engine::shared().await;
    let token = format!("rivet_token.{TOKEN}");
    let mut socket = Socket::open(engine.port(), "/x", &["rivet", &token]).await;
    assert_eq!(socket.closed().await.verdict(), "1011 guard.websocket_not_supported");
}

#[tokio::test]
async fn a_socket_to_an_unknown_actor_is_told_so() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let mut socket = connect(&namespace, "9altld6eln51kd75yyx7ak8b9pbl00", "/x").await;
    assert_eq!(socket.closed().await.verdict(), "1011 actor.not_found");
}

#[tokio::test]
async fn a_socket_with_a_mistake_in_its_query_is_told_so() {
    let engine = Engine::shared().await;
    let mut socket = Socket::open(engine.port(), "/gateway/foo/x?rvt-bad=1", &["rivet"]).await;
    assert_eq!(socket.closed().await.verdict(), "1011 guard.query_invalid_params");
}

#[tokio::test]
async fn the_apps_code_and_reason_reach_the_client() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (envoy, actor) = running(&namespace, Options::serving_by_hand()).await;
    for (path, code, reason, expected) in [
        ("/own", Some(4001), Some("custom"), "4001 custom"),
        ("/none", None, None, "1000 ws.closed"),
    ] {
        let app = async {
            let open = envoy.socket(path).await;
            envoy.open(&open.id, false);
            envoy.hang_up(&open.id, code, reason, false);
        };
        let client = async { connect(&namespace, &actor, path).await.closed().await };
        let (closed, ()) = tokio::join!(client, app);
        assert_eq!(closed.verdict(), expected);
    }
}

#[tokio::test]
async fn the_clients_code_and_reason_reach_the_app() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (envoy, actor) = running(&namespace, Options::default()).await;
    let mut socket = connect(&namespace, &actor, "/with").await;
    socket.close(4002, "bye").await;
    let open = envoy.socket("/with").await;
    assert_eq!(envoy.client_gone(&open.id).await, (Some(4002), Some("bye".to_owned())));
    let mut socket = connect(&namespace, &actor, "/bare").await;
    socket.close_bare().await;
    let open = envoy.socket("/bare").await;
    let (code, _) = envoy.client_gone(&open.id).await;
    assert!(code.is_none_or(|code| code == 1000), "{code:?}");
}

#[tokio::test]
async fn a_client_that_vanishes_is_reported_to_the_app() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (envoy, actor) = running(&namespace, Options::default()).await;
    let socket = connect(&namespace, &actor, "/ws").await;
    drop(socket);
    let open = envoy.socket("/ws").await;
    let gone = envoy.client_gone(&open.id).await;
    assert_eq!(gone, (Some(1011), Some("ws.downstream_closed".to_owned())));
}

#[tokio::test]
async fn a_socket_closes_normally_when_its_actor_sleeps() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (envoy, actor) = running(&namespace, Options::default()).await;
    let mut socket = connect(&namespace, &actor, "/ws").await;
    socket.say("hello").await;
    socket.hear().await;
    envoy.wants_sleep(&actor, 1);
    assert_eq!(socket.closed().await.verdict(), "1000 actor.stopped");
}

#[tokio::test]
async fn a_socket_closes_normally_when_its_actor_is_destroyed() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (_envoy, actor) = running(&namespace, Options::default()).await;
    let mut socket = connect(&namespace, &actor, "/ws").await;
    socket.say("hello").await;
    socket.hear().await;
    namespace.delete(&format!("/actors/{actor}")).await.ok();
    assert_eq!(socket.closed().await.verdict(), "1000 actor.stopped");
}

#[tokio::test]
async fn a_socket_outlives_a_short_loss_of_the_envoy() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let options = Options::default();
    let (first, actor) = running(&namespace, options.clone()).await;
    let mut socket = connect(&namespace, &actor, "/ws").await;
    socket.say("one").await;
    assert_eq!(socket.hear().await, "one");
    let open = first.socket("/ws").await;
    first.crash();
    let second = namespace.envoy_with(options).await;
    second.say(&open.id, "welcome back");
    assert_eq!(socket.hear().await, "welcome back");
    socket.say("two").await;
    second.heard(&open.id, "two").await;
}

#[tokio::test]
async fn an_app_that_does_not_accept_a_socket_is_given_up() {
    let namespace = Namespace::new(Engine::hasty().await).await;
    let (_envoy, actor) = running(&namespace, Options::serving_by_hand()).await;
    let mut socket = connect(&namespace, &actor, "/ws").await;
    assert_eq!(socket.closed().await.verdict(), "1011 guard.websocket_open_timeout");
}

#[tokio::test]
async fn an_app_that_closes_a_socket_before_it_accepts_it_refuses_it() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (envoy, actor) = running(&namespace, Options::serving_by_hand()).await;
    if chosen("closed-before-open", true, false) {
        return;
    }
    let app = async {
        let open = envoy.socket("/ws").await;
        envoy.hang_up(&open.id, Some(1008), Some("no"), false);
    };
    let client = async { connect(&namespace, &actor, "/ws").await.closed().await };
    let (closed, ()) = tokio::join!(client, app);
    assert_eq!(closed.verdict(), "1011 guard.websocket_closed_before_open");
}

#[tokio::test]
async fn a_client_that_offers_no_subprotocol_is_answered_none() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (_envoy, actor) = running(&namespace, Options::default()).await;
    let target = format!("/gateway/{actor}@{TOKEN}/ws");
    let answer = socket::raw_handshake(namespace.engine().port(), &target, None).await;
    assert_eq!(answer.status, 101);
    let expected = chosen("unoffered-subprotocol", Some("rivet"), None);
    assert_eq!(answer.header("sec-websocket-protocol"), expected);
}

#[tokio::test]
async fn no_compression_is_negotiated() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (_envoy, actor) = running(&namespace, Options::default()).await;
    let target = format!("/gateway/{actor}@{TOKEN}/ws");
    let headers = [("sec-websocket-extensions", "permessage-deflate")];
    let port = namespace.engine().port();
    let mut socket = Socket::open_with(port, &target, &["rivet"], &headers).await;
    socket.say("hello").await;
    assert_eq!(socket.hear().await, "hello");
}

#[tokio::test]
async fn a_message_of_megabytes_passes() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (_envoy, actor) = running(&namespace, Options::default()).await;
    let mut socket = connect(&namespace, &actor, "/ws").await;
    let large = vec![7_u8; 8 << 20];
    socket.send(Message::binary(large.clone())).await;
    assert!(socket.next().await == Ok(Message::binary(large)));
}

#[tokio::test]
async fn messages_keep_their_order() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (_envoy, actor) = running(&namespace, Options::default()).await;
    let mut socket = connect(&namespace, &actor, "/ws").await;
    for number in 0..300 {
        socket.say(&number.to_string()).await;
    }
    for number in 0..300 {
        assert_eq!(socket.hear().await, number.to_string());
    }
}
