//! An engine without ports, and an app that is a few lines of a test.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Request, StatusCode},
    response::Response,
};
use camino_tempfile::Utf8TempDir;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use rivet_engine::{
    actor::{Event, Rules, StopCode},
    actor_data::{ActorData, DataLimits},
    auth::Gate,
    clock::SystemClock,
    config::{AuthSettings, GatewaySettings, Secret},
    directory::{Datacenter, Directory, Limits},
    envoys::{ConnectionOf, EnvoyConnection, EnvoyId, Envoys, OutgoingQueue, Thresholds, Tunnels},
    gateway::{self, Gateway},
    keyspace::{
        Id,
        tables::{CrashPolicy, Eviction, RunnerConfigRow, RunnerKind},
    },
    lifecycle::{self, ActorTenancy, Lifecycle, NewActor, Phase},
    outbound::Policy,
    storage::{Database, Durability, RocksStorage},
    telemetry::{Metrics, otel::Tracer},
};
use rivet_envoy_protocol as protocol;
use rivet_envoy_protocol::{
    ToEnvoyTunnelMessageKind as ToEnvoy, ToRivetTunnelMessageKind as ToRivet,
};
use serde_json::Value;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vbare::OwnedVersionedData as _;

pub(crate) const TOKEN: &str = "rvt_0123456789abcdefghijklmnop";

/// On a busy machine everything takes longer; nothing takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

const POOL: &str = "pool";

/// An engine, as far as the gateway needs one.
pub(crate) struct Engine {
    pub(crate) gateway: Gateway,
    pub(crate) lifecycle: Lifecycle,
    _dir: Utf8TempDir,
}

/// The app behind the actors.
pub(crate) struct App {
    connection: Arc<EnvoyConnection>,
    outgoing: OutgoingQueue,
    lifecycle: Lifecycle,
    events: HashMap<(Id, u32), i64>,
    /// The sockets that the last start command named.
    pub(crate) hibernating: Vec<protocol::HibernatingRequest>,
}

/// A message for an actor.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) id: protocol::MessageId,
    pub(crate) kind: ToEnvoy,
}

/// A client's end of a socket.
pub(crate) type ClientSocket = tokio_tungstenite::WebSocketStream<tokio::io::DuplexStream>;

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) error: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Engine {
    pub(crate) async fn new() -> Self {
        Self::with(GatewaySettings { require_token: false, ..GatewaySettings::default() }).await
    }

    pub(crate) async fn with(settings: GatewaySettings) -> Self {
        Self::traced(settings, Tracer::off()).await
    }

    pub(crate) async fn traced(settings: GatewaySettings, tracer: Tracer) -> Self {
        let dir = camino_tempfile::tempdir().unwrap();
        let metrics = Arc::new(Metrics::new().unwrap());
        let clock = Arc::new(SystemClock);
        let path = dir.path().join("db");
        let storage =
            RocksStorage::open(path.as_std_path(), Durability::Relaxed, metrics.clone()).unwrap();
        let auth = AuthSettings {
            admin_token: Some(Secret::new(TOKEN.to_owned())),
            ..AuthSettings::default()
        };
        let (gate, _) = Gate::new(&auth, clock.clone(), metrics.clone()).unwrap();
        let datacenter = Datacenter {
            label: 1,
            name: "default".to_owned(),
            public_url: "http://127.0.0.1:6420/".to_owned(),
        };
        let limits = Limits { actor_stop_threshold: 1_800_000, outbound: Policy::default() };
        let database = Database::new(storage);
        let directory = Directory::new(database.clone(), clock.clone(), datacenter.clone(), limits);
        let named = ("default".parse().unwrap(), "Default".parse().unwrap());
        directory.ensure_namespace(named.0, named.1).await.unwrap();
        let config = RunnerConfigRow {
            kind: RunnerKind::Normal,
            drain_on_version_upgrade: false,
            eviction: Eviction { delay: 0, period: 0, rate: 1.0 },
            metadata: None,
        };
        let configs = [("default".to_owned(), config)].into();
        directory.put_runner_config("default".to_owned(), POOL.to_owned(), configs).await.unwrap();
        let data = ActorData::new(
            database.clone(),
            clock.clone(),
            DataLimits::default(),
            Arc::new(ActorTenancy),
        );
        let (lifecycle, _) = Lifecycle::new(lifecycle::Parts {
            data,
            database,
            clock,
            datacenter,
            rules: Rules::default(),
            envoys: Envoys::new(Thresholds { eligible: 10_000, lost: 15_000 }),
            tunnels: Tunnels::default(),
            metrics: metrics.clone(),
            tracer: tracer.clone(),
        });
        let gateway = Gateway::new(gateway::Parts {
            lifecycle: lifecycle.clone(),
            gate,
            settings,
            metrics,
            tracer,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        Self { gateway, lifecycle, _dir: dir }
    }

    /// An app that runs actors of the pool.
    pub(crate) async fn app(&self, key: &str) -> App {
        let lifecycle = self.lifecycle.clone();
        let namespace_id = lifecycle.namespace_id("default").await.unwrap();
        let (connection, outgoing) = EnvoyConnection::new(ConnectionOf {
            envoy: EnvoyId { namespace_id, key: key.into() },
            namespace: "default".into(),
            pool: POOL.into(),
            version: 1,
            protocol_version: 8,
        });
        lifecycle.envoys().attach(&connection, lifecycle.now());
        lifecycle.envoy_connected(&connection).await.unwrap();
        App { connection, outgoing, lifecycle, events: HashMap::new(), hibernating: vec![] }
    }

    pub(crate) async fn actor(&self) -> Id {
        let new = NewActor {
            namespace: "default".to_owned(),
            name: "counter".to_owned(),
            key: None,
            pool: POOL.to_owned(),
            input: None,
            crash_policy: CrashPolicy::Sleep,
            datacenter: None,
        };
        self.lifecycle.create(new).await.unwrap().id
    }

    /// Sends a request, and reads the answer to its end in a task of its own.
    pub(crate) fn send(&self, request: Request<Body>) -> tokio::task::JoinHandle<Answer> {
        let answer = self.answer(request);
        tokio::spawn(async move {
            let response = answer.await.unwrap();
            let (head, body) = response.into_parts();
            let error = head.headers.get("x-rivet-error").map(|text| text.to_str().unwrap());
            let error = error.unwrap_or_default().to_owned();
            let body = body.collect().await.map_or_else(
                |cut| format!("cut: {cut}"),
                |whole| String::from_utf8(whole.to_bytes().to_vec()).unwrap(),
            );
            Answer { status: head.status, error, body }
        })
    }

    /// Sends a request. Whoever drops the handle's response goes away as a client.
    pub(crate) fn answer(&self, request: Request<Body>) -> tokio::task::JoinHandle<Response> {
        let gateway = self.gateway.clone();
        let claim = gateway.claim(&request).expect("the request is the gateway's");
        tokio::spawn(async move { gateway.answer(claim, request).await })
    }

    /// Opens a socket to an actor, over a connection that is a pipe.
    pub(crate) async fn socket(&self, actor_id: Id) -> ClientSocket {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let gateway = self.gateway.clone();
        let service = hyper::service::service_fn(move |request: Request<_>| {
            let gateway = gateway.clone();
            async move {
                let request = request.map(Body::new);
                let claim = gateway.claim(&request).expect("the request is the gateway's");
                Ok::<_, Infallible>(gateway.answer(claim, request).await)
            }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(theirs), service)
            .with_upgrades();
        tokio::spawn(served);
        let url = format!("ws://engine/gateway/{actor_id}/websocket");
        let (socket, _) = patient(tokio_tungstenite::client_async(url, ours)).await.unwrap();
        socket
    }

    /// Waits until the actor is in a phase.
    pub(crate) async fn awaits(&self, actor_id: Id, phase: Phase) {
        let mut view = self.lifecycle.observe(actor_id).await.unwrap();
        patient(view.wait_for(|view| view.phase == phase)).await.unwrap();
    }
}

impl App {
    /// The next message for an actor. Actors start and stop as they are told meanwhile.
    pub(crate) async fn asked(&mut self) -> Asked {
        loop {
            let outgoing = patient(self.outgoing.recv()).await.expect("the app is connected");
            if let Some(asked) = self.take(&outgoing.frame).await {
                return asked;
            }
        }
    }

    /// Takes a message in, and obeys where it is a command.
    async fn take(&mut self, frame: &[u8]) -> Option<Asked> {
        match protocol::versioned::ToEnvoy::deserialize(frame, 8).unwrap() {
            protocol::ToEnvoy::ToEnvoyTunnelMessage(message) => {
                Some(Asked { id: message.message_id, kind: message.message_kind })
            }
            protocol::ToEnvoy::ToEnvoyCommands(commands) => {
                for command in commands {
                    self.obey(command).await;
                }
                None
            }
            _ => None,
        }
    }

    /// Carries commands out until the actor is in a phase.
    pub(crate) async fn until(&mut self, actor_id: Id, phase: Phase) {
        let mut view = self.lifecycle.observe(actor_id).await.unwrap();
        while view.borrow_and_update().phase != phase {
            // Only waiting is given up: an app that obeys does so to the end.
            let outgoing = tokio::select! {
                changed = view.changed() => {
                    changed.unwrap();
                    continue;
                }
                outgoing = patient(self.outgoing.recv()) => outgoing.expect("the app is connected"),
            };
            if let Some(asked) = self.take(&outgoing.frame).await {
                panic!("unexpected: {asked:?}");
            }
        }
    }

    async fn obey(&mut self, command: protocol::CommandWrapper) {
        let protocol::CommandWrapper { checkpoint, inner } = command;
        let id: Id = checkpoint.actor_id.parse().unwrap();
        let generation = checkpoint.generation;
        match inner {
            protocol::Command::CommandStartActor(start) => {
                for socket in &start.hibernating_requests {
                    let id = protocol::MessageId {
                        gateway_id: socket.gateway_id,
                        request_id: socket.request_id,
                        message_index: 0,
                    };
                    self.say(&id, opened(true));
                }
                self.hibernating = start.hibernating_requests;
                let index = self.next_event(id, generation);
                self.report(id, Event::Running { generation, index }).await;
            }
            protocol::Command::CommandStopActor(_) => {
                self.stopped(id, generation, StopCode::Ok).await;
            }
        }
    }

    /// Says that a generation is over.
    pub(crate) async fn stopped(&mut self, id: Id, generation: u32, code: StopCode) {
        let index = self.next_event(id, generation);
        self.report(id, Event::Stopped { generation, index, code, message: None }).await;
    }

    /// Says that an actor wants to sleep.
    pub(crate) async fn tired(&mut self, id: Id, generation: u32) {
        let index = self.next_event(id, generation);
        self.report(id, Event::SleepIntent { generation, index }).await;
    }

    /// Sets the time at which an actor is to be woken.
    pub(crate) async fn alarm(&mut self, id: Id, generation: u32, alarm_ts: i64) {
        let index = self.next_event(id, generation);
        let alarm_ts = Some(alarm_ts);
        self.report(id, Event::SetAlarm { generation, index, alarm_ts }).await;
    }

    /// Answers a message.
    pub(crate) fn say(&self, id: &protocol::MessageId, kind: ToRivet) {
        let message = protocol::ToRivetTunnelMessage { message_id: id.clone(), message_kind: kind };
        self.lifecycle.tunnels().deliver(self.connection.envoy().namespace_id, message);
    }

    /// Says the same as an app of another namespace would that has guessed the id.
    pub(crate) fn say_from_elsewhere(&self, id: &protocol::MessageId, kind: ToRivet) {
        let message = protocol::ToRivetTunnelMessage { message_id: id.clone(), message_kind: kind };
        self.lifecycle.tunnels().deliver(Id::random(1), message);
    }

    /// Loses the connection.
    pub(crate) fn disconnect(self) {
        self.connection.close(None);
        self.lifecycle.envoys().detach(&self.connection, self.lifecycle.now());
    }

    async fn report(&self, id: Id, event: Event) {
        self.lifecycle.apply_from(self.connection.envoy(), id, event).await.unwrap();
    }

    fn next_event(&mut self, id: Id, generation: u32) -> i64 {
        let next = self.events.entry((id, generation)).or_insert(-1);
        *next += 1;
        *next
    }
}

/// What comes of a future that is not going to take for ever.
pub(crate) async fn patient<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes too long")
}

pub(crate) fn request(method: &str, actor_id: Id, body: impl Into<Body>) -> Request<Body> {
    let uri = format!("/gateway/{actor_id}/request/x?y=%20");
    Request::builder().method(method).uri(uri).body(body.into()).unwrap()
}

pub(crate) fn whole(body: &str) -> ToRivet {
    started(200, Some(body), false)
}

pub(crate) fn started(status: u16, body: Option<&str>, stream: bool) -> ToRivet {
    ToRivet::ToRivetResponseStart(protocol::ToRivetResponseStart {
        status,
        headers: HashMap::new(),
        body: body.map(|body| body.as_bytes().to_vec()),
        stream,
    })
}

pub(crate) fn chunk(body: &[u8], finish: bool) -> ToRivet {
    ToRivet::ToRivetResponseChunk(protocol::ToRivetResponseChunk { body: body.to_vec(), finish })
}

pub(crate) fn aborted(kind: protocol::HttpStreamAbortReasonKind) -> ToRivet {
    let reason = protocol::HttpStreamAbortReason { kind, detail: None };
    ToRivet::ToRivetResponseAbort(protocol::ToRivetResponseAbort { reason })
}

pub(crate) fn opened(can_hibernate: bool) -> ToRivet {
    ToRivet::ToRivetWebSocketOpen(protocol::ToRivetWebSocketOpen { can_hibernate })
}
