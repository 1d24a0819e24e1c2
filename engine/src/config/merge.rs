//! Layers over layers: the last one to set a key wins.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    ConfigError, Origin,
    keys::{self, Effect, Key},
    layer::{Leaf, found, unknown},
    values::Values,
};

const DATACENTERS: &str = "topology.datacenters";

/// All layers as one.
#[derive(Debug, Default)]
pub(super) struct Merged(BTreeMap<String, (Value, Origin)>);

/// A key that is set, as it was written or in the form in which it is read.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) value: Value,
    pub(super) origin: Origin,
    /// Whether it is of the kind that the key takes.
    pub(super) fits: bool,
}

impl Merged {
    /// Lays `leaves` over what is there.
    pub(super) fn apply(&mut self, leaves: Vec<Leaf>) {
        for Leaf { key, value, origin } in leaves {
            let below = format!("{key}.");
            // A list of datacenters replaces a table of them, and the other way around.
            self.0.retain(|other, _| {
                !other.starts_with(&below) && !key.starts_with(&format!("{other}."))
            });
            self.0.insert(key, (value, origin));
        }
    }

    /// Every key that is set, in the form in which it is read. What is wrong goes to `problems`.
    pub(super) fn checked(mut self, problems: &mut Vec<ConfigError>) -> Values {
        if let Some((Value::Array(items), origin)) = self.0.get(DATACENTERS).cloned() {
            self.0.remove(DATACENTERS);
            self.datacenters(items, &origin, problems);
        }
        let (mut given, mut refused) = (BTreeMap::new(), BTreeSet::new());
        for (key, (value, origin)) in self.0 {
            let Some(known) = keys::find(&key) else { continue };
            if let Effect::Refused { block, reason } = known.effect {
                if refused.insert((block, origin.to_string())) {
                    let origin = origin.clone();
                    problems.push(ConfigError::Unsupported { origin, key: block, reason });
                }
                given.insert(key, Given { value, origin, fits: true });
                continue;
            }
            let accepted = known.kind.accept(&value);
            if accepted.is_none() {
                problems.push(wrong(&key, known, &value, origin.clone()));
            }
            let fits = accepted.is_some();
            given.insert(key, Given { value: accepted.unwrap_or(value), origin, fits });
        }
        Values::new(given)
    }

    /// Writes a list of datacenters as the table that it stands for.
    fn datacenters(&mut self, items: Vec<Value>, origin: &Origin, problems: &mut Vec<ConfigError>) {
        for (index, item) in items.into_iter().enumerate() {
            let Value::Object(fields) = item else {
                problems.push(ConfigError::Value {
                    origin: origin.clone(),
                    key: DATACENTERS.to_owned(),
                    expected: "a list of tables".to_owned(),
                    found: found(&item),
                });
                continue;
            };
            let name = fields.get("name").and_then(Value::as_str).unwrap_or("default");
            let mut table = format!("{DATACENTERS}.{}", name.replace('.', "-"));
            if self.0.keys().any(|key| key.starts_with(&format!("{table}."))) {
                table = format!("{table}-{index}");
            }
            for (field, value) in fields {
                let key = format!("{table}.{field}");
                if keys::find(&key).is_some() {
                    self.0.insert(key, (value, origin.clone()));
                } else {
                    problems.push(unknown(&format!("{DATACENTERS}[].{field}"), origin.clone()));
                }
            }
        }
    }
}

fn wrong(key: &str, known: &Key, value: &Value, origin: Origin) -> ConfigError {
    ConfigError::Value {
        origin,
        key: key.to_owned(),
        expected: known.kind.expected(),
        // It is a secret, even in the wrong form.
        found: if known.is_secret() { String::new() } else { found(value) },
    }
}
