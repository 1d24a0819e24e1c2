//! The outermost level of a fragment: one YAML mapping, and which keys it may have.

use serde_yaml_ng::{Mapping, Value};

use super::{Problem, Scan, service, variables, volumes};

/// Longest fragment: a real one is a few kilobytes.
const MAX_TEXT: usize = 1024 * 1024;

/// A fragment that is no YAML mapping we read.
pub(super) struct Refusal {
    found: String,
}

impl Refusal {
    pub(super) fn in_file(self, file: &str) -> Problem {
        Problem {
            code: "RCTL-COMPOSE-YAML",
            file: file.to_owned(),
            at: String::new(),
            found: self.found,
            advice: "Write one YAML document: a mapping with `services:`, every key once, no tags."
                .into(),
        }
    }
}

/// Reads one YAML 1.2 document and resolves its aliases and `<<` merges.
pub(super) fn parse(text: &str) -> Result<Mapping, Refusal> {
    let refuse = |found: String| Refusal { found };
    if text.len() > MAX_TEXT {
        return Err(refuse(format!("it is {} bytes long, more than 1 MiB", text.len())));
    }
    // Duplicate keys and second documents are errors of this parser.
    let mut value: Value =
        serde_yaml_ng::from_str(text).map_err(|error| refuse(error.to_string()))?;
    value.apply_merge().map_err(|error| refuse(error.to_string()))?;
    if let Some(tag) = find_tag(&value) {
        return Err(refuse(format!("the tag {tag}")));
    }
    match value {
        Value::Mapping(mapping) => Ok(mapping),
        Value::Null => Err(refuse("it is empty".into())),
        _ => Err(refuse("it is not a mapping".into())),
    }
}

/// The first YAML tag: `!reset` and its like change what Compose makes of a file.
fn find_tag(value: &Value) -> Option<String> {
    match value {
        Value::Tagged(tagged) => Some(tagged.tag.to_string()),
        Value::Sequence(items) => items.iter().find_map(find_tag),
        Value::Mapping(map) => {
            map.iter().find_map(|(key, value)| find_tag(key).or_else(|| find_tag(value)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Checks every part of a fragment.
pub(super) fn check(content: &Mapping, scan: &mut Scan<'_>) {
    for (key, value) in content {
        let Some(key) = key.as_str() else {
            scan.problem("RCTL-COMPOSE-KEY", "", "a key that is not text", "Use text as keys.");
            continue;
        };
        match key {
            "services" => services(value, scan),
            "volumes" => named(value, "volumes", scan, volumes::top_level),
            "networks" => named(value, "networks", scan, network),
            "configs" | "secrets" => {
                named(value, key, scan, |name, value, scan| file_like(key, name, value, scan));
            }
            // Compose itself ignores both.
            "version" => (),
            _ if key.starts_with("x-") => (),
            "include" => scan.problem(
                "RCTL-COMPOSE-INCLUDE",
                key,
                "an include: the file would not be in the bundle",
                "Put its services into this file, or list it as a template of its own.",
            ),
            "name" => scan.problem(
                "RCTL-COMPOSE-KEY",
                key,
                "a project name",
                "Remove it: the installer names the project after the install.",
            ),
            _ => scan.problem(
                "RCTL-COMPOSE-KEY",
                key.escape_default().to_string(),
                "a key that a bundle does not support",
                "Use services, volumes, networks, configs, secrets or x-…",
            ),
        }
    }
    if !content.contains_key("services") {
        scan.problem("RCTL-COMPOSE-YAML", "services", "nothing", "Define at least one service.");
    }
    variables::check(content, scan);
}

fn services(value: &Value, scan: &mut Scan<'_>) {
    if value.as_mapping().is_none_or(Mapping::is_empty) {
        scan.problem(
            "RCTL-COMPOSE-YAML",
            "services",
            "no services",
            "Define at least one service.",
        );
        return;
    }
    named(value, "services", scan, service::check);
}

/// Calls `check` for every `name: {…}` below `key`.
fn named(
    value: &Value,
    key: &str,
    scan: &mut Scan<'_>,
    check: impl Fn(&str, &Mapping, &mut Scan<'_>),
) {
    let empty = Mapping::new();
    let entries = match value {
        Value::Null => &empty,
        Value::Mapping(entries) => entries,
        _ => {
            scan.problem(
                "RCTL-COMPOSE-YAML",
                key,
                "not a mapping",
                "Write `name:` and its settings.",
            );
            return;
        }
    };
    for (name, value) in entries {
        let name = name.as_str().unwrap_or_default();
        let at = format!("{key}.{}", name.escape_default());
        if !is_name(name) {
            scan.problem(
                "RCTL-COMPOSE-NAME",
                at,
                "a name outside the grammar",
                "Use a-z, A-Z, 0-9, '_', '-'; start with a letter or digit.",
            );
            continue;
        }
        match value {
            Value::Null => check(name, &empty, scan),
            Value::Mapping(settings) => check(name, settings, scan),
            _ => scan.problem(
                "RCTL-COMPOSE-YAML",
                at,
                "not a mapping",
                "Write `name:` and its settings.",
            ),
        }
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// A network of the vendor's own: unlike the installer's it has a way out, unless it is internal.
fn network(name: &str, settings: &Mapping, scan: &mut Scan<'_>) {
    let is_true = |key: &str| settings.get(key).is_some_and(|value| *value != Value::Bool(false));
    if is_true("external") || settings.contains_key("name") {
        scan.risk("shared-network", name, "joins a network that is not the install's own");
    }
    if settings.get("internal") != Some(&Value::Bool(true)) {
        scan.risk("outbound-network", name, "a network of its own that can reach out of the host");
    }
    if let Some(driver) = settings.get("driver").filter(|driver| driver.as_str() != Some("bridge"))
    {
        let driver = super::service::text(driver);
        scan.risk(
            format!("network-driver:{driver}"),
            name,
            "a network that bypasses the host's bridge",
        );
    }
    if settings.contains_key("driver_opts") {
        scan.risk("network-options", name, "options for the network driver");
    }
}

/// A top-level config or secret: its source has to come with the install.
fn file_like(kind: &str, name: &str, settings: &Mapping, scan: &mut Scan<'_>) {
    for key in ["file", "external"] {
        if settings.contains_key(key) {
            scan.problem(
                "RCTL-COMPOSE-FILE",
                format!("{kind}.{name}.{key}"),
                "a source outside the bundle",
                "Use `environment: VARIABLE` with a property of the config schema, or `content:`.",
            );
        }
    }
    if let Some(variable) = settings.get("environment") {
        let variable = service::text(variable);
        variables::check_name(&variable, &format!("{kind}.{name}.environment"), scan);
    }
}
