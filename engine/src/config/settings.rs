//! The configuration as the engine uses it: typed, with every default filled in.

use std::{
    net::{IpAddr, Ipv6Addr},
    path::PathBuf,
    time::Duration,
};

use super::{
    AuditSettings, AuthSettings, CheckpointSettings, ConfigError, Environment, EnvoySettings,
    GatewaySettings, ServerlessSettings,
    access::auth,
    audit::audit,
    checkpoints::checkpoints,
    keys::{self, Effect},
    merge::Merged,
    outbound::outbound,
    pegboard,
    topology::datacenter,
    values::{boolean, number, one_of, text, wrong},
};
use crate::{actor::Rules, directory::Datacenter, outbound::Policy, storage::Durability};

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
    /// What an acknowledged write survives.
    pub durability: Durability,
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
    /// The most that one actor may keep in its database, in bytes.
    pub max_database_size: u64,
}

impl Settings {
    /// The settings that `merged` asks for.
    pub(super) fn from_merged(
        merged: &mut Merged,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        refuse_unsupported(merged)?;
        let guard = listen(merged, "guard", 6420)?;
        let api_peer = listen(merged, "api_peer", 6421)?;
        let metrics = listen(merged, "metrics", 6430)?;
        let auth = auth(merged, [guard.host, api_peer.host, metrics.host])?;
        let max_request_body =
            number(merged, "guard.http_max_request_body_size", u64::MAX)?.unwrap_or(20 << 20);
        Ok(Self {
            gateway: GatewaySettings::from_merged(merged, &auth, max_request_body)?,
            auth,
            audit: audit(merged)?,
            checkpoints: checkpoints(merged)?,
            data_dir: text(merged, "file_system.path")?
                .map_or_else(|| default_data_dir(environment), PathBuf::from),
            durability: durability(merged)?,
            guard,
            api_peer,
            metrics,
            tcp_nodelay: boolean(merged, "guard.tcp_nodelay")?.unwrap_or(true),
            max_request_body,
            shutdown_deadline: Duration::from_secs(
                number(merged, "runtime.guard_shutdown_duration", 86_400)?.unwrap_or(30),
            ),
            datacenter: datacenter(merged)?,
            actors: pegboard::actors(merged)?,
            envoys: pegboard::envoys(merged)?,
            serverless: pegboard::serverless(merged)?,
            outbound: outbound(merged)?,
            max_database_size: number(merged, "sqlite.max_storage_bytes", u64::MAX)?
                .unwrap_or(10 << 30),
        })
    }
}

fn refuse_unsupported(merged: &Merged) -> Result<(), ConfigError> {
    for (key, _, origin) in merged.keys() {
        if let Some(Effect::Refused(reason)) = keys::find(key).map(|known| known.effect) {
            let (key, origin) = (key.to_owned(), origin.clone());
            return Err(ConfigError::Unsupported { origin, key, reason });
        }
    }
    Ok(())
}

fn durability(merged: &mut Merged) -> Result<Durability, ConfigError> {
    let words = [("strict", Durability::Strict), ("relaxed", Durability::Relaxed)];
    Ok(one_of(merged, "file_system.durability", &words)?.unwrap_or(Durability::Strict))
}

fn listen(merged: &mut Merged, block: &'static str, port: u16) -> Result<Listen, ConfigError> {
    let key = format!("{block}.host");
    let host = match merged.take(&key) {
        None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        Some((value, origin)) => value
            .as_str()
            .and_then(|text| text.trim_matches(['[', ']']).parse().ok())
            .ok_or_else(|| wrong(&key, &value, origin, "an IP address (127.0.0.1, 0.0.0.0, ::)"))?,
    };
    let port = match number(merged, &format!("{block}.port"), u64::from(u16::MAX))? {
        None => port,
        Some(port) => u16::try_from(port).expect("the bound above is that of a port"),
    };
    Ok(Listen { block, host, port })
}

fn default_data_dir(environment: &Environment) -> PathBuf {
    let absolute =
        |name: &str| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match (absolute("XDG_DATA_HOME"), absolute("HOME")) {
        (Some(data), _) => data.join("rivet-engine/db"),
        (None, Some(home)) => home.join(".local/share/rivet-engine/db"),
        (None, None) => PathBuf::from("./data/db"),
    }
}
