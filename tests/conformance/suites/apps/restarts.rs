//! State outlives the app's process and the engine's.

use rivet_conformance::{
    engine::Engine,
    namespace::Namespace,
    node::{self, App, Client},
};

#[tokio::test]
async fn what_was_acknowledged_outlives_an_app_that_is_killed() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let mut app = App::connected(&namespace).await;
    node::client(&namespace, "remember.mjs", &["note", "a", "1"]).await;
    app.kill();
    let _app = App::connected(&namespace).await;
    node::client(&namespace, "remember.mjs", &["note", "a", "2"]).await;
}

#[tokio::test]
async fn state_outlives_an_app_that_is_asked_to_end() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let mut app = App::connected(&namespace).await;
    node::client(&namespace, "remember.mjs", &["count", "a", "2", "2"]).await;
    app.terminate().await;
    let _app = App::connected(&namespace).await;
    node::client(&namespace, "remember.mjs", &["count", "a", "3", "5"]).await;
}

#[tokio::test]
async fn state_outlives_an_engine_that_is_killed_and_the_app_returns_by_itself() {
    let engine = Engine::fresh().await;
    let namespace = Namespace::new(&engine).await;
    let _app = App::connected(&namespace).await;
    node::client(&namespace, "remember.mjs", &["count", "a", "2", "2"]).await;
    node::client(&namespace, "remember.mjs", &["note", "a", "1"]).await;
    engine.kill();
    engine.resume().await;
    node::client(&namespace, "remember.mjs", &["count", "a", "3", "5"]).await;
    node::client(&namespace, "remember.mjs", &["note", "a", "2"]).await;
}

#[tokio::test]
async fn a_client_goes_on_when_the_engine_is_back() {
    let engine = Engine::fresh().await;
    let namespace = Namespace::new(&engine).await;
    let _app = App::connected(&namespace).await;
    let address = format!("http://127.0.0.1:{}", engine.port());
    let mut client = Client::start(&address, namespace.name(), "persevere.mjs", &[]);
    client.until("the client counts", |said| said.contains("counted")).await;
    engine.kill();
    engine.resume().await;
    let before = client.said().matches("counted").count();
    client
        .until("the client counts again", |said| said.matches("counted").count() > before + 2)
        .await;
    assert_eq!(client.ended(), None);
}
