//! The program as an operator runs it: started, signaled, killed, started again.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod backups;
mod configuration;
mod connection;
mod crash_model;
mod engine;
mod guesses;
mod limits;
mod power;
mod refused;
mod secrets;
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
    time::{Duration, Instant},
};

use self::engine::{Connection, Engine, Setup, TOKEN, await_until};

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

const OLD: &str = "rvt_old-old-old-old-old-old";
const NEW: &str = "rvt_new-new-new-new-new-new";

fn token_file(setup: &Setup, content: &str) {
    let next = setup.dir().join("next");
    fs::write(&next, content).unwrap();
    fs::rename(next, setup.dir().join("tokens.json")).unwrap();
}

fn with_token_file() -> Setup {
    let setup = Setup::new().without("RIVET__AUTH__ADMIN_TOKEN");
    let path = setup.dir().join("tokens.json");
    let setup = setup.with("RIVET__AUTH__ADMIN_TOKEN_FILE", path.as_str());
    token_file(&setup, &format!(r#"{{"tokens":[{{"token":"{OLD}","not_after":null}}]}}"#));
    setup
}

fn status(engine: &Engine, token: &str) -> u16 {
    engine.send("GET", "/namespaces", Some(token), "").status
}

#[test]
fn tokens_rotate_without_a_restart_and_the_old_one_expires() {
    let setup = with_token_file();
    let engine = setup.start();
    assert_eq!((status(&engine, OLD), status(&engine, NEW)), (200, 403));

    let not_after = engine::now() + 5000;
    token_file(
        &setup,
        &format!(
            r#"{{"tokens":[{{"token":"{OLD}","not_after":{not_after}}},{{"token":"{NEW}","not_after":null}}]}}"#
        ),
    );

    await_until("the new token", || status(&engine, NEW) == 200);
    assert_eq!(status(&engine, OLD), 200, "both are valid in between");
    await_until("the end of the old token", || status(&engine, OLD) == 403);
    assert!(engine::now() > not_after);
    assert_eq!(status(&engine, NEW), 200);
}

/// The look at every second passes over a file that has not changed; the signal does not.
#[test]
fn sighup_re_reads_the_token_file() {
    let setup = with_token_file();
    let engine = setup.start();

    engine.send_signal("HUP");

    engine.await_log("token file re-read");
    assert_eq!(status(&engine, OLD), 200);
}

#[test]
fn a_broken_token_file_keeps_the_old_tokens_and_is_reported_once() {
    let setup = with_token_file();
    let engine = setup.start();

    token_file(&setup, "{broken");
    engine.await_log("the tokens before it stay valid");

    assert_eq!(status(&engine, OLD), 200);
    token_file(&setup, NEW);
    await_until("the new token", || status(&engine, NEW) == 200);
    let log = engine.signal("TERM").log;
    assert_eq!(log.matches("the tokens before it stay valid").count(), 1, "{log}");
}

#[test]
fn an_unreadable_token_file_at_start_is_an_error() {
    let setup = with_token_file();
    fs::remove_file(setup.dir().join("tokens.json")).unwrap();

    let ended = setup.run(&["start"]);

    assert_eq!(ended.code, Some(78));
    assert!(ended.stderr.contains("auth.admin_token_file"), "{}", ended.stderr);
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
