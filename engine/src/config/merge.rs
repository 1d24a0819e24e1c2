//! Layers over layers: the last one to set a key wins.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Origin,
    keys::{self, Effect},
    layer::Leaf,
};

/// All layers as one.
#[derive(Debug, Default)]
pub(super) struct Merged(BTreeMap<String, (Value, Origin)>);

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

    /// Sets one key.
    pub(super) fn set(&mut self, key: String, value: Value, origin: Origin) {
        self.0.insert(key, (value, origin));
    }

    /// Takes the value of `key` out.
    pub(super) fn take(&mut self, key: &str) -> Option<(Value, Origin)> {
        self.0.remove(key)
    }

    /// Every key that is set.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&str, &Value, &Origin)> {
        self.0.iter().map(|(key, (value, origin))| (key.as_str(), value, origin))
    }

    /// One sentence for each key that is set and has no effect.
    pub(super) fn warnings(&self) -> Vec<String> {
        let without_effect = |key: &str, value: &Value| match keys::find(key).map(|k| k.effect) {
            Some(Effect::Ignored) => true,
            // There is nothing to switch off, which is what `false` asks for.
            Some(Effect::AlwaysOff) => {
                !matches!(value, Value::Bool(false)) && value.as_str() != Some("false")
            }
            Some(Effect::Used | Effect::Refused(_)) | None => false,
        };
        self.keys()
            .filter(|(key, value, _)| without_effect(key, value))
            .map(|(key, _, origin)| format!("`{key}` has no effect in this engine ({origin})"))
            .collect()
    }
}
