//! Sockets that stay open while their actor sleeps.

use std::time::Duration;

use rivet_conformance::{
    differences::chosen,
    engine::{Engine, TOKEN},
    envoy::{Envoy, Options},
    namespace::Namespace,
    program::{Flavor, flavor},
    protocol::{ToEnvoy, ToEnvoyTunnelMessageKind},
    socket::Socket,
};

fn hibernating() -> Options {
    Options { hibernate: true, ..Options::default() }
}

async fn connect(namespace: &Namespace<'_>, actor: &str) -> Socket {
    let token = format!("rivet_token.{TOKEN}");
    let target = format!("/gateway/{actor}/ws");
    Socket::open(namespace.engine().port(), &target, &["rivet", &token]).await
}

async fn running(namespace: &Namespace<'_>, options: Options) -> (Envoy, String) {
    let envoy = namespace.envoy_with(options).await;
    let actor = namespace.running_actor(&envoy).await;
    (envoy, actor)
}

/// Upstream's gateway writes down that a socket hibernates some time after its actor has stopped, and an
/// actor that starts before is not told of the socket. Nothing over the API shows when that is.
async fn upstream_knows_the_socket() {
    if flavor() == Flavor::Upstream {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn a_message_wakes_the_actor_and_reaches_it_with_the_next_index() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (envoy, actor) = running(&namespace, hibernating()).await;
    let mut socket = connect(&namespace, &actor).await;
    for text in ["a", "b"] {
        socket.say(text).await;
        assert_eq!(socket.hear().await, text);
    }
    envoy.wants_sleep(&actor, 1);
    namespace.idle().await;
    socket.say("c").await;
    assert_eq!(socket.hear().await, "c");
    let open = envoy.socket("/ws").await;
    let start = envoy.start_of(&actor, 2).await;
    assert_eq!(start.hibernating_requests.len(), 1);
    assert_eq!(start.hibernating_requests[0].gateway_id, open.id.gateway_id);
    assert_eq!(start.hibernating_requests[0].request_id, open.id.request_id);
    assert_eq!(envoy.heard(&open.id, "a").await, 1);
    assert_eq!(envoy.heard(&open.id, "b").await, 2);
    assert_eq!(envoy.heard(&open.id, "c").await, 3);
}

#[tokio::test]
async fn the_client_notices_nothing_when_the_actor_moves() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (envoy, actor) = running(&namespace, hibernating()).await;
    let mut socket = connect(&namespace, &actor).await;
    socket.say("a").await;
    assert_eq!(socket.hear().await, "a");
    namespace.post(&format!("/actors/{actor}/reschedule"), &serde_json::json!({})).await.ok();
    envoy.start_of(&actor, 2).await;
    namespace.connectable(&actor).await;
    socket.say("b").await;
    assert_eq!(socket.hear().await, "b");
}

#[tokio::test]
async fn a_request_wakes_the_actor_and_its_sockets_go_on() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (envoy, actor) = running(&namespace, hibernating()).await;
    let mut socket = connect(&namespace, &actor).await;
    socket.say("a").await;
    socket.hear().await;
    envoy.wants_sleep(&actor, 1);
    namespace.idle().await;
    upstream_knows_the_socket().await;
    assert_eq!(namespace.call(&actor, "/wake").await.text(), "GET /wake");
    assert_eq!(envoy.start_of(&actor, 2).await.hibernating_requests.len(), 1);
    let open = envoy.socket("/ws").await;
    envoy.say(&open.id, "from the app");
    assert_eq!(socket.hear().await, "from the app");
    socket.say("b").await;
    assert_eq!(socket.hear().await, "b");
}

#[tokio::test]
async fn a_client_that_goes_while_its_socket_hibernates_wakes_the_actor_to_tell_it() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (envoy, actor) = running(&namespace, hibernating()).await;
    let mut socket = connect(&namespace, &actor).await;
    socket.say("a").await;
    socket.hear().await;
    envoy.wants_sleep(&actor, 1);
    namespace.idle().await;
    socket.close(1000, "bye").await;
    envoy.start_of(&actor, 2).await;
    let open = envoy.socket("/ws").await;
    assert_eq!(envoy.client_gone(&open.id).await.0, Some(1000));
}

#[tokio::test]
async fn what_was_not_acknowledged_is_said_again_with_the_same_index() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (envoy, actor) = running(&namespace, Options::serving_by_hand()).await;
    let app = async {
        let open = envoy.socket("/ws").await;
        envoy.open(&open.id, true);
        open
    };
    let (mut socket, open) = tokio::join!(connect(&namespace, &actor), app);
    for text in ["a", "b", "c"] {
        socket.say(text).await;
        envoy.heard(&open.id, text).await;
    }
    envoy.acknowledge_message(&open.id, 1);
    envoy.wants_sleep(&actor, 1);
    envoy.stop_of(&actor, 1).await;
    socket.say("d").await;
    let mut restored = false;
    let mut again = Vec::new();
    envoy
        .inbox()
        .first("the last message", |message| match message {
            ToEnvoy::ToEnvoyCommands(commands) => {
                restored |= commands.iter().any(|given| given.checkpoint.generation == 2);
                None
            }
            ToEnvoy::ToEnvoyTunnelMessage(message) if restored => match &message.message_kind {
                ToEnvoyTunnelMessageKind::ToEnvoyWebSocketMessage(said) => {
                    let text = String::from_utf8(said.data.clone()).unwrap();
                    again.push((message.message_id.message_index, text.clone()));
                    (text == "d").then_some(())
                }
                _ => None,
            },
            _ => None,
        })
        .await;
    let expected = [(2, "b"), (3, "c"), (4, "d")].map(|(index, text)| (index, text.to_owned()));
    assert_eq!(again, expected);
}

#[tokio::test]
async fn a_hibernating_socket_closes_when_its_actor_is_destroyed() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (envoy, actor) = running(&namespace, hibernating()).await;
    let mut socket = connect(&namespace, &actor).await;
    socket.say("a").await;
    socket.hear().await;
    envoy.wants_sleep(&actor, 1);
    namespace.idle().await;
    namespace.delete(&format!("/actors/{actor}")).await.ok();
    if chosen("destroyed-hibernating", true, false) {
        return;
    }
    let closed = socket.closed().await;
    assert!(closed.verdict().starts_with("1000 "), "{closed:?}");
}

#[tokio::test]
async fn a_closed_socket_is_not_restored() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let (envoy, actor) = running(&namespace, hibernating()).await;
    let mut socket = connect(&namespace, &actor).await;
    socket.say("a").await;
    socket.hear().await;
    socket.close(1000, "bye").await;
    let open = envoy.socket("/ws").await;
    envoy.client_gone(&open.id).await;
    envoy.wants_sleep(&actor, 1);
    namespace.idle().await;
    namespace.call(&actor, "/wake").await.text();
    let restored = envoy.start_of(&actor, 2).await.hibernating_requests.len();
    assert!(restored <= chosen("closed-sockets-restored", 1, 0), "{restored}");
}
