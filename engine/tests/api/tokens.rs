//! Tokens over the API: issued, listed, taken back, and what each of them sees.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, TOKEN};

/// What somebody with a token is told.
struct Bearer<'a> {
    app: &'a App,
    token: String,
}

impl Bearer<'_> {
    async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let headers =
            [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.app.send(method, path, &headers, &body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &Value::Null).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &body).await
    }

    async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, &body).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &Value::Null).await
    }
}

impl App {
    fn bearer(&self, token: &str) -> Bearer<'_> {
        Bearer { app: self, token: token.to_owned() }
    }

    /// A token of a namespace: its id and who has it.
    async fn token(&self, kind: &str, namespace: &str) -> (String, Bearer<'_>) {
        let path = format!("/auth/{kind}-tokens?namespace={namespace}");
        let created = self.post(&path, &json!({"name": "test"})).await.json();
        let text = |field: &str| created[field].as_str().unwrap().to_owned();
        (text("token_id"), self.bearer(&text("token")))
    }

    /// A scoped token of the namespace `default`.
    async fn scoped(&self, grants: Value) -> Bearer<'_> {
        let body = json!({"namespace": "default", "grants": grants});
        let issued = self.post("/auth/tokens", &body).await;
        assert_eq!(issued.status, 200, "{}", issued.json());
        self.bearer(issued.json()["token"].as_str().unwrap())
    }

    async fn namespace(&self, name: &str) -> String {
        let body = json!({"name": name, "display_name": name});
        let created = self.post("/namespaces", &body).await.json();
        created["namespace"]["namespace_id"].as_str().unwrap().to_owned()
    }

    async fn actor(&self, namespace: &str, name: &str, key: &str) -> String {
        let pool = json!({"datacenters": {"default": {"normal": {}}}});
        self.put(&format!("/runner-configs/pool?namespace={namespace}"), &pool).await;
        let path = format!("/actors?namespace={namespace}");
        let created = self.post(&path, &actor(name, key)).await.json();
        created["actor"]["actor_id"].as_str().unwrap().to_owned()
    }
}

fn actor(name: &str, key: &str) -> Value {
    json!({
        "name": name, "key": key, "runner_name_selector": "pool", "crash_policy": "sleep"
    })
}

fn any_actor(operations: &[&str]) -> Value {
    json!([{"resource": "actor", "target": "any", "operations": operations}])
}

fn code(answer: &Answer) -> String {
    let json = answer.json();
    format!(
        "{} {}.{}",
        answer.status.as_u16(),
        json["group"].as_str().unwrap_or("-"),
        json["code"].as_str().unwrap_or("-")
    )
}

const REFUSED: &str = "403 api.forbidden";

#[tokio::test]
async fn a_scoped_token_is_issued_in_the_shape_that_newer_clients_know() {
    let app = App::new().await;
    let grants = json!([
        {"resource": "actor", "target": "any", "operations": ["create", "read", "list"]},
        {"resource": "actor_gateway", "target": {"name": "chat", "key": "a"}, "operations": ["read"]},
    ]);
    let body = json!({"namespace": "default", "subject": "ann", "duration": 60, "grants": grants});

    let issued = app.post("/auth/tokens", &body).await;

    let json = issued.json();
    assert_eq!(issued.status, 200, "{json}");
    assert_eq!(issued.header("cache-control"), Some("no-store"));
    let time = |field: &str| json[field].as_u64().unwrap();
    assert_eq!(time("expires_ts") - time("issued_ts"), 60_000);
    let token = app.bearer(json["token"].as_str().unwrap());
    assert_eq!(token.get("/actors?namespace=default&name=chat").await.status, 200);
    let unsaid = json!({"namespace": "default", "grants": grants});
    let unsaid = app.post("/auth/tokens", &unsaid).await.json();
    let lasts = unsaid["expires_ts"].as_u64().unwrap() - unsaid["issued_ts"].as_u64().unwrap();
    assert_eq!(lasts, 3_600_000);
}

#[tokio::test]
async fn what_makes_no_token_is_refused_with_the_reason() {
    let app = App::new().await;
    let good = json!({
        "namespace": "default", "duration": 60, "subject": "ann",
        "grants": any_actor(&["read"])
    });
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        let app = &app;
        async move { app.post("/auth/tokens", &body).await }
    };

    assert_eq!(with("duration", json!(86_400)).await.status, 200);
    for duration in [json!(0), json!(86_401)] {
        assert_eq!(code(&with("duration", duration).await), "400 validation.invalid_input");
    }
    assert_eq!(code(&with("subject", json!("")).await), "400 validation.invalid_input");
    assert_eq!(code(&with("subject", json!("a\nb")).await), "400 validation.invalid_input");
    assert_eq!(code(&with("grants", json!([])).await), "400 validation.invalid_input");
    assert_eq!(code(&with("namespace", json!("none-such")).await), "400 namespace.not_found");
    assert_eq!(code(&with("unknown", json!(1)).await), "400 api.bad_request");
    let unknown = json!([{"resource": "audit", "target": "any", "operations": ["list"]}]);
    assert_eq!(code(&with("grants", unknown).await), "400 api.bad_request");
}

#[tokio::test]
async fn a_token_is_shown_once_and_listed_without_its_text() {
    let app = App::new().await;
    for kind in ["secret", "public"] {
        let path = format!("/auth/{kind}-tokens?namespace=default");
        let created = app.post(&path, &json!({"name": "web"})).await;
        assert_eq!(created.header("cache-control"), Some("no-store"));
        let created = created.json();

        let listed = app.get(&path).await.json();

        let (token_id, create_ts) = (&created["token_id"], &created["create_ts"]);
        let expected = json!([{"token_id": token_id, "name": "web", "create_ts": create_ts}]);
        assert_eq!(listed["tokens"], expected);
        assert!(!listed.to_string().contains(&created["token"].as_str().unwrap()[3..]));
    }
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_any_more() {
    let app = App::new().await;
    for kind in ["secret", "public"] {
        let (id, bearer) = app.token(kind, "default").await;
        app.actor("default", "chat", kind).await;
        let path = format!("/actors?namespace=default&name=chat&key={kind}");
        assert_eq!(bearer.get(&path).await.status, 200);

        let revoke = format!("/auth/{kind}-tokens/{id}?namespace=default");
        assert_eq!(app.delete(&revoke).await.json(), json!({}));

        assert_eq!(bearer.get(&path).await.json()["metadata"]["reason"], "Invalid token");
        assert_eq!(code(&app.delete(&revoke).await), "400 token.not_found");
    }
    let body = json!({"namespace": "default", "grants": any_actor(&["list"])});
    let issued = app.post("/auth/tokens", &body).await.json();
    let bearer = app.bearer(issued["token"].as_str().unwrap());
    assert_eq!(bearer.get("/actors?namespace=default&name=chat").await.status, 200);
    let id = issued["token_id"].as_str().unwrap();
    assert_eq!(app.delete(&format!("/auth/tokens/{id}?namespace=default")).await.status, 200);
    let refused = bearer.get("/actors?namespace=default&name=chat").await;
    assert_eq!(refused.json()["metadata"]["reason"], "Token revoked");
}

#[tokio::test]
async fn a_secret_token_sees_its_namespace_and_no_other() {
    let app = App::new().await;
    let other = app.namespace("other").await;
    let (_, secret) = app.token("secret", "default").await;
    let theirs = app.actor("other", "chat", "a").await;
    let ours = app.actor("default", "chat", "a").await;

    let listed = secret.get("/namespaces").await.json();
    assert_eq!(listed["namespaces"].as_array().unwrap().len(), 1);
    assert_eq!(listed["namespaces"][0]["name"], "default");
    for narrowed in [format!("namespace_id={other}"), "name=other".to_owned()] {
        let listed = secret.get(&format!("/namespaces?{narrowed}")).await.json();
        assert_eq!(listed["namespaces"], json!([]), "{narrowed}");
    }
    // One that is elsewhere is one that is not there.
    let nowhere = "t1grlftei8zngmkzvmuidzlllecl00";
    for id in [theirs.as_str(), nowhere] {
        let found = secret.get(&format!("/actors?namespace=default&actor_id={id}")).await.json();
        assert_eq!(found["actors"], json!([]));
        let path = format!("/actors/{id}?namespace=default");
        assert_eq!(code(&secret.delete(&path).await), "400 actor.not_found");
        let path = format!("/actors/{id}/kv/keys/YQ==?namespace=default");
        assert_eq!(code(&secret.get(&path).await), "400 actor.not_found");
        assert_eq!(
            code(&secret.get(&format!("/actors?namespace=other&actor_id={id}")).await),
            REFUSED
        );
    }
    // Whether a namespace exists is nobody's business.
    for elsewhere in ["other", "none-such"] {
        let answer = secret.get(&format!("/envoys?namespace={elsewhere}")).await;
        assert_eq!(code(&answer), REFUSED, "{elsewhere}");
    }
    assert_eq!(secret.delete(&format!("/actors/{ours}?namespace=default")).await.status, 200);
    assert_eq!(code(&secret.get("/envoys").await), "400 api.bad_request");
    let twice = secret.get("/envoys?namespace=default&namespace=other").await;
    assert_eq!(code(&twice), "400 api.bad_request");
}

#[tokio::test]
async fn a_secret_token_issues_tokens_of_its_namespace_and_no_secret_ones() {
    let app = App::new().await;
    app.namespace("other").await;
    let (_, secret) = app.token("secret", "default").await;
    let scoped = |namespace: &str| json!({"namespace": namespace, "grants": any_actor(&["list"])});

    assert_eq!(secret.post("/auth/tokens", scoped("default")).await.status, 200);
    assert_eq!(code(&secret.post("/auth/tokens", scoped("other")).await), REFUSED);
    let public = |namespace: &str| format!("/auth/public-tokens?namespace={namespace}");
    assert_eq!(secret.post(&public("default"), json!({})).await.status, 200);
    assert_eq!(code(&secret.post(&public("other"), json!({})).await), REFUSED);
    let more = secret.post("/auth/secret-tokens?namespace=default", json!({})).await;
    assert_eq!(code(&more), REFUSED);
}

#[tokio::test]
async fn what_a_secret_token_issued_ends_with_it() {
    let app = App::new().await;
    let (id, secret) = app.token("secret", "default").await;
    let body = json!({"namespace": "default", "grants": any_actor(&["list"])});
    let issued = secret.post("/auth/tokens", body).await.json();
    let scoped = app.bearer(issued["token"].as_str().unwrap());
    assert_eq!(scoped.get("/actors?namespace=default&name=chat").await.status, 200);

    app.delete(&format!("/auth/secret-tokens/{id}?namespace=default")).await;

    let refused = scoped.get("/actors?namespace=default&name=chat").await;
    assert_eq!(refused.json()["metadata"]["reason"], "Token revoked");
}

#[tokio::test]
async fn a_public_token_finds_actors_and_does_nothing_else_over_the_api() {
    let app = App::new().await;
    let ours = app.actor("default", "chat", "a").await;
    let (_, public) = app.token("public", "default").await;

    for by in [format!("actor_id={ours}"), "name=chat&key=a".to_owned()] {
        let found = public.get(&format!("/actors?namespace=default&{by}")).await.json();
        assert_eq!(found["actors"][0]["actor_id"], ours.as_str(), "{by}");
    }
    let got = public.put("/actors?namespace=default", actor("chat", "a")).await.json();
    assert_eq!((&got["actor"]["actor_id"], &got["created"]), (&json!(ours), &json!(false)));
    let made = public.put("/actors?namespace=default", actor("chat", "b")).await.json();
    assert_eq!(made["created"], true);

    assert_eq!(code(&public.get("/actors?namespace=default&name=chat").await), REFUSED);
    let created = public.post("/actors?namespace=default", actor("chat", "c")).await;
    assert_eq!(code(&created), REFUSED);
    assert_eq!(code(&public.delete(&format!("/actors/{ours}?namespace=default")).await), REFUSED);
    assert_eq!(code(&public.put("/actors?namespace=other", actor("chat", "a")).await), REFUSED);
}

#[tokio::test]
async fn a_scoped_token_reaches_the_actors_that_it_names_and_no_others() {
    let app = App::new().await;
    let (a, b) = (app.actor("default", "chat", "a").await, app.actor("default", "chat", "b").await);
    let operations = ["create", "read", "update", "delete", "list"];
    let on = |target: Value| {
        app.scoped(json!([{"resource": "actor", "target": target, "operations": operations}]))
    };
    let sleep = |id: &str| format!("/actors/{id}/sleep?namespace=default");
    let found = |by: &str| format!("/actors?namespace=default&{by}");

    let by_id = on(json!({"id": a})).await;
    assert_eq!(by_id.post(&sleep(&a), json!({})).await.status, 200);
    assert_eq!(code(&by_id.post(&sleep(&b), json!({})).await), REFUSED);
    assert_eq!(by_id.get(&found("name=chat&key=a")).await.status, 200);
    assert_eq!(code(&by_id.get(&found("name=chat&key=b")).await), REFUSED);
    assert_eq!(code(&by_id.get(&found(&format!("actor_id={a}&actor_id={b}"))).await), REFUSED);
    assert_eq!(code(&by_id.get(&found("name=chat")).await), REFUSED);

    let by_key = on(json!({"name": "chat", "key": "a"})).await;
    assert_eq!(by_key.post(&sleep(&a), json!({})).await.status, 200);
    assert_eq!(code(&by_key.post(&sleep(&b), json!({})).await), REFUSED);
    let put = |key: &'static str| by_key.put("/actors?namespace=default", actor("chat", key));
    assert_eq!(put("a").await.status, 200);
    assert_eq!(code(&put("b").await), REFUSED);
    assert_eq!(code(&by_key.put("/actors?namespace=default", json!({"name": 1})).await), REFUSED);

    let by_name = on(json!({"name": "chat"})).await;
    assert_eq!(by_name.get(&found("name=chat")).await.status, 200);
    assert_eq!(code(&by_name.get(&found("name=other")).await), REFUSED);
    assert_eq!(by_name.post(&sleep(&b), json!({})).await.status, 200);
    let created = by_name.post("/actors?namespace=default", actor("chat", "c")).await;
    assert_eq!(created.status, 200, "{}", created.json());
}

#[tokio::test]
async fn a_token_may_come_in_the_header_of_clients() {
    let app = App::new().await;
    let send = |headers: Vec<(&'static str, String)>| {
        let app = &app;
        async move {
            let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
            app.send(Method::GET, "/namespaces", &headers, "").await.status.as_u16()
        }
    };

    assert_eq!(send(vec![("x-rivet-token", TOKEN.to_owned())]).await, 200);
    assert_eq!(send(vec![("x-rivet-token", "wrong".to_owned())]).await, 403);
    let basic = ("authorization", "Basic x".to_owned());
    assert_eq!(send(vec![basic, ("x-rivet-token", TOKEN.to_owned())]).await, 200);
}

#[tokio::test]
async fn keys_are_rotated_and_what_they_signed_stays_valid() {
    let app = App::new().await;
    let scoped = app.scoped(any_actor(&["list"])).await;

    let rotated = app.post("/auth/signing-keys", &json!({})).await.json();

    let key = &rotated["key"];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"))
    );
    assert_eq!(key["x"].as_str().unwrap().len(), 43);
    let keys = app.get("/auth/signing-keys").await.json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
    assert!(keys["keys"][0]["retire_ts"].is_u64());
    assert!(!keys.to_string().contains("seed"));
    assert_eq!(scoped.get("/actors?namespace=default&name=chat").await.status, 200);
}
