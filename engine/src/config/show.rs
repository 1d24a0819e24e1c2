//! What holds, and why: every key with its value and where that comes from.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    Origin, Settings,
    keys::{self, Effect, Key},
    merge::Given,
    values::Values,
};

/// What is shown of a secret, however long it is.
const MASK: &str = "********";
const DATACENTER: &str = "topology.datacenters.";

/// A key and what holds for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its path.
    pub key: String,
    /// Its value, unless there is none; a mask where it is a secret.
    pub value: Option<Value>,
    /// Where that comes from; `None`: it is the default.
    pub origin: Option<Origin>,
    /// What becomes of it.
    pub standing: Standing,
    /// Whether it is what would hold if it were not set.
    pub is_default: bool,
}

/// What becomes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Used,
    /// It is known and does nothing.
    NoEffect,
    /// The engine does not start with it.
    Refused,
    /// It is not what the key takes.
    Invalid,
}

/// Every key that holds, and every other one that is set, in the order of the documentation.
pub(super) fn entries(values: &Values, settings: &Settings) -> Vec<Entry> {
    let mut names = values.names(DATACENTER.trim_end_matches('.'));
    if names.is_empty() {
        names.push("default");
    }
    let mut entries = Vec::new();
    for key in keys::all() {
        let paths: Vec<String> = match key.path.strip_prefix(DATACENTER) {
            Some(field) => names
                .iter()
                .map(|name| format!("{DATACENTER}{name}.{}", field.trim_start_matches("*.")))
                .collect(),
            None if key.path.contains('*') => values
                .given()
                .keys()
                .filter(|path| keys::find(path).is_some_and(|found| found.path == key.path))
                .cloned()
                .collect(),
            None => vec![key.path.to_owned()],
        };
        entries.extend(paths.into_iter().filter_map(|path| entry(key, path, values, settings)));
    }
    entries
}

fn entry(key: &Key, path: String, values: &Values, settings: &Settings) -> Option<Entry> {
    let preset = key.preset.value().or_else(|| derived(key, &path, values, settings));
    let Some(Given { value, origin, fits }) = values.given().get(&path) else {
        // The table of datacenters is shown by what is in it.
        let holds = matches!(key.effect, Effect::Used | Effect::Always(_))
            && key.kind != keys::Kind::Datacenters;
        let standing = Standing::Used;
        return holds.then_some(Entry {
            key: path,
            value: preset,
            origin: None,
            standing,
            is_default: true,
        });
    };
    let is_default = preset.as_ref() == Some(value);
    let standing = match key.effect {
        _ if !fits => Standing::Invalid,
        Effect::Refused { .. } => Standing::Refused,
        Effect::None(_) | Effect::Needless(_) => Standing::NoEffect,
        Effect::Always(_) if !is_default => Standing::NoEffect,
        Effect::Used | Effect::Always(_) => Standing::Used,
    };
    let value = if key.is_secret() { MASK.into() } else { value.clone() };
    let origin = Some(origin.clone());
    Some(Entry { key: path, value: Some(value), origin, standing, is_default })
}

/// The default of a key whose row says it in words.
fn derived(key: &Key, path: &str, values: &Values, settings: &Settings) -> Option<Value> {
    match key.path {
        "file_system.path" if !values.is_set(path) => {
            Some(settings.data_dir.display().to_string().into())
        }
        "pegboard.gateway_http_max_request_body_size" => Some(settings.max_request_body.into()),
        "topology.datacenters.*.name" => path.split('.').nth(2).map(Value::from),
        "topology.datacenters.*.datacenter_label" => values.get("topology.datacenter_label"),
        _ => None,
    }
}

impl Entry {
    /// `key = value  (origin)`.
    fn line(&self) -> String {
        let value = match &self.value {
            Some(value) if self.is_masked() => value.as_str().unwrap_or_default().to_owned(),
            Some(value) => value.to_string(),
            None => "not set".to_owned(),
        };
        let origin = self.origin.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string);
        let standing = match self.standing {
            Standing::Used => "",
            Standing::NoEffect => "; no effect",
            Standing::Refused => "; not supported",
            Standing::Invalid => "; not usable",
        };
        format!("{} = {value}  ({origin}{standing})", self.key)
    }

    fn is_masked(&self) -> bool {
        keys::find(&self.key).is_some_and(Key::is_secret)
    }

    fn json(&self) -> Value {
        let origin = match &self.origin {
            None => json!({ "kind": "default" }),
            Some(Origin::File(path)) => {
                json!({ "kind": "file", "path": path.display().to_string() })
            }
            Some(Origin::Variable(name)) => json!({ "kind": "variable", "name": name }),
        };
        let standing = match self.standing {
            Standing::Used => "used",
            Standing::NoEffect => "no_effect",
            Standing::Refused => "not_supported",
            Standing::Invalid => "not_usable",
        };
        json!({ "key": self.key, "value": self.value, "origin": origin, "standing": standing })
    }

    /// `entries` for people, one line each.
    pub fn text(entries: &[Self]) -> String {
        entries.iter().fold(String::new(), |mut text, entry| {
            writeln!(text, "{}", entry.line()).expect("text grows as long as there is memory");
            text
        })
    }

    /// `entries` for programs: a list of objects, each with `key`, `value`, `origin` and `standing`.
    pub fn list(entries: &[Self]) -> Value {
        entries.iter().map(Self::json).collect()
    }
}
