//! The Compose file: the engine's service from our template, the vendor's services from verified
//! and checked fragments, images replaced by our own tags.

use std::{collections::BTreeMap, net::SocketAddr};

use bundle_spec::manifest::{Engine, Image, Manifest, Platform, TemplateKind};
use rustix::process::{getgid, getuid};
use serde_yaml_ng::{Mapping, Value};

use super::{
    CONTAINER_CONFIG, CONTAINER_DATA, CONTAINER_SECRETS, EnginePaths, engine_data, published,
};
use crate::{
    compose::{self, ENGINE_SERVICE, Fragment, Sensitivity, Surroundings},
    install::{
        API_PORT, InstallError,
        values::{Schema, Values},
    },
    site::{InstallDir, state::InstallState},
};

const ENGINE_TEMPLATE: &str = include_str!("../../../../templates/compose/engine.yaml");

/// The label by which everything of an install is found.
const INSTALL_LABEL: &str = "rivetctl.install";

/// Parts of a Compose file that fragments add to.
const SECTIONS: [&str; 4] = ["volumes", "networks", "configs", "secrets"];

/// The vendor's fragments, checked again against what the manifest says of them.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    fragments: Vec<Fragment>,
    /// How fragments may name each image, and the image's name in the bundle.
    images: Vec<(String, String)>,
}

impl Fragments {
    /// Checks the templates' texts. A risk that the signed manifest does not declare is refused.
    pub(crate) fn check(
        manifest: &Manifest,
        platform: Platform,
        schema: &Schema,
        texts: &[(String, String)],
    ) -> Result<Self, InstallError> {
        let spellings = |image: &Image| {
            let name = image.name.to_string();
            [(image.reference.to_string(), name.clone()), (name.clone(), name)]
        };
        let images: Vec<(String, String)> =
            manifest.images_for(platform).flat_map(spellings).collect();
        let surroundings = Surroundings {
            images: images.iter().map(|(spelling, _)| spelling.clone()).collect(),
            properties: schema
                .properties()
                .map(|(name, secret)| {
                    (name.to_owned(), if secret { Sensitivity::Secret } else { Sensitivity::Plain })
                })
                .collect(),
        };
        let texts = texts.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        let findings = compose::check(texts, &surroundings);
        if let Some(problem) = findings.problems.first() {
            let reason = format!("{}: found {} [{}]", problem.at, problem.found, problem.code);
            return Err(InstallError::Template { template: problem.file.clone(), reason });
        }
        let allowed = |id: &str| manifest.allowed_risks.iter().any(|risk| risk.as_str() == id);
        if let Some(risk) = findings.risks.iter().find(|risk| !allowed(&risk.id)) {
            let template = findings.fragments.first().map(|fragment| fragment.file.clone());
            return Err(InstallError::UndeclaredRisk {
                template: template.unwrap_or_default(),
                risk: format!("{} ({})", risk.id, risk.meaning),
            });
        }
        Ok(Self { fragments: findings.fragments, images })
    }

    /// Where the services will publish ports of this host, with these values.
    pub(crate) fn published_ports(&self, values: &Values) -> Vec<(String, SocketAddr)> {
        let variables = values.variables();
        let known: BTreeMap<&str, &str> = variables
            .iter()
            .map(|variable| (variable.name.as_str(), variable.value.expose()))
            .collect();
        let mut found = Vec::new();
        for fragment in &self.fragments {
            for name in fragment.service_names() {
                let service =
                    fragment.content["services"][name].as_mapping().cloned().unwrap_or_default();
                let ports = published::ports(&service, &known);
                found.extend(ports.into_iter().map(|port| (name.to_owned(), port)));
            }
        }
        found
    }

    fn image_name(&self, spelling: &str) -> Option<&str> {
        let found = self.images.iter().find(|(known, _)| known == spelling)?;
        Some(&found.1)
    }
}

/// Which templates of a manifest are Compose fragments.
pub(crate) fn is_fragment(kind: TemplateKind) -> bool {
    match kind {
        TemplateKind::Compose => true,
    }
}

/// The whole Compose file of an install.
pub(super) fn compose_file(
    install: &InstallDir,
    state: &InstallState,
    engine: &Engine,
    paths: &EnginePaths,
    fragments: &Fragments,
) -> Result<String, InstallError> {
    let mut file: Mapping = serde_yaml_ng::from_str(ENGINE_TEMPLATE).expect("our template is YAML");
    let tag = |name: &str| {
        let found = state.images.iter().find(|image| image.name.as_str() == name);
        found.map(|image| image.tag.clone()).ok_or_else(|| InstallError::Template {
            template: "compose.yaml".into(),
            reason: format!("image {name} was not loaded"),
        })
    };
    let services = section(&mut file, "services");
    let ours = services.get_mut(ENGINE_SERVICE).and_then(Value::as_mapping_mut);
    fill_engine(
        ours.expect("our template has it"),
        install,
        state,
        engine,
        paths,
        tag(engine.image.as_str())?,
    );
    for fragment in &fragments.fragments {
        for name in fragment.service_names() {
            let service =
                fragment.content["services"][name].as_mapping().cloned().unwrap_or_default();
            let spelling = service.get("image").and_then(Value::as_str).unwrap_or_default();
            let image = fragments.image_name(spelling).expect("the check found it");
            let service = fill_service(service, state, tag(image)?);
            section(&mut file, "services").insert(name.into(), service.into());
        }
        for key in SECTIONS {
            let Some(Value::Mapping(theirs)) = fragment.content.get(key) else { continue };
            let merged = section(&mut file, key);
            for (name, value) in theirs {
                // Ours win: a fragment must not give the default network a way out.
                if !merged.contains_key(name) {
                    merged.insert(name.clone(), value.clone());
                }
            }
        }
    }
    Ok(serde_yaml_ng::to_string(&file).expect("a mapping is YAML"))
}

fn fill_engine(
    service: &mut Mapping,
    install: &InstallDir,
    state: &InstallState,
    engine: &Engine,
    paths: &EnginePaths,
    tag: String,
) {
    let own = || (getuid().as_raw(), getgid().as_raw());
    let (user, group) = state.container_user.map_or_else(own, |user| (user, user));
    let mount = |source: &camino::Utf8Path, target: &str, read_only: bool| {
        let mut mount = Mapping::new();
        mount.insert("type".into(), "bind".into());
        mount.insert("source".into(), literal(source.as_str()));
        mount.insert("target".into(), target.into());
        mount.insert("read_only".into(), read_only.into());
        Value::from(mount)
    };
    let generation = install.generation(state.generation);
    let mounts = vec![
        mount(&engine_data(install), CONTAINER_DATA, false),
        mount(&generation.join("engine"), CONTAINER_CONFIG, true),
        mount(&install.engine_secrets(), CONTAINER_SECRETS, true),
    ];
    let arguments: Vec<Value> =
        paths.arguments(engine.flavor).iter().map(|argument| literal(argument)).collect();
    let settings = &state.settings;
    let bind = if settings.bind.is_ipv6() {
        format!("[{}]", settings.bind)
    } else {
        settings.bind.to_string()
    };
    let port = format!("{bind}:{}:{API_PORT}", settings.port);
    service.insert("image".into(), tag.into());
    service.insert("user".into(), format!("{user}:{group}").into());
    service.insert("command".into(), arguments.into());
    service.insert("ports".into(), vec![Value::from(port)].into());
    service.insert("volumes".into(), mounts.into());
    service.insert("labels".into(), labels(None, state).into());
}

fn fill_service(mut service: Mapping, state: &InstallState, tag: String) -> Mapping {
    service.insert("image".into(), tag.into());
    service.insert("pull_policy".into(), "never".into());
    let labels = labels(service.get("labels"), state);
    service.insert("labels".into(), labels.into());
    service
}

/// The service's own labels and ours.
fn labels(own: Option<&Value>, state: &InstallState) -> Mapping {
    let mut labels = match own {
        Some(Value::Mapping(labels)) => labels.clone(),
        Some(Value::Sequence(lines)) => lines
            .iter()
            .filter_map(Value::as_str)
            .map(|line| line.split_once('=').unwrap_or((line, "")))
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        _ => Mapping::new(),
    };
    labels.insert(INSTALL_LABEL.into(), state.name.as_str().into());
    labels
}

/// Text in which Compose finds no variable.
fn literal(text: &str) -> Value {
    text.replace('$', "$$").into()
}

fn section<'a>(file: &'a mut Mapping, key: &str) -> &'a mut Mapping {
    let value = file.entry(key.into()).or_insert_with(|| Mapping::new().into());
    value.as_mapping_mut().expect("sections are mappings: the check saw to it")
}

#[cfg(test)]
mod tests;
