//! More than there is room for: refused by name, counted, and nobody else's trouble.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, SocketAddrV4, TcpStream},
};

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

use super::engine::{Connection, Engine, PATIENCE, Setup, TOKEN, await_until};

/// A connection whose other side has to say or do something in time.
fn connected(engine: &Engine, purpose: &str) -> TcpStream {
    let stream = TcpStream::connect(engine.address(purpose)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A connection that has been let in: it has answered once, and stays open.
fn held(engine: &Engine) -> TcpStream {
    let mut stream = connected(engine, "api");
    assert!(ask(&mut stream).starts_with("HTTP/1.1 200"));
    stream
}

/// What `/health` answers on a connection that stays open; nothing where it is closed.
fn ask(stream: &mut TcpStream) -> String {
    let _ = stream.write_all(b"GET /health HTTP/1.1\r\nhost: engine\r\n\r\n");
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).unwrap_or(0);
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// Everything that the other side says until it closes, which it has to.
fn to_the_end(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // One that is reset is closed as well.
    if let Err(error) = stream.read_to_end(&mut all) {
        let waited = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        assert!(!waited, "the connection is still open, and said {all:?}");
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// A connection from another address of this host.
fn from_another_address(to: SocketAddr) -> TcpStream {
    let SocketAddr::V4(to) = to else { panic!("the tests listen on IPv4") };
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrV4::new([127, 0, 0, 9].into(), 0)).unwrap();
    connect(&socket, &to).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn refusals(engine: &Engine, limit: &str) -> u64 {
    let metrics = engine.at("metrics", "GET", "/metrics", None, "").body;
    let name = format!("rivet_engine_limit_refusals_total{{limit=\"{limit}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |count| count.parse().unwrap())
}

#[test]
fn a_connection_too_many_is_told_so_and_one_that_closes_makes_room() {
    let engine = Setup::new().with("RIVET__LIMITS__MAX_CONNECTIONS", "2").start();
    let first = held(&engine);
    let _second = held(&engine);

    let answer = engine.get("/health");

    assert_eq!(answer.status, 503);
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["code"], "service_unavailable");
    assert_eq!(refusals(&engine, "connections"), 1);
    assert_eq!(
        engine.at("health", "GET", "/health", None, "").status,
        200,
        "probes have their own"
    );
    drop(first);
    await_until("room", || engine.get("/health").status == 200);
}

#[test]
fn an_address_with_enough_connections_leaves_room_for_others() {
    let engine = Setup::new().with("RIVET__LIMITS__MAX_CONNECTIONS_PER_ADDRESS", "2").start();
    let _held = [held(&engine), held(&engine)];

    assert_eq!(engine.get("/health").status, 503);

    assert_eq!(refusals(&engine, "connections_per_address"), 1);
    let mut other = from_another_address(engine.address("api"));
    assert!(ask(&mut other).starts_with("HTTP/1.1 200"));
}

#[test]
fn whoever_does_not_send_a_head_is_disconnected_whether_idle_or_slow() {
    let engine = Setup::new().with("RIVET__LIMITS__HEAD_TIMEOUT_MS", "300").start();
    let mut silent = connected(&engine, "api");
    let mut slow = connected(&engine, "api");
    slow.write_all(b"GET /health HTTP/1.1\r\nhost: engi").unwrap();
    let mut idle = held(&engine);
    let mut probe = connected(&engine, "health");

    for stream in [&mut silent, &mut slow, &mut idle, &mut probe] {
        let said = to_the_end(stream);
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }
    assert_eq!(engine.get("/health").status, 200);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let engine = Setup::new().with("RIVET__LIMITS__BODY_TIMEOUT_MS", "300").start();
    let mut connection = Connection::open(engine.address("api")).unwrap();
    connection.head("POST", "/namespaces", Some(TOKEN), 100).unwrap();
    connection.write("{").unwrap();

    let answer = connection.answer().unwrap();

    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(refusals(&engine, "body_time"), 1);
}

/// The gateway reads bodies piece by piece, before it looks for the actor.
#[test]
fn a_body_that_does_not_come_on_its_way_to_an_actor_is_not_waited_for() {
    let engine = Setup::new().with("RIVET__LIMITS__BODY_TIMEOUT_MS", "300").start();
    let mut connection = Connection::open(engine.address("api")).unwrap();
    let path = "/gateway/t1grlftei8zngmkzvmuidzlllecl00/x";
    connection.head("POST", path, Some(TOKEN), 100).unwrap();
    connection.write("{").unwrap();

    let answer = connection.answer().unwrap();

    assert_eq!(answer.status, 408, "{}", answer.body);
    assert!(answer.body.contains(r#""code":"request_timeout""#), "{}", answer.body);
    assert_eq!(refusals(&engine, "body_time"), 1);
}

#[test]
fn heads_are_bounded_in_bytes_in_number_and_in_the_length_of_the_address() {
    let engine = Setup::new().with("RIVET__LIMITS__MAX_HEAD_BYTES", "16384").start();
    let answer_to = |head: &str| {
        let mut stream = connected(&engine, "api");
        // It may be refused before all of it is written.
        let _ = stream.write_all(head.as_bytes());
        let mut status = [0; 12];
        let read = stream.read_exact(&mut status);
        read.map(|()| String::from_utf8_lossy(&status).into_owned())
    };
    let headers = |count: usize, length: usize| {
        let all: Vec<_> =
            (0..count).map(|n| format!("x-{n}: {}\r\n", "v".repeat(length))).collect();
        all.concat()
    };
    let head = |path: &str, headers: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: engine\r\nconnection: close\r\n{headers}\r\n")
    };

    assert_eq!(answer_to(&head("/health", &headers(90, 20))).unwrap(), "HTTP/1.1 200");
    for refused in [head("/health", &headers(200, 5)), head("/health", &headers(50, 1000))] {
        assert_eq!(answer_to(&refused).unwrap(), "HTTP/1.1 431");
    }
    let engine_at_large = Setup::new().start();
    let mut stream = connected(&engine_at_large, "api");
    let _ = stream.write_all(head(&format!("/{}", "a".repeat(70_000)), "").as_bytes());
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 414");
}

#[test]
fn the_limit_on_open_files_is_raised_as_far_as_it_may_be() {
    let engine = Setup::new().start_with_files(400, 3000);

    let limits = std::fs::read_to_string(format!("/proc/{}/limits", engine.id())).unwrap();

    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().nth(3), Some("3000"), "{files}");
}

/// Without a bound of its own below that of the system it would fail to accept, again and again.
#[test]
fn where_few_files_may_be_open_few_connections_are_let_in_and_the_rest_works() {
    let engine = Setup::new().start_with_files(400, 400);
    let open = || connected(&engine, "api");
    let mut many: Vec<_> = (0..400).map(|_| open()).collect();

    await_until("refusals", || refusals(&engine, "connections") >= 300);

    assert_eq!(refusals(&engine, "files"), 0);
    assert_eq!(engine.at("health", "GET", "/health", None, "").status, 200);
    let body = r#"{"name":"still-works","display_name":"x"}"#;
    let head = format!(
        "POST /namespaces HTTP/1.1\r\nhost: engine\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    many[0].write_all(head.as_bytes()).unwrap();
    assert!(to_the_end(&mut many[0]).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_second_signal_ends_the_process_without_waiting_for_requests() {
    let engine = Setup::new().with("RIVET__RUNTIME__GUARD_SHUTDOWN_DURATION", "86400").start();
    let mut connection = Connection::open(engine.address("api")).unwrap();
    connection.begin("POST", "/namespaces", TOKEN, 100).unwrap();
    connection.write("{").unwrap();
    engine.send_signal("TERM");
    engine.await_log("message=\"stopping");

    let ended = engine.signal("TERM");

    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(ended.log.contains("stopped at once"), "{}", ended.log);
}

/// Nobody needs many of them, and nobody is kept from watching by those who use the API.
#[test]
fn connections_for_probes_are_bounded_apart_from_those_to_the_api() {
    const PROBES: usize = 256;
    let engine = Setup::new().with("RIVET__LIMITS__MAX_CONNECTIONS", "1").start();
    let _held = held(&engine);
    let mut probes: Vec<_> = (0..PROBES).map(|_| connected(&engine, "health")).collect();
    for probe in &mut probes {
        assert!(ask(probe).starts_with("HTTP/1.1 200"));
    }

    let mut one_more = connected(&engine, "health");

    assert!(ask(&mut one_more).starts_with("HTTP/1.1 503"));
    assert_eq!(engine.at("metrics", "GET", "/metrics", None, "").status, 200);
}
