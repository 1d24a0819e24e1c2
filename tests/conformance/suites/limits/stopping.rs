//! An engine that is asked to stop: everybody hears of it, and what runs is finished first.

use rivet_conformance::{
    envoy::Options,
    namespace::{Namespace, gateway},
};

use super::{engine, socket};

#[tokio::test]
async fn sockets_and_envoys_are_told_and_a_request_that_runs_is_answered() {
    let Some(engine) = engine(&[("RUNTIME__GUARD_SHUTDOWN_DURATION", "20")]).await else { return };
    let namespace = Namespace::new(&engine).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let mut client = socket(&engine, &actor).await;
    let open = envoy.socket("/ws").await.id;
    envoy.open(&open, false);
    let request = tokio::spawn(gateway("GET", &actor, "/last").open(engine.port()));
    let last = envoy.request("/last").await.id;

    let (code, closed, ()) = tokio::join!(engine.terminate(), client.closed(), async {
        // The app hears that its client is gone, and is still there to answer.
        let gone = envoy.client_gone(&open).await;
        assert_eq!(gone, (Some(1001), Some("ws.going_away".to_owned())));
        assert_eq!(envoy.close_seen(), None);
        envoy.respond(&last, 200, &[], b"done");
    });

    assert_eq!(code, 0);
    assert_eq!(closed.verdict(), "1001 ws.going_away");
    let answer = request.await.unwrap().unwrap().collect().await.unwrap();
    assert_eq!(answer.text(), "done");
    assert_eq!(envoy.closed().await.verdict(), "1011 ws.going_away");
}

#[tokio::test]
async fn the_actor_of_a_hibernating_socket_sleeps_on_and_wakes_for_a_client_that_comes_back() {
    let Some(engine) = engine(&[]).await else { return };
    let namespace = Namespace::new(&engine).await;
    let envoy = namespace.envoy_with(Options { hibernate: true, ..Options::default() }).await;
    let actor = namespace.running_actor(&envoy).await;
    let mut client = socket(&engine, &actor).await;
    client.say("before").await;
    assert_eq!(client.hear().await, "before");
    envoy.wants_sleep(&actor, 1);
    namespace.asleep(&actor).await;

    let (code, closed) = tokio::join!(engine.terminate(), client.closed());
    assert_eq!((code, closed.verdict().as_str()), (0, "1001 ws.going_away"));
    engine.resume().await;

    namespace.asleep(&actor).await;
    let _envoy = namespace.envoy_with(Options { hibernate: true, ..Options::default() }).await;
    let mut again = socket(&engine, &actor).await;
    again.say("after").await;
    assert_eq!(again.hear().await, "after");
}
