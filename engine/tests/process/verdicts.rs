//! Every route and both ways to actors, with every kind of credential, against the program itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    net::TcpStream,
};

use rivet_engine::api::routes::{self, Access};
use serde_json::{Value, json};

use crate::engine::{Engine, PATIENCE, Setup, TOKEN};

/// Those who are known, in the order of the columns below.
const CREDENTIALS: [&str; 7] =
    ["admin", "secret", "public", "all grants", "gateway grants", "one actor", "other secret"];

/// Those who are nobody.
const NOBODIES: [&str; 5] =
    ["no token", "wrong", "revoked secret", "revoked scoped", "scoped of a revoked secret"];

/// An id that nobody has.
const NOBODY: &str = "t1grlftei8zngmkzvmuidzlllecl00";

/// A request, and who may send it: a letter for each of [`CREDENTIALS`] who may, or `-`.
struct Row {
    method: &'static str,
    /// The template of the route.
    route: &'static str,
    /// What is sent to it.
    path: String,
    body: Value,
    may: &'static str,
}

fn row(
    method: &'static str,
    route: &'static str,
    query: &str,
    body: Value,
    may: &'static str,
) -> Row {
    let path = route
        .replace("{runner_name}", "some-pool")
        .replace("{actor_id}", NOBODY)
        .replace("{token_id}", NOBODY)
        .replace("{key}", "YQ==")
        .replace("{checkpoint_id}", "20260101T000000Z-00000000")
        .replace("{ticket}", "none");
    Row { method, route, path: format!("{path}{query}"), body, may }
}

/// The table. Columns: admin, secret, public, all grants, gateway grants, one actor, other secret.
fn table() -> Vec<Row> {
    let ns = "?namespace=alpha";
    let none = Value::Null;
    let actor = json!({
        "name": "chat", "key": "a", "runner_name_selector": "pool", "crash_policy": "sleep"
    });
    let config = json!({"datacenters": {"default": {"normal": {}}}});
    let scoped = json!({"namespace": "alpha", "grants": [
        {"resource": "actor", "target": "any", "operations": ["read"]}
    ]});
    let check = json!({"url": "http://169.254.1.1/", "headers": {}});
    let config_path = "/runner-configs/{runner_name}";
    vec![
        row("GET", "/health/fanout", "", none.clone(), "A------"),
        row("GET", "/datacenters", "", none.clone(), "AS-G--O"),
        row("GET", "/namespaces", "", none.clone(), "AS----O"),
        row("POST", "/namespaces", "", json!({"name": "", "display_name": ""}), "A------"),
        row("GET", "/runner-configs", ns, none.clone(), "AS-G---"),
        row("PUT", config_path, ns, config, "AS-G---"),
        row("DELETE", config_path, ns, none.clone(), "AS-G---"),
        row("POST", "/runner-configs/{runner_name}/refresh-metadata", ns, json!({}), "AS-G---"),
        row("POST", "/runner-configs/serverless-health-check", ns, check, "AS-G---"),
        row("GET", "/actors", "?namespace=alpha&name=chat", none.clone(), "AS-G---"),
        row("GET", "/actors", "?namespace=alpha&name=chat&key=a", none.clone(), "ASPGW1-"),
        row("GET", "/actors", "?namespace=alpha&name=chat&key=b", none.clone(), "ASPGW--"),
        row("GET", "/actors", &format!("{ns}&actor_id={NOBODY}"), none.clone(), "ASPGW--"),
        row("POST", "/actors", ns, actor.clone(), "AS-G---"),
        row("PUT", "/actors", ns, actor, "ASPGW--"),
        row("GET", "/actors/names", ns, none.clone(), "AS-G---"),
        row("DELETE", "/actors/{actor_id}", ns, none.clone(), "AS-G---"),
        row("POST", "/actors/{actor_id}/sleep", ns, json!({}), "AS-G---"),
        row("POST", "/actors/{actor_id}/reschedule", ns, json!({}), "AS-G---"),
        row("GET", "/actors/{actor_id}/placement", ns, none.clone(), "AS-G---"),
        row("GET", "/actors/{actor_id}/kv/keys", ns, none.clone(), "AS-G---"),
        row("GET", "/actors/{actor_id}/kv/keys/{key}", ns, none.clone(), "AS-G---"),
        row("GET", "/figures", ns, none.clone(), "A------"),
        row("GET", "/envoys", ns, none.clone(), "AS-G---"),
        row("GET", "/envoys/connect", ns, none.clone(), "AS-G--O"),
        row("GET", "/runners", ns, none.clone(), "AS-G---"),
        row("GET", "/runners/names", ns, none.clone(), "AS-G---"),
        row("POST", "/auth/tokens", "", scoped, "AS-----"),
        row("DELETE", "/auth/tokens/{token_id}", ns, none.clone(), "AS-----"),
        row("GET", "/auth/public-tokens", ns, none.clone(), "AS-----"),
        row("POST", "/auth/public-tokens", ns, json!({}), "AS-----"),
        row("DELETE", "/auth/public-tokens/{token_id}", ns, none.clone(), "AS-----"),
        row("GET", "/auth/secret-tokens", ns, none.clone(), "A------"),
        row("POST", "/auth/secret-tokens", ns, json!({}), "A------"),
        row("DELETE", "/auth/secret-tokens/{token_id}", ns, none.clone(), "A------"),
        row("GET", "/auth/signing-keys", "", none.clone(), "A------"),
        row("POST", "/auth/signing-keys", "", json!({}), "A------"),
        row("GET", "/audit", "", none.clone(), "A------"),
        row("POST", "/admin/checkpoint", "", json!({}), "A------"),
        row("GET", "/admin/checkpoints", "", none.clone(), "A------"),
        row("DELETE", "/admin/checkpoints/{checkpoint_id}", "", none.clone(), "A------"),
        row("GET", "/admin/checkpoints/{checkpoint_id}/archive", "", none.clone(), "A------"),
        row("POST", "/admin/checkpoints/{checkpoint_id}/ticket", "", json!({}), "A------"),
        // A token is no ticket.
        row("GET", "/admin/downloads/{ticket}", "", none.clone(), "-------"),
        row("GET", "/admin/storage", "", none, "A------"),
        row("POST", "/admin/compact", "", json!({}), "A------"),
    ]
}

/// An engine with two namespaces, an actor in each, and somebody of every kind.
struct Site {
    engine: Engine,
    tokens: BTreeMap<&'static str, String>,
    ours: String,
    theirs: String,
    _setup: Setup,
}

impl Site {
    fn new() -> Self {
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

    fn token(&self, who: &str) -> Option<&str> {
        self.tokens.get(who).map(String::as_str)
    }

    /// The answer's status and code. A status that is no refusal is a door that is open.
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> String {
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
    fn socket(&self, path: &str, protocols: &str) -> String {
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

fn created(engine: &Engine, method: &str, path: &str, body: &Value) -> Value {
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

fn is_refused(verdict: &str) -> bool {
    matches!(verdict, "403 api.forbidden" | "api.forbidden" | "guard.missing_header")
}

#[test]
fn every_route_is_in_the_table() {
    let declared: BTreeSet<_> = routes::public()
        .into_iter()
        .flat_map(|route| {
            let guarded =
                route.endpoints.into_iter().filter(|endpoint| endpoint.access != Access::Public);
            guarded
                .map(move |endpoint| (endpoint.method.to_string(), route.path))
                .collect::<Vec<_>>()
        })
        .collect();
    let table: BTreeSet<_> = table().iter().map(|row| (row.method.to_owned(), row.route)).collect();

    assert_eq!(table, declared);
}

#[test]
fn each_credential_may_do_what_the_table_says_and_nothing_else() {
    let site = Site::new();
    for row in table() {
        let mut may = row.may.chars();
        for who in CREDENTIALS.into_iter().chain(NOBODIES) {
            let expected = may.next().is_some_and(|letter| letter != '-');
            let authorization = site.token(who).map(|token| format!("Bearer {token}"));
            let headers: Vec<_> =
                authorization.iter().map(|value| ("authorization", value.as_str())).collect();

            let verdict = site.send(row.method, &row.path, &headers, &row.body);

            let label = format!("{} {} as {who}: {verdict}", row.method, row.path);
            assert_eq!(!is_refused(&verdict), expected, "{label}");
            assert!(!verdict.starts_with('5'), "{label}");
        }
    }
}

#[test]
fn actors_are_reached_with_a_token_of_their_namespace_wherever_it_stands() {
    let site = Site::new();
    let (ours, theirs) = (&site.ours, &site.theirs);
    let key = |namespace: &str, key: &str, method: &str, token: &str| {
        format!(
            "/gateway/chat/x?rvt-namespace={namespace}&rvt-method={method}&rvt-pool=pool\
             &rvt-key={key}&rvt-token={token}"
        )
    };
    //                                     admin, secret, public, all, gateway, one, other
    for (namespace, key_of, method, may) in [
        ("alpha", "a", "get", "ASPGW1-"),
        ("alpha", "b", "get", "ASPGW--"),
        ("alpha", "new", "getOrCreate", "ASPGW--"),
        ("beta", "a", "get", "A-----O"),
    ] {
        for (who, letter) in CREDENTIALS.into_iter().zip(may.chars()) {
            let token = site.token(who).unwrap();
            let verdict =
                site.send("GET", &key(namespace, key_of, method, token), &[], &Value::Null);
            let label = format!("{namespace} {key_of} {method} as {who}: {verdict}");
            assert_eq!(!is_refused(&verdict), letter != '-', "{label}");
        }
    }
    for (who, letter) in CREDENTIALS.into_iter().zip("ASPGW1-".chars()) {
        let token = site.token(who).unwrap();
        let subprotocol = format!(", rivet_token.{token}");
        let addressed = format!(", rivet_target.actor, rivet_actor.{ours}{subprotocol}");
        let (in_path, plain) = (format!("/gateway/{ours}@{token}/x"), format!("/gateway/{ours}/x"));
        let header = [("x-rivet-token", token)];
        let target = [
            ("x-rivet-target", "actor"),
            ("x-rivet-actor", ours.as_str()),
            ("x-rivet-token", token),
        ];
        let verdicts = [
            site.send("POST", &in_path, &[], &Value::Null),
            site.send("POST", &plain, &header, &Value::Null),
            site.send("POST", "/request/x", &target, &Value::Null),
            site.socket(&in_path, ""),
            site.socket(&plain, &subprotocol),
            site.socket("/x", &addressed),
        ];
        for verdict in verdicts {
            // There is no app: whoever is let in waits for one in vain.
            let waited = verdict.ends_with("guard.actor_ready_timeout");
            // An actor of another namespace does not exist.
            let nowhere = verdict.ends_with("actor.not_found");
            assert_eq!((waited, nowhere), (letter != '-', letter == '-'), "{who}: {verdict}");
        }
    }
    for who in NOBODIES {
        let subprotocol =
            site.token(who).map(|token| format!(", rivet_token.{token}")).unwrap_or_default();
        let path = format!("/gateway/{ours}@{}/x", site.token(who).unwrap_or("x"));
        assert_eq!(site.send("GET", &path, &[], &Value::Null), "403 api.forbidden", "{who}");
        let verdict = site.socket(&format!("/gateway/{ours}/x"), &subprotocol);
        assert!(is_refused(&verdict), "{who}: {verdict}");
    }
    let there = site.send("GET", &format!("/gateway/{theirs}@{TOKEN}/x"), &[], &Value::Null);
    assert_eq!(there, "503 guard.actor_ready_timeout");
}

#[test]
fn envoys_connect_with_a_token_of_their_namespace() {
    let site = Site::new();
    let path = |namespace: &str| {
        format!(
            "/envoys/connect?protocol_version=8&namespace={namespace}&envoy_key=an-envoy\
             &version=1&pool_name=pool"
        )
    };
    for (who, letter) in CREDENTIALS.into_iter().zip("AS-G---".chars()) {
        let subprotocol = format!(", rivet_token.{}", site.token(who).unwrap());
        let expected = if letter == '-' { "api.forbidden" } else { "open" };
        assert_eq!(site.socket(&path("alpha"), &subprotocol), expected, "{who}");
    }
    let secret = format!(", rivet_token.{}", site.token("secret").unwrap());
    for elsewhere in ["beta", "none-such"] {
        assert_eq!(site.socket(&path(elsewhere), &secret), "api.forbidden");
    }
    for who in NOBODIES {
        let subprotocol =
            site.token(who).map(|token| format!(", rivet_token.{token}")).unwrap_or_default();
        let verdict = site.socket(&path("alpha"), &subprotocol);
        assert!(is_refused(&verdict), "{who}: {verdict}");
    }
}

#[test]
fn a_scan_without_a_token_finds_health_readiness_metadata_and_the_dashboard() {
    let site = Site::new();
    let mut paths: BTreeSet<String> =
        table().into_iter().map(|row| row.path).chain(["/health".to_owned()]).collect();
    paths.extend(
        ["/ready", "/metadata", "/", "/ui", "/ui/", "/x", "/envoys/connect", "/request"]
            .map(str::to_owned),
    );
    paths.insert(format!("/gateway/{}/x", site.ours));
    paths.insert(
        "/gateway/chat/x?rvt-namespace=alpha&rvt-method=getOrCreate&rvt-pool=pool&rvt-key=n"
            .to_owned(),
    );
    let mut found = BTreeSet::new();
    for path in paths {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"] {
            let verdict = site.send(method, &path, &[], &Value::Null);
            let refused = ["403", "404", "405"].iter().any(|status| verdict.starts_with(status));
            // Browsers ask which methods there are before they send a token.
            if !refused && method != "OPTIONS" {
                found.insert(format!("{method} {path} {verdict}"));
            }
        }
    }

    // The dashboard's page is there for those who take it compressed, which this scan does not say.
    let expected = ["/ 308", "/health 200", "/metadata 200", "/ready 200", "/ui 308", "/ui/ 406"];
    let expected = expected.map(|open| [format!("GET {open}"), format!("HEAD {open}")]);
    assert_eq!(found, expected.into_iter().flatten().collect());
    let created = site.engine.get("/actors?namespace=alpha&name=chat&key=n").body;
    assert!(created.contains(r#""actors":[]"#), "{created}");
}

#[test]
fn nothing_that_was_presented_is_in_the_log() {
    let setup =
        Setup::new().with("RUST_LOG", "trace").with("RIVET__GUARD__ACTOR_READY_TIMEOUT_MS", "1");
    let engine = setup.start();
    let tokens = [TOKEN, "rvt_wrong_wrong_wrong_wrong"];
    for token in tokens {
        engine.send("GET", "/namespaces", Some(token), "");
        engine.send("DELETE", "/runner-configs/p?namespace=default", Some(token), "");
        for path in [
            format!("/gateway/{NOBODY}@{token}/x"),
            format!("/gateway/a/x?rvt-namespace=default&rvt-method=get&rvt-token={token}"),
        ] {
            engine.send("GET", &path, None, "");
        }
    }
    let created = engine.send("POST", "/auth/secret-tokens?namespace=default", Some(TOKEN), "{}");
    let created: Value = serde_json::from_str(&created.body).unwrap();

    let log = engine.signal("TERM").log;

    for token in tokens.into_iter().chain([created["token"].as_str().unwrap()]) {
        assert!(!log.contains(token), "{log}");
    }
}

#[test]
fn an_address_that_tries_too_many_wrong_tokens_has_to_wait_and_a_right_one_still_passes() {
    let setup = Setup::new().with("RIVET__AUTH__FAILURES_PER_MINUTE", "3");
    let engine = setup.start();
    let wrong = || engine.send("GET", "/namespaces", Some("rvt_wrong_wrong_wrong_wrong"), "");
    for _ in 0..3 {
        assert_eq!(wrong().status, 403);
    }

    let limited = wrong();

    assert_eq!(limited.status, 429);
    assert!(limited.body.contains(r#""code":"rate_limit""#), "{}", limited.body);
    let by_gateway = engine.send("GET", &format!("/gateway/{NOBODY}@wrong/x"), None, "");
    assert_eq!(by_gateway.status, 429);
    assert_eq!(engine.get("/namespaces").status, 200);
    assert_eq!(engine.send("GET", "/namespaces", None, "").status, 403);
    let metrics = engine.at("metrics", "GET", "/metrics", None, "").body;
    assert!(metrics.contains(r#"auth_refusals_total{reason="invalid"} 3"#), "{metrics}");
    assert!(metrics.contains(r#"auth_refusals_total{reason="rate_limited"} 2"#), "{metrics}");
}

#[test]
fn tokens_and_the_audit_log_survive_a_restart() {
    let setup = Setup::new();
    let engine = setup.start();
    let secret = created(&engine, "POST", "/auth/secret-tokens?namespace=default", &json!({}));
    let secret = secret["token"].as_str().unwrap().to_owned();
    let body = json!({"namespace": "default", "grants": [
        {"resource": "actor", "target": "any", "operations": ["list"]}
    ]});
    let scoped = created(&engine, "POST", "/auth/tokens", &body);
    let scoped = scoped["token"].as_str().unwrap().to_owned();
    let before = engine.get("/audit").body;
    engine.signal("KILL");

    let engine = setup.start();

    for token in [&secret, &scoped] {
        let path = "/actors?namespace=default&name=chat";
        assert_eq!(engine.send("GET", path, Some(token), "").status, 200);
    }
    assert_eq!(engine.get("/audit").body, before);
    assert!(before.contains(r#""address":"127.0.0.1""#), "{before}");
}
