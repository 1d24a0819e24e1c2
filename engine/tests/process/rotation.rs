//! The file of admin tokens, while the program runs.

use std::{fs, thread, time::Duration};

use crate::engine::{self, Engine, Setup, await_until};

pub(crate) const OLD: &str = "rvt_old-old-old-old-old-old";
pub(crate) const NEW: &str = "rvt_new-new-new-new-new-new";

pub(crate) fn token_file(setup: &Setup, content: &str) {
    let next = setup.dir().join("next");
    fs::write(&next, content).unwrap();
    fs::rename(next, setup.dir().join("tokens.json")).unwrap();
}

pub(crate) fn with_token_file() -> Setup {
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
fn a_token_file_that_is_asked_for_counts_at_once_and_is_reported_once() {
    let setup = with_token_file();
    let engine = setup.start();
    token_file(&setup, NEW);

    // Whether the look at every second comes before the question or after it.
    let asked = engine.send("POST", "/admin/token/rotate", Some(OLD), "{}");
    let status_of_new = status(&engine, NEW);

    if asked.status == 200 {
        assert!(asked.body.contains(r#""is_yours":false"#), "{}", asked.body);
    } else {
        assert_eq!(asked.status, 403, "{}", asked.body);
    }
    assert_eq!((status_of_new, status(&engine, OLD)), (200, 403));
    let again = engine.send("POST", "/admin/token/rotate", Some(NEW), "{}");
    assert!(again.body.contains(r#""is_yours":true"#), "{}", again.body);
    // Two more looks of the watcher.
    thread::sleep(Duration::from_millis(2100));
    let metrics = engine.at("metrics", "GET", "/metrics", None, "").body;
    assert!(metrics.contains(r#"auth_token_reloads_total{outcome="taken"} 1"#), "{metrics}");
    let log = engine.signal("TERM").log;
    assert_eq!(log.matches("token file re-read").count(), 1, "{log}");
    assert!(!log.contains(OLD) && !log.contains(NEW), "{log}");
}

#[test]
fn an_unreadable_token_file_at_start_is_an_error() {
    let setup = with_token_file();
    fs::remove_file(setup.dir().join("tokens.json")).unwrap();

    let ended = setup.run(&["start"]);

    assert_eq!(ended.code, Some(78));
    assert!(ended.stderr.contains("auth.admin_token_file"), "{}", ended.stderr);
}
