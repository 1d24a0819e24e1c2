//! Sockets, awake and asleep.

use futures_util::{SinkExt, StreamExt};
use rivet_engine::{actor::StopCode, keyspace::Id, lifecycle::Phase};
use rivet_envoy_protocol as protocol;
use rivet_envoy_protocol::{
    ToEnvoyTunnelMessageKind as ToEnvoy, ToRivetTunnelMessageKind as ToRivet,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::support::{App, Asked, ClientSocket, Engine, opened, patient};

fn text(data: &str) -> ToRivet {
    let data = data.as_bytes().to_vec();
    ToRivet::ToRivetWebSocketMessage(protocol::ToRivetWebSocketMessage { data, binary: false })
}

fn confirmed(index: u16) -> ToRivet {
    ToRivet::ToRivetWebSocketMessageAck(protocol::ToRivetWebSocketMessageAck { index })
}

fn data_of(asked: &Asked) -> String {
    match &asked.kind {
        ToEnvoy::ToEnvoyWebSocketMessage(message) => {
            String::from_utf8(message.data.clone()).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

async fn open(
    engine: &Engine,
    app: &mut App,
    actor: Id,
    can_hibernate: bool,
) -> (ClientSocket, Asked) {
    let socket = engine.socket(actor);
    let accept = async {
        let asked = app.asked().await;
        assert!(matches!(asked.kind, ToEnvoy::ToEnvoyWebSocketOpen(_)), "{asked:?}");
        app.say(&asked.id, opened(can_hibernate));
        asked
    };
    tokio::join!(socket, accept)
}

async fn read(socket: &mut ClientSocket) -> String {
    match patient(socket.next()).await.unwrap().unwrap() {
        Message::Text(text) => text.to_string(),
        Message::Close(frame) => {
            let frame = frame.unwrap();
            format!("closed {} {}", u16::from(frame.code), frame.reason)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn messages_travel_both_ways_under_consecutive_indexes() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    let (mut socket, opened) = open(&engine, &mut app, actor, false).await;
    assert_eq!(opened.id.message_index, 0);

    for index in 1..=3 {
        socket.send(Message::text(format!("m{index}"))).await.unwrap();
        let asked = app.asked().await;
        assert_eq!((asked.id.message_index, data_of(&asked)), (index, format!("m{index}")));
        app.say(&asked.id, text(&format!("r{index}")));
        assert_eq!(read(&mut socket).await, format!("r{index}"));
    }

    let frame = CloseFrame { code: CloseCode::Library(4001), reason: "bye".into() };
    socket.close(Some(frame)).await.unwrap();
    let ToEnvoy::ToEnvoyWebSocketClose(close) = app.asked().await.kind else { panic!("no close") };
    assert_eq!((close.code, close.reason.as_deref()), (Some(4001), Some("bye")));
    assert_eq!(read(&mut socket).await, "closed 4001 bye");
}

#[tokio::test]
async fn a_client_that_vanishes_is_told_to_the_app() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    let (socket, _) = open(&engine, &mut app, actor, false).await;

    drop(socket);

    let ToEnvoy::ToEnvoyWebSocketClose(close) = app.asked().await.kind else { panic!("no close") };
    assert_eq!((close.code, close.reason.as_deref()), (Some(1011), Some("ws.downstream_closed")));
}

#[tokio::test]
async fn the_apps_close_reaches_the_client_as_it_is() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    for (code, reason, seen) in
        [(Some(4100), Some("mine"), "closed 4100 mine"), (None, None, "closed 1000 ws.closed")]
    {
        let (mut socket, asked) = open(&engine, &mut app, actor, false).await;
        let reason = reason.map(str::to_owned);
        let close = protocol::ToRivetWebSocketClose { code, reason, hibernate: false };
        app.say(&asked.id, ToRivet::ToRivetWebSocketClose(close));
        assert_eq!(read(&mut socket).await, seen);
    }
}

#[tokio::test]
async fn a_socket_that_does_not_survive_sleep_is_closed_by_it() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    let (mut socket, _) = open(&engine, &mut app, actor, false).await;

    app.tired(actor, 1).await;
    app.until(actor, Phase::Sleeping).await;

    assert_eq!(read(&mut socket).await, "closed 1000 actor.stopped");
}

#[tokio::test]
async fn a_refusal_is_told_in_the_close_frame() {
    let engine = Engine::new().await;

    let mut socket = engine.socket(Id::random(1)).await;

    assert!(read(&mut socket).await.starts_with("closed 1011 actor.not_found#"));
}

#[tokio::test]
async fn a_hibernating_socket_goes_on_where_it_was() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    let (mut socket, opened) = open(&engine, &mut app, actor, true).await;
    socket.send(Message::text("a")).await.unwrap();
    let asked = app.asked().await;
    app.say(&asked.id, confirmed(1));

    app.tired(actor, 1).await;
    app.until(actor, Phase::Sleeping).await;
    for message in ["b", "c"] {
        socket.send(Message::text(message)).await.unwrap();
    }
    let asked = [app.asked().await, app.asked().await];
    assert_eq!(app.hibernating.len(), 1);
    assert_eq!(app.hibernating[0].request_id, opened.id.request_id);
    assert_eq!([data_of(&asked[0]), data_of(&asked[1])], ["b", "c"]);
    assert_eq!([asked[0].id.message_index, asked[1].id.message_index], [2, 3]);
    app.say(&asked[1].id, confirmed(3));
    app.say(&asked[1].id, text("r"));
    assert_eq!(read(&mut socket).await, "r");
}

#[tokio::test]
async fn what_a_generation_did_not_confirm_reaches_the_next_one() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    let (mut socket, _) = open(&engine, &mut app, actor, true).await;
    for message in ["a", "b"] {
        socket.send(Message::text(message)).await.unwrap();
    }
    let first = app.asked().await;
    app.asked().await;
    app.say(&first.id, confirmed(1));
    app.stopped(actor, 1, StopCode::Error).await;

    let again = app.asked().await;

    assert_eq!((again.id.message_index, data_of(&again)), (2, "b".to_owned()));
}

#[tokio::test]
async fn a_client_that_closes_while_the_actor_sleeps_is_heard_by_the_app() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    let (mut socket, _) = open(&engine, &mut app, actor, true).await;
    app.tired(actor, 1).await;
    app.until(actor, Phase::Sleeping).await;

    socket.close(None).await.unwrap();

    let asked = app.asked().await;
    assert!(matches!(asked.kind, ToEnvoy::ToEnvoyWebSocketClose(_)), "{asked:?}");
    assert_eq!(app.hibernating.len(), 1);
    engine.awaits(actor, Phase::Running).await;
}

#[tokio::test]
async fn messages_wait_for_an_app_that_is_away_for_a_moment() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    let (mut socket, _) = open(&engine, &mut app, actor, false).await;

    app.disconnect();
    for message in ["a", "b"] {
        socket.send(Message::text(message)).await.unwrap();
    }
    let mut app = engine.app("a").await;

    let asked = [app.asked().await, app.asked().await];
    assert_eq!([data_of(&asked[0]), data_of(&asked[1])], ["a", "b"]);
    assert_eq!([asked[0].id.message_index, asked[1].id.message_index], [1, 2]);
}

#[tokio::test]
async fn an_app_of_another_namespace_says_nothing_on_a_socket_of_which_it_guessed_the_id() {
    let engine = Engine::new().await;
    let mut app = engine.app("a").await;
    let actor = engine.actor().await;
    let (mut socket, opened) = open(&engine, &mut app, actor, false).await;

    app.say_from_elsewhere(&opened.id, text("forged"));
    app.say(&opened.id, text("true"));

    assert_eq!(read(&mut socket).await, "true");
}
