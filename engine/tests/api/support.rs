//! The API of an engine on a temporary directory, called without sockets.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use camino::Utf8Path;
use camino_tempfile::Utf8TempDir;
use http_body_util::BodyExt;
use rivet_engine::{
    actor::Rules,
    actor_data::{ActorData, DataLimits},
    api::{Admin, Api},
    audit::AuditLog,
    auth::{Gate, TokenFile, TokenStore},
    backup::{Checkpoints, Tickets},
    clock::SystemClock,
    config::{
        AuditSettings, AuthSettings, CheckpointSettings, GatewaySettings, Secret,
        ServerlessSettings,
    },
    directory::{Datacenter, Directory, Limits},
    drain::{self, Drain},
    envoys::{ConnectionOf, EnvoyConnection, EnvoyId, Envoys, OutgoingQueue, Thresholds, Tunnels},
    gateway::{self, Gateway},
    lifecycle::{self, ActorTenancy, Lifecycle},
    outbound::Policy,
    serverless::{self, Serverless},
    storage::{Database, Durability, RocksStorage},
    telemetry::{Metrics, otel::Tracer},
    vitals::{self, Readiness, Vitals},
};
use serde_json::Value;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use tower::ServiceExt;

pub(crate) const TOKEN: &str = "rvt_0123456789abcdefghijklmnop";

/// On a busy machine everything takes longer; nothing takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct App {
    api: Api,
    /// Ends what runs beside the requests.
    _stop: DropGuard,
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
        Self::with_policy(Policy::default()).await
    }

    /// An engine that connects where `policy` allows.
    pub(crate) async fn with_policy(policy: Policy) -> Self {
        let settings = AuthSettings {
            admin_token: Some(Secret::new(TOKEN.to_owned())),
            ..AuthSettings::default()
        };
        Self::with(policy, &settings).await
    }

    /// An engine whose admin tokens are in a file.
    pub(crate) async fn with_token_file(path: &Utf8Path) -> Self {
        let settings = AuthSettings {
            admin_token_file: Some(path.as_std_path().to_owned()),
            ..AuthSettings::default()
        };
        Self::with(Policy::default(), &settings).await
    }

    async fn with(policy: Policy, auth: &AuthSettings) -> Self {
        let dir = camino_tempfile::tempdir().unwrap();
        let metrics = Arc::new(Metrics::new().unwrap());
        let clock = Arc::new(SystemClock);
        let storage = RocksStorage::open(
            dir.path().join("db").as_std_path(),
            Durability::Strict,
            metrics.clone(),
        )
        .unwrap();
        let (gate, token_file) = Gate::new(auth, clock.clone(), metrics.clone()).unwrap();
        let datacenter = Datacenter {
            label: 1,
            name: "default".to_owned(),
            public_url: "http://127.0.0.1:6420/".to_owned(),
        };
        let limits = Limits { actor_stop_threshold: 1_800_000, outbound: policy.clone() };
        let database = Database::new(storage);
        let directory = Directory::new(database.clone(), clock.clone(), datacenter.clone(), limits);
        let named = ("default".parse().unwrap(), "Default".parse().unwrap());
        directory.ensure_namespace(named.0, named.1).await.unwrap();
        let opened = TokenStore::open(database.clone(), clock.clone(), gate.clone(), 1).await;
        let tokens = opened.unwrap();
        let settings = AuditSettings::default();
        let opened = AuditLog::open(database.clone(), settings, clock.clone(), metrics.clone());
        let (audit, writer) = opened.await.unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(writer.run(stop.clone()));
        let (lifecycle, starts) = Lifecycle::new(lifecycle::Parts {
            data: ActorData::new(
                database.clone(),
                clock.clone(),
                DataLimits::default(),
                Arc::new(ActorTenancy),
            ),
            database: database.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            tracer: Tracer::off(),
            datacenter,
            rules: Rules::default(),
            envoys: Envoys::new(Thresholds { eligible: 10_000, lost: 15_000 }),
            tunnels: Tunnels::default(),
        });
        let serverless = Serverless::new(serverless::Parts {
            directory: directory.clone(),
            lifecycle: lifecycle.clone(),
            policy,
            settings: ServerlessSettings {
                default_poll_interval: Duration::from_secs(10),
                min_poll_interval: Duration::from_millis(100),
                successes_to_clear_error: 3,
            },
            tokens: tokens.clone(),
        })
        .unwrap();
        let (calling, until) = (serverless.clone(), stop.clone());
        tokio::spawn(async move { calling.run(starts, until).await });
        let gateway = Gateway::new(gateway::Parts {
            lifecycle: lifecycle.clone(),
            gate: gate.clone(),
            settings: GatewaySettings::default(),
            metrics: metrics.clone(),
            tasks: TaskTracker::new(),
            stop: stop.clone(),
            tracer: Tracer::off(),
        });
        let drain = drain::Parts::of(&lifecycle, &gateway, &stop, &TaskTracker::new());
        let admin = admin(dir.path(), &database, token_file, drain);
        let vitals = Vitals::new(vitals::Parts {
            readiness: Readiness::new(
                database.clone(),
                clock,
                stop.clone(),
                lifecycle.draining().clone(),
            ),
            lifecycle: lifecycle.clone(),
            database,
            metrics: metrics.clone(),
        });
        let max_request_body = 20 << 20;
        let api = Api {
            directory,
            lifecycle,
            serverless,
            gate,
            tokens,
            audit,
            admin,
            metrics,
            tracer: Tracer::off(),
            vitals,
            max_request_body,
        };
        let bearer = format!("Bearer {TOKEN}");
        Self { api, _stop: stop.drop_guard(), bearer, _dir: dir }
    }

    /// What is counted.
    pub(crate) fn counted(&self) -> &Metrics {
        &self.api.metrics
    }

    /// The life of the actors, for those who play the envoy.
    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        &self.api.lifecycle
    }

    /// Connects an envoy of a pool, as far as the API can see.
    pub(crate) async fn connect(
        &self,
        pool: &str,
        key: &str,
    ) -> (Arc<EnvoyConnection>, OutgoingQueue) {
        let namespace_id = self.lifecycle().namespace_id("default").await.unwrap();
        let (connection, outgoing) = EnvoyConnection::new(ConnectionOf {
            envoy: EnvoyId { namespace_id, key: key.into() },
            namespace: "default".into(),
            pool: pool.into(),
            version: 1,
            protocol_version: 8,
        });
        self.lifecycle().envoys().attach(&connection, self.lifecycle().now());
        self.lifecycle().envoy_connected(&connection).await.unwrap();
        (connection, outgoing)
    }

    /// Configures a pool whose processes connect by themselves.
    pub(crate) async fn configure(&self, pool: &str) {
        let body = serde_json::json!({"datacenters": {"default": {"normal": {}}}});
        let path = format!("/runner-configs/{pool}?namespace=default");
        assert_eq!(self.put(&path, &body).await.status, 200);
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

/// What operators do with an engine in `dir`.
fn admin(
    dir: &Utf8Path,
    database: &Database,
    token_file: Option<TokenFile>,
    drain: drain::Parts,
) -> Admin {
    let clock = Arc::new(SystemClock);
    Admin {
        database: database.clone(),
        checkpoints: Checkpoints::new(
            dir.join("db").as_std_path(),
            database.clone(),
            clock.clone(),
            CheckpointSettings::default(),
            drain.stop.clone(),
        ),
        tickets: Tickets::new(clock),
        compacting: Arc::default(),
        drain: Drain::new(drain),
        token_file,
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
    let answered = async {
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    };
    patient(&format!("an answer to {path}"), answered).await
}

/// What comes of something that does not take for ever.
pub(crate) async fn patient<T>(what: &str, something: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(PATIENCE, something).await;
    outcome.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
