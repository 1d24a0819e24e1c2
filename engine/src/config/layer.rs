//! One source of values, flattened: each leaf with its key and its origin.

use std::path::Path;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    ConfigError, Environment, Origin,
    keys::{self, Effect, Key, Kind},
    tree::{self, Form, Tree},
};

const PREFIX: &str = "RIVET__";

/// The docs of upstream show these blocks both nested and at the top level.
pub(super) const ALIASES: [(&str, &str); 5] = [
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

/// What a source says, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) leaves: Vec<Leaf>,
    pub(super) problems: Vec<ConfigError>,
}

/// What a configuration file says. An error: it cannot be read at all.
pub(super) fn from_file(path: &Path) -> Result<Layer, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    // It may hold a token.
    let text = Zeroizing::new(text);
    let syntax = |reason: String| ConfigError::Syntax { path: path.to_owned(), reason };
    let yaml = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("yaml") || e.eq_ignore_ascii_case("yml"));
    let form = if yaml { Form::Yaml } else { Form::Json };
    let Tree { root, repeated } = if text.trim().is_empty() {
        Tree { root: Value::Null, repeated: Vec::new() }
    } else {
        tree::read(&text, form).map_err(|error| syntax(error.to_string()))?
    };
    let root = match root {
        Value::Null => Map::new(),
        Value::Object(root) => root,
        _ => return Err(syntax("expected an object at the top level".to_owned())),
    };
    let origin = Origin::File(path.to_owned());
    let mut layer = Layer::default();
    layer.problems.extend(repeated.into_iter().map(|key| ConfigError::Repeated {
        origin: origin.clone(),
        key: key.escape_debug().to_string(),
    }));
    layer.flatten("", root, &origin);
    Ok(layer)
}

/// Whether a variable with this name is part of the configuration.
pub fn is_variable(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(PREFIX))
}

/// What the `RIVET__` variables say, and those that are known by another name.
pub(super) fn from_environment(environment: &Environment) -> Layer {
    let mut layer = Layer::default();
    for (variable, key) in keys::VARIABLES {
        // Where compose files pass variables on, those that are not set arrive without a text.
        let given = environment.get(variable).filter(|text| !text.is_empty());
        if let (Some(text), Some(known)) = (given, keys::find(key)) {
            let value = known.kind.of_variable(switch(known.kind, text));
            layer.add(key.to_owned(), value, Origin::Variable(variable.to_owned()));
        }
    }
    for (name, text) in environment {
        if !is_variable(name) {
            continue;
        }
        let path = &name[PREFIX.len()..];
        let origin = Origin::Variable(name.clone());
        let key = canonical(&path.to_lowercase().replace("__", "."));
        // What takes the place of bytes that are no text, see `main`.
        if text.contains(char::REPLACEMENT_CHARACTER) {
            let (expected, found) = ("UTF-8 text".to_owned(), String::new());
            layer.problems.push(ConfigError::Value { origin, key, expected, found });
            continue;
        }
        match keys::find(&key) {
            Some(known) => layer.add(key, known.kind.of_variable(text), origin),
            None => layer.problems.push(unknown(&key, origin)),
        }
    }
    layer
}

impl Layer {
    fn flatten(&mut self, prefix: &str, tree: Map<String, Value>, origin: &Origin) {
        for (name, value) in tree {
            let written = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            let key = canonical(&written);
            match value {
                // Set to nothing: as if it were not there.
                Value::Null if keys::find(&key).is_some() || keys::is_table(&key) => {}
                Value::Object(tree) if keys::is_table(&key) || is_alias_parent(&key) => {
                    // Upstream takes a block as chosen even where nothing is in it.
                    if tree.is_empty() && keys::find(&key).is_some_and(is_refused) {
                        self.add(key, Value::Object(tree), origin.clone());
                    } else {
                        self.flatten(&written, tree, origin);
                    }
                }
                value => match keys::find(&key) {
                    Some(_) => self.add(key, value, origin.clone()),
                    None if keys::is_table(&key) => self.problems.push(ConfigError::Value {
                        origin: origin.clone(),
                        key,
                        expected: "a table of keys".to_owned(),
                        // What stands there may be meant for a secret.
                        found: String::new(),
                    }),
                    None => self.problems.push(unknown(&key, origin.clone())),
                },
            }
        }
    }

    /// One source must not say two things; which of them would win is nobody's guess.
    fn add(&mut self, key: String, value: Value, origin: Origin) {
        match self.leaves.iter().find(|other| other.key == key) {
            Some(other) if other.value == value => {}
            Some(other) => {
                let first = other.origin.clone();
                self.problems.push(ConfigError::Twice { key, first, second: origin });
            }
            None => self.leaves.push(Leaf { key, value, origin }),
        }
    }
}

/// Upstream switches its own variables on with `1`.
fn switch(kind: Kind, text: &str) -> &str {
    match (kind, text) {
        (Kind::Bool, "1") => "true",
        (Kind::Bool, "0") => "false",
        _ => text,
    }
}

fn is_refused(key: &Key) -> bool {
    matches!(key.effect, Effect::Refused { .. })
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

pub(super) fn unknown(key: &str, origin: Origin) -> ConfigError {
    let hint = match keys::nearest(key) {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None => "; docs/engine-configuration.md lists all keys".to_owned(),
    };
    ConfigError::UnknownKey { origin, key: key.escape_debug().to_string(), hint }
}

/// What an error says about a value of the wrong kind.
pub(super) fn found(value: &Value) -> String {
    let text: String = value.to_string().chars().take(60).collect();
    format!(", found {text}")
}
