//! The files of a generation: the engine's configuration, the values, and for containers the
//! Compose file.
//!
//! Nothing here is made by replacing text in text: documents are built as values and written by a
//! serializer, so no operator's value and no path can change their structure. No secret is in
//! them.

mod published;
mod services;

use bundle_spec::manifest::{Engine, EngineFlavor};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use super::API_PORT;
use crate::{
    error::Outcome,
    runtime::compose::Variable,
    site::{
        InstallDir, durable,
        secret::Secret,
        state::{InstallState, Runtime, Settings},
        tokens::engine_file_name,
    },
};

use services::compose_file;
pub(crate) use services::{Fragments, is_fragment};

/// Where the engine's container sees its parts.
const CONTAINER_CONFIG: &str = "/etc/rivet";
const CONTAINER_SECRETS: &str = "/run/rivet-secrets";
const CONTAINER_DATA: &str = "/data";

/// The engine's program inside its image.
const CONTAINER_PROGRAM_ARGS: &str = "start";

/// Where the engine finds things: inside its container, or on this host.
#[derive(Debug, Clone)]
pub(crate) struct EnginePaths {
    config: Utf8PathBuf,
    secrets: Utf8PathBuf,
    data: Utf8PathBuf,
}

impl EnginePaths {
    /// The paths that hold for an install with these settings.
    pub(crate) fn of(install: &InstallDir, generation: u64, runtime: Runtime) -> Self {
        match runtime {
            Runtime::Compose => Self {
                config: CONTAINER_CONFIG.into(),
                secrets: CONTAINER_SECRETS.into(),
                data: CONTAINER_DATA.into(),
            },
            Runtime::Binary => Self {
                config: install.generation(generation).join("engine"),
                secrets: install.engine_secrets(),
                data: engine_data(install),
            },
        }
    }

    /// The engine's arguments.
    pub(crate) fn arguments(&self, flavor: EngineFlavor) -> Vec<String> {
        let mut arguments =
            vec!["--config".to_owned(), self.config.join("config.json").into_string()];
        if flavor == EngineFlavor::Upstream {
            // It has no token file: its token is one more configuration file.
            let secrets = self.secrets.join(engine_file_name(flavor));
            arguments.extend(["--config".to_owned(), secrets.into_string()]);
        }
        arguments.push(CONTAINER_PROGRAM_ARGS.to_owned());
        arguments
    }
}

/// The engine's part of the data directory.
pub(crate) fn engine_data(install: &InstallDir) -> Utf8PathBuf {
    install.data().join("engine")
}

/// The part of the data directory that the product's services may mount.
pub(crate) fn app_data(install: &InstallDir) -> Utf8PathBuf {
    install.data().join("app")
}

/// The engine's configuration.
pub(crate) fn engine_config(
    settings: &Settings,
    flavor: EngineFlavor,
    paths: &EnginePaths,
) -> Value {
    let (host, port, loopback) = match settings.runtime {
        // What is reachable from outside the container is decided by the ports it publishes.
        Runtime::Compose => ("0.0.0.0".to_owned(), API_PORT, "0.0.0.0"),
        Runtime::Binary => (settings.bind.to_string(), settings.port, "127.0.0.1"),
    };
    let (peer_port, metrics_port) = match settings.runtime {
        Runtime::Compose => (6421, 6430),
        Runtime::Binary => (settings.port + 1, settings.port + 10),
    };
    let public_host = match settings.runtime {
        Runtime::Compose => crate::compose::ENGINE_SERVICE.to_owned(),
        Runtime::Binary if settings.bind.is_unspecified() => "127.0.0.1".to_owned(),
        Runtime::Binary if settings.bind.is_ipv6() => format!("[{}]", settings.bind),
        Runtime::Binary => settings.bind.to_string(),
    };
    let mut config = json!({
        "guard": { "host": host, "port": port },
        "api_peer": { "host": loopback, "port": peer_port },
        "metrics": { "host": loopback, "port": metrics_port },
        "file_system": { "path": paths.data.join("db") },
        "telemetry": { "enabled": false },
        "topology": {
            "datacenter_label": 1,
            "datacenters": {
                "default": {
                    "datacenter_label": 1,
                    "is_leader": true,
                    "public_url": format!("http://{public_host}:{port}"),
                    "peer_url": format!("http://127.0.0.1:{peer_port}"),
                },
            },
        },
    });
    if flavor == EngineFlavor::RivetEngine {
        config["auth"] =
            json!({ "admin_token_file": paths.secrets.join(engine_file_name(flavor)) });
    }
    config
}

/// Writes a generation's files. Writing them again gives the same bytes.
pub(crate) fn write(
    install: &InstallDir,
    state: &InstallState,
    engine: &Engine,
    values: &super::values::Values,
    fragments: &Fragments,
) -> Outcome {
    let generation = install.generation(state.generation);
    durable::create_dir(&generation, durable::PRIVATE_DIR)?;
    let engine_dir = generation.join("engine");
    durable::create_dir(&engine_dir, durable::READABLE_DIR)?;
    let paths = EnginePaths::of(install, state.generation, state.settings.runtime);
    let config = engine_config(&state.settings, engine.flavor, &paths);
    write_json(&engine_dir.join("config.json"), &config, durable::READABLE_FILE)?;
    write_json(&generation.join("values.json"), &values.plain, durable::PRIVATE_FILE)?;
    write_json(&install.secrets().join("values.json"), &values.secret, durable::PRIVATE_FILE)?;
    if state.settings.runtime == Runtime::Compose {
        let text = compose_file(install, state, engine, &paths, fragments)?;
        durable::write(&generation.join("compose.yaml"), text.as_bytes(), durable::PRIVATE_FILE)?;
    }
    Ok(())
}

/// The variables that Compose fills into the product's services.
pub(crate) fn variables(
    install: &InstallDir,
    state: &InstallState,
    values: &super::values::Values,
    token: &Secret,
) -> Vec<Variable> {
    let namespace = &state.settings.namespace;
    let host = format!("{}:{API_PORT}", crate::compose::ENGINE_SERVICE);
    let ours = [
        ("RIVET_ENDPOINT", format!("http://{namespace}:{}@{host}", token.expose())),
        ("RIVET_ENGINE_URL", format!("http://{host}")),
        ("RIVET_NAMESPACE", namespace.to_string()),
        ("RIVET_TOKEN", token.expose().to_owned()),
        ("RIVETCTL_DATA_DIR", app_data(install).into_string()),
        ("RIVETCTL_INSTALL", state.name.to_string()),
    ];
    let ours = ours.into_iter().map(|(name, value)| Variable {
        name: name.to_owned(),
        value: Secret::from_text(value),
        confidential: crate::compose::OUR_SECRETS.contains(&name),
    });
    ours.chain(values.variables()).collect()
}

fn write_json(path: &Utf8Path, value: &impl serde::Serialize, mode: u32) -> Outcome {
    let mut json = serde_json::to_vec_pretty(value).expect("plain data");
    json.push(b'\n');
    Ok(durable::write(path, &json, mode)?)
}
