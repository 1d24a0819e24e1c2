//! One source of values, flattened: each leaf with its key and its origin.

use std::path::Path;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    ConfigError, Environment, Origin,
    keys::{self, Kind},
};

const PREFIX: &str = "RIVET__";

/// The docs of upstream show these blocks both nested and at the top level.
const ALIASES: [(&str, &str); 5] = [
    ("database.file_system", "file_system"),
    ("database.postgres", "postgres"),
    ("pubsub.nats", "nats"),
    ("pubsub.memory", "memory"),
    ("pubsub.postgres_notify", "postgres_notify"),
];

/// A value, the key that it is for, and where it comes from.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// The leaves of a configuration file.
pub(super) fn from_file(path: &Path) -> Result<Vec<Leaf>, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    // It may hold a token.
    let text = Zeroizing::new(text);
    let syntax = |reason: String| ConfigError::Syntax { path: path.to_owned(), reason };
    let yaml = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("yaml") || e.eq_ignore_ascii_case("yml"));
    let tree: Value = if text.trim().is_empty() {
        Value::Null
    } else if yaml {
        serde_yaml_ng::from_str(&text).map_err(|error| syntax(error.to_string()))?
    } else {
        // JSON5 contains JSON and JSON with comments.
        json5::from_str(&text).map_err(|error| syntax(error.to_string().trim().to_owned()))?
    };
    let tree = match tree {
        Value::Null => Map::new(),
        Value::Object(tree) => tree,
        _ => return Err(syntax("expected an object at the top level".to_owned())),
    };
    let mut leaves = Vec::new();
    flatten("", tree, &Origin::File(path.to_owned()), &mut leaves)?;
    without_duplicates(leaves)
}

/// The leaves of the `RIVET__` variables.
pub(super) fn from_environment(environment: &Environment) -> Result<Vec<Leaf>, ConfigError> {
    let mut leaves = Vec::new();
    for (name, text) in environment {
        let Some(path) = name
            .get(..PREFIX.len())
            .filter(|prefix| prefix.eq_ignore_ascii_case(PREFIX))
            .map(|_| &name[PREFIX.len()..])
        else {
            continue;
        };
        let origin = Origin::Variable(name.clone());
        let key = canonical(&path.to_lowercase().replace("__", "."));
        let Some(known) = keys::find(&key) else { return Err(unknown(&key, origin)) };
        let value = match known.kind {
            Kind::List => text.split(',').map(|item| Value::from(item.trim())).collect(),
            Kind::Any => guess(text),
            _ => Value::String(text.clone()),
        };
        leaves.push(Leaf { key, value, origin });
    }
    without_duplicates(leaves)
}

fn flatten(
    prefix: &str,
    tree: Map<String, Value>,
    origin: &Origin,
    leaves: &mut Vec<Leaf>,
) -> Result<(), ConfigError> {
    for (name, value) in tree {
        let written = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        let key = canonical(&written);
        match value {
            // Set to nothing: as if it were not there.
            Value::Null if keys::find(&key).is_some() || keys::is_table(&key) => {}
            Value::Object(tree) if keys::is_table(&key) || is_alias_parent(&key) => {
                flatten(&written, tree, origin, leaves)?;
            }
            value => match keys::find(&key) {
                Some(_) => leaves.push(Leaf { key, value, origin: origin.clone() }),
                None if keys::is_table(&key) => {
                    return Err(ConfigError::Value {
                        origin: origin.clone(),
                        key,
                        expected: "a table of keys".to_owned(),
                        found: found(&value),
                    });
                }
                None => return Err(unknown(&key, origin.clone())),
            },
        }
    }
    Ok(())
}

fn canonical(key: &str) -> String {
    for (alias, target) in ALIASES {
        if let Some(rest) = key.strip_prefix(alias)
            && (rest.is_empty() || rest.starts_with('.'))
        {
            return format!("{target}{rest}");
        }
    }
    key.to_owned()
}

fn is_alias_parent(key: &str) -> bool {
    key == "database" || key == "pubsub"
}

/// One source must not say two things; which of them would win is nobody's guess.
fn without_duplicates(leaves: Vec<Leaf>) -> Result<Vec<Leaf>, ConfigError> {
    let mut distinct: Vec<Leaf> = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        match distinct.iter().find(|other| other.key == leaf.key) {
            Some(other) if other.value == leaf.value => {}
            Some(other) => {
                return Err(ConfigError::Twice {
                    key: leaf.key,
                    first: other.origin.clone(),
                    second: leaf.origin,
                });
            }
            None => distinct.push(leaf),
        }
    }
    Ok(distinct)
}

fn unknown(key: &str, origin: Origin) -> ConfigError {
    let hint = match keys::nearest(key) {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None => "; docs/engine-configuration.md lists all keys".to_owned(),
    };
    ConfigError::UnknownKey { origin, key: key.escape_debug().to_string(), hint }
}

/// The type of a value for a key that has no effect: it only has to survive the merge.
fn guess(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// What an error says about a value of the wrong kind.
pub(super) fn found(value: &Value) -> String {
    let text: String = value.to_string().chars().take(60).collect();
    format!(", found {text}")
}
