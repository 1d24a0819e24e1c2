//! What an install will do, decided before the first change: a pure function of the bundle's
//! manifest, the host's facts and the install's state.

mod planned;
mod report;
mod space;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bundle_spec::{
    digest::Sha256Digest,
    manifest::{Engine, Image, Manifest, Platform},
    text::Name,
};
use indicatif::HumanBytes;

use super::{
    InstallError,
    host::{DockerFacts, HostFacts},
};
use crate::site::state::{InstallState, Runtime, Settings};

pub(crate) use planned::{
    ImageAction, Intent, Plan, PlannedDocker, PlannedImage, PlannedPort, PlannedSpace, PlannedStep,
    StepKind,
};

/// Distance of the engine's other ports from its API port, where they are on the host.
const PEER_OFFSET: u16 = 1;
const METRICS_OFFSET: u16 = 10;

/// What is to be installed, under which name and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) name: &'a Name,
    pub(crate) manifest: &'a Manifest,
    pub(crate) bundle_id: Sha256Digest,
    pub(crate) settings: &'a Settings,
    /// Ports of this host that the product's services publish, by service.
    pub(crate) published: &'a [(String, SocketAddr)],
}

/// The ports that the engine opens on this host.
pub(crate) fn ports(settings: &Settings) -> Result<Vec<PlannedPort>, InstallError> {
    let port = settings.port;
    let api = PlannedPort {
        address: SocketAddr::new(settings.bind, port),
        what: "the engine's API".to_owned(),
    };
    match settings.runtime {
        Runtime::Compose if port > 0 => Ok(vec![api]),
        Runtime::Binary if port > 0 && port <= u16::MAX - METRICS_OFFSET => {
            let local = |offset| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port + offset);
            Ok(vec![
                api,
                PlannedPort {
                    address: local(PEER_OFFSET),
                    what: "the engine's peers and probes".to_owned(),
                },
                PlannedPort { address: local(METRICS_OFFSET), what: "metrics".to_owned() },
            ])
        }
        Runtime::Compose | Runtime::Binary => Err(InstallError::PortRange { port }),
    }
}

/// Decides what to do, or why it cannot be done here.
pub(crate) fn plan(
    request: &Request<'_>,
    facts: &HostFacts,
    state: Option<&InstallState>,
) -> Result<Plan, InstallError> {
    let manifest = request.manifest;
    let (platform, engine) = engine_for(manifest, facts)?;
    check_state(request, state)?;
    if let Some((address, by)) = facts.taken_ports.first() {
        return Err(InstallError::PortTaken { address: *address, by: by.clone() });
    }
    let images = match &facts.docker {
        Some(docker) => images(manifest, platform, docker, state)?,
        None => Vec::new(),
    };
    let outcome = intent(facts, state, &images);
    let steps = if outcome == Intent::NothingToDo {
        Vec::new()
    } else {
        steps(request, &images, facts, state, outcome)
    };
    let mut ports = ports(request.settings)?;
    let of_service = |(service, address): &(String, SocketAddr)| PlannedPort {
        address: *address,
        what: format!("the service {service}"),
    };
    ports.extend(request.published.iter().map(of_service));
    let space = if outcome == Intent::NothingToDo {
        Vec::new()
    } else {
        space::needed(manifest, platform, facts, &images, engine)?
    };
    Ok(Plan {
        install: request.name.clone(),
        product: manifest.product.clone(),
        channel: manifest.channel.clone(),
        version: manifest.version.to_string(),
        release_seq: manifest.release_seq,
        bundle_id: request.bundle_id,
        generation: state.map_or(1, |state| state.generation),
        outcome,
        runtime: request.settings.runtime,
        engine_flavor: engine.flavor,
        engine_version: engine.version.to_string(),
        docker: facts.docker.as_ref().map(|docker| PlannedDocker {
            version: docker.version.clone(),
            compose: docker.compose.clone(),
            store: docker.store,
        }),
        namespace: request.settings.namespace.clone(),
        pools: manifest.pools.iter().map(|pool| pool.name.clone()).collect(),
        steps,
        images,
        ports,
        space,
        container_user: (facts.is_root && request.settings.runtime == Runtime::Compose)
            .then_some(super::CONTAINER_USER),
        risks: match request.settings.runtime {
            Runtime::Compose => manifest.allowed_risks.iter().map(ToString::to_string).collect(),
            Runtime::Binary => Vec::new(),
        },
        notes: notes(request, facts),
    })
}

fn engine_for<'a>(
    manifest: &'a Manifest,
    facts: &HostFacts,
) -> Result<(Platform, &'a Engine), InstallError> {
    let engine = facts.platform.and_then(|platform| Some((platform, manifest.engine(platform)?)));
    engine.ok_or_else(|| {
        let found: Vec<&str> =
            manifest.platforms.iter().map(|platform| platform.as_str()).collect();
        let expected =
            facts.platform.map_or("of another kind".to_owned(), |platform| platform.to_string());
        InstallError::OtherPlatform { found: found.join(", "), expected }
    })
}

/// An install that exists is continued or left alone, never turned into something else.
fn check_state(request: &Request<'_>, state: Option<&InstallState>) -> Result<(), InstallError> {
    let Some(state) = state else { return Ok(()) };
    let name = request.name.to_string();
    if state.removing {
        return Err(InstallError::BeingRemoved { name });
    }
    if state.product != request.manifest.product || state.channel != request.manifest.channel {
        return Err(InstallError::NameInUse {
            name,
            found: format!("{}/{}", state.product, state.channel),
            expected: format!("{}/{}", request.manifest.product, request.manifest.channel),
        });
    }
    let (old, new) = (&state.settings, request.settings);
    let differs = |what, found: String, wanted: String| {
        let name = name.clone();
        if found == wanted {
            Ok(())
        } else {
            Err(InstallError::OtherSettings { name, what, found, wanted })
        }
    };
    let word = |runtime: Runtime| format!("{runtime:?}").to_lowercase();
    differs("the runtime", word(old.runtime), word(new.runtime))?;
    if !state.complete {
        return Ok(());
    }
    if state.bundle_id != request.bundle_id {
        return Err(InstallError::OtherRelease {
            name,
            found: state.release_seq,
            found_id: state.bundle_id.to_hex()[..16].to_owned(),
            offered: request.manifest.release_seq,
            offered_id: request.bundle_id.to_hex()[..16].to_owned(),
        });
    }
    differs("the address", old.bind.to_string(), new.bind.to_string())?;
    differs("the port", old.port.to_string(), new.port.to_string())?;
    differs("the namespace", old.namespace.to_string(), new.namespace.to_string())?;
    let same_values = old.values == new.values;
    differs(
        "values",
        "of its own".into(),
        if same_values { "of its own" } else { "other values" }.into(),
    )
}

fn images(
    manifest: &Manifest,
    platform: Platform,
    docker: &DockerFacts,
    state: Option<&InstallState>,
) -> Result<Vec<PlannedImage>, InstallError> {
    let mut planned = Vec::new();
    for image in manifest.images_for(platform) {
        let found = &docker.images[&image.name];
        let is_ours = |id: &String| {
            let known = state.map(|state| state.images.as_slice()).unwrap_or_default();
            known.iter().any(|known| known.tag == found.tag && known.id == *id)
        };
        let action = match &found.tagged {
            Some(id) if *id == found.id => ImageAction::Keep,
            Some(id) if !is_ours(id) => {
                return Err(InstallError::TagTaken {
                    tag: found.tag.clone(),
                    found: id.clone(),
                    expected: found.id.clone(),
                });
            }
            _ if found.is_there => ImageAction::Tag,
            _ => send(manifest, image, found.layers_there),
        };
        let (tag, id) = (found.tag.clone(), found.id.clone());
        planned.push(PlannedImage { name: image.name.clone(), tag, id, action });
    }
    Ok(planned)
}

fn send(manifest: &Manifest, image: &Image, layers_skipped: usize) -> ImageAction {
    let size = |digest| manifest.blob_size(digest).unwrap_or(0);
    let layers: u64 = image.layers[layers_skipped..].iter().map(|layer| size(&layer.blob)).sum();
    ImageAction::Send {
        bytes: size(&image.manifest) + size(&image.config) + layers,
        layers_sent: image.layers.len() - layers_skipped,
        layers_skipped,
    }
}

fn intent(facts: &HostFacts, state: Option<&InstallState>, images: &[PlannedImage]) -> Intent {
    match state {
        None => Intent::Install,
        Some(state) => {
            let in_place = images.iter().all(|image| image.action == ImageAction::Keep);
            if state.complete && facts.is_well && in_place {
                Intent::NothingToDo
            } else {
                Intent::Continue
            }
        }
    }
}

fn steps(
    request: &Request<'_>,
    images: &[PlannedImage],
    facts: &HostFacts,
    state: Option<&InstallState>,
    outcome: Intent,
) -> Vec<PlannedStep> {
    // A release or settings that changed since the run that was interrupted void its steps.
    let same = state.is_some_and(|state| {
        state.bundle_id == request.bundle_id && state.settings == *request.settings
    });
    // What starts, asks or proves is done again on every run: it says how things are now.
    let done = |id: &str, again: bool| {
        outcome == Intent::Continue
            && same
            && !again
            && state.is_some_and(|state| state.is_done(id))
    };
    let mut steps = Vec::new();
    let mut step = |id: &str, what: String, kind: StepKind, again: bool| {
        steps.push(PlannedStep { id: id.to_owned(), what, done: done(id, again), kind });
    };
    step("prepare", "make the install's directories".into(), StepKind::Prepare, false);
    for image in images {
        let what = match image.action {
            ImageAction::Keep => format!("{} is in the daemon", image.name),
            ImageAction::Tag => format!("tag {}, which the daemon has", image.name),
            ImageAction::Send { bytes, layers_sent, layers_skipped } => format!(
                "send {} ({}; layers: {layers_sent} sent, {layers_skipped} there already)",
                image.name,
                HumanBytes(bytes),
            ),
        };
        let again = image.action != ImageAction::Keep;
        step(&format!("load:{}", image.name), what, StepKind::Load(image.name.clone()), again);
    }
    // Another version of rivetctl may render otherwise.
    step("render", "write configuration and services".into(), StepKind::Render, true);
    step("token", "make a 256-bit admin token".into(), StepKind::Token, false);
    if request.settings.runtime == Runtime::Binary {
        step("engine-binary", "write the engine's program".into(), StepKind::EngineBinary, false);
    }
    step("start", format!("start the engine {}", manner(request, facts)), StepKind::Start, true);
    step(
        "namespace",
        format!("make the namespace {}", request.settings.namespace),
        StepKind::Namespace,
        true,
    );
    if !request.manifest.pools.is_empty() {
        step("pools", "register the product's pools".into(), StepKind::Pools, true);
    }
    if request.settings.runtime == Runtime::Compose && !request.manifest.templates.is_empty() {
        step("app", "start the product's services".into(), StepKind::App, true);
    }
    step("prove", "prove that it is healthy and closed".into(), StepKind::Prove, true);
    step("record", "record the release, the roots and the receipt".into(), StepKind::Record, true);
    steps
}

fn manner(request: &Request<'_>, facts: &HostFacts) -> &'static str {
    match request.settings.runtime {
        Runtime::Compose => "as a container",
        Runtime::Binary if facts.has_systemd => "under systemd",
        Runtime::Binary => "as a supervised process",
    }
}

fn notes(request: &Request<'_>, facts: &HostFacts) -> Vec<String> {
    let mut notes = Vec::new();
    if request.settings.runtime == Runtime::Binary {
        if !request.manifest.templates.is_empty() {
            notes.push("The product's services are containers: this runtime does not run them, only the engine.".to_owned());
        }
        if !facts.has_systemd {
            notes.push("There is no systemd: after a restart of the host, run the same install command again.".to_owned());
        }
    }
    if !request.settings.bind.is_loopback() {
        notes.push(format!(
            "The API can be reached from other hosts at {}: put TLS in front of it.",
            request.settings.bind
        ));
    }
    if facts.docker.as_ref().is_some_and(|docker| docker.space.is_none()) {
        notes.push(
            "The daemon's data directory cannot be seen from here: its free space was not checked."
                .to_owned(),
        );
    }
    notes
}

#[cfg(test)]
mod tests;
