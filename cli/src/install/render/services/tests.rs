//! What a rendered Compose file says, whatever a vendor or a path puts into it.

use bundle_spec::{
    digest::Sha256Digest,
    manifest::{EngineFlavor, StateFormat},
};

use super::*;
use crate::{
    install::render::{EnginePaths, engine_config},
    site::{
        state::{EngineState, Runtime, SCHEMA, Settings, TaggedImage},
        tests::site_at,
    },
};

const FRAGMENT: &str = "
services:
  app:
    image: my-app:1.4
    environment:
      RIVET_ENDPOINT: ${RIVET_ENDPOINT}
    pull_policy: never
    labels: [team=a]
    depends_on:
      rivet-engine:
        condition: service_started
volumes:
  cache: {}
";

fn state(bind: &str) -> InstallState {
    let tagged = |name: &str| TaggedImage {
        name: name.parse().unwrap(),
        tag: format!("rivetctl.local/notes/{name}:0123"),
        id: "sha256:1".into(),
    };
    InstallState {
        schema: SCHEMA.to_owned(),
        name: "notes".parse().unwrap(),
        product: "notes".parse().unwrap(),
        channel: "stable".parse().unwrap(),
        version: "1".parse().unwrap(),
        release_seq: 1,
        bundle_id: Sha256Digest::of(b""),
        generation: 1,
        engine: EngineState {
            flavor: EngineFlavor::RivetEngine,
            version: "1".parse().unwrap(),
            state_format: 1,
        },
        settings: Settings {
            runtime: Runtime::Compose,
            bind: bind.parse().unwrap(),
            port: 7000,
            namespace: "notes".parse().unwrap(),
            values: Sha256Digest::of(b""),
        },
        container_user: Some(65532),
        done: Vec::new(),
        complete: false,
        images: vec![tagged("rivet-engine"), tagged("my-app")],
        rotation: None,
        removing: false,
    }
}

fn engine(flavor: EngineFlavor) -> Engine {
    Engine {
        platform: Platform::LinuxAmd64,
        flavor,
        version: "1".parse().unwrap(),
        binary: Sha256Digest::of(b"engine"),
        image: "rivet-engine".parse().unwrap(),
        state_format: StateFormat { reads_from: 1, writes: 1 },
    }
}

fn fragments(text: &str) -> Fragments {
    let surroundings =
        Surroundings { images: ["my-app:1.4".to_owned()].into(), ..Default::default() };
    let findings = compose::check([("app.yaml", text)], &surroundings);
    assert!(findings.problems.is_empty(), "{:?}", findings.problems);
    Fragments {
        fragments: findings.fragments,
        images: vec![("my-app:1.4".into(), "my-app".into())],
    }
}

fn rendered(dir: &camino::Utf8Path, bind: &str, flavor: EngineFlavor, fragment: &str) -> Value {
    let install = site_at(dir).install(&"notes".parse().unwrap());
    let state = state(bind);
    let paths = EnginePaths::of(&install, 1, Runtime::Compose);
    let text =
        compose_file(&install, &state, &engine(flavor), &paths, &fragments(fragment)).unwrap();
    serde_yaml_ng::from_str(&text).unwrap()
}

#[test]
fn the_vendors_services_run_our_tags_and_carry_our_label() {
    let dir = camino_tempfile::tempdir().unwrap();

    let file = rendered(dir.path(), "127.0.0.1", EngineFlavor::RivetEngine, FRAGMENT);

    let app = &file["services"]["app"];
    assert_eq!(app["image"], "rivetctl.local/notes/my-app:0123");
    assert_eq!(app["pull_policy"], "never");
    assert_eq!(app["labels"]["team"], "a");
    assert_eq!(app["labels"][INSTALL_LABEL], "notes");
    assert_eq!(app["environment"]["RIVET_ENDPOINT"], "${RIVET_ENDPOINT}");
    assert!(file["volumes"].get("cache").is_some());
}

#[test]
fn the_engine_is_confined_and_published_where_it_was_asked_for() {
    let dir = camino_tempfile::tempdir().unwrap();

    let file = rendered(dir.path(), "::1", EngineFlavor::RivetEngine, FRAGMENT);

    let engine = &file["services"][ENGINE_SERVICE];
    assert_eq!(engine["ports"], Value::from(vec!["[::1]:7000:6420"]));
    assert_eq!(engine["read_only"], true);
    assert_eq!(engine["cap_drop"], Value::from(vec!["ALL"]));
    assert_eq!(engine["user"], "65532:65532");
    let options = &file["networks"]["default"]["driver_opts"];
    assert_eq!(options["com.docker.network.bridge.enable_ip_masquerade"], "false");
}

#[test]
fn a_fragment_cannot_give_the_default_network_a_way_out() {
    let dir = camino_tempfile::tempdir().unwrap();
    let fragment = format!("{FRAGMENT}networks:\n  default: {{}}\n");

    let file = rendered(dir.path(), "127.0.0.1", EngineFlavor::RivetEngine, &fragment);

    let options = &file["networks"]["default"]["driver_opts"];
    assert_eq!(options["com.docker.network.bridge.enable_ip_masquerade"], "false");
}

#[test]
fn a_dollar_in_a_path_is_no_variable() {
    let dir = camino_tempfile::tempdir().unwrap();
    let awkward = dir.path().join("a ${HOME}: \"b\"\nprivileged: true");
    std::fs::create_dir(&awkward).unwrap();

    let file = rendered(&awkward, "127.0.0.1", EngineFlavor::RivetEngine, FRAGMENT);

    let engine = &file["services"][ENGINE_SERVICE];
    let source = engine["volumes"][0]["source"].as_str().unwrap();
    assert!(source.contains("a $${HOME}: \"b\"\nprivileged: true/site/"), "{source}");
    assert!(engine.get("privileged").is_none());
}

#[test]
fn the_upstream_engine_gets_its_token_from_a_second_file_and_no_telemetry() {
    let dir = camino_tempfile::tempdir().unwrap();
    let install = site_at(dir.path()).install(&"notes".parse().unwrap());
    let paths = EnginePaths::of(&install, 1, Runtime::Compose);

    let config = engine_config(&state("127.0.0.1").settings, EngineFlavor::Upstream, &paths);

    assert_eq!(config["telemetry"]["enabled"], false);
    assert!(config.get("auth").is_none());
    let arguments = paths.arguments(EngineFlavor::Upstream).join(" ");
    assert_eq!(
        arguments,
        "--config /etc/rivet/config.json --config /run/rivet-secrets/auth.json start"
    );
}
