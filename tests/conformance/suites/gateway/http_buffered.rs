//! Bodies in one piece: upstream's default. Ours may stream, so what is asked here holds for both.

use rivet_conformance::{
    differences::chosen,
    engine::Engine,
    envoy::Options,
    namespace::{Namespace, gateway},
};

#[tokio::test]
async fn a_request_comes_in_one_message() {
    let namespace = Namespace::new(Engine::buffering().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let request = gateway("POST", &actor, "/post").body("BODY");
    assert_eq!(namespace.engine().send(request).await.text(), "POST /post");
    let request = envoy.request("/post").await;
    if chosen("always-streaming", true, false) {
        assert_eq!(request.start.actor_generation, None);
        assert_eq!(request.start.body.as_deref(), Some(&b"BODY"[..]));
        assert!(!request.start.stream && !request.start.response_stream);
    } else {
        assert_eq!(request.start.actor_generation, Some(1));
        assert!(request.start.response_stream);
    }
}

#[tokio::test]
async fn an_answer_in_one_message_is_passed_on_with_its_length() {
    let namespace = Namespace::new(Engine::buffering().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let app = async {
        let request = envoy.request("/x").await;
        envoy.respond(&request.id, 201, &[("content-type", "text/plain")], b"hello");
    };
    let (answer, ()) = tokio::join!(namespace.call(&actor, "/x"), app);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("content-length"), Some("5"));
    assert_eq!(answer.text(), "hello");
}

#[tokio::test]
async fn an_answer_in_pieces_is_lost_where_only_whole_ones_are_taken() {
    let namespace = Namespace::new(Engine::buffering().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let app = async {
        let request = envoy.request("/x").await;
        envoy.respond_streaming(&request.id, 200, &[]);
        envoy.chunk(&request.id, b"abc", false);
        envoy.chunk(&request.id, b"def", true);
    };
    let (answer, ()) = tokio::join!(namespace.call(&actor, "/x"), app);
    assert_eq!(answer.text(), chosen("always-streaming", "", "abcdef"));
}
