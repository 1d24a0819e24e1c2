//! The API of an engine on a temporary directory, called without sockets.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use camino_tempfile::Utf8TempDir;
use http_body_util::BodyExt;
use rivet_engine::{
    api::Api,
    auth::Gate,
    clock::SystemClock,
    config::{AuthSettings, GatewayAccess, Secret},
    directory::{Datacenter, Directory, Limits},
    outbound::Policy,
    storage::{Database, Durability, RocksStorage},
    telemetry::Metrics,
};
use serde_json::Value;
use tower::ServiceExt;

pub(crate) const TOKEN: &str = "rvt_0123456789abcdefghijklmnop";

pub(crate) struct App {
    api: Api,
    pub(crate) bearer: String,
    _dir: Utf8TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn reason(&self) -> String {
        let json = self.json();
        assert_eq!(
            json["message"],
            format!("Request is invalid: {}", json["metadata"]["reason"].as_str().unwrap())
        );
        json["metadata"]["reason"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl App {
    pub(crate) async fn new() -> Self {
        let dir = camino_tempfile::tempdir().unwrap();
        let metrics = Arc::new(Metrics::new().unwrap());
        let clock = Arc::new(SystemClock);
        let storage = RocksStorage::open(
            dir.path().join("db").as_std_path(),
            Durability::Strict,
            metrics.clone(),
        )
        .unwrap();
        let settings = AuthSettings {
            admin_token: Some(Secret::new(TOKEN.to_owned())),
            admin_token_file: None,
            gateway: GatewayAccess::Token,
        };
        let (gate, _) = Gate::new(&settings, clock.clone(), metrics.clone()).unwrap();
        let datacenter = Datacenter {
            label: 1,
            name: "default".to_owned(),
            public_url: "http://127.0.0.1:6420/".to_owned(),
        };
        let limits = Limits { actor_stop_threshold: 1_800_000, outbound: Policy::default() };
        let directory = Directory::new(Database::new(storage), clock, datacenter, limits);
        let named = ("default".parse().unwrap(), "Default".parse().unwrap());
        directory.ensure_namespace(named.0, named.1).await.unwrap();
        let api = Api { directory, gate, metrics, max_request_body: 20 << 20 };
        Self { api, bearer: format!("Bearer {TOKEN}"), _dir: dir }
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        call(self.api.public_router(), method, path, headers, body).await
    }

    pub(crate) async fn as_stranger(&self, method: Method, path: &str) -> Answer {
        self.send(method, path, &[], "").await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[("authorization", &self.bearer)], "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[("authorization", &self.bearer)], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.with_body(Method::POST, path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.with_body(Method::PUT, path, body).await
    }

    pub(crate) async fn at_peer(&self, path: &str) -> Answer {
        call(self.api.peer_router(), Method::GET, path, &[], "").await
    }

    pub(crate) async fn metrics(&self, path: &str) -> String {
        let answer = call(self.api.metrics_router(), Method::POST, path, &[], "").await;
        String::from_utf8(answer.body).unwrap()
    }

    async fn with_body(&self, method: Method, path: &str, body: &Value) -> Answer {
        let headers =
            [("authorization", self.bearer.as_str()), ("content-type", "application/json")];
        self.send(method, path, &headers, &body.to_string()).await
    }
}

async fn call(
    router: Router,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}
