//! Serverless pools: what they are asked, how actors start there, and what is said of failures.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Method, StatusCode, header::LOCATION},
    response::IntoResponse,
    routing::{get, post},
};
use rivet_engine::{
    actor::{Event, StopCode},
    keyspace::Id,
    outbound::Policy,
};
use rivet_envoy_protocol as protocol;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use vbare::OwnedVersionedData as _;

use crate::support::{App, TOKEN};

const GOOD: &str = r#"{"runtime":"rivetkit","version":"2.3.19","envoyProtocolVersion":8,
    "envoy":{"kind":{"serverless":{}},"version":3},"actorNames":{"told":{"metadata":{"x":1}}}}"#;

/// Serves `router` on a free port; the answer is its URL.
async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn metadata(path: &'static str, status: u16, body: &'static str) -> Router {
    let status = StatusCode::from_u16(status).unwrap();
    Router::new().route(&format!("{path}/metadata"), get(move || async move { (status, body) }))
}

/// A request to start an actor, as the app sees it, and its open stream.
struct Started {
    headers: HeaderMap,
    body: Bytes,
    stream: mpsc::UnboundedSender<&'static str>,
}

impl Started {
    /// The generation that is started.
    fn checkpoint(&self) -> protocol::ActorCheckpoint {
        let message =
            protocol::versioned::ToEnvoy::deserialize_with_embedded_version(&self.body).unwrap();
        let protocol::ToEnvoy::ToEnvoyCommands(commands) = message else { panic!("no commands") };
        let [command] = commands.as_slice() else { panic!("one command") };
        assert!(matches!(command.inner, protocol::Command::CommandStartActor(_)));
        command.checkpoint.clone()
    }
}

/// An app whose start requests come out of the channel.
fn startable() -> (Router, mpsc::UnboundedReceiver<Started>) {
    let (sender, starts) = mpsc::unbounded_channel();
    let start = move |headers: HeaderMap, body: Bytes| {
        let (stream, events) = mpsc::unbounded_channel::<&'static str>();
        stream.send("event: ping\ndata:\n\n").unwrap();
        sender.send(Started { headers, body, stream }).unwrap();
        let events = futures_util::stream::unfold(events, |mut events| async move {
            Some((Ok::<_, Infallible>(events.recv().await?), events))
        });
        std::future::ready(([("content-type", "text/event-stream")], Body::from_stream(events)))
    };
    (metadata("/api", 200, GOOD).route("/api/start", post(start)), starts)
}

async fn configure(app: &App, url: &str, more: Value) {
    let mut config = json!({"url": url, "request_lifespan": 3600, "headers": {"x-own": "1"}});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let body = json!({"datacenters": {"default": {"serverless": config}}});
    let answer = app.put("/runner-configs/pool?namespace=default", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
}

async fn create(app: &App) -> Id {
    let body = json!({"name": "a", "runner_name_selector": "pool", "crash_policy": "sleep"});
    let created = app.post("/actors?namespace=default", &body).await.json();
    created["actor"]["actor_id"].as_str().unwrap().parse().unwrap()
}

async fn pool(app: &App) -> Value {
    let listed = app.get("/runner-configs?namespace=default").await.json();
    listed["runner_configs"]["pool"]["datacenters"]["default"].clone()
}

async fn actor(app: &App, id: Id) -> Value {
    let listed = app.get(&format!("/actors?namespace=default&actor_id={id}")).await.json();
    listed["actors"][0].clone()
}

/// Waits until `look` finds something.
async fn eventually<T, F: Future<Output = Option<T>>>(look: impl Fn() -> F) -> T {
    for _ in 0..200 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not happen within ten seconds");
}

async fn next(starts: &mut mpsc::UnboundedReceiver<Started>) -> Started {
    tokio::time::timeout(Duration::from_secs(10), starts.recv()).await.unwrap().unwrap()
}

async fn health_check(app: &App, url: &str) -> Value {
    let path = "/runner-configs/serverless-health-check?namespace=default";
    let answer = app.post(path, &json!({"url": url, "headers": {"x-own": "1"}})).await;
    assert_eq!(answer.status, 200);
    answer.json()
}

#[tokio::test]
async fn a_health_check_says_what_is_wrong_in_the_words_of_upstream() {
    let app = App::new().await;
    let url = serve(
        metadata("/good", 200, GOOD)
            .merge(metadata("/text", 200, "hello"))
            .merge(metadata("/down", 500, "oops"))
            .merge(metadata("/node", 200, r#"{"runtime":"node","version":"1"}"#))
            .merge(metadata(
                "/newer",
                200,
                r#"{"runtime":"rivetkit","version":"9","envoyProtocolVersion":99}"#,
            )),
    )
    .await;
    let failure = |message: &str, metadata: Value| json!({"failure": {"error": {"message": message, "metadata": metadata}}});
    let check = |path: &'static str| {
        let (app, url) = (&app, &url);
        async move { health_check(app, &format!("{url}{path}")).await }
    };

    assert_eq!(check("/good").await, json!({"success": {"version": "2.3.19"}}));
    assert_eq!(check("/good/").await, json!({"success": {"version": "2.3.19"}}));
    assert_eq!(
        check("/text").await,
        failure(
            "serverless metadata response is not valid JSON",
            json!({
                "kind": "invalid_response_json",
                "body": "hello",
                "parse_error": "expected value at line 1 column 1",
            })
        )
    );
    assert_eq!(
        check("/down").await,
        failure(
            "serverless metadata request returned status 500",
            json!({"kind": "non_success_status", "status_code": 500, "body": "oops"})
        )
    );
    assert_eq!(
        check("/node").await,
        failure(
            "serverless runtime node version 1 is unsupported",
            json!({"kind": "invalid_response_schema", "runtime": "node", "version": "1"})
        )
    );
    assert_eq!(
        check("/newer").await,
        failure(
            "envoy protocol version 99 is not supported (max supported: 8)",
            json!({
                "kind": "invalid_envoy_protocol_version",
                "envoy_protocol_version": 99,
                "max_supported_envoy_protocol_version": 8,
            })
        )
    );
    assert_eq!(
        health_check(&app, "http://127.0.0.1:1/").await,
        failure("failed to reach serverless endpoint", json!({"kind": "request_failed"}))
    );
    assert_eq!(
        health_check(&app, "nope").await,
        failure("invalid serverless metadata request", json!({"kind": "invalid_request"}))
    );
}

#[tokio::test]
async fn what_the_policy_forbids_is_called_neither_by_address_nor_by_name_nor_by_redirect() {
    let called = Arc::new(Mutex::new(0));
    let count = Arc::clone(&called);
    let url = serve(metadata("/good", 200, GOOD).layer(axum::middleware::map_request(
        move |request: axum::extract::Request| {
            *count.lock().unwrap() += 1;
            std::future::ready(request)
        },
    )))
    .await;
    let port = url.rsplit_once(':').unwrap().1.to_owned();
    let policy = Policy { allow_loopback: false, ..Policy::default() };
    let app = App::with_policy(policy).await;
    let blocked = |reason: &str| {
        json!({"failure": {"error": {
            "message": "serverless endpoint is not an allowed destination",
            "details": reason,
            "metadata": {"kind": "destination_blocked", "reason": reason},
        }}})
    };
    let by_address = "address 127.0.0.1 is not an allowed destination (loopback)";

    assert_eq!(health_check(&app, &format!("{url}/good")).await, blocked(by_address));
    assert_eq!(
        health_check(&app, &format!("http://localhost:{port}/good")).await,
        blocked("host \"localhost\" resolved to no allowed addresses")
    );
    let body = json!({"datacenters": {"default": {"serverless": {
        "url": url, "request_lifespan": 3600
    }}}});
    let put = app.put("/runner-configs/pool?namespace=default", &body).await.json();
    assert_eq!(put["metadata"]["reason"], format!("invalid serverless url: {by_address}"));
    assert_eq!(*called.lock().unwrap(), 0);

    // A host that is allowed sends on to an address that is not, and to another host.
    let allowed = Policy {
        allow_loopback: false,
        allow_hosts: vec!["localhost".to_owned()],
        ..Policy::default()
    };
    let app = App::with_policy(allowed).await;
    let target = format!("{url}/good/metadata");
    let onward =
        get(move || async move { (StatusCode::FOUND, [(LOCATION, target)]).into_response() });
    let sends_on = serve(Router::new().route("/metadata", onward)).await;
    let sends_on = sends_on.replace("127.0.0.1", "localhost");
    assert_eq!(health_check(&app, &sends_on).await, blocked(by_address));
    let app = App::new().await;
    let answer = health_check(&app, &sends_on).await;
    assert_eq!(answer["failure"]["error"]["metadata"]["status_code"], 302);
    assert_eq!(*called.lock().unwrap(), 0);
}

#[tokio::test]
async fn metadata_is_fetched_by_itself_and_when_asked_for() {
    let app = App::new().await;
    let good = serve(metadata("/api", 200, GOOD)).await;
    let down = serve(metadata("/api", 500, "oops")).await;
    let refresh = "/runner-configs/pool/refresh-metadata?namespace=default";
    let nothing = json!({});

    configure(&app, &format!("{good}/api"), json!({})).await;

    eventually(|| async { (pool(&app).await["protocol_version"] == 8).then_some(()) }).await;
    let names = app.get("/actors/names?namespace=default").await.json();
    assert_eq!(names["names"], json!({"told": {"metadata": {"x": 1}}}));
    assert_eq!(app.post(refresh, &nothing).await.json(), json!({}));
    configure(&app, &format!("{down}/api"), json!({})).await;
    let failed = app.post(refresh, &nothing).await;
    assert_eq!(failed.status, 400);
    assert_eq!(
        failed.json(),
        json!({
            "group": "serverless_runner_pool",
            "code": "failed_to_fetch_metadata",
            "message": "Failed to fetch serverless metadata: {reason}.",
            "metadata": {"reason": {
                "message": "serverless metadata request returned status 500",
                "metadata": {"kind": "non_success_status", "status_code": 500, "body": "oops"},
            }},
        })
    );
    app.configure("pool").await;
    let normal = app.post(refresh, &nothing).await;
    assert_eq!(normal.json()["metadata"]["reason"]["metadata"]["kind"], "invalid_request");
}

#[tokio::test]
async fn a_started_app_gets_a_token_for_its_namespace_alone() {
    let app = App::new().await;
    app.post("/namespaces", &json!({"name": "other", "display_name": "Other"})).await;
    let (router, mut starts) = startable();
    let url = serve(router).await;
    configure(&app, &format!("{url}/api"), json!({})).await;

    create(&app).await;

    let start = next(&mut starts).await;
    let token = start.headers["x-rivet-token"].to_str().unwrap().to_owned();
    let status = |method: Method, path: &'static str| {
        let (app, token) = (&app, token.as_str());
        async move { app.send(method, path, &[("x-rivet-token", token)], "").await.status }
    };
    assert_eq!(status(Method::GET, "/envoys?namespace=default").await, 200);
    assert_eq!(status(Method::GET, "/actors?namespace=default&name=thing").await, 200);
    assert_eq!(status(Method::GET, "/envoys?namespace=other").await, 403);
    assert_eq!(status(Method::GET, "/namespaces").await, 403);
    assert_eq!(status(Method::DELETE, "/runner-configs/pool?namespace=default").await, 403);
    assert_eq!(status(Method::POST, "/auth/public-tokens?namespace=default").await, 403);
}

#[tokio::test]
async fn an_actor_is_started_by_a_request_that_lasts_as_long_as_its_generation() {
    let app = App::new().await;
    let (router, mut starts) = startable();
    let url = serve(router).await;
    configure(
        &app,
        &format!("{url}/api"),
        json!({"headers": {"x-own": "1", "x-rivet-token": "no"}}),
    )
    .await;

    let id = create(&app).await;

    let start = next(&mut starts).await;
    let header = |name: &str| start.headers[name].to_str().unwrap();
    assert_eq!(start.body[..2], [8, 0]);
    assert_eq!(
        start.checkpoint(),
        protocol::ActorCheckpoint { actor_id: id.to_string(), generation: 1, index: 0 }
    );
    assert_eq!(header("x-rivet-endpoint"), "http://127.0.0.1:6420/");
    assert_eq!(
        (header("x-rivet-pool-name"), header("x-rivet-namespace-name")),
        ("pool", "default")
    );
    assert_eq!(header("x-own"), "1");
    assert_ne!(header("x-rivet-token"), TOKEN);
    assert_eq!(start.headers.get_all("x-rivet-token").iter().count(), 1);
    assert_eq!(header("accept"), "text/event-stream");
    assert_eq!(header("user-agent"), concat!("RivetEngine/", env!("CARGO_PKG_VERSION")));
    assert!(!start.stream.is_closed());

    // The app's envoy takes it over, runs it, and puts it to sleep.
    let (connection, _outgoing) = app.connect("pool", "envoy-1").await;
    let taken = vec![(id, 1, 0)];
    app.lifecycle().commands_acknowledged(connection.envoy(), taken).await.unwrap();
    let generation = 1;
    for event in [
        Event::Running { generation, index: 0 },
        Event::SleepIntent { generation, index: 1 },
        Event::Stopped { generation, index: 2, code: StopCode::Ok, message: None },
    ] {
        app.lifecycle().apply(id, event).await.unwrap();
    }

    tokio::time::timeout(Duration::from_secs(10), start.stream.closed()).await.unwrap();
    assert_eq!(pool(&app).await["runner_pool_error"], Value::Null);
    assert!(actor(&app, id).await["sleep_ts"].is_u64());
    app.lifecycle().wake(id).await.unwrap();
    assert_eq!(next(&mut starts).await.checkpoint().generation, 2);
}

#[tokio::test]
async fn near_the_end_of_its_request_an_actor_moves_to_the_next_one() {
    let app = App::new().await;
    let (router, mut starts) = startable();
    let url = serve(router).await;
    let short = json!({"request_lifespan": 2, "drain_grace_period": 1});
    configure(&app, &format!("{url}/api"), short).await;
    let id = create(&app).await;
    let start = next(&mut starts).await;
    let (connection, _outgoing) = app.connect("pool", "envoy-1").await;
    let taken = vec![(id, 1, 0)];
    app.lifecycle().commands_acknowledged(connection.envoy(), taken).await.unwrap();
    app.lifecycle().apply(id, Event::Running { generation: 1, index: 0 }).await.unwrap();
    assert!(actor(&app, id).await["connectable_ts"].is_u64());

    // Told to go away, it is not connectable any more.
    eventually(|| async { actor(&app, id).await["connectable_ts"].is_null().then_some(()) }).await;
    assert!(!start.stream.is_closed());
    let stopped = Event::Stopped { generation: 1, index: 1, code: StopCode::Ok, message: None };
    app.lifecycle().apply(id, stopped).await.unwrap();

    assert_eq!(next(&mut starts).await.checkpoint().generation, 2);
    tokio::time::timeout(Duration::from_secs(10), start.stream.closed()).await.unwrap();
}

#[tokio::test]
async fn what_goes_wrong_with_a_start_is_said_of_actor_and_pool() {
    let long: &str = Box::leak("x".repeat(2000).into_boxed_str());
    let failing = |status: u16, content_type: &'static str, body: &'static str| {
        let status = StatusCode::from_u16(status).unwrap();
        let start = move || async move { (status, [("content-type", content_type)], body) };
        metadata("/api", 200, GOOD).route("/api/start", post(start))
    };
    let cases = [
        (
            failing(500, "text/plain", long),
            json!({"serverless_http_error": {"status_code": 500, "body": "x".repeat(512)}}),
        ),
        (
            failing(200, "text/event-stream", "event: ping\ndata:\n\n"),
            json!("serverless_stream_ended_early"),
        ),
        (
            failing(200, "text/html", "<p>"),
            json!({"serverless_invalid_sse_payload": {
                "message": "expected text/event-stream, got \"text/html\"",
                "raw_payload": null,
            }}),
        ),
    ];
    for (router, expected) in cases {
        let app = App::new().await;
        let url = serve(router).await;
        configure(&app, &format!("{url}/api"), json!({})).await;

        let id = create(&app).await;

        let failed = eventually(|| async {
            let actor = actor(&app, id).await;
            actor["error"].is_object().then_some(actor)
        })
        .await;
        assert_eq!(failed["error"], json!({"runner_pool_error": expected}));
        assert!(failed["reschedule_ts"].is_u64(), "{failed}");
        assert_eq!(pool(&app).await["runner_pool_error"], expected);
    }
}

#[tokio::test]
async fn a_pool_runs_no_more_actors_than_it_may() {
    let app = App::new().await;
    let (router, mut starts) = startable();
    let url = serve(router).await;
    configure(&app, &format!("{url}/api"), json!({"max_concurrent_actors": 1})).await;

    let first = create(&app).await;
    let second = create(&app).await;

    let started = next(&mut starts).await;
    assert_eq!(started.checkpoint().actor_id, first.to_string());
    assert_eq!(actor(&app, second).await["error"], "concurrent_actor_limit_reached");
    let generation = 1;
    for event in [
        Event::Running { generation, index: 0 },
        Event::Stopped { generation, index: 1, code: StopCode::Ok, message: None },
    ] {
        app.lifecycle().apply(first, event).await.unwrap();
    }
    assert_eq!(next(&mut starts).await.checkpoint().actor_id, second.to_string());
}

#[tokio::test]
async fn envoys_of_an_older_version_are_drained_and_do_not_come_back() {
    let app = App::new().await;
    let (router, mut starts) = startable();
    let url = serve(router).await;
    app.configure("pool").await;
    let (old, _outgoing) = app.connect("pool", "old").await;

    configure(&app, &format!("{url}/api"), json!({})).await;

    tokio::time::timeout(Duration::from_secs(10), old.closed()).await.unwrap();
    assert_eq!(old.close_frame().unwrap().reason, "ws.eviction");
    create(&app).await;
    next(&mut starts).await;
}
