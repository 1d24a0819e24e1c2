//! The end of the process: what runs is finished first, and whoever watches is told.

use std::time::{Duration, Instant};

use crate::{
    connection::Connection,
    engine::{Engine, Setup, TOKEN, await_until},
};

#[test]
fn a_request_that_runs_is_finished_before_the_process_ends() {
    let engine = Setup::new().start();
    let body = r#"{"name":"last-one","display_name":"x"}"#;
    let (first, rest) = body.split_at(10);
    let mut connection = Connection::open(engine.address("api")).unwrap();
    connection.begin("POST", "/namespaces", TOKEN, body.len()).unwrap();
    connection.write(first).unwrap();

    engine.send_signal("TERM");
    engine.await_log("message=\"stopping");
    let refused = await_refusal(&engine);
    connection.write(rest).unwrap();
    let answer = connection.answer().unwrap();

    assert!(refused, "new connections are refused while it stops");
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(engine.end().code, Some(0));
}

#[test]
fn an_engine_that_drains_says_so_to_those_who_watch_it() {
    let engine = Setup::new().start();
    let ready = engine.at("health", "GET", "/ready", None, "");
    assert_eq!((ready.status, ready.body.as_str()), (200, r#"{"status":"ready"}"#));
    let body = r#"{"name":"last-one","display_name":"x"}"#;
    let (first, rest) = body.split_at(10);
    let mut connection = Connection::open(engine.address("api")).unwrap();
    connection.begin("POST", "/namespaces", TOKEN, body.len()).unwrap();
    connection.write(first).unwrap();

    engine.send_signal("TERM");
    engine.await_log("message=\"stopping");
    let draining = engine.at("health", "GET", "/ready", None, "");
    let alive = engine.at("health", "GET", "/health", None, "");
    let metrics = engine.at("metrics", "GET", "/metrics", None, "").body;
    connection.write(rest).unwrap();

    assert_eq!(draining.status, 503);
    assert_eq!(draining.body, r#"{"status":"not_ready","failed":["draining"]}"#);
    assert_eq!(alive.status, 200);
    assert!(metrics.contains("rivet_engine_ready 0"), "{metrics}");
    assert!(metrics.contains(r#"rivet_engine_ready_check{check="storage"} 1"#), "{metrics}");
    assert_eq!(connection.answer().unwrap().status, 200);
    assert_eq!(engine.end().code, Some(0));
}

#[test]
fn an_engine_that_was_drained_serves_after_a_restart() {
    let setup = Setup::new();
    let engine = setup.start();
    assert_eq!(engine.send("POST", "/admin/drain", Some(TOKEN), "{}").status, 200);
    engine.await_log("drained: no actor runs");
    let draining = engine.at("health", "GET", "/ready", None, "");
    assert_eq!(draining.body, r#"{"status":"not_ready","failed":["draining"]}"#);

    let ended = engine.signal("TERM");
    let engine = setup.start();

    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let drain = engine.get("/admin/drain").body;
    assert!(drain.contains(r#""state":"serving""#), "{drain}");
    assert_eq!(engine.at("health", "GET", "/ready", None, "").status, 200);
}

#[test]
fn a_request_that_does_not_end_is_given_up_at_the_deadline() {
    let setup = Setup::new().with("RIVET__RUNTIME__GUARD_SHUTDOWN_DURATION", "1");
    let engine = setup.start();
    let mut connection = Connection::open(engine.address("api")).unwrap();
    connection.begin("POST", "/namespaces", TOKEN, 100).unwrap();
    connection.write("{").unwrap();

    let asked = Instant::now();
    let ended = engine.signal("TERM");

    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert!(ended.log.contains("given up"), "{}", ended.log);
}

fn await_refusal(engine: &Engine) -> bool {
    let address = engine.address("api");
    await_until("refused connections", || Connection::open(address).is_err());
    true
}
