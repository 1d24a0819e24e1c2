//! Volumes and mounts: which of them reach into the host's own files.

use serde_yaml_ng::{Mapping, Value};

use super::{Scan, ports::split_outside_braces, service::text};

/// Checks the volumes of a service.
pub(super) fn of_service(service: &str, value: &Value, scan: &mut Scan<'_>) {
    let Some(volumes) = value.as_sequence() else {
        scan.problem(
            "RCTL-COMPOSE-YAML",
            format!("services.{service}.volumes"),
            text(value),
            "Write a list of volumes.",
        );
        return;
    };
    for volume in volumes {
        if let Some(source) = host_source(volume) {
            host_path(&source, service, scan);
        }
    }
}

/// Checks a named volume: a driver's options can turn it into a host mount.
pub(super) fn top_level(name: &str, settings: &Mapping, scan: &mut Scan<'_>) {
    let external = settings.get("external").is_some_and(|value| *value != Value::Bool(false));
    if external || settings.contains_key("name") {
        scan.risk("shared-volume", name, "uses a volume that is not the install's own");
    }
    if let Some(driver) = settings.get("driver").filter(|driver| driver.as_str() != Some("local")) {
        scan.risk(
            format!("volume-driver:{}", text(driver)),
            name,
            "needs a volume driver of the host",
        );
    }
    match settings.get("driver_opts") {
        None | Some(Value::Null) => (),
        Some(options) => match options.get("device") {
            Some(device) => host_path(&text(device), name, scan),
            None => scan.risk("volume-options", name, "options for the volume driver"),
        },
    }
}

/// What is mounted from the host, when it is not a named or anonymous volume or a tmpfs.
fn host_source(volume: &Value) -> Option<String> {
    if let Value::Mapping(long) = volume {
        let source = long.get("source").or_else(|| long.get("src")).map(text).unwrap_or_default();
        let kind = long.get("type").map(text).unwrap_or_default();
        return match kind.as_str() {
            "tmpfs" => None,
            "volume" => (!is_volume_name(&source)).then_some(source),
            // bind, npipe, cluster, image and what comes next
            _ => Some(source),
        };
    }
    let short = text(volume);
    let parts = split_outside_braces(&short);
    let source = (parts.len() > 1).then(|| parts[0].to_owned())?;
    (!is_volume_name(&source)).then_some(source)
}

/// A name cannot be a path; a variable could become one, so it is not a name.
fn is_volume_name(source: &str) -> bool {
    source.is_empty()
        || source.starts_with(|c: char| c.is_ascii_alphanumeric())
            && source.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

fn host_path(path: &str, of: &str, scan: &mut Scan<'_>) {
    if path.contains("docker.sock")
        || path.contains("containerd.sock")
        || path.contains("podman.sock")
    {
        scan.risk("docker-socket", of, "commands the container engine, and with it the whole host");
    } else {
        scan.risk(
            format!("host-mount:{path}"),
            of,
            format!("reads or writes {} of the host", path.escape_default()),
        );
    }
}
