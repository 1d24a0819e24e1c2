//! What an OpenTelemetry collector gets, and what becomes of the engine when it gets nothing.

mod metrics;

use std::net::{SocketAddr, TcpListener};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tonic::Code;

use super::{
    collector::{Collector, attribute},
    engine::{Answer, Connection, Engine, Setup, TOKEN, await_until},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
const DOWN: &str = "the OpenTelemetry collector does not take what is sent";

/// A well-formed id that is nobody's.
const NOBODY: &str = "t1grlftei8zngmkzvmuidzlllecl00";

/// An engine that records every trace.
fn exporting_to(url: &str) -> Setup {
    Setup::new()
        .with("RIVET_OTEL_ENABLED", "1")
        .with("RIVET_OTEL_GRPC_ENDPOINT", url)
        .with("RIVET_OTEL_SAMPLER_RATIO", "1")
        .with("RIVET_SERVICE_NAME", "engine-of-the-test")
}

fn get_with(engine: &Engine, path: &str, headers: &str) -> Answer {
    let mut connection = Connection::open(engine.address("api")).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: engine\r\nconnection: close\r\n{headers}\r\n");
    connection.write(&head).unwrap();
    connection.answer().unwrap()
}

/// Bytes in hexadecimal digits, as the collector shows bytes.
fn as_shown(digits: &str) -> String {
    let bytes = (0..digits.len()).step_by(2);
    let bytes = bytes.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
    BASE64_STANDARD.encode(bytes.collect::<Vec<_>>())
}

fn counted(engine: &Engine, series: &str) -> f64 {
    let text = engine.at("metrics", "GET", "/metrics", None, "").body;
    let line = text.lines().find(|line| line.starts_with(&format!("{series} ")));
    line.unwrap_or_else(|| panic!("{series}: {text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

fn create_actor(engine: &Engine) -> String {
    let config = r#"{"datacenters":{"default":{"normal":{}}}}"#;
    engine.send("PUT", "/runner-configs/pool?namespace=default", Some(TOKEN), config);
    let body = json!({
        "name": "counter", "key": "a", "runner_name_selector": "pool", "crash_policy": "sleep",
    });
    let made = engine.send("POST", "/actors?namespace=default", Some(TOKEN), &body.to_string());
    assert_eq!(made.status, 200, "{}", made.body);
    let made: Value = serde_json::from_str(&made.body).unwrap();
    made["actor"]["actor_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_request_is_a_span_in_its_callers_trace() {
    let collector = Collector::start();
    let engine = exporting_to(&collector.url()).start();

    let answer = get_with(
        &engine,
        "/namespaces?namespace=default",
        &format!(
            "authorization: Bearer {TOKEN}\r\ntraceparent: 00-{TRACE}-{CALLER}-01\r\n\
             x-rivet-ray-id: 0123456789abcdef-ray\r\n"
        ),
    );

    assert_ne!(answer.status, 403, "{}", answer.body);
    let span = collector.span("GET /namespaces");
    assert_eq!(span["traceId"], as_shown(TRACE).as_str());
    assert_eq!(span["parentSpanId"], as_shown(CALLER).as_str());
    assert_ne!(span["spanId"], span["parentSpanId"]);
    assert_eq!(span["kind"], "SPAN_KIND_SERVER");
    let is = |name: &str, value: &str| {
        assert_eq!(attribute(&span, name).as_deref(), Some(value), "{name}: {span}");
    };
    is("http.request.method", "GET");
    is("http.route", "/namespaces");
    is("http.response.status_code", &answer.status.to_string());
    is("rivet.ray_id", "0123456789abcdef-ray");
    let sender = &collector.traces()[0]["resourceSpans"][0];
    let said = |name| attribute(&sender["resource"], name);
    assert_eq!(said("service.name").as_deref(), Some("engine-of-the-test"));
    assert_eq!(said("service.version").as_deref(), Some(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_request_to_an_actor_is_a_span_that_names_it_and_how_long_it_was_waited_for() {
    let collector = Collector::start();
    let setup = exporting_to(&collector.url()).with("RIVET__GUARD__ACTOR_READY_TIMEOUT_MS", "100");
    let engine = setup.start();
    let actor = create_actor(&engine);

    let answer = engine.send("GET", &format!("/gateway/{actor}@{TOKEN}/x"), None, "");

    assert!(answer.status >= 500, "{}", answer.body);
    let span = collector.span("gateway http");
    assert_eq!(attribute(&span, "rivet.actor.id"), Some(actor));
    assert!(attribute(&span, "rivet.namespace.id").is_some(), "{span}");
    assert_eq!(attribute(&span, "http.response.status_code"), Some(answer.status.to_string()));
    assert_eq!(attribute(&span, "error.type").as_deref(), Some("guard.actor_ready_timeout"));
    assert_eq!(span["status"]["code"], "STATUS_CODE_ERROR");
    let wake = collector.span("actor wake");
    assert_eq!(wake["parentSpanId"], span["spanId"]);
    assert_eq!(wake["traceId"], span["traceId"]);
    assert_eq!(wake["status"]["code"], "STATUS_CODE_ERROR");
}

#[test]
fn the_end_of_an_actor_is_a_span_and_so_is_the_call_that_asked_for_it() {
    let collector = Collector::start();
    let engine = exporting_to(&collector.url()).start();
    let actor = create_actor(&engine);

    let path = format!("/actors/{actor}?namespace=default");
    assert_eq!(engine.send("DELETE", &path, Some(TOKEN), "").status, 200);

    let call = collector.span("DELETE /actors/{actor_id}");
    assert_eq!(attribute(&call, "rivet.actor.id").as_deref(), Some(&*actor));
    let step = collector.span("actor destroy");
    assert_eq!(attribute(&step, "rivet.actor.id").as_deref(), Some(&*actor));
    assert_eq!(attribute(&step, "rivet.actor.phase").as_deref(), Some("destroyed"));
    let namespace = attribute(&step, "rivet.namespace.id");
    assert!(namespace.is_some() && attribute(&call, "rivet.namespace.id") == namespace, "{call}");
}

#[test]
fn an_engine_without_it_does_not_even_connect() {
    let collector = Collector::start();
    let setup = exporting_to(&collector.url()).with("OTEL_METRIC_EXPORT_INTERVAL", "20");
    for off in [setup.with("RIVET_OTEL_ENABLED", "0"), Setup::new()] {
        let engine = off.start();
        let headers =
            format!("authorization: Bearer {TOKEN}\r\ntraceparent: 00-{TRACE}-{CALLER}-01\r\n");
        for _ in 0..20 {
            assert_eq!(get_with(&engine, "/namespaces", &headers).status, 200);
        }
        assert_eq!(engine.signal("TERM").code, Some(0));
    }

    assert_eq!(collector.connections(), 0);
}

#[test]
fn at_a_ratio_of_zero_only_those_who_ask_for_it_are_traced() {
    let collector = Collector::start();
    let engine = exporting_to(&collector.url()).with("RIVET_OTEL_SAMPLER_RATIO", "0").start();
    for _ in 0..20 {
        engine.get("/namespaces");
    }
    let not_recorded = format!("traceparent: 00-{TRACE}-{CALLER}-00\r\n");
    get_with(&engine, "/namespaces", &not_recorded);
    get_with(&engine, "/datacenters", &not_recorded.replace("-00\r", "-01\r"));
    engine.signal("TERM");

    assert_eq!(collector.spans().len(), 1, "{:?}", collector.spans());
    assert_eq!(collector.spans()[0]["name"], "GET /datacenters");
    assert!(!collector.metrics().is_empty());
}

#[test]
fn no_token_is_in_what_is_sent() {
    let collector = Collector::start();
    let engine = exporting_to(&collector.url()).with("OTEL_METRIC_EXPORT_INTERVAL", "50").start();
    let wrong = "rvt_wrong-wrong-wrong-wrong";
    for token in [TOKEN, wrong] {
        engine.send("GET", "/namespaces", Some(token), "");
        engine.send(
            "GET",
            &format!("/namespaces?namespace={token}&token={token}"),
            Some(token),
            "",
        );
        engine.send("GET", &format!("/actors?namespace={token}&name={token}"), Some(token), "");
        engine.send("GET", &format!("/nope/{token}?x={token}"), Some(token), "");
        engine.send("DELETE", &format!("/actors/{token}?namespace=default"), Some(token), "");
        engine.send("GET", &format!("/admin/downloads/{token}"), Some(token), "");
        engine.send("POST", "/namespaces", Some(token), &format!("{{\"{token}\":1}}"));
        engine.send("GET", &format!("/gateway/{NOBODY}@{token}/x?token={token}"), None, "");
        let named =
            format!("/gateway/{token}/x?rvt-namespace={token}&rvt-method=get&rvt-token={token}");
        engine.send("GET", &named, Some(token), "");
        let headers = format!(
            "x-rivet-token: {token}\r\nx-rivet-ray-id: {token}\r\ntracestate: a={token}\r\n\
             traceparent: {token}\r\n"
        );
        get_with(&engine, "/namespaces", &headers);
        let mut connection = Connection::open(engine.address("api")).unwrap();
        connection
            .write(&format!("{token} / HTTP/1.1\r\nhost: {token}\r\nconnection: close\r\n\r\n"))
            .unwrap();
        connection.answer().unwrap();
    }
    engine.signal("TERM");

    assert!(collector.spans().len() >= 20, "{:?}", collector.spans());
    let sent = String::from_utf8_lossy(&collector.bytes()).into_owned();
    for secret in [TOKEN, wrong] {
        assert!(!sent.contains(secret), "{secret} in {:?}", collector.spans());
    }
}

/// An address where nobody listens.
fn nobodys() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn an_engine_whose_collector_is_not_there_serves_and_says_so_once() {
    let setup = exporting_to(&format!("http://{}", nobodys()));
    let engine = setup.with("OTEL_METRIC_EXPORT_INTERVAL", "20").start();
    engine.await_log(DOWN);

    let failed = "rivet_engine_otel_exports_total{outcome=\"failed\",signal=\"metrics\"}";
    await_until("failed attempts", || {
        assert_eq!(engine.get("/namespaces").status, 200);
        counted(&engine, failed) >= 10.0
    });

    let ended = engine.signal("TERM");
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_eq!(ended.log.matches(DOWN).count(), 1, "{}", ended.log);
}

#[test]
fn a_collector_that_comes_back_gets_what_was_kept_for_it() {
    let address = nobodys();
    let engine = exporting_to(&format!("http://{address}")).start();
    engine.get("/namespaces");
    engine.await_log(DOWN);

    let collector = Collector::at(address, [Code::Ok; 2]);

    collector.span("GET /namespaces");
    engine.await_log("the OpenTelemetry collector is there again");
}

#[test]
fn a_collector_that_answers_nothing_stops_neither_requests_nor_the_end() {
    // Connections are accepted by the system, and nobody reads them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let engine = exporting_to(&url).with("OTEL_METRIC_EXPORT_INTERVAL", "20").start();

    for _ in 0..50 {
        assert_eq!(engine.get("/namespaces").status, 200);
    }

    let ended = engine.signal("TERM");
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(ended.log.contains("did not take the last"), "{}", ended.log);
}

#[test]
fn what_the_collector_refuses_for_good_is_counted_and_not_sent_again() {
    let collector = Collector::that_says(Code::InvalidArgument);
    let engine = exporting_to(&collector.url()).start();
    engine.get("/namespaces");

    engine.await_log("it refused with gRPC status 3: not today");

    let dropped = "rivet_engine_otel_spans_dropped_total{reason=\"refused\"}";
    await_until("the count", || counted(&engine, dropped) >= 1.0);
}

#[test]
fn a_collector_of_traces_alone_gets_them_and_is_complained_of_once() {
    let collector = Collector::of_traces_alone();
    let engine = exporting_to(&collector.url()).with("OTEL_METRIC_EXPORT_INTERVAL", "20").start();
    let failed = "rivet_engine_otel_exports_total{outcome=\"failed\",signal=\"metrics\"}";
    for path in ["/namespaces", "/datacenters"] {
        let before = counted(&engine, failed);
        engine.get(path);
        collector.span(&format!("GET {path}"));
        await_until("more refusals", || counted(&engine, failed) > before + 1.0);
    }

    let log = engine.signal("TERM").log;
    assert_eq!(log.matches("the OpenTelemetry collector refuses a signal").count(), 1, "{log}");
    assert!(!log.contains("is there again") && !log.contains(DOWN), "{log}");
}

#[test]
fn what_cannot_be_meant_is_refused_by_check_and_start() {
    let wrong = [
        ("RIVET_OTEL_ENABLED", "yes", "`otel.enabled` must be true or false"),
        ("RIVET_OTEL_SAMPLER_RATIO", "1.5", "`otel.sampler_ratio` must be a number from 0 to 1"),
        (
            "RIVET_OTEL_GRPC_ENDPOINT",
            "https://c:4317",
            "`otel.grpc_endpoint` must be a URL of plain HTTP",
        ),
    ];
    for (variable, value, said) in wrong {
        let setup = Setup::new().with("RIVET_OTEL_ENABLED", "1").with(variable, value);
        let (check, start) = (setup.run(&["config", "check"]), setup.run(&["start"]));

        assert_eq!((check.code, start.code), (Some(78), Some(78)), "{}", check.stderr);
        let line = format!("environment variable {variable}: {said}");
        assert!(check.stderr.contains(&line) && check.stderr == start.stderr, "{}", check.stderr);
    }
}
