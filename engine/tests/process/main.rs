//! The program as an operator runs it: started, signaled, killed, started again.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod backups;
mod collector;
mod configuration;
mod connection;
mod crash_model;
mod engine;
mod guesses;
mod limits;
mod otel;
mod power;
mod refused;
mod rotation;
mod secrets;
mod stopping;
mod verdicts;

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use self::{
    engine::{Connection, Setup, TOKEN, await_until},
    rotation::{NEW, OLD, token_file, with_token_file},
};

#[test]
fn the_version_is_printed() {
    let output = Setup::new().run(&["--version"]);

    assert_eq!(output.stdout, format!("rivet-engine {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(output.code, Some(0));
}

#[test]
fn all_three_ports_serve_and_sigterm_ends_well() {
    let engine = Setup::new().start();

    assert_eq!(engine.get("/health").status, 200);
    assert_eq!(engine.at("health", "GET", "/health", None, "").status, 200);
    let metrics = engine.at("metrics", "GET", "/metrics", None, "");
    assert!(metrics.body.contains("rivet_engine_http_connections"), "{}", metrics.body);

    let ended = engine.signal("TERM");
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(ended.log.contains("message=stopped"), "{}", ended.log);
}

#[test]
fn sigint_ends_well_too() {
    let ended = Setup::new().start().signal("INT");

    assert_eq!(ended.code, Some(0), "{}", ended.log);
}

#[test]
fn namespaces_and_runner_configs_survive_a_restart() {
    let setup = Setup::new();
    let engine = setup.start();
    engine.create_namespace("survivor");
    let config = r#"{"datacenters":{"default":{"normal":{}}}}"#;
    let put = engine.send("PUT", "/runner-configs/pool?namespace=survivor", Some(TOKEN), config);
    assert_eq!(put.status, 200, "{}", put.body);
    let before = engine.get("/namespaces").body;
    engine.signal("TERM");

    let engine = setup.start();

    assert_eq!(engine.get("/namespaces").body, before);
    let configs = engine.get("/runner-configs?namespace=survivor").body;
    assert!(configs.contains(r#""pool":{"datacenters""#), "{configs}");
}

/// The process dies at any moment; whoever got an answer finds what was answered.
#[test]
fn no_acknowledged_write_is_lost_when_the_process_is_killed() {
    const WRITERS: usize = 8;
    let setup = Setup::new();
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    for round in 0..3 {
        let mut engine = setup.start();
        let killed = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let address = engine.address("api");
                let (acknowledged, killed) = (Arc::clone(&acknowledged), Arc::clone(&killed));
                thread::spawn(move || {
                    for number in 0.. {
                        let name = format!("r{round}-w{writer}-{number}");
                        let body = format!(r#"{{"name":"{name}","display_name":"x"}}"#);
                        let answer = Connection::open(address)
                            .and_then(|c| c.request("POST", "/namespaces", Some(TOKEN), &body));
                        match answer {
                            Ok(answer) if answer.status == 200 => {
                                acknowledged.lock().unwrap().insert(name);
                            }
                            Ok(answer) => panic!("{}: {}", answer.status, answer.body),
                            Err(_) if killed.load(Ordering::SeqCst) => return,
                            Err(error) => panic!("before the kill: {error}"),
                        }
                    }
                })
            })
            .collect();
        let goal = acknowledged.lock().unwrap().len() + 200;
        await_until("enough writes", || acknowledged.lock().unwrap().len() >= goal);
        killed.store(true, Ordering::SeqCst);
        engine.kill();
        for writer in writers {
            writer.join().unwrap();
        }
    }

    let engine = setup.start();
    let listed = engine.get("/namespaces?limit=1000000").body;

    let acknowledged = acknowledged.lock().unwrap();
    let missing: Vec<_> =
        acknowledged.iter().filter(|name| !listed.contains(&format!("\"{name}\""))).collect();
    assert!(acknowledged.len() >= 600, "{}", acknowledged.len());
    assert!(missing.is_empty(), "{missing:?}");
}

/// Nobody knows what a failed write left behind, so nothing is acknowledged after it.
#[test]
fn a_failed_write_ends_the_process_and_what_was_acknowledged_is_there() {
    let setup = Setup::new();
    let engine = setup.start_on_a_small_disk();
    let filler = "x".repeat(30_000);
    let mut acknowledged = Vec::new();
    let failed = (0..100).find_map(|number| {
        let body =
            format!(r#"{{"datacenters":{{"default":{{"normal":{{}},"metadata":"{filler}"}}}}}}"#);
        let path = format!("/runner-configs/pool-{number}-?namespace=default");
        let answer = engine.send("PUT", &path, Some(TOKEN), &body);
        if answer.status == 200 {
            acknowledged.push(format!("\"pool-{number}-\""));
            return None;
        }
        Some(answer)
    });
    let ended = engine.end();

    let failed = failed.unwrap();
    assert_eq!(failed.status, 500);
    assert!(failed.body.contains(r#""code":"internal_error""#), "{}", failed.body);
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(ended.log.contains("a write to the data directory failed"), "{}", ended.log);
    let listed = setup.start().get("/runner-configs?namespace=default").body;
    assert!(!acknowledged.is_empty());
    assert!(acknowledged.iter().all(|pool| listed.contains(pool)), "{acknowledged:?}");
}

#[test]
fn a_second_process_on_the_same_data_is_refused() {
    let setup = Setup::new();
    let engine = setup.start();

    let second = setup.run(&["start"]);

    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("rivet-engine: RVE-STORE-IN-USE: "), "{}", second.stderr);
    assert!(second.stderr.contains("is in use by another process"), "{}", second.stderr);
    assert!(second.stderr.contains(&format!("process {}", engine.id())), "{}", second.stderr);
    assert_eq!(engine.get("/health").status, 200);
}

#[test]
fn a_port_that_is_taken_is_named_and_nothing_is_created() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let setup = Setup::new().with("RIVET__GUARD__PORT", &port.to_string());

    let ended = setup.run(&["start"]);

    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains(&format!("127.0.0.1:{port} is in use by another process")),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("guard.port"), "{}", ended.stderr);
    assert!(!setup.data_dir().exists());
}

#[test]
fn without_a_token_it_does_not_start_and_nothing_is_created() {
    let setup =
        Setup::new().without("RIVET__AUTH__ADMIN_TOKEN").with("RIVET__METRICS__HOST", "0.0.0.0");

    let ended = setup.run(&["start"]);

    assert_eq!(ended.code, Some(78));
    assert!(ended.stderr.contains("no admin token is configured"), "{}", ended.stderr);
    assert!(!setup.data_dir().exists());
}

#[test]
fn without_a_token_an_engine_of_this_host_alone_is_open_and_says_so() {
    let engine = Setup::new().without("RIVET__AUTH__ADMIN_TOKEN").start();

    assert_eq!(engine.send("GET", "/namespaces", None, "").status, 200);
    assert_eq!(engine.send("GET", "/namespaces", Some("dev"), "").status, 200);
    engine.await_log("everybody who reaches the API is let in");
}

#[test]
fn a_token_that_is_somebodys_default_is_refused_at_start() {
    let ended = Setup::new().with("RIVET__AUTH__ADMIN_TOKEN", "admin").run(&["start"]);

    assert_eq!(ended.code, Some(78));
    assert!(ended.stderr.contains("a token has 16 to 512 characters"), "{}", ended.stderr);
}

#[test]
fn a_configuration_mistake_ends_with_its_place() {
    let setup = Setup::new();
    let file = setup.dir().join("engine.yaml");
    fs::write(&file, "guard:\n  prt: 1\n").unwrap();

    let ended = setup.run(&["--config", file.as_str(), "start"]);

    assert_eq!(ended.code, Some(78));
    assert!(
        ended
            .stderr
            .contains(&format!("{file}: unknown key `guard.prt`; did you mean `guard.port`?")),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_missing_configuration_file_is_an_error() {
    let ended = Setup::new().run(&["--config", "/nonexistent/engine.json", "start"]);

    assert_eq!(ended.code, Some(78));
    assert!(ended.stderr.contains("/nonexistent/engine.json: no such file"), "{}", ended.stderr);
}

#[test]
fn an_open_engine_has_to_be_asked_for_and_says_so() {
    let setup = Setup::new()
        .without("RIVET__AUTH__ADMIN_TOKEN")
        .with("RIVET__AUTH__INSECURE_ALLOW_UNAUTHENTICATED", "true");
    let engine = setup.start();

    assert_eq!(engine.send("GET", "/namespaces", None, "").status, 200);
    assert!(engine.signal("TERM").log.contains("everybody who reaches the API is let in"));
}

/// Everything that the engine can be made to say, with the secrets that it was given.
#[test]
fn no_secret_is_in_the_log() {
    let setup = with_token_file().with("RUST_LOG", "trace");
    let setup = setup.with("RIVET__AUTH__ADMIN_TOKEN", TOKEN);
    let engine = setup.start();
    for token in [TOKEN, OLD, "rvt_wrong-wrong-wrong-wrong"] {
        engine.send("GET", "/namespaces", Some(token), "");
        engine.send("GET", &format!("/namespaces?token={token}"), Some(token), "");
        engine.send("GET", &format!("/nope/{token}?x={token}"), Some(token), "");
        engine.send("POST", "/namespaces", Some(token), &format!("{{\"{token}\":1}}"));
    }
    let headers = r#"{"datacenters":{"default":{"serverless":{"url":"http://a","request_lifespan":3600,"headers":{"authorization":"header-secret"}}}}}"#;
    let put = engine.send("PUT", "/runner-configs/s?namespace=default", Some(TOKEN), headers);
    assert_eq!(put.status, 200);
    token_file(&setup, &format!(r#"{{"tokens":[{{"token":"{NEW}","oops":1}}]}}"#));
    engine.await_log("the tokens before it stay valid");
    let metrics = engine.at("metrics", "GET", "/", None, "").body;

    let ended = engine.signal("TERM");

    assert!(ended.log.contains("request answered"), "{}", ended.log);
    for secret in [TOKEN, OLD, NEW, "rvt_wrong", "header-secret"] {
        assert!(!ended.log.contains(secret), "{secret} in {}", ended.log);
        assert!(!metrics.contains(secret), "{secret} in {metrics}");
    }
}

#[test]
fn log_lines_are_json_when_asked_for() {
    for (format, field) in [("json", "level"), ("gcp", "severity")] {
        let ended = Setup::new().with("RUST_LOG_FORMAT", format).start().signal("TERM");
        for line in ended.log.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(line[field].is_string() && line["message"].is_string(), "{line}");
        }
    }
}

#[test]
fn log_lines_are_for_people_when_asked_for() {
    let ended = Setup::new().with("RUST_LOG_FORMAT", "text").start().signal("TERM");

    let line = ended.log.lines().find(|line| line.contains("listening")).unwrap();
    assert!(line.contains(" INFO rivet_engine::") && line.contains("purpose="), "{line}");
}

/// A client that tells its id finds what happened to its request under it, wherever it looks.
#[test]
fn the_id_of_a_request_is_in_its_log_lines() {
    let engine = Setup::new().with("RUST_LOG", "debug").start();
    let requests = [
        ("GET", "/namespaces", "0123456789abcdef-api"),
        ("GET", "/gateway/t1grlftei8zngmkzvmuidzlllecl00@x/y", "0123456789abcdef-actor"),
    ];

    for (method, path, ray) in requests {
        let mut connection = Connection::open(engine.address("api")).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: engine\r\nconnection: close\r\n\
             x-rivet-ray-id: {ray}\r\n\r\n"
        );
        connection.write(&head).unwrap();
        connection.answer().unwrap();
    }
    let log = engine.signal("TERM").log;

    for (_, path, ray) in requests {
        let line = log.lines().find(|line| line.contains(&format!("ray_id={ray}")));
        assert!(line.is_some_and(|line| line.contains("answered")), "{path}: {log}");
    }
}
