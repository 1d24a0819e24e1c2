//! A namespace for one test alone, so that tests share an engine and run side by side.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::{
    engine::Engine,
    envoy::{Envoy, Options},
    http::{Request, Response},
    wait::eventually,
};

/// A namespace with one pool of the kind that apps register themselves.
#[derive(Debug, Clone)]
pub struct Namespace<'e> {
    engine: &'e Engine,
    name: String,
}

/// The pool that every namespace here has.
pub const POOL: &str = "default";

impl<'e> Namespace<'e> {
    /// A new namespace.
    pub async fn new(engine: &'e Engine) -> Self {
        let name = unique("test");
        let body = json!({"name": name, "display_name": name});
        engine.api_with("POST", "/namespaces", &body).await.ok();
        let namespace = Self { engine, name };
        namespace.pool(POOL).await;
        namespace
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its engine.
    pub fn engine(&self) -> &'e Engine {
        self.engine
    }

    /// One more pool.
    pub async fn pool(&self, pool: &str) {
        let body =
            json!({"datacenters": {"default": {"normal": {}, "drain_on_version_upgrade": true}}});
        self.put(&format!("/runner-configs/{pool}"), &body).await.ok();
    }

    /// A connected envoy of its pool that does what an app would do.
    pub async fn envoy(&self) -> Envoy {
        self.envoy_with(Options::default()).await
    }

    /// A connected envoy that does what the test says.
    pub async fn envoy_with(&self, options: Options) -> Envoy {
        let pool = options.pool.clone();
        let envoy = Envoy::connect(self.engine.port(), &self.name, options).await;
        envoy.initialized().await;
        // Upstream's engine says Init first, and takes the pool for one of the old kind until it has
        // noted the protocol.
        eventually("the pool's protocol is known", || async {
            let found = self.get(&format!("/runner-configs?runner_name={pool}")).await.ok();
            let config = &found["runner_configs"][&pool]["datacenters"]["default"];
            config["protocol_version"].is_i64().then_some(())
        })
        .await;
        envoy
    }

    /// Has had an envoy, and has none any more.
    pub async fn deserted(&self) {
        self.envoy().await.crash();
        eventually("the envoy is gone", || async {
            let found = self.get("/envoys").await.ok();
            found["envoys"].as_array().unwrap().is_empty().then_some(())
        })
        .await;
    }

    /// An actor without a key, in the pool.
    pub async fn actor(&self) -> String {
        let body = json!({"name": "thing", "runner_name_selector": POOL, "crash_policy": "sleep"});
        let answer = self.post("/actors", &body).await.ok();
        answer["actor"]["actor_id"].as_str().unwrap().to_owned()
    }

    /// An actor that this envoy has started, and that is connectable.
    pub async fn running_actor(&self, envoy: &Envoy) -> String {
        let actor = self.actor().await;
        envoy.start_of(&actor, 1).await;
        self.connectable(&actor).await;
        actor
    }

    /// What the API says of an actor.
    pub async fn describe(&self, actor: &str) -> Value {
        let found = self.get(&format!("/actors?actor_id={actor}")).await.ok();
        found["actors"][0].clone()
    }

    /// Waits until the API says this of an actor.
    pub async fn until(&self, actor: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || async {
            let described = self.describe(actor).await;
            holds(&described).then_some(described)
        })
        .await
    }

    /// Waits until an actor can be connected to.
    pub async fn connectable(&self, actor: &str) -> Value {
        self.until(actor, "the actor is connectable", |actor| actor["connectable_ts"].is_i64())
            .await
    }

    /// Waits until an actor sleeps.
    pub async fn asleep(&self, actor: &str) -> Value {
        self.until(actor, "the actor sleeps", |actor| {
            actor["sleep_ts"].is_i64() && actor["connectable_ts"].is_null()
        })
        .await
    }

    /// Waits until no envoy runs an actor. Upstream says that an actor sleeps while it still stops.
    pub async fn idle(&self) {
        eventually("no envoy runs an actor", || async {
            let found = self.get("/envoys").await.ok();
            let envoys = found["envoys"].as_array().unwrap();
            envoys.iter().all(|envoy| envoy["slots"] == 0).then_some(())
        })
        .await;
    }

    /// Waits until an actor is destroyed.
    pub async fn destroyed(&self, actor: &str) -> Value {
        self.until(actor, "the actor is destroyed", |actor| actor["destroy_ts"].is_i64()).await
    }

    /// `GET` of the API, in this namespace.
    pub async fn get(&self, target: &str) -> Response {
        self.engine.api("GET", self.within(target)).await
    }

    /// `DELETE` of the API, in this namespace.
    pub async fn delete(&self, target: &str) -> Response {
        self.engine.api("DELETE", self.within(target)).await
    }

    /// `POST` of the API, in this namespace.
    pub async fn post(&self, target: &str, body: &Value) -> Response {
        self.engine.api_with("POST", self.within(target), body).await
    }

    /// `PUT` of the API, in this namespace.
    pub async fn put(&self, target: &str, body: &Value) -> Response {
        self.engine.api_with("PUT", self.within(target), body).await
    }

    /// A request to an actor through the gateway.
    pub async fn call(&self, actor: &str, path: &str) -> Response {
        self.engine.send(gateway("GET", actor, path)).await
    }

    fn within(&self, target: &str) -> String {
        let separator = if target.contains('?') { '&' } else { '?' };
        format!("{target}{separator}namespace={}", self.name)
    }
}

/// A request to an actor by its id, with a token as a client sends it.
pub fn gateway(method: &str, actor: &str, path: &str) -> Request {
    Request::new(method, format!("/gateway/{actor}{path}"))
        .header("x-rivet-token", crate::engine::TOKEN)
}

/// A name that no other test of this run or of another has.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}", std::process::id())
}
