//! Those who try tokens that are none, and those who ask about what is not theirs.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::engine::{Engine, PATIENCE, Setup, TOKEN};

const WRONG: &str = "rvt_wrong_wrong_wrong_wrong";

/// Why a WebSocket is closed.
fn refusal(engine: &Engine, path: &str, token: &str) -> String {
    let mut stream = TcpStream::connect(engine.address("api")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: engine\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         sec-websocket-protocol: rivet, rivet_token.{token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let (mut said, mut buffer) = (Vec::new(), [0; 1024]);
    loop {
        let text = String::from_utf8_lossy(&said);
        // The reason is behind the head, in the close frame, and ends with the id of the request.
        if let Some((_, frame)) = text.split_once("\r\n\r\n")
            && let Some((reason, _)) = frame.split_once('#')
        {
            return reason.chars().filter(char::is_ascii_graphic).collect();
        }
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "it was closed without a reason: {text}");
        said.extend_from_slice(&buffer[..count]);
    }
}

#[test]
fn wrong_tokens_of_apps_and_sockets_count_as_those_of_requests_do() {
    let setup = Setup::new().with("RIVET__AUTH__FAILURES_PER_MINUTE", "2");
    let engine = setup.start();
    let connect = "/envoys/connect?protocol_version=8&namespace=default&envoy_key=an-envoy\
                   &version=1&pool_name=pool";
    let actor = "/gateway/t1grlftei8zngmkzvmuidzlllecl00/x";

    assert!(refusal(&engine, connect, WRONG).ends_with("api.forbidden"));
    assert!(refusal(&engine, actor, WRONG).ends_with("api.forbidden"));

    assert!(refusal(&engine, connect, WRONG).ends_with("guard.rate_limit"));
    assert!(refusal(&engine, actor, WRONG).ends_with("guard.rate_limit"));
    assert_eq!(engine.send("GET", "/namespaces", Some(WRONG), "").status, 429);
}

#[test]
fn calls_that_are_answered_429_do_not_fill_the_audit_log() {
    let setup = Setup::new().with("RIVET__AUTH__FAILURES_PER_MINUTE", "2");
    let engine = setup.start();
    let statuses: Vec<_> =
        (0..5).map(|_| engine.send("POST", "/namespaces", Some(WRONG), "{}").status).collect();
    assert_eq!(statuses, [403, 403, 429, 429, 429]);

    let audit: Value = serde_json::from_str(&engine.get("/audit").body).unwrap();

    let statuses: Vec<_> =
        audit["entries"].as_array().unwrap().iter().map(|entry| &entry["status"]).collect();
    assert_eq!(statuses, [403, 403]);
}

#[test]
fn whether_another_namespace_exists_is_not_told_on_the_way_to_actors() {
    let engine = Setup::new().start();
    engine.create_namespace("other");
    let secret =
        engine.send("POST", "/auth/secret-tokens?namespace=default", Some(TOKEN), "{}").body;
    let secret: Value = serde_json::from_str(&secret).unwrap();
    let token = secret["token"].as_str().unwrap();

    let answers = ["other", "none-such"].map(|namespace| {
        let path = format!(
            "/gateway/chat/x?rvt-namespace={namespace}&rvt-method=get&rvt-key=a&rvt-token={token}"
        );
        let answer = engine.send("GET", &path, None, "");
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        (answer.status, body["code"].clone())
    });

    assert_eq!(answers, [(403, json!("forbidden")), (403, json!("forbidden"))]);
}
