//! An app and clients that have other tokens than the admin's.

use rivet_conformance::{
    differences::chosen,
    engine::Engine,
    namespace::{Namespace, POOL},
    node::{self, App},
};
use serde_json::{Value, json};

async fn token(namespace: &Namespace<'_>, target: &str, body: &Value) -> String {
    let created = namespace.post(target, body).await.ok();
    created["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_app_with_a_secret_token_serves_clients_with_public_and_scoped_ones() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let secret = namespace.post("/auth/secret-tokens", &json!({})).await;
    if chosen("namespace-tokens", true, false) {
        assert_eq!(secret.verdict(), "404 api.not_found");
        return;
    }
    let secret = secret.ok()["token"].as_str().unwrap().to_owned();
    let port = namespace.engine().port();
    let endpoint = format!("http://{}:{secret}@127.0.0.1:{port}", namespace.name());
    let settings =
        [("RIVET_ENDPOINT", endpoint.as_str()), ("RIVET_POOL", POOL), ("RIVET_RUN_SERVICES", "0")];
    // On this host the app also asks for datacenters and registers its pool, with the same token.
    namespace.delete(&format!("/runner-configs/{POOL}")).await.ok();
    let mut app = App::start_anywhere(&settings);
    app.listed(&namespace).await;

    let public = token(&namespace, "/auth/public-tokens", &json!({})).await;
    let body = json!({"namespace": namespace.name(), "grants": [
        {"resource": "actor_gateway", "target": "any", "operations": ["create", "read"]}
    ]});
    let target = "/auth/tokens";
    let scoped = namespace.engine().api_with("POST", target, &body).await.ok();
    for token in [public.as_str(), scoped["token"].as_str().unwrap(), &secret] {
        for script in ["actions.mjs", "events.mjs", "requests.mjs"] {
            node::client_with(&namespace, token, script).await;
        }
    }
}
