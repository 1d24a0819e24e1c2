//! What opens something is neither in the log, whatever is logged, nor in the metrics, nor in the audit log.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

use crate::engine::{Connection, Engine, Setup, TOKEN, await_until};

const HEADER: &str = "header-secret-of-the-pool";

/// An app of a serverless pool, which says nothing but its metadata and remembers the tokens that it gets.
struct App {
    url: String,
    tokens: Arc<Mutex<Vec<String>>>,
}

impl App {
    fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api", listener.local_addr().unwrap());
        let tokens = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&tokens);
        // It ends with the process: nobody connects any more when the engine is gone.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let _ = answer(stream, &seen);
            }
        });
        Self { url, tokens }
    }
}

fn answer(mut stream: TcpStream, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    assert!(head.contains(HEADER), "{head}");
    let token = head.lines().find_map(|line| line.strip_prefix("x-rivet-token: "));
    seen.lock().unwrap().extend(token.map(str::to_owned));
    let body = r#"{"runtime":"rivetkit","version":"2.3.19","envoyProtocolVersion":8,
        "envoy":{"kind":{"serverless":{}},"version":3},"actorNames":{}}"#;
    let status = if head.starts_with("GET ") { "200 OK" } else { "500 Oops" };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn created(engine: &Engine, method: &str, path: &str, body: &Value) -> Value {
    let answer = engine.send(method, path, Some(TOKEN), &body.to_string());
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// Everything that was handed out by the engine and opens something.
fn handed_out(engine: &Engine) -> Vec<String> {
    let text = |json: &Value, field: &str| json[field].as_str().unwrap().to_owned();
    let scoped = json!({"namespace": "default", "grants": [
        {"resource": "actor", "target": "any", "operations": ["list"]}
    ]});
    let mut all: Vec<_> = [
        ("/auth/secret-tokens?namespace=default", json!({})),
        ("/auth/public-tokens?namespace=default", json!({})),
        ("/auth/tokens", scoped),
    ]
    .iter()
    .map(|(path, body)| text(&created(engine, "POST", path, body), "token"))
    .collect();
    let id = text(&created(engine, "POST", "/admin/checkpoint", &json!({})), "id");
    let path = format!("/admin/checkpoints/{id}/ticket");
    let ticket = text(&created(engine, "POST", &path, &json!({})), "path");
    all.push(ticket.rsplit('/').next().unwrap().to_owned());
    all
}

#[test]
fn nothing_that_opens_something_is_written_down_however_much_is_logged() {
    let setup = Setup::new()
        .with("RUST_LOG", "trace")
        .with("RIVET__GUARD__ACTOR_READY_TIMEOUT_MS", "1")
        .with("RIVET__AUTH__FAILURES_PER_MINUTE", "0");
    let engine = setup.start();
    let mut secrets = handed_out(&engine);
    secrets.extend([TOKEN.to_owned(), "rvt_wrong_wrong_wrong_wrong".to_owned()]);
    // They are presented in every place there is, in well-formed requests and in others.
    for secret in &secrets {
        for path in [
            "/namespaces".to_owned(),
            "/figures?namespace=default".to_owned(),
            format!("/admin/downloads/{secret}"),
            format!("/gateway/nobodys-id@{secret}/x"),
            format!("/gateway/t1grlftei8zngmkzvmuidzlllecl00@{secret}/x"),
            format!("/gateway/a@{secret}/x?rvt-namespace=default"),
            format!("/gateway/a/x?rvt-namespace=default&rvt-method=get&rvt-token={secret}"),
            format!("/gateway/a/x?rvt-namespace=default&rvt-method=nonsense&rvt-token={secret}"),
            format!("/envoys/connect?namespace=default&rvt-token={secret}"),
            format!("/namespaces?token={secret}"),
        ] {
            for (method, body) in [("GET", String::new()), ("POST", format!("{{\"{secret}\":"))] {
                let connection = Connection::open(engine.address("api")).unwrap();
                // One of the answers is an archive, which is no text.
                let _ = connection.request(method, &path, Some(secret), &body);
            }
        }
    }
    let app = App::serve();
    let pool = json!({"datacenters": {"default": {"serverless": {
        "url": app.url, "request_lifespan": 3600, "headers": {"x-own": HEADER}
    }}}});
    created(&engine, "PUT", "/runner-configs/pool?namespace=default", &pool);
    let actor = json!({
        "name": "a", "key": "k", "runner_name_selector": "pool", "crash_policy": "sleep"
    });
    created(&engine, "PUT", "/actors?namespace=default", &actor);
    await_until("the token of a started app", || !app.tokens.lock().unwrap().is_empty());
    secrets.extend(app.tokens.lock().unwrap().clone());
    secrets.push(HEADER.to_owned());
    let metrics = engine.at("metrics", "GET", "/metrics", None, "").body;
    let audit = engine.get("/audit?limit=1000").body;

    let ended = engine.signal("TERM");

    assert!(ended.log.contains("request answered") && audit.contains("/auth/secret-tokens"));
    for secret in secrets {
        for (place, text) in [("log", &ended.log), ("metrics", &metrics), ("audit log", &audit)] {
            let line = text.lines().find(|line| line.contains(&secret));
            assert_eq!(line, None, "{secret} is in the {place}");
        }
    }
}
