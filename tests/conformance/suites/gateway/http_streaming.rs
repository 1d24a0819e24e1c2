//! Bodies in pieces, in both directions, as every engine that rivetkit starts itself passes them on.

use bytes::Bytes;
use rivet_conformance::{
    engine::Engine,
    envoy::{Envoy, Options, tunnel::Reached},
    http::Streaming,
    namespace::{Namespace, gateway},
    protocol::{
        HttpStreamAbortReasonKind, ToEnvoyRequestStart, ToEnvoyTunnelMessageKind as FromClient,
        ToRivetTunnelMessageKind as ToClient,
    },
    wait::eventually,
};

const WINDOW: usize = 1 << 20;
const CHUNK: usize = 64 << 10;

/// What of a request's body has reached the app, and whether it is all.
fn body(envoy: &Envoy, request: &Reached<ToEnvoyRequestStart>) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    let mut finished = false;
    for (_, kind) in envoy.tunneled(&request.id) {
        if let FromClient::ToEnvoyRequestChunk(chunk) = kind {
            assert!(chunk.body.len() <= CHUNK, "{}", chunk.body.len());
            body.extend(chunk.body);
            finished = chunk.finish;
        }
    }
    (body, finished)
}

async fn open(namespace: &Namespace<'_>, actor: &str, path: &str) -> Result<Streaming, String> {
    gateway("GET", actor, path).open(namespace.engine().port()).await
}

#[tokio::test]
async fn a_request_names_the_generation_and_asks_for_pieces() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    namespace.call(&actor, "/x").await;
    let request = envoy.request("/x").await;
    assert_eq!(request.start.actor_id, actor);
    assert_eq!(request.start.actor_generation, Some(1));
    assert_eq!(request.start.body, None);
    assert!(!request.start.stream, "a request without a body");
    assert!(request.start.response_stream);
    assert_eq!(request.id.message_index, 0);
}

#[tokio::test]
async fn a_body_follows_in_chunks_with_rising_indexes() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let sent: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let request = gateway("POST", &actor, "/post").body(sent.clone());
    let app = async {
        let request = envoy.request("/post").await;
        assert!(request.start.stream);
        assert_eq!(request.start.body, None);
        eventually("the whole body came", || async { body(&envoy, &request).1.then_some(()) })
            .await;
        assert!(body(&envoy, &request).0 == sent);
        let indexes: Vec<u16> =
            envoy.tunneled(&request.id).iter().map(|(index, _)| *index).collect();
        let expected: Vec<u16> = (0..u16::try_from(indexes.len()).unwrap()).collect();
        assert_eq!(indexes, expected);
        envoy.respond(&request.id, 200, &[], b"got it");
    };
    let (answer, ()) = tokio::join!(namespace.engine().send(request), app);
    assert_eq!(answer.text(), "got it");
}

#[tokio::test]
async fn pieces_reach_the_app_while_the_client_still_sends() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let (sender, answer) =
        gateway("POST", &actor, "/slow").open_with_body(namespace.engine().port());
    for piece in ["one", "two"] {
        sender.send(Bytes::from_static(piece.as_bytes())).await.unwrap();
        let request = envoy.request("/slow").await;
        eventually("the piece came", || async {
            body(&envoy, &request).0.ends_with(piece.as_bytes()).then_some(())
        })
        .await;
    }
    drop(sender);
    let request = envoy.request("/slow").await;
    eventually("the end came", || async { body(&envoy, &request).1.then_some(()) }).await;
    envoy.respond(&request.id, 200, &[], b"done");
    let answer = answer.await.unwrap().unwrap().collect().await.unwrap();
    assert_eq!(answer.text(), "done");
}

#[tokio::test]
async fn no_more_of_a_body_is_sent_than_the_app_gave_credit_for() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let size = 3 * WINDOW;
    let request = gateway("POST", &actor, "/big").body(vec![7; size]);
    let app = async {
        let request = envoy.request("/big").await;
        let mut credit = WINDOW;
        while credit < size {
            eventually("the window is full", || async {
                (body(&envoy, &request).0.len() + CHUNK > credit).then_some(())
            })
            .await;
            // A round trip shows that no more is on the way.
            envoy.kv_put(&actor, &[("a", "1")]).await.unwrap();
            let came = body(&envoy, &request).0.len();
            assert!(came <= credit, "{came} of {credit}");
            envoy.consumed(&request.id, u64::try_from(came).unwrap());
            credit = came + WINDOW;
        }
        eventually("the whole body came", || async { body(&envoy, &request).1.then_some(()) })
            .await;
        envoy.respond(&request.id, 200, &[], b"");
    };
    let (answer, ()) = tokio::join!(namespace.engine().send(request), app);
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn an_app_may_want_no_more_of_a_body_and_still_answer() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let (sender, answer) =
        gateway("POST", &actor, "/enough").open_with_body(namespace.engine().port());
    sender.send(Bytes::from_static(b"one")).await.unwrap();
    let request = envoy.request("/enough").await;
    envoy.tunnel(&request.id, ToClient::ToRivetRequestBodyCancel);
    envoy.respond(&request.id, 200, &[], b"enough");
    let answer = answer.await.unwrap().unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.collect().await.unwrap().text(), "enough");
    drop(sender);
}

#[tokio::test]
async fn an_answer_reaches_the_client_piece_by_piece() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let app = async {
        let request = envoy.request("/events").await;
        envoy.respond_streaming(&request.id, 200, &[("content-type", "text/event-stream")]);
        envoy.chunk(&request.id, b"one", false);
        request
    };
    let (answer, request) = tokio::join!(open(&namespace, &actor, "/events"), app);
    let mut answer = answer.unwrap();
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("content-length"), None);
    assert_eq!(answer.piece().await.unwrap().unwrap(), "one");
    envoy.chunk(&request.id, b"two", false);
    assert_eq!(answer.piece().await.unwrap().unwrap(), "two");
    envoy.chunk(&request.id, b"", true);
    assert_eq!(answer.piece().await, None);
}

#[tokio::test]
async fn the_last_chunk_may_carry_bytes() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let app = async {
        let request = envoy.request("/x").await;
        envoy.respond_streaming(&request.id, 200, &[]);
        envoy.chunk(&request.id, b"abc", false);
        envoy.chunk(&request.id, b"def", true);
    };
    let (answer, ()) = tokio::join!(namespace.call(&actor, "/x"), app);
    assert_eq!(answer.text(), "abcdef");
}

#[tokio::test]
async fn an_answer_larger_than_the_window_gets_credit_as_the_client_reads() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let total = 4 * WINDOW;
    let app = async {
        let request = envoy.request("/big").await;
        envoy.respond_streaming(&request.id, 200, &[]);
        let mut sent = 0;
        while sent < total {
            let consumed = || {
                let updates =
                    envoy.tunneled(&request.id).into_iter().filter_map(|(_, kind)| match kind {
                        FromClient::ToEnvoyResponseBodyWindowUpdate(update) => {
                            usize::try_from(update.consumed_bytes).ok()
                        }
                        _ => None,
                    });
                updates.max().unwrap_or(0)
            };
            eventually("there is credit", || async {
                (sent + CHUNK <= consumed() + WINDOW).then_some(())
            })
            .await;
            envoy.chunk(&request.id, &vec![7; CHUNK], false);
            sent += CHUNK;
        }
        envoy.chunk(&request.id, b"", true);
    };
    let (answer, ()) = tokio::join!(namespace.call(&actor, "/big"), app);
    assert_eq!(answer.body.len(), total);
}

#[tokio::test]
async fn a_client_that_goes_while_it_reads_aborts_the_request() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let app = async {
        let request = envoy.request("/events").await;
        envoy.respond_streaming(&request.id, 200, &[]);
        envoy.chunk(&request.id, b"one", false);
        request
    };
    let (answer, request) = tokio::join!(open(&namespace, &actor, "/events"), app);
    let mut answer = answer.unwrap();
    answer.piece().await.unwrap().unwrap();
    drop(answer);
    let reason = envoy.aborted(&request.id).await;
    assert_eq!(reason.kind, HttpStreamAbortReasonKind::Cancelled);
}

#[tokio::test]
async fn a_client_that_goes_before_the_answer_aborts_the_request() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let request = tokio::select! {
        _ = open(&namespace, &actor, "/hang") => panic!("nobody answered"),
        request = envoy.request("/hang") => request,
    };
    let reason = envoy.aborted(&request.id).await;
    assert_eq!(reason.kind, HttpStreamAbortReasonKind::Cancelled);
}

#[tokio::test]
async fn an_answer_that_the_app_gives_up_ends_in_an_error_for_the_client() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let app = async {
        let request = envoy.request("/broken").await;
        envoy.respond_streaming(&request.id, 200, &[]);
        envoy.chunk(&request.id, b"one", false);
        request
    };
    let (answer, request) = tokio::join!(open(&namespace, &actor, "/broken"), app);
    let mut answer = answer.unwrap();
    answer.piece().await.unwrap().unwrap();
    envoy.abort(&request.id, HttpStreamAbortReasonKind::HandlerError, "broken");
    assert!(answer.piece().await.unwrap().is_err(), "the body must not look complete");
}

#[tokio::test]
async fn many_answers_stream_side_by_side() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let calls = (0..8).map(|number| {
        let (namespace, actor) = (&namespace, &actor);
        async move { namespace.call(actor, &format!("/{number}")).await.body.len() }
    });
    let app = async {
        let mut requests = Vec::new();
        for number in 0..8 {
            let request = envoy.request(&format!("/{number}")).await;
            envoy.respond_streaming(&request.id, 200, &[]);
            requests.push(request);
        }
        for _ in 0..8 {
            for request in &requests {
                envoy.chunk(&request.id, &[7; 1000], false);
            }
        }
        for request in &requests {
            envoy.chunk(&request.id, b"", true);
        }
    };
    let (lengths, ()) = tokio::join!(futures_util::future::join_all(calls), app);
    assert_eq!(lengths, [8000; 8]);
}
