//! An engine that empties itself: who sleeps, who is refused, what is kept, and that it serves again.

use std::time::Duration;

use axum::{body::Body, http::Request};
use futures_util::{SinkExt, StreamExt};
use rivet_engine::{
    drain::{self, Drain, State},
    keyspace::Id,
    lifecycle::Phase,
};
use rivet_envoy_protocol::ToEnvoyTunnelMessageKind as ToEnvoy;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::support::{App, Engine, opened, patient, request, whole};

/// Longer than the drain needs for several looks at who runs.
const A_WHILE: Duration = Duration::from_millis(700);

fn drain(engine: &Engine) -> Drain {
    Drain::new(drain::Parts {
        lifecycle: engine.lifecycle.clone(),
        gateway: engine.gateway.clone(),
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
    })
}

async fn drained(drain: &Drain) {
    patient(async {
        while drain.progress().state != State::Drained {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// An actor that runs.
async fn running(engine: &Engine, app: &mut App) -> Id {
    let actor = engine.actor().await;
    app.until(actor, Phase::Running).await;
    actor
}

/// An actor that sleeps.
async fn sleeping(engine: &Engine, app: &mut App) -> Id {
    let actor = running(engine, app).await;
    app.tired(actor, 1).await;
    app.until(actor, Phase::Sleeping).await;
    actor
}

async fn is_asleep(engine: &Engine, actor: Id) -> bool {
    engine.lifecycle.observe(actor).await.unwrap().borrow().phase == Phase::Sleeping
}

/// A request to the actor with a key, which is made when there is none.
fn get_or_create(key: &str) -> Request<Body> {
    let uri = format!(
        "/gateway/counter/x?rvt-namespace=default&rvt-method=getOrCreate&rvt-pool=pool&rvt-key={key}"
    );
    Request::builder().uri(uri).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn running_actors_are_put_to_sleep_and_then_the_engine_is_drained() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let mut actors = vec![];
    for _ in 0..3 {
        actors.push(running(&engine, &mut app).await);
    }
    let drain = drain(&engine);
    assert_eq!(drain.progress().state, State::Serving);

    assert!(drain.begin());
    assert!(!drain.begin(), "it drains already");
    let begun = drain.progress();
    for actor in actors {
        app.until(actor, Phase::Sleeping).await;
    }
    drained(&drain).await;

    assert_eq!((begun.state, begun.actors_running), (State::Draining, 3));
    let done = drain.progress();
    assert_eq!((done.actors_running, done.requests_in_flight, done.envoys), (0, 0, 1));
    assert_eq!(done.since_ts, begun.since_ts);
}

#[tokio::test]
async fn an_actor_that_is_about_to_start_is_put_to_sleep_when_it_runs() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    engine.awaits(actor, Phase::Starting).await;
    let drain = drain(&engine);

    drain.begin();
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(drain.progress().state, State::Draining);

    app.until(actor, Phase::Sleeping).await;
    drained(&drain).await;
}

#[tokio::test]
async fn a_request_that_needs_a_start_is_refused_until_the_engine_serves_again() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = sleeping(&engine, &mut app).await;
    let drain = drain(&engine);
    drain.begin();

    let refused = engine.answer(request("GET", actor, "")).await.unwrap();
    let nobody = engine.send(get_or_create("new")).await.unwrap();

    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["x-rivet-error"], "core.draining");
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0);
    assert_eq!((nobody.status.as_u16(), nobody.error.as_str()), (503, "core.draining"));
    assert!(engine.lifecycle.find("default", "counter", "new").await.unwrap().is_none());
    assert!(is_asleep(&engine, actor).await);

    assert!(drain.end());
    assert!(!drain.end(), "it serves already");
    for request in [request("GET", actor, ""), get_or_create("new")] {
        let answer = engine.send(request);
        let asked = app.asked().await;
        app.say(&asked.id, whole("here"));
        assert_eq!(answer.await.unwrap().body, "here");
    }
}

#[tokio::test]
async fn a_request_that_waits_for_an_envoy_is_refused_when_the_engine_begins_to_drain() {
    let engine = Engine::new().await;
    let actor = engine.actor().await;
    let waiting = engine.send(request("GET", actor, ""));
    let drain = drain(&engine);
    patient(async {
        while drain.progress().requests_in_flight == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;

    drain.begin();

    assert_eq!(patient(waiting).await.unwrap().error, "core.draining");
    drained(&drain).await;
}

#[tokio::test]
async fn an_actor_that_waits_for_an_envoy_is_started_when_the_engine_serves_again() {
    let engine = Engine::new().await;
    let actor = engine.actor().await;
    let drain = drain(&engine);
    drain.begin();

    let mut app = engine.app("a").await;
    tokio::time::sleep(A_WHILE).await;
    engine.awaits(actor, Phase::Pending).await;
    drain.end();

    app.until(actor, Phase::Running).await;
}

#[tokio::test]
async fn requests_to_an_actor_that_runs_pass_and_it_is_left_alone_until_they_are_done() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = running(&engine, &mut app).await;
    let first = engine.send(request("GET", actor, ""));
    let asked_first = app.asked().await;
    let drain = drain(&engine);
    drain.begin();

    let second = engine.send(request("GET", actor, ""));
    let asked_second = app.asked().await;
    tokio::time::sleep(A_WHILE).await;
    let progress = drain.progress();
    assert_eq!((progress.state, progress.requests_in_flight), (State::Draining, 2));
    engine.awaits(actor, Phase::Running).await;

    for asked in [asked_first, asked_second] {
        app.say(&asked.id, whole("done"));
    }
    for answer in [first, second] {
        assert_eq!(answer.await.unwrap().body, "done");
    }
    app.until(actor, Phase::Sleeping).await;
    drained(&drain).await;
}

#[tokio::test]
async fn a_hibernating_socket_stays_open_and_what_it_says_is_heard_when_the_engine_serves_again() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = running(&engine, &mut app).await;
    let (mut socket, ()) = tokio::join!(engine.socket(actor), async {
        let asked = app.asked().await;
        app.say(&asked.id, opened(true));
    });
    let drain = drain(&engine);
    drain.begin();
    app.until(actor, Phase::Sleeping).await;

    socket.send(Message::text("hello")).await.unwrap();
    drained(&drain).await;
    tokio::time::sleep(A_WHILE).await;
    assert!(is_asleep(&engine, actor).await);
    assert_eq!(drain.progress().sockets_open, 1);
    drain.end();

    let ToEnvoy::ToEnvoyWebSocketMessage(heard) = app.asked().await.kind else { panic!("none") };
    assert_eq!(heard.data, b"hello");
    assert_eq!(app.hibernating.len(), 1);
}

#[tokio::test]
async fn a_hibernating_socket_ends_with_its_actor_while_the_engine_drains() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = running(&engine, &mut app).await;
    let (mut socket, ()) = tokio::join!(engine.socket(actor), async {
        let asked = app.asked().await;
        app.say(&asked.id, opened(true));
    });
    drain(&engine).begin();
    app.until(actor, Phase::Sleeping).await;
    socket.send(Message::text("hello")).await.unwrap();

    engine.lifecycle.destroy("default", actor).await.unwrap();

    let Some(Ok(Message::Close(Some(frame)))) = patient(socket.next()).await else {
        panic!("none")
    };
    assert_eq!(frame.reason.as_str(), "actor.stopped");
}

#[tokio::test]
async fn an_alarm_that_comes_while_the_engine_drains_rings_when_it_serves_again() {
    let engine = Engine::new().await;
    let (living, stop) = (engine.lifecycle.clone(), CancellationToken::new());
    let until = stop.clone();
    tokio::spawn(async move { living.run(until).await });
    let mut app = engine.app("a").await;
    let actor = running(&engine, &mut app).await;
    let at = i64::try_from(engine.lifecycle.now()).unwrap() + 300;
    app.alarm(actor, 1, at).await;
    let drain = drain(&engine);
    drain.begin();
    app.until(actor, Phase::Sleeping).await;

    tokio::time::sleep(A_WHILE).await;
    assert!(is_asleep(&engine, actor).await, "it is held back");
    assert_eq!(engine.lifecycle.overdue(10), 0, "and nobody looks at it again and again");
    drain.end();

    app.until(actor, Phase::Running).await;
    stop.cancel();
}
