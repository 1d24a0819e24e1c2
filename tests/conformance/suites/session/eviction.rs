//! A second connection with the same key takes the first one's place.

use rivet_conformance::{engine::Engine, envoy::Options, namespace::Namespace};

#[tokio::test]
async fn the_older_of_two_connections_with_one_key_is_evicted() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let options = Options::default();
    let first = namespace.envoy_with(options.clone()).await;
    let second = namespace.envoy_with(options).await;
    assert_eq!(first.closed().await.verdict(), "1000 ws.eviction");
    let actor = namespace.running_actor(&second).await;
    assert_eq!(namespace.call(&actor, "/x").await.text(), "GET /x");
    assert_eq!(second.close_seen(), None);
}

#[tokio::test]
async fn the_newer_connection_takes_over_the_actors() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let options = Options::default();
    let first = namespace.envoy_with(options.clone()).await;
    let actor = namespace.running_actor(&first).await;
    let second = namespace.envoy_with(options).await;
    first.closed().await;
    assert_eq!(namespace.call(&actor, "/x").await.text(), "GET /x");
    second.request("/x").await;
    assert!(second.commands_of(&actor).is_empty());
}

#[tokio::test]
async fn the_same_key_in_another_namespace_is_another_envoy() {
    let engine = Engine::shared().await;
    let options = Options::default();
    let (here, there) = (Namespace::new(engine).await, Namespace::new(engine).await);
    let first = here.envoy_with(options.clone()).await;
    let second = there.envoy_with(options).await;
    here.running_actor(&first).await;
    there.running_actor(&second).await;
    assert_eq!((first.close_seen(), second.close_seen()), (None, None));
}
