//! Waiting until an actor is ready.

use rivet_conformance::{
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
async fn who_skips_the_wait_reaches_an_actor_that_starts() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options { obey: false, ..Options::default() }).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    let request = gateway("GET", &actor, "/x").header("x-rivet-skip-ready-wait", "1");
    assert_eq!(namespace.engine().send(request).await.text(), "GET /x");
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
    assert_eq!(answer.verdict(), "503 guard.actor_ready_timeout");
    assert_eq!(answer.json()["metadata"]["actor_id"], actor);
    assert_eq!(
        answer.message(),
        "Timed out waiting for actor to become ready. Ensure that the pool selector is accurate and \
         there are envoys available in the namespace you created this actor."
    );
    assert_eq!(answer.header("x-rivet-error"), Some("guard.actor_ready_timeout"));
}

#[tokio::test]
async fn a_socket_to_an_actor_that_never_gets_ready_is_given_up() {
    let namespace = Namespace::new(Engine::hasty().await).await;
    namespace.deserted().await;
    let actor = namespace.actor().await;
    let target = format!("/gateway/{actor}/x");
    let token = format!("rivet_token.{TOKEN}");
    let mut socket =
        Socket::open(namespace.engine().port(), &target, &["rivet", &token]).await;
    assert_eq!(socket.closed().await.verdict(), "1011 guard.actor_ready_timeout");
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
