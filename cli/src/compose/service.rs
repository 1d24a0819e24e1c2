//! One service: every key is known to be harmless, looked into, or refused.

use serde_yaml_ng::{Mapping, Value};

use super::{ENGINE_SERVICE, OUR_SECRETS, Scan, image, risks, variables};

/// Settings that concern nobody but the container itself.
const HARMLESS: &[&str] = &[
    "annotations",
    "attach",
    "cap_drop",
    "command",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_shares",
    "cpus",
    "cpuset",
    "configs",
    "dns",
    "dns_opt",
    "dns_search",
    "domainname",
    "entrypoint",
    "expose",
    "healthcheck",
    "hostname",
    "init",
    "labels",
    "links",
    "mem_limit",
    "mem_reservation",
    "mem_swappiness",
    "memswap_limit",
    "networks",
    "oom_kill_disable",
    "oom_score_adj",
    "pids_limit",
    "platform",
    "profiles",
    "read_only",
    "restart",
    "scale",
    "secrets",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "tmpfs",
    "tty",
    "ulimits",
    "working_dir",
];

/// Settings that need something which is not in a bundle, and what to do instead.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "build",
        "RCTL-COMPOSE-BUILD",
        "Build the image first and name it under [[images]]: nothing is built on the installing host.",
    ),
    (
        "container_name",
        "RCTL-COMPOSE-KEY",
        "Remove it: a fixed name would keep a second install off the host.",
    ),
    (
        "env_file",
        "RCTL-COMPOSE-FILE",
        "List the values under `environment`, as ${NAME} of the config schema.",
    ),
    ("label_file", "RCTL-COMPOSE-FILE", "List the labels under `labels`."),
    ("develop", "RCTL-COMPOSE-BUILD", "Remove it: nothing is built on the installing host."),
    (
        "provider",
        "RCTL-COMPOSE-KEY",
        "Remove it: a provider is a program of the host, not of the bundle.",
    ),
    ("credential_spec", "RCTL-COMPOSE-FILE", "Remove it: the file is not in the bundle."),
    ("pre_start", "RCTL-COMPOSE-KEY", "Do the work in the image's own entry point."),
    ("post_start", "RCTL-COMPOSE-KEY", "Do the work in the image's own entry point."),
    ("pre_stop", "RCTL-COMPOSE-KEY", "Do the work in the image's own signal handler."),
];

/// Checks one service.
pub(super) fn check(name: &str, settings: &Mapping, scan: &mut Scan<'_>) {
    let at = format!("services.{name}");
    if name == ENGINE_SERVICE {
        scan.problem(
            "RCTL-COMPOSE-ENGINE",
            at,
            "a definition of the engine",
            "Remove this service: the engine comes from the bundle's [engine] under this very name; keep `depends_on: [rivet-engine]` where it is.",
        );
        return;
    }
    if name != name.to_ascii_lowercase() {
        scan.problem(
            "RCTL-COMPOSE-NAME",
            &*at,
            "capital letters",
            "Use lower-case letters: the name becomes a host name.",
        );
    }
    image::check(&at, settings.get("image"), scan);
    for (key, value) in settings {
        let Some(key) = key.as_str() else {
            scan.problem("RCTL-COMPOSE-KEY", &*at, "a key that is not text", "Use text as keys.");
            continue;
        };
        let at = format!("{at}.{}", key.escape_default());
        if let Some((_, code, advice)) = REFUSED.iter().find(|(refused, ..)| *refused == key) {
            scan.problem(code, at, format!("`{key}`"), *advice);
        } else if !(key.starts_with("x-")
            || HARMLESS.contains(&key)
            || checked_here(name, key, value, &at, scan))
        {
            scan.problem(
                "RCTL-COMPOSE-KEY",
                at,
                "a setting that a bundle does not support",
                "Remove it: what is not known to be safe is not installed.",
            );
        }
    }
}

/// Looks into the settings that need it; false for keys that nobody knows.
fn checked_here(name: &str, key: &str, value: &Value, at: &str, scan: &mut Scan<'_>) -> bool {
    match key {
        "image" => (), // before the loop, so that a missing one is noticed
        "pull_policy" => {
            if value.as_str() != Some("never") {
                scan.problem(
                    "RCTL-COMPOSE-PULL",
                    at,
                    text(value),
                    "Remove it, or write `never`: there is nowhere to pull from.",
                );
            }
        }
        "depends_on" => depends_on(value, at, scan),
        "extends" => extends(value, at, scan),
        "environment" => environment(value, at, scan),
        _ => return risks::check(name, key, value, scan),
    }
    true
}

fn depends_on(value: &Value, at: &str, scan: &mut Scan<'_>) {
    let names: Vec<(&str, Option<&str>)> = match value {
        Value::Sequence(items) => {
            items.iter().filter_map(|item| Some((item.as_str()?, None))).collect()
        }
        Value::Mapping(map) => map
            .iter()
            .filter_map(|(name, how)| {
                Some((name.as_str()?, how.get("condition").and_then(Value::as_str)))
            })
            .collect(),
        _ => {
            scan.problem("RCTL-COMPOSE-YAML", at, text(value), "Write a list of services.");
            return;
        }
    };
    for (name, condition) in names {
        if name == ENGINE_SERVICE {
            if condition.is_some_and(|condition| condition != "service_started") {
                scan.problem(
                    "RCTL-COMPOSE-ENGINE",
                    format!("{at}.{name}"),
                    "a condition that the engine's container cannot report",
                    "Write `service_started`: the installer waits for the engine's health before it starts your services.",
                );
            }
        } else if !scan.services.contains(name) {
            let found = format!("the unknown service {}", name.escape_default());
            scan.problem(
                "RCTL-COMPOSE-SERVICE",
                at,
                found,
                "Name a service of the bundle, or rivet-engine.",
            );
        }
    }
}

fn extends(value: &Value, at: &str, scan: &mut Scan<'_>) {
    if value.get("file").is_some() {
        scan.problem(
            "RCTL-COMPOSE-INCLUDE",
            format!("{at}.file"),
            "another file, which would not be in the bundle",
            "Put the base service into this file.",
        );
        return;
    }
    let base =
        value.as_str().or_else(|| value.get("service").and_then(Value::as_str)).unwrap_or_default();
    if !scan.services.contains(base) || base == ENGINE_SERVICE {
        let found = format!("the unknown service {:?}", base.escape_default().to_string());
        scan.problem("RCTL-COMPOSE-SERVICE", at, found, "Extend a service of this file.");
    }
}

/// The token is made at install: a literal one would be everybody's.
fn environment(value: &Value, at: &str, scan: &mut Scan<'_>) {
    let pairs: Vec<(String, Option<String>)> = match value {
        Value::Null => return,
        Value::Sequence(items) => items
            .iter()
            .map(text)
            .map(|item| match item.split_once('=') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (item, None),
            })
            .collect(),
        Value::Mapping(map) => map
            .iter()
            .map(|(key, value)| (text(key), (!value.is_null()).then(|| text(value))))
            .collect(),
        _ => {
            scan.problem("RCTL-COMPOSE-YAML", at, text(value), "Write `NAME: value` pairs.");
            return;
        }
    };
    for (key, value) in pairs {
        let at = format!("{at}.{}", key.escape_default());
        let Some(value) = value else {
            scan.problem(
                "RCTL-COMPOSE-VARIABLE",
                at,
                "a variable without a value, to be taken from the installing host's environment",
                format!("Write `{key}: ${{{key}}}`, with {key} in the config schema."),
            );
            continue;
        };
        if OUR_SECRETS.contains(&key.as_str()) && holds_literal_token(&key, &value) {
            scan.problem(
                "RCTL-COMPOSE-TOKEN",
                at,
                "a literal token",
                format!("Write `{key}: ${{{key}}}`: every install makes a token of its own."),
            );
        }
    }
}

fn holds_literal_token(key: &str, value: &str) -> bool {
    let names = variables::references(value).unwrap_or_default();
    let authority =
        value.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or(""));
    let ours = names.iter().any(|name| OUR_SECRETS.contains(&name.as_str()));
    match key {
        "RIVET_TOKEN" => !value.is_empty() && names.is_empty(),
        // An endpoint without credentials is fine: RIVET_TOKEN can carry them.
        _ => authority.contains('@') && !ours,
    }
}

/// A scalar as Compose would read it.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null => String::new(),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) | Value::Tagged(_) => "a mapping".to_owned(),
    }
}
