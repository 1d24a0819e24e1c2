//! An engine that knows somebody of every kind.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::engine::{Engine, PATIENCE, Setup, TOKEN};

/// An engine with two namespaces, an actor in each, and somebody of every kind.
pub(super) struct Site {
    pub(super) engine: Engine,
    tokens: BTreeMap<&'static str, String>,
    pub(super) ours: String,
    pub(super) theirs: String,
    _setup: Setup,
}

impl Site {
    pub(super) fn new() -> Self {
        let setup = Setup::new()
            .with("RIVET__AUTH__FAILURES_PER_MINUTE", "0")
            .with("RIVET__GUARD__ACTOR_READY_TIMEOUT_MS", "1");
        let engine = setup.start();
        for name in ["alpha", "beta"] {
            engine.create_namespace(name);
            let path = format!("/runner-configs/pool?namespace={name}");
            created(&engine, "PUT", &path, &json!({"datacenters": {"default": {"normal": {}}}}));
        }
        let actor = |namespace: &str| {
            let body = json!({
                "name": "chat", "key": "a", "runner_name_selector": "pool", "crash_policy": "sleep"
            });
            let path = format!("/actors?namespace={namespace}");
            let created = created(&engine, "POST", &path, &body);
            created["actor"]["actor_id"].as_str().unwrap().to_owned()
        };
        let (ours, theirs) = (actor("alpha"), actor("beta"));
        let tokens = tokens(&engine);
        Self { engine, tokens, ours, theirs, _setup: setup }
    }

    pub(super) fn token(&self, who: &str) -> Option<&str> {
        self.tokens.get(who).map(String::as_str)
    }

    /// The answer's status and code. A status that is no refusal is a door that is open.
    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> String {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: engine\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        );
        request.extend(headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
        let answer = self.exchange(&format!("{request}\r\n{body}"));
        let status = answer.split(' ').nth(1).unwrap_or("none").to_owned();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let json: Value = serde_json::from_str(body).unwrap_or_default();
        match (json["group"].as_str(), json["code"].as_str()) {
            (Some(group), Some(code)) => format!("{status} {group}.{code}"),
            _ => status,
        }
    }

    /// How a WebSocket ends: `open`, or the reason in its close frame.
    pub(super) fn socket(&self, path: &str, protocols: &str) -> String {
        let answer = self.exchange_bytes(&format!(
            "GET {path} HTTP/1.1\r\nhost: engine\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             sec-websocket-protocol: rivet{protocols}\r\n\r\n"
        ));
        let head = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        match answer.get(head..) {
            // A close frame: its first byte, its length, a code of two bytes, the reason.
            Some([0x88, _, _, _, reason @ ..]) => {
                let reason = String::from_utf8_lossy(reason).into_owned();
                reason.split('#').next().unwrap().to_owned()
            }
            _ => "open".to_owned(),
        }
    }

    fn exchange(&self, request: &str) -> String {
        String::from_utf8(self.exchange_bytes(request)).unwrap()
    }

    fn exchange_bytes(&self, request: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.engine.address("api")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let websocket = request.contains("upgrade: websocket");
        let mut answer = Vec::new();
        if !websocket {
            stream.read_to_end(&mut answer).unwrap();
            return answer;
        }
        // The head, and the beginning of the first frame: an open socket says something first.
        let mut buffer = [0; 4096];
        loop {
            let count = stream.read(&mut buffer).unwrap();
            answer.extend_from_slice(&buffer[..count]);
            let head = answer.windows(4).position(|window| window == b"\r\n\r\n");
            if count == 0 || head.is_some_and(|head| answer.len() > head + 4) {
                return answer;
            }
        }
    }
}

pub(super) fn created(engine: &Engine, method: &str, path: &str, body: &Value) -> Value {
    let answer = engine.send(method, path, Some(TOKEN), &body.to_string());
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn tokens(engine: &Engine) -> BTreeMap<&'static str, String> {
    let text = |json: &Value, field: &str| json[field].as_str().unwrap().to_owned();
    let of_namespace = |kind: &str, namespace: &str| {
        created(engine, "POST", &format!("/auth/{kind}-tokens?namespace={namespace}"), &json!({}))
    };
    let every = ["create", "read", "update", "delete", "list"];
    let grant = |resource: &str, target: Value, operations: &[&str]| json!({"resource": resource, "target": target, "operations": operations});
    let scoped = |grants: Vec<Value>| {
        created(engine, "POST", "/auth/tokens", &json!({"namespace": "alpha", "grants": grants}))
    };
    let revoke = |kind: &str, token: &Value| {
        let id = text(token, "token_id");
        created(engine, "DELETE", &format!("/auth/{kind}/{id}?namespace=alpha"), &Value::Null);
    };
    let resources = ["actor", "actor_gateway", "actor_kv", "envoy", "runner_config", "datacenter"];
    let all = resources.map(|resource| grant(resource, json!("any"), &every)).to_vec();
    let gateway = vec![grant("actor_gateway", json!("any"), &["create", "read"])];
    let one = vec![grant("actor_gateway", json!({"name": "chat", "key": "a"}), &["read"])];

    let [revoked_secret, parent] = [(), ()].map(|()| of_namespace("secret", "alpha"));
    let body = json!({"namespace": "alpha", "grants": all}).to_string();
    let child = engine.send("POST", "/auth/tokens", Some(&text(&parent, "token")), &body);
    let child: Value = serde_json::from_str(&child.body).unwrap();
    let revoked_scoped = scoped(all.clone());
    revoke("secret-tokens", &revoked_secret);
    revoke("secret-tokens", &parent);
    revoke("tokens", &revoked_scoped);
    [
        ("admin", TOKEN.to_owned()),
        ("secret", text(&of_namespace("secret", "alpha"), "token")),
        ("public", text(&of_namespace("public", "alpha"), "token")),
        ("all grants", text(&scoped(all), "token")),
        ("gateway grants", text(&scoped(gateway), "token")),
        ("one actor", text(&scoped(one), "token")),
        ("other secret", text(&of_namespace("secret", "beta"), "token")),
        ("wrong", "rvt_wrong_wrong_wrong_wrong".to_owned()),
        ("revoked secret", text(&revoked_secret, "token")),
        ("revoked scoped", text(&revoked_scoped, "token")),
        ("scoped of a revoked secret", text(&child, "token")),
    ]
    .into()
}
