//! Requests and their answers.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt;
use rivet_engine::{
    actor::StopCode,
    config::GatewaySettings,
    lifecycle::Phase,
    telemetry::{
        Metrics,
        otel::{self, ExportSettings},
    },
};
use rivet_envoy_protocol as protocol;
use rivet_envoy_protocol::{
    HttpStreamAbortReasonKind as Reason, ToEnvoyTunnelMessageKind as ToEnvoy,
    ToRivetTunnelMessageKind as ToRivet,
};

use crate::support::{Asked, Engine, TOKEN, aborted, chunk, patient, request, started, whole};

fn start_of(asked: &Asked) -> &protocol::ToEnvoyRequestStart {
    match &asked.kind {
        ToEnvoy::ToEnvoyRequestStart(start) => start,
        other => panic!("{other:?}"),
    }
}

fn with_length(mut request: Request<Body>, length: usize) -> Request<Body> {
    request.headers_mut().insert("content-length", length.into());
    request
}

#[tokio::test]
async fn a_client_that_leaves_while_its_actor_is_woken_does_not_leave_it_half_awake() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    app.until(actor, Phase::Running).await;
    app.tired(actor, 1).await;
    app.until(actor, Phase::Sleeping).await;

    // It is asked for, and nobody waits for what comes of it.
    let mut asked = Box::pin(engine.lifecycle.wake(actor));
    let is_done = poll_fn(|context| Poll::Ready(asked.as_mut().poll(context).is_ready())).await;
    drop(asked);

    assert!(!is_done);
    app.until(actor, Phase::Running).await;
}

#[tokio::test]
async fn a_small_request_is_one_message_and_so_is_its_answer() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;

    let answer = engine.send(with_length(request("POST", actor, "hello"), 5));
    let asked = app.asked().await;
    let start = start_of(&asked);
    assert_eq!((start.method.as_str(), start.path.as_str()), ("POST", "/request/x?y=%20"));
    assert_eq!(start.body.as_deref(), Some(&b"hello"[..]));
    assert_eq!((start.stream, start.response_stream), (false, true));
    assert_eq!((start.actor_generation, asked.id.message_index), (Some(1), 0));
    app.say(&asked.id, whole("hi"));

    let answer = patient(answer).await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "hi"));
}

#[tokio::test]
async fn an_actor_that_sleeps_is_woken_by_a_request() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    app.until(actor, Phase::Running).await;
    app.tired(actor, 1).await;
    app.until(actor, Phase::Sleeping).await;

    let answer = engine.send(request("GET", actor, Body::empty()));
    let asked = app.asked().await;
    assert_eq!(start_of(&asked).actor_generation, Some(2));
    app.say(&asked.id, whole("awake"));

    assert_eq!(patient(answer).await.unwrap().body, "awake");
}

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// What the actor gets of the header `traceparent` of a client, from an engine that traces or not.
async fn passed_on(traces: bool, traceparent: &str) -> String {
    let settings = GatewaySettings { require_token: false, ..GatewaySettings::default() };
    let export = ExportSettings {
        enabled: traces,
        endpoint: "http://127.0.0.1:1/".parse().unwrap(),
        sampler_ratio: 0.0,
        service_name: "engine".to_owned(),
        metric_interval: Duration::ZERO,
    };
    let (tracer, _exporter) = otel::set_up(&export, &Arc::new(Metrics::new().unwrap()));
    let engine = Engine::traced(settings, tracer).await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    let mut request = request("GET", actor, Body::empty());
    request.headers_mut().insert("traceparent", traceparent.parse().unwrap());
    let _answer = engine.send(request);
    start_of(&app.asked().await).headers["traceparent"].clone()
}

#[tokio::test]
async fn an_actor_gets_the_engines_place_in_a_trace_that_is_recorded() {
    let got = passed_on(true, CALLER).await;

    assert_ne!(got, CALLER);
    assert!(
        got.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && got.ends_with("-01"),
        "{got}"
    );
}

#[tokio::test]
async fn an_actor_gets_the_clients_word_where_nothing_is_recorded() {
    assert_eq!(passed_on(false, CALLER).await, CALLER);
    let not_recorded = CALLER.replace("-01", "-00");
    assert_eq!(passed_on(true, &not_recorded).await, not_recorded);
}

#[tokio::test]
async fn a_long_body_waits_for_the_app_to_take_it() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    let body = vec![7; 3 << 20];

    let answer = engine.send(with_length(request("POST", actor, body.clone()), body.len()));
    let first = app.asked().await;
    assert!(start_of(&first).stream && start_of(&first).body.is_none());
    let (mut received, mut index) = (0, 0);
    loop {
        let asked = app.asked().await;
        index += 1;
        assert_eq!(asked.id.message_index, index);
        let ToEnvoy::ToEnvoyRequestChunk(chunk) = asked.kind else { panic!("no chunk") };
        assert!(chunk.body.len() <= 64 << 10);
        received += chunk.body.len();
        if chunk.finish {
            break;
        }
        if received % (1 << 20) == 0 {
            let nothing = tokio::time::timeout(Duration::from_millis(30), app.asked()).await;
            assert!(nothing.is_err(), "{received} bytes are consumed, and more comes");
            let consumed_bytes = u64::try_from(received).unwrap();
            let update = protocol::ToRivetRequestBodyWindowUpdate { consumed_bytes };
            app.say(&asked.id, ToRivet::ToRivetRequestBodyWindowUpdate(update));
        }
    }
    assert_eq!(received, body.len());
    app.say(&first.id, whole("taken"));

    assert_eq!(patient(answer).await.unwrap().body, "taken");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whether_announced_or_not() {
    let settings =
        GatewaySettings { require_token: false, max_request_body: 100, ..Default::default() };
    let engine = Engine::with(settings).await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;

    let announced = engine.send(with_length(request("POST", actor, "x"), 101));
    let announced = patient(announced).await.unwrap();
    let pieces = (0..3).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![7; 60])));
    let unannounced = Body::from_stream(stream::iter(pieces));
    let answer = engine.send(request("POST", actor, unannounced));
    while !matches!(app.asked().await.kind, ToEnvoy::ToEnvoyRequestAbort(_)) {}

    let answer = patient(answer).await.unwrap();
    for refused in [announced, answer] {
        assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(refused.error, "guard.invalid_request_body");
    }
}

#[tokio::test]
async fn an_answer_that_streams_is_paced_by_its_reader() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;

    let answer = engine.send(request("GET", actor, Body::empty()));
    let first = app.asked().await;
    app.say(&first.id, started(200, None, true));
    let piece = vec![b'a'; 64 << 10];
    let (mut sent, mut room) = (0_u64, 1_u64 << 20);
    let total = 4_u64 << 20;
    while sent < total {
        while sent < room.min(total) {
            app.say(&first.id, chunk(&piece, false));
            sent += 64 << 10;
        }
        let ToEnvoy::ToEnvoyResponseBodyWindowUpdate(update) = app.asked().await.kind else {
            panic!("no room")
        };
        room = update.consumed_bytes + (1 << 20);
    }
    app.say(&first.id, chunk(b"end", true));
    // Too late to mean anything.
    app.say(&first.id, aborted(Reason::InternalError));

    let answer = patient(answer).await.unwrap();
    assert_eq!(answer.body.len() as u64, total + 3);
    assert!(answer.body.ends_with("end"));
}

#[tokio::test]
async fn what_came_before_an_abort_is_delivered_before_the_answer_is_cut() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;

    let answer = engine.answer(request("GET", actor, Body::empty()));
    let asked = app.asked().await;
    app.say(&asked.id, started(200, None, true));
    app.say(&asked.id, chunk(b"one", false));
    app.say(&asked.id, aborted(Reason::HandlerError));

    let mut body = patient(answer).await.unwrap().into_body();
    let frame = patient(body.frame()).await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "one");
    assert!(patient(body.frame()).await.unwrap().is_err());
}

#[tokio::test]
async fn an_app_that_sends_more_than_it_has_room_for_is_cut_off() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;

    let answer = engine.answer(request("GET", actor, Body::empty()));
    let asked = app.asked().await;
    app.say(&asked.id, started(200, None, true));
    let _unread = patient(answer).await.unwrap();
    for _ in 0..64 {
        app.say(&asked.id, chunk(&vec![0; 64 << 10], false));
    }

    let abort = loop {
        if let ToEnvoy::ToEnvoyRequestAbort(abort) = app.asked().await.kind {
            break abort;
        }
    };
    assert_eq!(abort.reason.kind, Reason::InternalError);
}

#[tokio::test]
async fn a_client_that_goes_away_is_told_to_the_app() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;

    let waiting = engine.answer(request("POST", actor, Body::empty()));
    app.asked().await;
    waiting.abort();
    let reading = app.asked().await;
    let ToEnvoy::ToEnvoyRequestAbort(abort) = reading.kind else { panic!("no abort") };
    assert_eq!(abort.reason.kind, Reason::Cancelled);

    let answer = engine.answer(request("GET", actor, Body::empty()));
    let asked = app.asked().await;
    app.say(&asked.id, started(200, None, true));
    drop(patient(answer).await.unwrap());
    assert!(matches!(app.asked().await.kind, ToEnvoy::ToEnvoyRequestAbort(_)));
}

#[tokio::test]
async fn only_what_may_be_repeated_is_sent_again_when_the_actor_crashes() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;

    let post = engine.send(with_length(request("POST", actor, "x"), 1));
    app.asked().await;
    app.stopped(actor, 1, StopCode::Error).await;
    let post = patient(post).await.unwrap();
    assert_eq!(post.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(post.error, "guard.actor_stopped_while_waiting");
    assert_eq!(post.json()["metadata"]["actor_id"], actor.to_string());

    let get = engine.send(request("GET", actor, Body::empty()));
    let first = app.asked().await;
    app.stopped(actor, 2, StopCode::Error).await;
    let second = app.asked().await;
    assert_ne!(first.id.request_id, second.id.request_id);
    assert_eq!(start_of(&second).actor_generation, Some(3));
    app.say(&second.id, whole("again"));
    assert_eq!(patient(get).await.unwrap().body, "again");
}

#[tokio::test]
async fn an_app_that_does_not_have_the_actor_is_asked_once_more() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;

    let answer = engine.send(with_length(request("POST", actor, "x"), 1));
    for _ in 0..2 {
        let asked = app.asked().await;
        let ToRivet::ToRivetResponseStart(mut start) = started(503, Some("{}"), false) else {
            unreachable!()
        };
        start.headers.insert("x-rivet-error".to_owned(), "envoy.actor_not_found".to_owned());
        app.say(&asked.id, ToRivet::ToRivetResponseStart(start));
    }

    let answer = patient(answer).await.unwrap();
    assert_eq!(answer.error, "guard.actor_stopped_while_waiting");
}

#[tokio::test]
async fn a_request_survives_that_its_app_is_away_for_a_moment() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    app.until(actor, Phase::Running).await;

    let early = engine.send(with_length(request("POST", actor, "x"), 1));
    let asked = app.asked().await;
    app.disconnect();
    let late = engine.send(with_length(request("POST", actor, "y"), 1));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut app = engine.app("a").await;
    app.say(&asked.id, whole("early"));
    let asked = app.asked().await;
    app.say(&asked.id, whole("late"));

    assert_eq!(patient(early).await.unwrap().body, "early");
    assert_eq!(patient(late).await.unwrap().body, "late");
}

#[tokio::test]
async fn an_actor_that_is_destroyed_meanwhile_is_not_found() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;

    let answer = engine.send(request("GET", actor, Body::empty()));
    app.asked().await;
    app.stopped(actor, 1, StopCode::Ok).await;
    engine.awaits(actor, Phase::Destroyed).await;

    for answer in [answer, engine.send(request("GET", actor, Body::empty()))] {
        let answer = patient(answer).await.unwrap();
        assert_eq!(
            (answer.status, answer.error.as_str()),
            (StatusCode::NOT_FOUND, "actor.not_found")
        );
    }
}

#[tokio::test]
async fn without_an_app_a_request_waits_and_is_then_refused() {
    let settings = GatewaySettings {
        require_token: false,
        ready_timeout: Duration::from_millis(100),
        ..Default::default()
    };
    let engine = Engine::with(settings).await;
    let actor = engine.actor().await;

    let answer = patient(engine.send(request("GET", actor, Body::empty()))).await.unwrap();

    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.error, "guard.actor_ready_timeout");
}

#[tokio::test]
async fn a_stranger_neither_reaches_nor_creates_an_actor() {
    let engine = Engine::with(GatewaySettings::default()).await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    app.until(actor, Phase::Running).await;

    let create = "/gateway/counter/x?rvt-namespace=default&rvt-method=getOrCreate&rvt-pool=pool\
                  &rvt-key=new";
    let create = Request::builder().uri(create).body(Body::empty()).unwrap();
    for stranger in [request("GET", actor, Body::empty()), create] {
        let answer = patient(engine.send(stranger)).await.unwrap();
        assert_eq!(
            (answer.status, answer.error.as_str()),
            (StatusCode::FORBIDDEN, "api.forbidden")
        );
    }
    assert_eq!(engine.lifecycle.find("default", "counter", "new").await.unwrap(), None);

    let mut known = request("GET", actor, Body::empty());
    known.headers_mut().insert("x-rivet-token", TOKEN.parse().unwrap());
    let answer = engine.send(known);
    let asked = app.asked().await;
    assert!(!start_of(&asked).headers.contains_key("x-rivet-token"));
    app.say(&asked.id, whole("in"));
    assert_eq!(patient(answer).await.unwrap().body, "in");
}

#[tokio::test]
async fn an_app_of_another_namespace_answers_no_request_of_which_it_guessed_the_id() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;

    let answer = engine.send(with_length(request("POST", actor, "x"), 1));
    let asked = app.asked().await;
    app.say_from_elsewhere(&asked.id, whole("forged"));
    app.say_from_elsewhere(&asked.id, aborted(Reason::InternalError));
    app.say(&asked.id, whole("true"));

    assert_eq!(patient(answer).await.unwrap().body, "true");
}
