//! The datacenter: this engine has one, however it is written down.

use serde_json::Value;
use url::Url;

use super::{
    ConfigError, keys,
    merge::Merged,
    values::{number, text, wrong},
};
use crate::directory::Datacenter;

/// The one datacenter.
pub(super) fn datacenter(merged: &mut Merged) -> Result<Datacenter, ConfigError> {
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
