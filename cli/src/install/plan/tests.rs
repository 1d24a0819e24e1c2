//! What a plan says for which bundle, host and state.

use std::collections::BTreeMap;

use bundle_spec::manifest::{
    Compression, EngineFlavor, FileEntry, Layer, Pool, StateFormat, Template, TemplateKind,
};

use super::*;
use crate::{
    install::{
        host::Space,
        images::{ImageStore, Presence},
    },
    site::state::{EngineState, SCHEMA, TaggedImage},
};

fn digest(text: &str) -> Sha256Digest {
    Sha256Digest::of(text.as_bytes())
}

fn image(name: &str, layers: &[(&str, u64)]) -> Image {
    let layers = layers.iter().map(|(layer, size)| Layer {
        blob: digest(layer),
        diff_id: digest(layer),
        uncompressed_size: *size,
        compression: Compression::None,
    });
    Image {
        name: name.parse().unwrap(),
        platform: Platform::LinuxAmd64,
        reference: format!("{name}:1").parse().unwrap(),
        source: "test".parse().unwrap(),
        manifest: digest(&format!("{name} manifest")),
        config: digest(&format!("{name} config")),
        layers: layers.collect(),
    }
}

fn manifest() -> Manifest {
    let images = vec![
        image("notes", &[("base", 600), ("app", 200)]),
        image("rivet-engine", &[("engine", 900)]),
    ];
    let mut blobs: Vec<FileEntry> = images
        .iter()
        .flat_map(|image| image.layers.iter().map(|layer| (layer.blob, layer.uncompressed_size)))
        .chain(images.iter().flat_map(|image| [(image.manifest, 10), (image.config, 10)]))
        .chain([(digest("binary"), 900)])
        .map(|(digest, size)| FileEntry { digest, size })
        .collect();
    blobs.sort();
    Manifest {
        schema: bundle_spec::manifest::SCHEMA.to_owned(),
        rivetctl_min: "0.1.0".parse().unwrap(),
        product: "notes".parse().unwrap(),
        channel: "stable".parse().unwrap(),
        version: "1.0.0".parse().unwrap(),
        release_seq: 3,
        min_from_seq: 0,
        created: 1,
        not_after: None,
        audience: None,
        description: None,
        platforms: vec![Platform::LinuxAmd64],
        engines: vec![Engine {
            platform: Platform::LinuxAmd64,
            flavor: EngineFlavor::RivetEngine,
            version: "0.1.0".parse().unwrap(),
            binary: digest("binary"),
            image: "rivet-engine".parse().unwrap(),
            state_format: StateFormat { reads_from: 1, writes: 1 },
        }],
        tools: Vec::new(),
        images,
        templates: vec![Template {
            path: "compose.yaml".parse().unwrap(),
            kind: TemplateKind::Compose,
            blob: digest("template"),
        }],
        config_schema: None,
        pools: vec![Pool { name: "default".parse().unwrap(), drain_on_version_upgrade: true }],
        allowed_risks: Vec::new(),
        revoked_releases: Vec::new(),
        chunk_table: None,
        verify_txt: FileEntry { digest: digest("verify"), size: 6 },
        sums: digest("sums"),
        payload_size: 1,
        blobs,
    }
}

fn settings(runtime: Runtime) -> Settings {
    Settings {
        runtime,
        bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 6420,
        namespace: "notes".parse().unwrap(),
        values: digest("values"),
    }
}

fn space(device: u64, free: u64) -> Space {
    Space { device, path: format!("/{device}").into(), free }
}

fn presence(image: &Image, is_there: bool, layers_there: usize) -> (Name, Presence) {
    let tag = crate::install::images::tag(&"notes".parse().unwrap(), image);
    let id = image.config.to_string();
    let tagged = is_there.then(|| id.clone());
    (image.name.clone(), Presence { tag, id, is_there, tagged, layers_there })
}

fn facts(manifest: &Manifest, is_there: bool) -> HostFacts {
    let images: BTreeMap<_, _> = manifest
        .images
        .iter()
        .map(|image| presence(image, is_there, if is_there { image.layers.len() } else { 0 }))
        .collect();
    HostFacts {
        platform: Some(Platform::LinuxAmd64),
        is_root: true,
        site_space: space(1, 1 << 40),
        docker: Some(DockerFacts {
            version: "20.10".into(),
            compose: "docker compose 2".into(),
            store: ImageStore::Classic,
            space: Some(space(2, 1 << 40)),
            images,
        }),
        taken_ports: Vec::new(),
        has_systemd: false,
        is_well: false,
    }
}

fn state(manifest: &Manifest, settings: &Settings, done: &[&str], complete: bool) -> InstallState {
    InstallState {
        schema: SCHEMA.to_owned(),
        name: "notes".parse().unwrap(),
        product: manifest.product.clone(),
        channel: manifest.channel.clone(),
        version: manifest.version.clone(),
        release_seq: manifest.release_seq,
        bundle_id: digest("bundle"),
        generation: 1,
        engine: EngineState {
            flavor: EngineFlavor::RivetEngine,
            version: "0.1.0".parse().unwrap(),
            state_format: 1,
        },
        settings: settings.clone(),
        container_user: None,
        done: done.iter().map(|id| (*id).to_owned()).collect(),
        complete,
        images: Vec::new(),
        rotation: None,
        removing: false,
    }
}

fn decide(
    manifest: &Manifest,
    settings: &Settings,
    facts: &HostFacts,
    state: Option<&InstallState>,
) -> Result<Plan, InstallError> {
    let name = "notes".parse().unwrap();
    plan(
        &Request { name: &name, manifest, bundle_id: digest("bundle"), settings, published: &[] },
        facts,
        state,
    )
}

fn ids(plan: &Plan, done: bool) -> Vec<&str> {
    plan.steps.iter().filter(|step| step.done == done).map(|step| step.id.as_str()).collect()
}

#[test]
fn a_first_install_does_every_step_in_order() {
    let manifest = manifest();

    let plan =
        decide(&manifest, &settings(Runtime::Compose), &facts(&manifest, false), None).unwrap();

    let expected = [
        "prepare",
        "load:notes",
        "load:rivet-engine",
        "render",
        "token",
        "start",
        "namespace",
        "pools",
        "app",
        "prove",
        "record",
    ];
    assert_eq!(ids(&plan, false), expected);
    assert_eq!(plan.outcome, Intent::Install);
    assert_eq!(plan.container_user, Some(crate::install::CONTAINER_USER));
}

#[test]
fn the_binary_runtime_needs_no_images_and_says_what_it_does_not_run() {
    let manifest = manifest();
    let facts = HostFacts { docker: None, ..facts(&manifest, false) };

    let plan = decide(&manifest, &settings(Runtime::Binary), &facts, None).unwrap();

    assert!(ids(&plan, false).contains(&"engine-binary"));
    assert!(!ids(&plan, false).iter().any(|id| id.starts_with("load:") || *id == "app"));
    assert!(plan.notes.iter().any(|note| note.contains("only the engine")));
    let ports: Vec<u16> = plan.ports.iter().map(|port| port.address.port()).collect();
    assert_eq!(ports, [6420, 6421, 6430]);
}

#[test]
fn a_killed_run_is_continued_where_it_was() {
    let manifest = manifest();
    let settings = settings(Runtime::Compose);
    let done = ["prepare", "load:notes", "load:rivet-engine", "render", "token", "start"];
    let state = state(&manifest, &settings, &done, false);

    let plan = decide(&manifest, &settings, &facts(&manifest, true), Some(&state)).unwrap();

    assert_eq!(plan.outcome, Intent::Continue);
    assert_eq!(ids(&plan, true), ["prepare", "load:notes", "load:rivet-engine", "token"]);
    assert_eq!(plan.generation, 1);
}

#[test]
fn a_recorded_load_is_done_again_when_the_daemon_has_lost_the_image() {
    let manifest = manifest();
    let settings = settings(Runtime::Compose);
    let state = state(&manifest, &settings, &["prepare", "load:notes"], false);

    let plan = decide(&manifest, &settings, &facts(&manifest, false), Some(&state)).unwrap();

    assert!(ids(&plan, false).contains(&"load:notes"));
}

#[test]
fn other_settings_void_the_steps_of_an_unfinished_run() {
    let manifest = manifest();
    let old = settings(Runtime::Compose);
    let state = state(&manifest, &old, &["prepare", "render", "token"], false);
    let new = Settings { port: 7000, ..old };

    let plan = decide(&manifest, &new, &facts(&manifest, true), Some(&state)).unwrap();

    assert!(ids(&plan, true).is_empty());
}

#[test]
fn a_healthy_install_of_the_same_bundle_needs_nothing() {
    let manifest = manifest();
    let settings = settings(Runtime::Compose);
    let state = state(&manifest, &settings, &[], true);
    let mut facts = facts(&manifest, true);
    facts.is_well = true;

    let plan = decide(&manifest, &settings, &facts, Some(&state)).unwrap();

    assert_eq!(plan.outcome, Intent::NothingToDo);
    assert!(plan.steps.is_empty());
}

#[test]
fn a_complete_install_is_not_turned_into_another() {
    let manifest = manifest();
    let settings = settings(Runtime::Compose);
    let complete = state(&manifest, &settings, &[], true);
    let facts = facts(&manifest, true);
    let try_with = |settings: &Settings, state: &InstallState| {
        decide(&manifest, settings, &facts, Some(state))
    };

    let other_port = Settings { port: 7000, ..settings.clone() };
    assert!(matches!(try_with(&other_port, &complete), Err(InstallError::OtherSettings { .. })));
    let other_values = Settings { values: digest("others"), ..settings.clone() };
    assert!(matches!(try_with(&other_values, &complete), Err(InstallError::OtherSettings { .. })));
    let mut other = complete.clone();
    other.bundle_id = digest("another bundle");
    assert!(matches!(try_with(&settings, &other), Err(InstallError::OtherRelease { .. })));
    let mut other = complete.clone();
    other.product = "mail".parse().unwrap();
    assert!(matches!(try_with(&settings, &other), Err(InstallError::NameInUse { .. })));
    let mut other = complete;
    other.removing = true;
    assert!(matches!(try_with(&settings, &other), Err(InstallError::BeingRemoved { .. })));
}

#[test]
fn bytes_are_added_up_per_file_system() {
    let manifest = manifest();
    let mut facts = facts(&manifest, false);

    let plan = decide(&manifest, &settings(Runtime::Compose), &facts, None).unwrap();
    let docker = plan.space.iter().find(|space| space.filesystem == "/2").unwrap();
    // The largest archive (engine: 900 + 10 + 10) and every new layer unpacked (600 + 200 + 900).
    assert_eq!(docker.needed, 920 + 1700);

    let docker = facts.docker.as_mut().unwrap();
    docker.space = Some(space(1, 1 << 40));
    let plan = decide(&manifest, &settings(Runtime::Compose), &facts, None).unwrap();
    assert_eq!(plan.space.len(), 1, "one file system is one sum");
}

#[test]
fn too_little_disk_is_refused_before_anything_is_written() {
    let manifest = manifest();
    let mut facts = facts(&manifest, false);
    facts.docker.as_mut().unwrap().space = Some(space(2, 2000));

    let refused = decide(&manifest, &settings(Runtime::Compose), &facts, None);

    assert!(matches!(refused, Err(InstallError::DiskFull { free: 2000, .. })));
}

#[test]
fn layers_that_the_daemon_has_are_neither_sent_nor_counted() {
    let manifest = manifest();
    let mut facts = facts(&manifest, false);
    let images = &mut facts.docker.as_mut().unwrap().images;
    let (name, found) = presence(&manifest.images[0], false, 1);
    images.insert(name, found);

    let plan = decide(&manifest, &settings(Runtime::Compose), &facts, None).unwrap();

    let expected = ImageAction::Send { bytes: 220, layers_sent: 1, layers_skipped: 1 };
    assert_eq!(plan.images[0].action, expected);
}

#[test]
fn a_tag_of_ours_that_somebody_else_made_is_not_taken() {
    let manifest = manifest();
    let settings = settings(Runtime::Compose);
    let mut facts = facts(&manifest, false);
    let found = facts.docker.as_mut().unwrap().images.get_mut(&manifest.images[0].name).unwrap();
    found.tagged = Some("sha256:other".into());
    let tag = found.tag.clone();

    let refused = decide(&manifest, &settings, &facts, None);
    assert!(matches!(refused, Err(InstallError::TagTaken { .. })));

    let mut ours = state(&manifest, &settings, &[], false);
    let name = manifest.images[0].name.clone();
    ours.images = vec![TaggedImage { name, tag, id: "sha256:other".into() }];
    assert!(decide(&manifest, &settings, &facts, Some(&ours)).is_ok());
}

#[test]
fn a_taken_port_and_another_platform_are_refused() {
    let manifest = manifest();
    let settings = settings(Runtime::Compose);
    let mut busy = facts(&manifest, false);
    busy.taken_ports = vec![("127.0.0.1:6420".parse().unwrap(), " by nginx (process 7)".into())];
    assert!(matches!(
        decide(&manifest, &settings, &busy, None),
        Err(InstallError::PortTaken { .. })
    ));

    let mut foreign = facts(&manifest, false);
    foreign.platform = Some(Platform::LinuxArm64);
    assert!(matches!(
        decide(&manifest, &settings, &foreign, None),
        Err(InstallError::OtherPlatform { .. })
    ));
}
