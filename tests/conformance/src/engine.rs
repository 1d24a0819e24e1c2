//! An engine process on ports and data of its own.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::{
    home::Home,
    http::{Request, Response},
    ports, program,
    supervisor::Supervised,
    wait::eventually,
};

/// The admin token of every engine here.
pub const TOKEN: &str = "conformance-admin-token";

/// What is set for every engine: the timings that rivetkit gives to the engine that it starts itself,
/// which are upstream's shortest, and nothing that leaves the machine.
const COMMON: &[(&str, &str)] = &[
    ("PEGBOARD__BASE_RETRY_TIMEOUT", "100"),
    ("PEGBOARD__RETRY_RESET_DURATION", "100"),
    ("PEGBOARD__RESCHEDULE_BACKOFF_MAX_EXPONENT", "1"),
    ("PEGBOARD__SERVERLESS_BASE_RETRY_TIMEOUT", "100"),
    ("PEGBOARD__SERVERLESS_RETRY_RESET_DURATION", "100"),
    ("PEGBOARD__SERVERLESS_BACKOFF_MAX_EXPONENT", "1"),
    ("PEGBOARD__ENVOY_ELIGIBLE_THRESHOLD", "5000"),
    ("PEGBOARD__ENVOY_LOST_THRESHOLD", "7000"),
    ("PEGBOARD__MIN_METADATA_POLL_INTERVAL", "1000"),
    ("RUNTIME__WORKER_SHUTDOWN_DURATION", "1"),
    ("RUNTIME__GUARD_SHUTDOWN_DURATION", "1"),
    ("RUNTIME__FORCE_SHUTDOWN_DURATION", "2"),
    // Upstream's engine refuses work on a busy machine otherwise.
    ("RUNTIME__WORKER_CPU_MAX", "1000000"),
    ("TELEMETRY__ENABLED", "false"),
];

/// Bodies stream in both directions, as in every engine that rivetkit starts itself.
const STREAMING: &[(&str, &str)] = &[
    ("FEATURES__GUARD_GATEWAY_V3__MODE", "on"),
    ("FEATURES__GUARD_GATEWAY_V3__PERCENTAGE", "100"),
];

/// Every limit on time that a test can wait for is short.
const HASTY: &[(&str, &str)] = &[
    ("PEGBOARD__ACTOR_START_THRESHOLD", "3000"),
    ("PEGBOARD__ACTOR_STOP_THRESHOLD", "3000"),
    ("PEGBOARD__ENVOY_PING_TIMEOUT", "5000"),
    ("PEGBOARD__ENVOY_UPDATE_PING_INTERVAL", "1000"),
    ("PEGBOARD__GATEWAY_WEBSOCKET_OPEN_TIMEOUT_MS", "2000"),
    ("PEGBOARD__GATEWAY_RESPONSE_START_TIMEOUT_MS", "2000"),
    ("PEGBOARD__GATEWAY_RESPONSE_CHUNK_IDLE_TIMEOUT_MS", "2000"),
    ("PEGBOARD__GATEWAY_HWS_MESSAGE_ACK_TIMEOUT_MS", "3000"),
    ("GUARD__ACTOR_READY_TIMEOUT_MS", "3000"),
    ("GUARD__PROXY_RETRY_MAX_ATTEMPTS", "2"),
];

/// An engine.
#[derive(Debug)]
pub struct Engine {
    home: Home,
    port: u16,
    peer_port: u16,
    metrics_port: u16,
    settings: Vec<(String, String)>,
    process: Mutex<Option<Supervised>>,
}

impl Engine {
    /// The engine that tests share. They keep apart by having a namespace each.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Engine> = OnceCell::const_new();
        SHARED.get_or_init(Self::fresh).await
    }

    /// The shared engine that buffers bodies, which is upstream's default.
    pub async fn buffering() -> &'static Self {
        static BUFFERING: OnceCell<Engine> = OnceCell::const_new();
        BUFFERING.get_or_init(|| Self::start(&[])).await
    }

    /// The shared engine whose limits on time are short.
    pub async fn hasty() -> &'static Self {
        static HASTY_ONE: OnceCell<Engine> = OnceCell::const_new();
        let start = || async { Self::start(&[STREAMING, HASTY].concat()).await };
        HASTY_ONE.get_or_init(start).await
    }

    /// An engine for one test that restarts it.
    pub async fn fresh() -> Self {
        Self::start(STREAMING).await
    }

    /// An engine with more settings than the common ones: the part of the environment variable's name
    /// behind `RIVET__`, and its value.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let engine = Self::prepare(settings);
        engine.resume().await;
        engine
    }

    /// Everything but the process.
    fn prepare(settings: &[(&str, &str)]) -> Self {
        let (port, peer_port, metrics_port) = (ports::free(), ports::free(), ports::free());
        let home = Home::new();
        let mut all: Vec<(String, String)> = COMMON
            .iter()
            .chain(settings)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        for (name, port) in [("GUARD", port), ("API_PEER", peer_port), ("METRICS", metrics_port)] {
            all.push((format!("{name}__HOST"), "127.0.0.1".to_owned()));
            all.push((format!("{name}__PORT"), port.to_string()));
        }
        all.push(("AUTH__ADMIN_TOKEN".to_owned(), TOKEN.to_owned()));
        let data = home.path().join("data").display().to_string();
        all.push(("FILE_SYSTEM__PATH".to_owned(), data));
        let topology = json!({"topology": {"datacenter_label": 1, "datacenters": {"default": {
            "datacenter_label": 1,
            "is_leader": true,
            "public_url": format!("http://127.0.0.1:{port}"),
            "peer_url": format!("http://127.0.0.1:{peer_port}"),
        }}}});
        fs::write(home.path().join("engine.json"), topology.to_string()).unwrap();
        Self { home, port, peer_port, metrics_port, settings: all, process: Mutex::new(None) }
    }

    /// An engine whose data is on a disk of so many MiB. Needs root.
    pub async fn on_a_small_disk(mebibytes: u32, settings: &[(&str, &str)]) -> Self {
        let engine = Self::prepare(settings);
        let data = engine.data();
        fs::create_dir_all(&data).unwrap();
        let size = format!("size={mebibytes}m,mode=700");
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&data).status();
        assert!(mounted.unwrap().success(), "a disk cannot be mounted: run this as root");
        engine.resume().await;
        engine
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Starts the process, again after [`Self::kill`] or [`Self::terminate`], and waits until it serves.
    /// Says how long that took, from the start of the program to the first good answer.
    pub async fn resume(&self) -> Duration {
        let mut command = Command::new(program::engine());
        command.arg("--config").arg(self.home.path().join("engine.json")).arg("start");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.home.path()).env("RUST_LOG", "warn");
        command.envs(self.settings.iter().map(|(name, value)| (format!("RIVET__{name}"), value)));
        let start = Instant::now();
        *self.process() = Some(Supervised::start(&command, &self.home.path().join("engine.log")));
        eventually("the engine answers /health", || async {
            if let Some(code) = self.process().as_mut().and_then(Supervised::ended) {
                panic!("the engine ended with {code}:\n{}", self.log());
            }
            let answer = Request::get("/health").open(self.port).await;
            answer.is_ok_and(|answer| answer.status == 200).then_some(())
        })
        .await;
        start.elapsed()
    }

    /// Ends the process as a crash would.
    pub fn kill(&self) {
        self.process().take().unwrap().kill();
    }

    /// Asks the process to end, and waits until it has.
    pub async fn terminate(&self) -> i32 {
        let mut process = self.process().take().unwrap();
        process.terminate().await
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request) -> Response {
        request.send(self.port).await
    }

    /// Sends a request of the API with the admin token.
    pub async fn api(&self, method: &str, target: impl Into<String>) -> Response {
        self.send(Request::new(method, target).bearer(TOKEN)).await
    }

    /// The same with a JSON body.
    pub async fn api_with(
        &self,
        method: &str,
        target: impl Into<String>,
        body: &Value,
    ) -> Response {
        self.send(Request::new(method, target).bearer(TOKEN).json(body)).await
    }

    /// Where it serves everything.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it serves its peers, and probes.
    pub fn peer_port(&self) -> u16 {
        self.peer_port
    }

    /// Where it serves metrics.
    pub fn metrics_port(&self) -> u16 {
        self.metrics_port
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.process().as_ref().unwrap().pid()
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("engine.log")).unwrap_or_default()
    }

    fn process(&self) -> MutexGuard<'_, Option<Supervised>> {
        self.process.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
