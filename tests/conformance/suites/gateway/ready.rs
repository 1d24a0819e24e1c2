//! Waiting until an actor is ready.

use rivet_conformance::{
    differences::chosen,
    engine::{Engine, TOKEN},
    envoy::Options,
    namespace::{Namespace, gateway},
    socket::Socket,
};

#[tokio::test]
async fn a_request_waits_until_the_actor_runs() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options { obey: false, ..Options::default() }).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    let app = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let early = envoy.inbox().all(|message| {
            matches!(message, rivet_conformance::protocol::ToEnvoy::ToEnvoyTunnelMessage(_))
                .then_some(())
        });
        assert!(early.is_empty(), "the request came before the actor ran");
        envoy.running(&actor, 1);
    };
    let (answer, ()) = tokio::join!(namespace.call(&actor, "/x"), app);
    assert_eq!(answer.text(), "GET /x");
}

#[tokio::test]
async fn who_skips_the_wait_reaches_an_actor_that_stops() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options { obey: false, ..Options::default() }).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    envoy.running(&actor, 1);
    namespace.connectable(&actor).await;
    envoy.wants_sleep(&actor, 1);
    envoy.stop_of(&actor, 1).await;
    let request = gateway("GET", &actor, "/x").header("x-rivet-skip-ready-wait", "1");
    assert_eq!(namespace.engine().send(request).await.text(), "GET /x");
    assert_eq!(envoy.commands_of(&actor).len(), 2, "it did not have to be woken");
}

#[tokio::test]
async fn skipping_the_wait_is_true_or_nothing() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let actor = namespace.actor().await;
    let request = gateway("GET", &actor, "/x").header("x-rivet-skip-ready-wait", "perhaps");
    let answer = namespace.engine().send(request).await;
    assert_eq!(answer.verdict(), "400 guard.invalid_header");
}

#[tokio::test]
async fn a_request_to_an_actor_that_never_gets_ready_is_given_up() {
    let namespace = Namespace::new(Engine::hasty().await).await;
    namespace.deserted().await;
    let actor = namespace.actor().await;
    let answer = namespace.call(&actor, "/x").await;
    let code =
        chosen("ready-timeout", "guard.actor_wake_retries_exceeded", "guard.actor_ready_timeout");
    assert_eq!(answer.verdict(), format!("503 {code}"));
    assert_eq!(answer.json()["metadata"]["actor_id"], actor);
    assert_eq!(answer.header("x-rivet-error"), Some(code));
}

#[tokio::test]
async fn a_socket_to_an_actor_that_never_gets_ready_is_given_up() {
    let namespace = Namespace::new(Engine::hasty().await).await;
    namespace.deserted().await;
    let actor = namespace.actor().await;
    let target = format!("/gateway/{actor}/x");
    let token = format!("rivet_token.{TOKEN}");
    let mut socket = Socket::open(namespace.engine().port(), &target, &["rivet", &token]).await;
    let expected = chosen(
        "ready-timeout",
        "1011 guard.actor_wake_retries_exceeded",
        "1011 guard.actor_ready_timeout",
    );
    assert_eq!(socket.closed().await.verdict(), expected);
}

#[tokio::test]
async fn a_request_to_an_actor_that_is_destroyed_meanwhile_is_told_so() {
    let namespace = Namespace::new(Engine::shared().await).await;
    namespace.deserted().await;
    let actor = namespace.actor().await;
    let target = format!("/actors/{actor}");
    let deletion = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        namespace.delete(&target).await.ok()
    };
    let (answer, _) = tokio::join!(namespace.call(&actor, "/x"), deletion);
    assert!(
        ["400 actor.destroyed_while_waiting_for_ready", "404 actor.not_found"]
            .contains(&answer.verdict().as_str()),
        "{}",
        answer.verdict()
    );
}
