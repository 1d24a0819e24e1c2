//! The configuration as the engine uses it: typed, with every default filled in.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    path::PathBuf,
    time::Duration,
};

use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::{
    ConfigError, Environment, GatewaySettings, Origin,
    keys::{self, Effect},
    layer::found,
    merge::Merged,
};
use crate::{directory::Datacenter, storage::Durability};

/// Text that is never shown, and wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps `text` from being shown.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for those who compare it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

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

/// Who is let in.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// A token that is valid as long as the process runs.
    pub admin_token: Option<Secret>,
    /// A file of tokens, which may change while the process runs.
    pub admin_token_file: Option<PathBuf>,
}

impl AuthSettings {
    /// Whether everybody is let in, as the operator asked in so many words.
    pub fn is_open(&self) -> bool {
        self.admin_token.is_none() && self.admin_token_file.is_none()
    }
}

/// Everything that is used.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who is let in.
    pub auth: AuthSettings,
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
    /// How long an actor may take to stop, in milliseconds.
    pub actor_stop_threshold: u64,
    /// What the gateway does.
    pub gateway: GatewaySettings,
}

impl Settings {
    /// The settings that `merged` asks for.
    pub(super) fn from_merged(
        merged: &mut Merged,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        refuse_unsupported(merged)?;
        let auth = auth(merged)?;
        let max_request_body =
            number(merged, "guard.http_max_request_body_size", u64::MAX)?.unwrap_or(20 << 20);
        Ok(Self {
            gateway: GatewaySettings::from_merged(merged, &auth, max_request_body)?,
            auth,
            data_dir: text(merged, "file_system.path")?
                .map_or_else(|| default_data_dir(environment), PathBuf::from),
            durability: durability(merged)?,
            guard: listen(merged, "guard", 6420)?,
            api_peer: listen(merged, "api_peer", 6421)?,
            metrics: listen(merged, "metrics", 6430)?,
            tcp_nodelay: boolean(merged, "guard.tcp_nodelay")?.unwrap_or(true),
            max_request_body,
            shutdown_deadline: Duration::from_secs(
                number(merged, "runtime.guard_shutdown_duration", 86_400)?.unwrap_or(30),
            ),
            datacenter: datacenter(merged)?,
            actor_stop_threshold: number(merged, "pegboard.actor_stop_threshold", u64::MAX)?
                .unwrap_or(1_800_000),
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

fn auth(merged: &mut Merged) -> Result<AuthSettings, ConfigError> {
    let admin_token = match merged.take("auth.admin_token") {
        None => None,
        Some((Value::String(token), _)) => Some(Secret::new(token)),
        // A token of digits only, written without quotes.
        Some((Value::Number(token), _)) => Some(Secret::new(token.to_string())),
        Some((_, origin)) => {
            return Err(ConfigError::Value {
                origin,
                key: "auth.admin_token".to_owned(),
                expected: "text".to_owned(),
                // It is a secret, even in the wrong form.
                found: String::new(),
            });
        }
    };
    let admin_token_file = text(merged, "auth.admin_token_file")?.map(PathBuf::from);
    let open = boolean(merged, "auth.insecure_allow_unauthenticated")?.unwrap_or(false);
    let auth = AuthSettings { admin_token, admin_token_file };
    match (auth.is_open(), open) {
        (true, false) => Err(ConfigError::NoToken),
        (false, true) => Err(ConfigError::Contradiction(
            "`auth.insecure_allow_unauthenticated` is true and an admin token is configured: \
             remove one of them"
                .to_owned(),
        )),
        (true, true) | (false, false) => Ok(auth),
    }
}

fn durability(merged: &mut Merged) -> Result<Durability, ConfigError> {
    const KEY: &str = "file_system.durability";
    let Some((value, origin)) = merged.take(KEY) else { return Ok(Durability::Strict) };
    match value.as_str() {
        Some("strict") => Ok(Durability::Strict),
        Some("relaxed") => Ok(Durability::Relaxed),
        _ => Err(wrong(KEY, &value, origin, "\"strict\" or \"relaxed\"")),
    }
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

fn datacenter(merged: &mut Merged) -> Result<Datacenter, ConfigError> {
    const LABEL: &str = "topology.datacenter_label";
    let own_label = number(merged, LABEL, u64::from(u16::MAX))?;
    let mut found = datacenters(merged)?;
    let mut datacenter = match (found.pop(), found.is_empty()) {
        (None, _) => Datacenter {
            label: label(own_label.unwrap_or(1)),
            name: "default".to_owned(),
            public_url: "http://127.0.0.1:6420".to_owned(),
        },
        (Some(only), true) => only,
        (Some(_), false) => {
            return Err(ConfigError::Contradiction(
                "`topology.datacenters` names more than one datacenter: this engine runs on one \
                 node; leave only its own"
                    .to_owned(),
            ));
        }
    };
    if own_label.is_some_and(|own| own != u64::from(datacenter.label)) {
        return Err(ConfigError::Contradiction(format!(
            "`{LABEL}` is {}, but the only datacenter, {:?}, has label {}",
            own_label.unwrap_or_default(),
            datacenter.name,
            datacenter.label
        )));
    }
    datacenter.public_url = Url::parse(&datacenter.public_url)
        .map_err(|error| {
            ConfigError::Contradiction(format!(
                "the public_url of datacenter {:?} is not a URL: {error}",
                datacenter.name
            ))
        })?
        .to_string();
    Ok(datacenter)
}

/// The configured datacenters, whether they are written as a list or as a table.
fn datacenters(merged: &mut Merged) -> Result<Vec<Datacenter>, ConfigError> {
    const KEY: &str = "topology.datacenters";
    if let Some((value, origin)) = merged.take(KEY) {
        let items = match value {
            Value::Array(items) => items,
            other => return Err(wrong(KEY, &other, origin, "a list or a table of datacenters")),
        };
        let mut found = Vec::new();
        for item in items {
            let Value::Object(fields) = item else {
                return Err(wrong(KEY, &item, origin, "a list of tables"));
            };
            let mut inner = Merged::default();
            for (name, value) in fields {
                let key = format!("{KEY}.item.{name}");
                if keys::find(&key).is_none() {
                    let key = format!("{KEY}[].{name}");
                    return Err(ConfigError::UnknownKey { origin, key, hint: String::new() });
                }
                inner.set(key, value, origin.clone());
            }
            found.push(one_datacenter(&mut inner, "item", None)?);
        }
        return Ok(found);
    }
    let names: std::collections::BTreeSet<String> = merged
        .keys()
        .filter_map(|(key, ..)| key.strip_prefix(KEY)?.strip_prefix('.')?.split('.').next())
        .map(str::to_owned)
        .collect();
    names.iter().map(|name| one_datacenter(merged, name, Some(name))).collect()
}

fn one_datacenter(
    merged: &mut Merged,
    segment: &str,
    name: Option<&str>,
) -> Result<Datacenter, ConfigError> {
    let key = |field: &str| format!("topology.datacenters.{segment}.{field}");
    let named = text(merged, &key("name"))?;
    let number = number(merged, &key("datacenter_label"), u64::from(u16::MAX))?;
    Ok(Datacenter {
        label: label(number.unwrap_or(1)),
        name: named.or(name.map(str::to_owned)).unwrap_or_else(|| "default".to_owned()),
        public_url: text(merged, &key("public_url"))?
            .unwrap_or_else(|| "http://127.0.0.1:6420".to_owned()),
    })
}

fn label(number: u64) -> u16 {
    u16::try_from(number).expect("labels are read with the bound of a u16")
}

fn text(merged: &mut Merged, key: &str) -> Result<Option<String>, ConfigError> {
    match merged.take(key) {
        None => Ok(None),
        Some((Value::String(text), _)) if !text.is_empty() => Ok(Some(text)),
        Some((value, origin)) => Err(wrong(key, &value, origin, "text that is not empty")),
    }
}

pub(super) fn number(merged: &mut Merged, key: &str, max: u64) -> Result<Option<u64>, ConfigError> {
    let Some((value, origin)) = merged.take(key) else { return Ok(None) };
    let number = match &value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match number.filter(|number| *number <= max) {
        Some(number) => Ok(Some(number)),
        None if max == u64::MAX => {
            Err(wrong(key, &value, origin, "a whole number that is not negative"))
        }
        None => Err(wrong(key, &value, origin, &format!("a whole number from 0 to {max}"))),
    }
}

fn boolean(merged: &mut Merged, key: &str) -> Result<Option<bool>, ConfigError> {
    let Some((value, origin)) = merged.take(key) else { return Ok(None) };
    match &value {
        Value::Bool(value) => Ok(Some(*value)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        _ => Err(wrong(key, &value, origin, "true or false")),
    }
}

pub(super) fn wrong(key: &str, value: &Value, origin: Origin, expected: &str) -> ConfigError {
    ConfigError::Value {
        origin,
        key: key.to_owned(),
        expected: expected.to_owned(),
        found: found(value),
    }
}
