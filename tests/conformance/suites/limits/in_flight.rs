//! How much may be in flight to an actor, and to a namespace.

use rivet_conformance::{
    engine::Engine,
    envoy::{Envoy, Options},
    http::Streaming,
    namespace::{Namespace, gateway},
    wait::eventually,
};
use tokio::task::JoinHandle;

use super::{engine, refusals, socket, try_socket};

type Waiting = JoinHandle<Result<Streaming, String>>;

/// A request that has reached its actor, and waits for its answer.
async fn waiting(engine: &Engine, envoy: &Envoy, actor: &str, path: &str) -> Waiting {
    let request = gateway("GET", actor, path);
    let waiting = tokio::spawn(request.open(engine.port()));
    envoy.request(path).await;
    waiting
}

#[tokio::test]
async fn an_actor_with_enough_requests_gets_no_more_and_others_do() {
    let Some(engine) = engine(&[("LIMITS__MAX_REQUESTS_PER_ACTOR", "2")]).await else { return };
    let namespace = Namespace::new(&engine).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let (busy, other) =
        (namespace.running_actor(&envoy).await, namespace.running_actor(&envoy).await);
    let first = waiting(&engine, &envoy, &busy, "/1").await;
    let _second = waiting(&engine, &envoy, &busy, "/2").await;

    let refused = namespace.call(&busy, "/3").await;

    assert_eq!(refused.verdict(), "429 guard.rate_limit");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.json()["metadata"]["limit"], "requests_per_actor");
    assert_eq!(refusals(&engine, "requests_per_actor").await, 1);
    let _elsewhere = waiting(&engine, &envoy, &other, "/4").await;
    // A client that goes away makes room, too.
    first.abort();
    eventually("there is room again", || async {
        let request = gateway("GET", &busy, "/5").open(engine.port());
        tokio::select! {
            refused = request => { assert_eq!(refused.unwrap().status, 429); None }
            _ = envoy.request("/5") => Some(()),
        }
    })
    .await;
}

#[tokio::test]
async fn a_namespace_with_enough_requests_gets_no_more_and_others_do() {
    let Some(engine) = engine(&[("LIMITS__MAX_REQUESTS_PER_NAMESPACE", "1")]).await else { return };
    let (busy, other) = (Namespace::new(&engine).await, Namespace::new(&engine).await);
    let envoy = busy.envoy_with(Options::serving_by_hand()).await;
    let (one, two) = (busy.running_actor(&envoy).await, busy.running_actor(&envoy).await);
    let _waiting = waiting(&engine, &envoy, &one, "/1").await;

    assert_eq!(busy.call(&two, "/2").await.verdict(), "429 guard.rate_limit");

    assert_eq!(refusals(&engine, "requests_per_namespace").await, 1);
    let app = other.envoy().await;
    let elsewhere = other.running_actor(&app).await;
    assert_eq!(other.call(&elsewhere, "/x").await.text(), "GET /x");
}

#[tokio::test]
async fn an_actor_with_enough_sockets_gets_no_more_until_one_closes() {
    let Some(engine) = engine(&[("LIMITS__MAX_SOCKETS_PER_ACTOR", "1")]).await else { return };
    let namespace = Namespace::new(&engine).await;
    let envoy = namespace.envoy().await;
    let (busy, other) =
        (namespace.running_actor(&envoy).await, namespace.running_actor(&envoy).await);
    let mut first = socket(&engine, &busy).await;
    first.say("hello").await;
    assert_eq!(first.hear().await, "hello");

    let refused = socket(&engine, &busy).await.closed().await;

    assert_eq!(refused.verdict(), "1011 guard.rate_limit");
    assert_eq!(refusals(&engine, "sockets_per_actor").await, 1);
    let mut elsewhere = socket(&engine, &other).await;
    elsewhere.say("me").await;
    assert_eq!(elsewhere.hear().await, "me");
    assert_eq!(namespace.call(&busy, "/x").await.text(), "GET /x", "requests are counted apart");
    first.close(1000, "done").await;
    first.closed().await;
    eventually("there is room again", || async {
        let mut again = socket(&engine, &busy).await;
        again.say("back").await;
        (again.next().await.is_ok()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_namespace_with_enough_sockets_gets_no_more() {
    let Some(engine) = engine(&[("LIMITS__MAX_SOCKETS_PER_NAMESPACE", "1")]).await else { return };
    let namespace = Namespace::new(&engine).await;
    let envoy = namespace.envoy().await;
    let (one, two) = (namespace.running_actor(&envoy).await, namespace.running_actor(&envoy).await);
    let mut first = socket(&engine, &one).await;
    first.say("hello").await;
    assert_eq!(first.hear().await, "hello");

    assert_eq!(socket(&engine, &two).await.closed().await.verdict(), "1011 guard.rate_limit");

    assert_eq!(refusals(&engine, "sockets_per_namespace").await, 1);
}

/// A WebSocket leaves the task that accepted its connection, and is a connection still.
#[tokio::test]
async fn a_socket_counts_as_a_connection_for_as_long_as_it_is_open() {
    let Some(engine) = engine(&[("LIMITS__MAX_CONNECTIONS_PER_ADDRESS", "8")]).await else {
        return;
    };
    let namespace = Namespace::new(&engine).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let mut sockets = Vec::new();
    for _ in 0..6 {
        let mut socket = socket(&engine, &actor).await;
        socket.say("x").await;
        assert_eq!(socket.hear().await, "x");
        sockets.push(socket);
    }
    // Six, the envoy's, and this one, as soon as the connections of requests are gone.
    let mut last =
        eventually("one more socket opens", || async { try_socket(&engine, &actor).await.ok() })
            .await;
    last.say("x").await;
    assert_eq!(last.hear().await, "x");

    assert_eq!(namespace.call(&actor, "/x").await.status, 503);

    drop(sockets);
    eventually("there is room again", || async {
        (namespace.call(&actor, "/x").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_namespace_with_enough_envoys_gets_no_more_and_others_do() {
    let Some(engine) = engine(&[("LIMITS__MAX_ENVOYS_PER_NAMESPACE", "1")]).await else { return };
    let (full, other) = (Namespace::new(&engine).await, Namespace::new(&engine).await);
    let first = full.envoy().await;

    let refused = Envoy::connect(engine.port(), full.name(), Options::default()).await;

    assert_eq!(refused.closed().await.verdict(), "1011 guard.rate_limit");
    assert_eq!(refusals(&engine, "envoys_per_namespace").await, 1);
    other.envoy().await;
    first.crash();
    eventually("there is room again", || async {
        let envoy = Envoy::connect(engine.port(), full.name(), Options::default()).await;
        tokio::select! {
            // Looked at first: who waits for a message of a closed connection fails the test.
            biased;
            _ = envoy.closed() => None,
            _ = envoy.initialized() => Some(()),
        }
    })
    .await;
}

#[tokio::test]
async fn an_actor_whose_entries_take_enough_keeps_no_more() {
    let Some(engine) = engine(&[("LIMITS__MAX_KV_BYTES_PER_ACTOR", "1000")]).await else { return };
    let namespace = Namespace::new(&engine).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let large = "v".repeat(600);
    envoy.kv_put(&actor, &[("a", &large)]).await.unwrap();

    assert!(envoy.kv_put(&actor, &[("b", &large)]).await.is_err());

    assert_eq!(envoy.kv_put(&actor, &[("c", "small")]).await, Ok(()));
}
