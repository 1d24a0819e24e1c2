//! Clients that misbehave.

use std::time::Duration;

use rivet_conformance::{
    engine::Engine,
    envoy::Options,
    http::Request,
    namespace::{Namespace, gateway},
    wait::eventually,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Sends bytes that need not be HTTP, and reads what comes until the other side closes or 2 s pass.
async fn raw(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // The engine may close before it has read all.
    let _ = stream.write_all(bytes).await;
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(2), stream.read(&mut answer)).await;
    let length = read.map_or(0, |read| read.unwrap_or(0));
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

async fn healthy(engine: &Engine) {
    assert_eq!(engine.send(Request::get("/health")).await.status, 200);
}

#[tokio::test]
async fn bytes_that_are_no_http_are_refused() {
    let engine = Engine::shared().await;
    for bytes in [&b"\0\0\0\0\r\n\r\n"[..], &b"GET\r\n\r\n"[..], &b"\x16\x03\x01\x02\0\x01"[..]] {
        let answer = raw(engine.port(), bytes).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    healthy(engine).await;
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let engine = Engine::shared().await;
    let mut request = b"GET /health HTTP/1.1\r\nhost: x\r\n".to_vec();
    for number in 0..20_000 {
        request.extend(format!("x-{number}: {}\r\n", "v".repeat(60)).bytes());
    }
    request.extend(b"\r\n");
    let answer = raw(engine.port(), &request).await;
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    healthy(engine).await;
}

#[tokio::test]
async fn half_open_connections_take_nothing_from_others() {
    let engine = Engine::shared().await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(("127.0.0.1", engine.port())).await.unwrap();
        stream.write_all(b"POST /actors HTTP/1.1\r\nhost: x\r\ncontent-le").await.unwrap();
        idle.push(stream);
    }
    for _ in 0..10 {
        healthy(engine).await;
    }
}

#[tokio::test]
async fn a_client_that_reads_slowly_holds_back_its_own_answer_alone() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let chunk = vec![7_u8; 64 << 10];
    let (slow, slow_id) =
        tokio::join!(gateway("GET", &actor, "/slow").open(namespace.engine().port()), async {
            let request = envoy.request("/slow").await;
            envoy.respond_streaming(&request.id, 200, &[]);
            request.id
        });
    let mut slow = slow.unwrap();
    // As much as the window allows, and not a byte of it read.
    for _ in 0..16 {
        envoy.chunk(&slow_id, &chunk, false);
    }
    for number in 0..10 {
        let path = format!("/{number}");
        let app = async {
            let request = envoy.request(&path).await;
            envoy.respond(&request.id, 200, &[], b"quick");
        };
        let (answer, ()) = tokio::join!(namespace.call(&actor, &path), app);
        assert_eq!(answer.text(), "quick");
    }
    envoy.chunk(&slow_id, b"", true);
    let mut length = 0;
    while let Some(piece) = slow.piece().await {
        length += piece.unwrap().len();
    }
    assert_eq!(length, 16 * chunk.len());
}

#[tokio::test]
async fn a_client_that_stops_sending_its_body_keeps_nobody_waiting() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let mut stuck = Vec::new();
    for _ in 0..20 {
        let (sender, answer) =
            gateway("POST", &actor, "/stuck").open_with_body(namespace.engine().port());
        let _ = sender.send(vec![7; 1000].into()).await;
        stuck.push((sender, answer));
    }
    assert_eq!(namespace.call(&actor, "/x").await.text(), "GET /x");
}

#[tokio::test]
async fn a_path_of_any_length_is_answered() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let long = format!("/{}", "a".repeat(20_000));
    let answer = namespace.call(&actor, &long).await;
    assert!(answer.text() == format!("GET {long}") || answer.status >= 400, "{}", answer.status);
    assert_eq!(namespace.call(&actor, "/x").await.text(), "GET /x");
}

#[tokio::test]
async fn clients_that_vanish_leave_nothing_behind() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    for number in 0..20 {
        let path = format!("/{number}");
        let request = gateway("GET", &actor, &path);
        let request = tokio::select! {
            _ = request.open(namespace.engine().port()) => panic!("nobody answered"),
            request = envoy.request(&path) => request,
        };
        envoy.aborted(&request.id).await;
    }
    eventually("the engine is healthy", || async {
        (namespace.engine().send(Request::get("/health")).await.status == 200).then_some(())
    })
    .await;
}
