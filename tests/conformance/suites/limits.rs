//! More than there is room for, and what becomes of it. Only this engine has these limits by name.

mod in_flight;
mod slow_readers;
mod stopping;

use rivet_conformance::{
    differences::chosen,
    engine::{Engine, TOKEN},
    http::Request,
    socket::Socket,
};

/// An engine with these settings; none where upstream's is under test.
async fn engine(settings: &[(&str, &str)]) -> Option<Engine> {
    if chosen("limits", false, true) { Some(Engine::start(settings).await) } else { None }
}

async fn socket(engine: &Engine, actor: &str) -> Socket {
    try_socket(engine, actor).await.unwrap()
}

/// The same, where there may be no room.
async fn try_socket(engine: &Engine, actor: &str) -> Result<Socket, String> {
    let token = format!("rivet_token.{TOKEN}");
    let target = format!("/gateway/{actor}/ws");
    Socket::try_open(engine.port(), &target, &["rivet", &token], &[]).await
}

/// How often a limit was met.
async fn refusals(engine: &Engine, limit: &str) -> u64 {
    let metrics = Request::get("/metrics").send(engine.metrics_port()).await.text();
    let name = format!("rivet_engine_limit_refusals_total{{limit=\"{limit}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |count| count.parse().unwrap())
}
