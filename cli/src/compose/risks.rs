//! Settings that take a container out of its box. Each becomes a risk with a stable id.

use serde_yaml_ng::Value;

use super::{Scan, ports, service::text, volumes};

/// Looks at one setting of a service; false for keys that nobody knows.
pub(super) fn check(service: &str, key: &str, value: &Value, scan: &mut Scan<'_>) -> bool {
    match key {
        "privileged" => flag(value, "privileged", service, "has every power over the host", scan),
        "use_api_socket" => flag(
            value,
            "docker-socket",
            service,
            "commands the container engine, and with it the whole host",
            scan,
        ),
        "network_mode" => network_mode(service, value, scan),
        "pid" => {
            namespace("pid", service, value, "sees and signals other processes of the host", scan);
        }
        "ipc" => {
            namespace(
                "ipc",
                service,
                value,
                "shares memory with other processes of the host",
                scan,
            );
        }
        "uts" => namespace("uts", service, value, "can rename the host", scan),
        "userns_mode" => namespace("userns", service, value, "its root is the host's root", scan),
        "cgroup" => namespace("cgroup", service, value, "sees the host's control groups", scan),
        "cgroup_parent" => {
            any(value, "cgroup-parent", service, "leaves the control group that limits it", scan);
        }
        "volumes" => volumes::of_service(service, value, scan),
        "volumes_from" => each(
            value,
            "volumes-from",
            service,
            "uses the volumes of another container",
            scan,
            |from| from.starts_with("container:"),
        ),
        "cap_add" => each(
            value,
            "cap-add",
            service,
            "has a kernel capability that containers do not have",
            scan,
            |_| true,
        ),
        "devices" | "gpus" | "device_cgroup_rules" => {
            any(value, "devices", service, "uses devices of the host", scan);
        }
        "deploy" => deploy(service, value, scan),
        "security_opt" => each(
            value,
            "security-opt",
            service,
            "changes the confinement of the container",
            scan,
            |option| {
                !matches!(
                    option,
                    "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true"
                )
            },
        ),
        "sysctls" => any(value, "sysctls", service, "sets kernel parameters", scan),
        "runtime" => any(
            value,
            &format!("runtime:{}", text(value)),
            service,
            "runs under another container runtime",
            scan,
        ),
        "ports" => ports::check(service, value, scan),
        "user" => user(service, value, scan),
        "group_add" => {
            each(value, "group-add", service, "joins a group of the host", scan, |_| true);
        }
        "extra_hosts" => extra_hosts(service, value, scan),
        "external_links" => {
            any(value, "external-links", service, "talks to containers of other projects", scan);
        }
        "logging" => logging(service, value, scan),
        "storage_opt" | "isolation" | "mac_address" | "blkio_config" | "cpu_rt_period"
        | "cpu_rt_runtime" => {
            any(value, key, service, "tunes the host for this container", scan);
        }
        _ => return false,
    }
    true
}

/// Everything but a plain `false` counts: Compose reads `yes`, `on` and variables as well.
fn flag(value: &Value, risk: &str, service: &str, meaning: &str, scan: &mut Scan<'_>) {
    if !matches!(value, Value::Bool(false) | Value::Null) {
        scan.risk(risk, service, meaning);
    }
}

fn any(value: &Value, risk: &str, service: &str, meaning: &str, scan: &mut Scan<'_>) {
    let empty = match value {
        Value::Null => true,
        Value::Sequence(items) => items.is_empty(),
        Value::Mapping(map) => map.is_empty(),
        _ => false,
    };
    if !empty {
        scan.risk(risk, service, meaning);
    }
}

/// One risk per list item that `matters`.
fn each(
    value: &Value,
    risk: &str,
    service: &str,
    meaning: &str,
    scan: &mut Scan<'_>,
    matters: impl Fn(&str) -> bool,
) {
    let Some(items) = value.as_sequence() else {
        return any(value, risk, service, meaning, scan);
    };
    for item in items.iter().map(text).filter(|item| matters(item)) {
        scan.risk(format!("{risk}:{item}"), service, meaning);
    }
}

fn network_mode(service: &str, value: &Value, scan: &mut Scan<'_>) {
    match text(value).as_str() {
        "none" => (),
        "host" => {
            scan.risk("host-network", service, "uses the host's network, local services included");
        }
        "bridge" => scan.risk(
            "outbound-network:bridge",
            service,
            "joins a network that can reach out of the host",
        ),
        mode if is_peer(mode, scan) => (),
        mode => scan.risk(
            format!("network-mode:{mode}"),
            service,
            "joins a network that is not the install's own",
        ),
    }
}

/// Whether a mode is that of another service of the bundle.
fn is_peer(mode: &str, scan: &Scan<'_>) -> bool {
    mode.strip_prefix("service:").is_some_and(|peer| scan.services.contains(peer))
}

fn namespace(kind: &str, service: &str, value: &Value, meaning: &str, scan: &mut Scan<'_>) {
    match text(value).as_str() {
        "" | "private" | "none" | "shareable" => (),
        "host" => scan.risk(format!("host-{kind}"), service, meaning),
        mode if is_peer(mode, scan) => (),
        mode => scan.risk(format!("{kind}-mode:{mode}"), service, meaning),
    }
}

fn deploy(service: &str, value: &Value, scan: &mut Scan<'_>) {
    let devices =
        value.get("resources").and_then(|resources| resources.get("reservations")?.get("devices"));
    if let Some(devices) = devices {
        any(devices, "devices", service, "uses devices of the host", scan);
    }
}

fn user(service: &str, value: &Value, scan: &mut Scan<'_>) {
    let user = text(value);
    if matches!(user.split(':').next(), Some("root" | "0")) {
        scan.risk("runs-as-root", service, "runs as root inside its container");
    }
}

fn extra_hosts(service: &str, value: &Value, scan: &mut Scan<'_>) {
    let values: Vec<String> = match value {
        Value::Sequence(items) => items.iter().map(text).collect(),
        Value::Mapping(map) => map.values().map(text).collect(),
        other => vec![text(other)],
    };
    if values.iter().any(|value| value.contains("host-gateway") || value.contains('$')) {
        scan.risk("host-gateway", service, "reaches services of the host itself");
    }
}

fn logging(service: &str, value: &Value, scan: &mut Scan<'_>) {
    let driver = value.get("driver").map(text).unwrap_or_default();
    if !matches!(driver.as_str(), "" | "json-file" | "local" | "none") {
        scan.risk(format!("log-driver:{driver}"), service, "sends its logs somewhere else");
    }
}
