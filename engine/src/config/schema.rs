//! The JSON Schema of configuration files.

use serde_json::{Map, Value, json};

use super::{
    keys::{self, Effect, Key, Kind, Range, Unit},
    layer::ALIASES,
};

/// The schema (draft 2020-12) of a configuration file.
///
/// It takes what the engine starts with, as a file says it; it is stricter in two things: numbers and
/// switches are not written as text, and nothing is set to null.
pub fn schema() -> Value {
    let mut root = table();
    for key in keys::all() {
        insert(&mut root, key.path, key);
        for (alias, target) in ALIASES {
            if let Some(rest) = key.path.strip_prefix(target)
                && (rest.is_empty() || rest.starts_with('.'))
            {
                insert(&mut root, &format!("{alias}{rest}"), key);
            }
        }
    }
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    root["title"] = "Configuration of rivet-engine".into();
    root
}

fn table() -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": {} })
}

/// Puts `key` where `path` leads.
fn insert(root: &mut Value, path: &str, key: &Key) {
    let mut place = root;
    let mut segments = path.split('.').peekable();
    while let Some(segment) = segments.next() {
        // A block that is refused as a whole says so at its top, and nothing below it is looked at.
        if place.get("not").is_some() {
            return;
        }
        // Datacenters: a list, or a table of what stands in the list.
        if let Some(variants) = place.get_mut("oneOf") {
            let mut names = segments;
            let field = names.next().unwrap_or_default();
            for at in ["/0/items/properties", "/1/additionalProperties/properties"] {
                if let Some(Value::Object(properties)) = variants.pointer_mut(at) {
                    properties.insert(field.to_owned(), of(key));
                }
            }
            return;
        }
        let Some(Value::Object(properties)) = place.get_mut("properties") else { return };
        let is_last = segments.peek().is_none();
        place =
            properties.entry(segment).or_insert_with(|| if is_last { of(key) } else { table() });
    }
}

fn of(key: &Key) -> Value {
    let mut schema = match key.effect {
        Effect::Refused { .. } => Map::from_iter([("not".to_owned(), json!({}))]),
        _ => kind(key.kind),
    };
    schema.insert("description".to_owned(), describe(key).into());
    if let (Some(value), Effect::Used | Effect::Always(_)) = (key.preset.value(), key.effect) {
        schema.insert("default".to_owned(), value);
    }
    if matches!(key.effect, Effect::None(_) | Effect::Needless(_)) {
        schema.insert("deprecated".to_owned(), true.into());
    }
    schema.into()
}

fn kind(kind: Kind) -> Map<String, Value> {
    let schema = match kind {
        Kind::Text | Kind::Path | Kind::Address => json!({ "type": "string", "minLength": 1 }),
        Kind::Secret => json!({ "type": "string", "writeOnly": true }),
        Kind::Url => json!({ "type": "string", "format": "uri" }),
        Kind::Number(Range { max: u64::MAX, .. }) => json!({ "type": "integer", "minimum": 0 }),
        Kind::Number(Range { max, .. }) => {
            json!({ "type": "integer", "minimum": 0, "maximum": max })
        }
        Kind::HttpUrl => json!({ "type": "string", "format": "uri", "pattern": "^http://" }),
        Kind::Fraction => json!({ "type": "number" }),
        Kind::Ratio => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Words(words) => json!({ "type": "string", "enum": words }),
        Kind::Texts | Kind::Networks => {
            json!({ "type": "array", "items": { "type": "string", "minLength": 1 } })
        }
        Kind::Datacenters => json!({ "oneOf": [
            { "type": "array", "maxItems": 1, "items": table() },
            { "type": "object", "maxProperties": 1, "additionalProperties": table() },
        ] }),
        Kind::Any => json!({}),
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

/// What a key is for, in what it counts, and what becomes of it here.
fn describe(key: &Key) -> String {
    let unit = match key.kind {
        Kind::Number(Range { unit, .. }) if unit != Unit::Count => {
            format!(" (in {})", unit.name())
        }
        _ => String::new(),
    };
    let about = key.about;
    match key.effect {
        Effect::Used => format!("{about}{unit}"),
        Effect::None(reason) | Effect::Needless(reason) | Effect::Always(reason) => {
            format!("{about}{unit}; no effect in this engine: {reason}")
        }
        Effect::Refused { reason, .. } => {
            format!("{about}; not supported by this engine: {reason}")
        }
    }
}
