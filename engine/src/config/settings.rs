//! The configuration as the engine uses it: typed, with every default filled in.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use super::{
    AuditSettings, AuthSettings, CheckpointSettings, Environment, EnvoySettings, GatewaySettings,
    ServerlessSettings, access::auth, audit::audit, checkpoints::checkpoints, limits, otel::otel,
    outbound::outbound, pegboard, topology::datacenter, values::Values,
};
use crate::{
    actor::Rules,
    directory::Datacenter,
    limits::ConnectionLimits,
    outbound::Policy,
    storage::{Durability, StorageSettings},
    telemetry::otel::ExportSettings,
};

/// Where a port listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// Which block of the configuration it comes from.
    pub block: &'static str,
    /// The address. `::` means every address of the host.
    pub host: IpAddr,
    /// The port; 0 lets the system choose.
    pub port: u16,
}

/// Everything that is used.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who is let in.
    pub auth: AuthSettings,
    /// How much is remembered of who did what.
    pub audit: AuditSettings,
    /// How many copies of the data are kept.
    pub checkpoints: CheckpointSettings,
    /// Where the data is.
    pub data_dir: PathBuf,
    /// How the data is kept.
    pub storage: StorageSettings,
    /// The API.
    pub guard: Listen,
    /// The health port.
    pub api_peer: Listen,
    /// The metrics port.
    pub metrics: Listen,
    /// Whether answers are sent at once, rather than collected into larger packets.
    pub tcp_nodelay: bool,
    /// The largest request body that is read at all.
    pub max_request_body: u64,
    /// How long running requests may take to finish when the process is asked to stop.
    pub shutdown_deadline: Duration,
    /// The place where this engine runs.
    pub datacenter: Datacenter,
    /// What the gateway does.
    pub gateway: GatewaySettings,
    /// The times in the life of actors.
    pub actors: Rules,
    /// The times and limits of envoys.
    pub envoys: EnvoySettings,
    /// How serverless pools are looked after.
    pub serverless: ServerlessSettings,
    /// Where the engine may connect to.
    pub outbound: Policy,
    /// What an OpenTelemetry collector gets.
    pub otel: ExportSettings,
    /// The most that one actor may keep in its database, in bytes.
    pub max_database_size: u64,
    /// The most that the entries of one actor may take, in bytes.
    pub max_kv_size: u64,
    /// How connections are bounded.
    pub connections: ConnectionLimits,
    /// How many envoys one namespace may have; 0: any number.
    pub max_envoys: usize,
}

impl Settings {
    /// The settings that `values` ask for, whether they hold together or not.
    pub(super) fn from_values(values: &Values, environment: &Environment) -> Self {
        let auth = auth(values);
        let max_request_body = values.number("guard.http_max_request_body_size");
        Self {
            gateway: GatewaySettings::from_values(values, &auth, max_request_body),
            auth,
            audit: audit(values),
            checkpoints: checkpoints(values),
            data_dir: values
                .text_if_set("file_system.path")
                .map_or_else(|| default_data_dir(environment), PathBuf::from),
            storage: storage(values),
            guard: listen(values, "guard"),
            api_peer: listen(values, "api_peer"),
            metrics: listen(values, "metrics"),
            tcp_nodelay: values.switch("guard.tcp_nodelay"),
            max_request_body,
            shutdown_deadline: Duration::from_secs(
                values.number("runtime.guard_shutdown_duration"),
            ),
            datacenter: datacenter(values),
            actors: pegboard::actors(values),
            envoys: pegboard::envoys(values),
            serverless: pegboard::serverless(values),
            outbound: outbound(values),
            otel: otel(values),
            max_database_size: values.number("sqlite.max_storage_bytes"),
            max_kv_size: values.number("limits.max_kv_bytes_per_actor"),
            connections: limits::connections(values),
            max_envoys: values.number("limits.max_envoys_per_namespace"),
        }
    }
}

fn storage(values: &Values) -> StorageSettings {
    StorageSettings {
        durability: values.meaning(
            "file_system.durability",
            &[("strict", Durability::Strict), ("relaxed", Durability::Relaxed)],
        ),
        min_free_bytes: values.number("file_system.min_free_bytes"),
        may_create: !values.switch("file_system.must_exist"),
    }
}

fn listen(values: &Values, block: &'static str) -> Listen {
    let key = |name: &str| format!("{block}.{name}");
    Listen { block, host: values.parsed(&key("host")), port: values.number(&key("port")) }
}

/// Where the data is when nobody says.
pub(super) fn default_data_dir(environment: &Environment) -> PathBuf {
    let absolute =
        |name: &str| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match (absolute("XDG_DATA_HOME"), absolute("HOME")) {
        (Some(data), _) => data.join("rivet-engine/db"),
        (None, Some(home)) => home.join(".local/share/rivet-engine/db"),
        (None, None) => PathBuf::from("./data/db"),
    }
}
