//! The process: starts in order, serves, and stops without losing what it had begun.
//!
//! Start: ports, then the data directory, then the `default` namespace, then requests. So a port
//! that is taken or a directory that is in use leaves nothing half done.

mod addressed;
mod connections;
mod exporting;
mod files;
mod front;
mod listener;
mod observer;
mod paced;
mod ports;
mod signals;

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::listener::BindError;
use self::{
    exporting::Exporting,
    front::Front,
    observer::Observer,
    paced::Pacing,
    ports::{Ports, Served},
};
use crate::{
    actor_data::{ActorData, DataLimits},
    api::{Admin, Api},
    audit::{AuditLog, AuditWriter},
    auth::{AuthError, Gate, TokenFile, TokenStore, TokenStoreError},
    backup::{Checkpoints, Tickets},
    clock::{SharedClock, SystemClock},
    config::{Listen, Settings},
    directory::{Directory, DirectoryError, DisplayName, InvalidNamespace, Limits, NamespaceName},
    drain::{self, Drain},
    envoys::{Envoys, Thresholds, Tunnels},
    gateway::{self, Gateway},
    lifecycle::{ActorTenancy, Lifecycle, LifecycleError, Parts, ServerlessStart},
    serverless::{self, ClientError, Serverless},
    session::{SessionSettings, Sessions},
    storage::{Database, OpenError, RocksStorage, StorageError},
    telemetry::{
        Metrics,
        otel::{self, Tracer},
    },
    vitals::{self, Readiness, Vitals},
};

/// Why the engine did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The tokens cannot be used.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// A port cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The data directory cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The `default` namespace could not be created.
    #[error("the default namespace could not be created")]
    Bootstrap(#[source] DirectoryError),
    /// What was stored of the actors could not be read.
    #[error("the actors could not be read from the data directory")]
    Restore(#[source] LifecycleError),
    /// What was stored of tokens could not be read.
    #[error("the tokens could not be read from the data directory")]
    Tokens(#[source] TokenStoreError),
    /// The audit log could not be read.
    #[error("the audit log could not be read from the data directory")]
    Audit(#[source] StorageError),
    /// The metrics contradict each other.
    #[error("the metrics could not be set up: please report this")]
    Metrics(#[source] prometheus::Error),
    /// The client for serverless pools cannot be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The system does not deliver signals.
    #[error("signals cannot be received")]
    Signals(#[source] std::io::Error),
    /// A write to the disk failed while the engine ran.
    #[error(
        "a write to the data directory failed: nothing was acknowledged after it; \
         check the disk, then start the engine again"
    )]
    StorageFailed,
    /// It was asked twice.
    #[error(
        "stopped at once: requests that were still running are lost, acknowledged writes are not"
    )]
    AtOnce,
}

/// Runs the engine until it is asked to stop.
pub async fn run(settings: Settings) -> Result<(), ServerError> {
    let metrics = Arc::new(Metrics::new().map_err(ServerError::Metrics)?);
    let clock: SharedClock = Arc::new(SystemClock);
    let (gate, token_file) = Gate::new(&settings.auth, Arc::clone(&clock), Arc::clone(&metrics))?;
    if settings.auth.is_open() {
        tracing::warn!("everybody who reaches the API is let in: no admin token is configured");
    }
    let ports = Ports::bind(&settings)?;

    let (stop, failed) = (CancellationToken::new(), CancellationToken::new());
    let observer = Observer { metrics: Arc::clone(&metrics), failed: failed.clone() };
    let storage = RocksStorage::open(&settings.data_dir, settings.storage, Arc::new(observer))?;
    let limits = Limits {
        actor_stop_threshold: settings.actors.stop_threshold,
        outbound: settings.outbound.clone(),
    };
    let database = Database::new(storage);
    let directory =
        Directory::new(database.clone(), Arc::clone(&clock), settings.datacenter.clone(), limits);
    bootstrap(&directory).await?;
    let (tokens, (audit, audit_writer)) =
        records(&settings, &database, &clock, &gate, &metrics).await?;
    let (tracer, exporter) = otel::set_up(&settings.otel, &metrics);
    let (lifecycle, starts) =
        lifecycle(&settings, database.clone(), Arc::clone(&clock), &metrics, &tracer);
    lifecycle.restore().await.map_err(ServerError::Restore)?;

    let tasks = TaskTracker::new();
    tasks.spawn({
        let (lifecycle, stop) = (lifecycle.clone(), stop.clone());
        async move { lifecycle.run(stop).await }
    });
    let serverless = Serverless::new(serverless::Parts {
        directory: directory.clone(),
        lifecycle: lifecycle.clone(),
        policy: settings.outbound.clone(),
        settings: settings.serverless,
        tokens: tokens.clone(),
    })?;
    tasks.spawn({
        let (serverless, stop) = (serverless.clone(), stop.clone());
        async move { serverless.run(starts, stop).await }
    });
    // Running requests need their envoys, and are written down, until they are done.
    let (end_sessions, end_audit) = (CancellationToken::new(), CancellationToken::new());
    tasks.spawn(audit_writer.run(end_audit.clone()));
    let sessions = Sessions::new(
        lifecycle.clone(),
        gate.clone(),
        sessions(&settings),
        Arc::clone(&metrics),
        end_sessions.clone(),
    );
    let gateway = gateway(&settings, &lifecycle, &gate, (&metrics, &tracer), &stop);
    let at_once = listen_to_signals(&tasks, &stop, token_file.clone())?;
    let drain = drain::Parts::of(&lifecycle, &gateway, &stop, &tasks);
    let admin = admin(&settings, &database, &clock, token_file, drain);
    tasks.spawn(admin.checkpoints.clone().run());
    let api = Api {
        vitals: vitals(&lifecycle, database.clone(), clock, &metrics, &stop),
        directory,
        lifecycle,
        serverless,
        gate,
        tokens,
        audit,
        admin,
        metrics,
        tracer,
        max_request_body: settings.max_request_body,
    };
    let exporting = Exporting::begin(exporter, &api.vitals);
    let front = Front {
        sessions: sessions.clone(),
        gateway: gateway.clone(),
        router: api.public_router(),
        pacing: Pacing {
            timeout: settings.connections.body_timeout,
            metrics: Arc::clone(&api.metrics),
        },
    };
    let served = Served::begin(&api, ports, front, &stop, &settings);
    drop(api);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), data_dir = %settings.data_dir.display(), "ready");

    tokio::select! {
        () = stop.cancelled() => {}
        () = failed.cancelled() => stop.cancel(),
    }
    let running = Running { served, gateway, sessions, end_sessions, end_audit, tasks, exporting };
    tokio::select! {
        () = running.finish(settings.shutdown_deadline) => {}
        () = at_once.cancelled() => return Err(ServerError::AtOnce),
    }
    database.end_maintenance();
    if failed.is_cancelled() {
        return Err(ServerError::StorageFailed);
    }
    tracing::info!("stopped");
    Ok(())
}

/// What has to end before the process does.
struct Running {
    served: Served,
    gateway: Gateway,
    sessions: Sessions,
    end_sessions: CancellationToken,
    end_audit: CancellationToken,
    tasks: TaskTracker,
    exporting: Exporting,
}

impl Running {
    /// Ends everything in its order; requests have until `deadline`. Those who watch see the engine
    /// until its last request is done.
    async fn finish(self, deadline: Duration) {
        let Served { requests, watchers } = self.served;
        requests.finish(deadline).await;
        self.gateway.finish().await;
        self.end_sessions.cancel();
        self.sessions.finish().await;
        watchers.finish().await;
        self.end_audit.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        // Last, because it tells what everything else did.
        self.exporting.finish().await;
    }
}

/// The way to the actors of `lifecycle`.
fn gateway(
    settings: &Settings,
    lifecycle: &Lifecycle,
    gate: &Gate,
    (metrics, tracer): (&Arc<Metrics>, &Tracer),
    stop: &CancellationToken,
) -> Gateway {
    Gateway::new(gateway::Parts {
        lifecycle: lifecycle.clone(),
        gate: gate.clone(),
        settings: settings.gateway.clone(),
        metrics: Arc::clone(metrics),
        tracer: tracer.clone(),
        tasks: TaskTracker::new(),
        stop: stop.clone(),
    })
}

/// How the engine is, until it stops.
fn vitals(
    lifecycle: &Lifecycle,
    database: Database,
    clock: SharedClock,
    metrics: &Arc<Metrics>,
    stop: &CancellationToken,
) -> Vitals {
    Vitals::new(vitals::Parts {
        readiness: Readiness::new(
            database.clone(),
            clock,
            stop.clone(),
            lifecycle.draining().clone(),
        ),
        lifecycle: lifecycle.clone(),
        database,
        metrics: Arc::clone(metrics),
    })
}

/// Stops when the system says so, and keeps the tokens of the file up to date. What is returned is
/// cancelled when it says so a second time.
fn listen_to_signals(
    tasks: &TaskTracker,
    stop: &CancellationToken,
    token_file: Option<TokenFile>,
) -> Result<CancellationToken, ServerError> {
    let at_once = CancellationToken::new();
    let signals = signals::Signals::listen(stop.clone(), at_once.clone());
    let signals = signals.map_err(ServerError::Signals)?;
    let reload = signals.reload();
    // Nobody waits for it: there may always be another signal.
    tokio::spawn(signals.run());
    if let Some(file) = token_file {
        let stop = stop.clone();
        tasks.spawn(async move { file.watch(stop, &reload).await });
    }
    Ok(at_once)
}

/// What is stored about access: the tokens, known to `gate` from here on, and the audit log.
async fn records(
    settings: &Settings,
    database: &Database,
    clock: &SharedClock,
    gate: &Gate,
    metrics: &Arc<Metrics>,
) -> Result<(TokenStore, (AuditLog, AuditWriter)), ServerError> {
    let label = settings.datacenter.label;
    let tokens =
        TokenStore::open(database.for_upkeep(), Arc::clone(clock), gate.clone(), label).await;
    let (clock, metrics) = (Arc::clone(clock), Arc::clone(metrics));
    let audit = AuditLog::open(database.for_upkeep(), settings.audit, clock, metrics).await;
    Ok((tokens.map_err(ServerError::Tokens)?, audit.map_err(ServerError::Audit)?))
}

/// What operators do with `database`, and with what `drain` empties.
fn admin(
    settings: &Settings,
    database: &Database,
    clock: &SharedClock,
    token_file: Option<TokenFile>,
    drain: drain::Parts,
) -> Admin {
    Admin {
        database: database.clone(),
        checkpoints: Checkpoints::new(
            &settings.data_dir,
            database.clone(),
            Arc::clone(clock),
            settings.checkpoints,
            drain.stop.clone(),
        ),
        tickets: Tickets::new(Arc::clone(clock)),
        compacting: Arc::default(),
        drain: Drain::new(drain),
        token_file,
    }
}

/// The life of the actors in `database`.
fn lifecycle(
    settings: &Settings,
    database: Database,
    clock: SharedClock,
    metrics: &Arc<Metrics>,
    tracer: &Tracer,
) -> (Lifecycle, mpsc::UnboundedReceiver<ServerlessStart>) {
    let envoys = Envoys::new(Thresholds {
        eligible: settings.envoys.eligible_threshold,
        lost: settings.envoys.lost_threshold,
    });
    let data = ActorData::new(
        database.clone(),
        Arc::clone(&clock),
        DataLimits { sqlite_bytes: settings.max_database_size, kv_bytes: settings.max_kv_size },
        Arc::new(ActorTenancy),
    );
    Lifecycle::new(Parts {
        database,
        clock,
        datacenter: settings.datacenter.clone(),
        rules: settings.actors,
        envoys,
        tunnels: Tunnels::default(),
        data,
        metrics: Arc::clone(metrics),
        tracer: tracer.clone(),
    })
}

/// How envoys' connections are kept.
fn sessions(settings: &Settings) -> SessionSettings {
    SessionSettings {
        lost_threshold: Duration::from_millis(settings.envoys.lost_threshold),
        stop_threshold: Duration::from_millis(settings.actors.stop_threshold),
        max_response_payload: settings.envoys.max_response_payload,
        ping_interval: settings.envoys.ping_interval,
        ping_timeout: settings.envoys.ping_timeout,
        max_per_namespace: settings.max_envoys,
    }
}

async fn bootstrap(directory: &Directory) -> Result<(), ServerError> {
    let named = |error: InvalidNamespace| ServerError::Bootstrap(error.into());
    let name: NamespaceName = "default".parse().map_err(named)?;
    let display_name: DisplayName = "Default".parse().map_err(named)?;
    let created =
        directory.ensure_namespace(name, display_name).await.map_err(ServerError::Bootstrap)?;
    if created {
        tracing::info!("namespace `default` created");
    }
    Ok(())
}

/// What a port is for, in the log.
fn purpose(listen: &Listen) -> &'static str {
    match listen.block {
        "guard" => "api",
        "api_peer" => "health",
        other => other,
    }
}
