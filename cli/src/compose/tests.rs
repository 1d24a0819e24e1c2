use super::*;

fn surroundings() -> Surroundings {
    Surroundings {
        images: ["my-app:1.4".to_owned(), "app".to_owned()].into(),
        properties: [
            ("APP_TITLE".to_owned(), Sensitivity::Plain),
            ("APP_PORT".to_owned(), Sensitivity::Plain),
            ("APP_KEY".to_owned(), Sensitivity::Secret),
        ]
        .into(),
    }
}

fn look(text: &str) -> Findings {
    check([("app.yaml", text)], &surroundings())
}

/// A fragment with one service, `app`, that has these settings besides its image.
fn service(settings: &str) -> Findings {
    let settings = settings.replace('\n', "\n    ");
    look(&format!("services:\n  app:\n    image: my-app:1.4\n    {settings}\n"))
}

fn codes(findings: &Findings) -> Vec<&'static str> {
    findings.problems.iter().map(|problem| problem.code).collect()
}

fn risks(findings: &Findings) -> Vec<&str> {
    findings.risks.iter().map(|risk| risk.id.as_str()).collect()
}

#[test]
fn the_model_of_the_self_hosting_guide_passes() {
    let findings = service(
        r#"environment:
  RIVET_ENDPOINT: ${RIVET_ENDPOINT}
  TITLE: ${APP_TITLE:-Notes}
  KEY: ${APP_KEY}
ports: ["127.0.0.1:${APP_PORT}:8080"]
healthcheck: {test: [CMD, /app, check]}
volumes: ["data:/data", "/scratch"]
depends_on: [rivet-engine]
restart: unless-stopped"#,
    );
    assert_eq!(findings.problems, []);
    assert_eq!(risks(&findings), Vec::<&str>::new());
    assert_eq!(findings.fragments[0].service_names().collect::<Vec<_>>(), ["app"]);
}

#[test]
fn the_guides_own_engine_service_is_refused_with_what_to_change() {
    let findings = look(
        "services:\n  rivet-engine:\n    image: rivetdev/engine:latest\n  engine:\n    image: docker.io/rivetkit/engine:2.3.19\n  app:\n    image: my-app:1.4\n",
    );
    assert_eq!(codes(&findings), ["RCTL-COMPOSE-ENGINE", "RCTL-COMPOSE-ENGINE"]);
    assert!(findings.problems[1].advice.contains("rivet-engine"));
}

#[test]
fn every_image_has_to_be_in_the_bundle() {
    for image in ["alpine:latest", "my-app", "my-app:1.5", "${IMAGE}", "my-app:${APP_TITLE}"] {
        let findings = look(&format!("services:\n  app:\n    image: {image:?}\n"));
        assert!(codes(&findings).contains(&"RCTL-COMPOSE-IMAGE"), "{image}");
    }
    assert_eq!(codes(&look("services:\n  app:\n    command: x\n")), ["RCTL-COMPOSE-IMAGE"]);
    assert_eq!(codes(&look("services:\n  app:\n    image: app\n")), Vec::<&str>::new());
}

#[test]
fn what_would_fetch_or_build_is_refused() {
    for (settings, code) in [
        ("build: .", "RCTL-COMPOSE-BUILD"),
        ("build: {context: https://elsewhere.example/x.git}", "RCTL-COMPOSE-BUILD"),
        ("pull_policy: always", "RCTL-COMPOSE-PULL"),
        ("pull_policy: missing", "RCTL-COMPOSE-PULL"),
        ("extends: {file: ../base.yaml, service: x}", "RCTL-COMPOSE-INCLUDE"),
        ("extends: {service: absent}", "RCTL-COMPOSE-SERVICE"),
        ("env_file: .env", "RCTL-COMPOSE-FILE"),
        ("provider: {type: x}", "RCTL-COMPOSE-KEY"),
        ("container_name: fixed", "RCTL-COMPOSE-KEY"),
        ("a_key_of_the_future: 1", "RCTL-COMPOSE-KEY"),
    ] {
        assert_eq!(codes(&service(settings)), [code], "{settings}");
    }
    assert_eq!(codes(&service("pull_policy: never")), Vec::<&str>::new());
    for (top, code) in [
        ("include: [oci://elsewhere.example/x]", "RCTL-COMPOSE-INCLUDE"),
        ("name: mine", "RCTL-COMPOSE-KEY"),
        ("configs: {c: {file: ./c}}", "RCTL-COMPOSE-FILE"),
        ("secrets: {s: {external: true}}", "RCTL-COMPOSE-FILE"),
        ("secrets: {s: {environment: HOME}}", "RCTL-COMPOSE-VARIABLE"),
        ("configs: {c: {content: 'token = ${RIVET_TOKEN}'}}", "RCTL-COMPOSE-SECRET"),
        ("models: {}", "RCTL-COMPOSE-KEY"),
    ] {
        let findings = look(&format!("services:\n  app:\n    image: app\n{top}\n"));
        assert_eq!(codes(&findings), [code], "{top}");
    }
}

#[test]
fn yaml_that_two_readers_could_read_differently_is_refused() {
    for text in [
        "",
        "[]",
        "services: {}",
        "services:\n  app: {image: app}\n  app: {image: app}\n",
        "services:\n  app: {image: app, privileged: false, privileged: true}\n",
        "services: {app: {image: app}}\n---\nservices: {}\n",
        "services: {app: {image: app, ports: !reset []}}",
        "services: {app: {image: app, <<: text}}",
        "services: {app: {image: app",
        "services: {1: {image: app}}",
        "services: {'../x': {image: app}}",
        "services: {App: {image: app}}",
    ] {
        assert!(!look(text).problems.is_empty(), "{text:?}");
    }
}

#[test]
fn a_merge_cannot_hide_a_risk() {
    let findings = look(
        "x-base: &base\n  privileged: true\nservices:\n  app:\n    <<: *base\n    image: app\n",
    );
    assert_eq!(risks(&findings), ["privileged:app"]);
    let fragment = serde_yaml_ng::to_string(&findings.fragments[0].content).unwrap();
    assert!(!fragment.contains("<<"));
}

#[test]
fn every_risk_has_a_stable_id() {
    for (settings, id) in [
        ("privileged: true", "privileged:app"),
        ("privileged: 'yes'", "privileged:app"),
        ("privileged: ${APP_TITLE}", "privileged:app"),
        ("network_mode: host", "host-network:app"),
        ("network_mode: bridge", "outbound-network:bridge:app"),
        ("network_mode: 'container:other'", "network-mode:container:other:app"),
        ("network_mode: ${APP_TITLE}", "network-mode:${APP_TITLE}:app"),
        ("pid: host", "host-pid:app"),
        ("ipc: host", "host-ipc:app"),
        ("uts: host", "host-uts:app"),
        ("userns_mode: host", "host-userns:app"),
        ("cgroup: host", "host-cgroup:app"),
        ("cgroup_parent: x", "cgroup-parent:app"),
        ("use_api_socket: true", "docker-socket:app"),
        ("volumes: ['/var/run/docker.sock:/var/run/docker.sock']", "docker-socket:app"),
        ("volumes: ['/run/../run/docker.sock:/s:ro']", "docker-socket:app"),
        ("volumes: ['/etc:/host:ro']", "host-mount:/etc:app"),
        ("volumes: ['./data:/data']", "host-mount:./data:app"),
        ("volumes: ['../x:/x']", "host-mount:../x:app"),
        ("volumes: ['~/x:/x']", "host-mount:~/x:app"),
        ("volumes: ['${APP_TITLE:-/}:/x']", "host-mount:${APP_TITLE:-/}:app"),
        ("volumes: [{type: bind, source: /, target: /x}]", "host-mount:/:app"),
        ("volumes: [{type: volume, source: /etc, target: /x}]", "host-mount:/etc:app"),
        ("volumes_from: ['container:x']", "volumes-from:container:x:app"),
        ("cap_add: [NET_ADMIN]", "cap-add:NET_ADMIN:app"),
        ("cap_add: ALL", "cap-add:app"),
        ("devices: ['/dev/kvm:/dev/kvm']", "devices:app"),
        ("gpus: all", "devices:app"),
        ("device_cgroup_rules: ['c 1:3 mr']", "devices:app"),
        ("deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}", "devices:app"),
        ("security_opt: ['seccomp:unconfined']", "security-opt:seccomp:unconfined:app"),
        ("security_opt: ['apparmor=unconfined']", "security-opt:apparmor=unconfined:app"),
        ("security_opt: ['no-new-privileges:false']", "security-opt:no-new-privileges:false:app"),
        ("sysctls: {net.ipv4.ip_forward: 1}", "sysctls:app"),
        ("runtime: kata", "runtime:kata:app"),
        ("ports: ['8080:8080']", "publishes-on-all-interfaces:app"),
        ("ports: [{target: 80, published: '80'}]", "publishes-on-all-interfaces:app"),
        ("user: root", "runs-as-root:app"),
        ("user: '0:0'", "runs-as-root:app"),
        ("group_add: [docker]", "group-add:docker:app"),
        ("extra_hosts: ['h:host-gateway']", "host-gateway:app"),
        ("external_links: [other]", "external-links:app"),
        ("logging: {driver: syslog}", "log-driver:syslog:app"),
    ] {
        let findings = service(settings);
        assert_eq!(findings.problems, [], "{settings}");
        assert_eq!(risks(&findings), [id], "{settings}");
    }
}

#[test]
fn a_driver_cannot_turn_a_named_volume_into_a_host_mount_unseen() {
    for (top, id) in [
        ("volumes: {v: {driver_opts: {type: none, o: bind, device: /etc}}}", "host-mount:/etc:v"),
        ("volumes: {v: {driver: nfs}}", "volume-driver:nfs:v"),
        ("volumes: {v: {external: true}}", "shared-volume:v"),
        ("volumes: {v: {name: other_data}}", "shared-volume:v"),
        ("networks: {n: {}}", "outbound-network:n"),
        ("networks: {n: {internal: true, external: true}}", "shared-network:n"),
        ("networks: {n: {internal: true, driver: macvlan}}", "network-driver:macvlan:n"),
    ] {
        let findings = look(&format!("services:\n  app:\n    image: app\n{top}\n"));
        assert_eq!(risks(&findings), [id], "{top}");
    }
    let quiet =
        look("services: {app: {image: app}}\nvolumes: {v: }\nnetworks: {n: {internal: true}}\n");
    assert!(quiet.risks.is_empty() && quiet.problems.is_empty());
}

#[test]
fn harmless_forms_take_no_risk() {
    let findings = service(
        "privileged: false\nsecurity_opt: ['no-new-privileges:true']\ncap_drop: [ALL]\ncap_add: []\nuser: '1000'\nnetwork_mode: 'service:app'\nipc: private\nlogging: {driver: json-file}\nread_only: true\ntmpfs: /tmp\nvolumes: [{type: tmpfs, target: /t}]",
    );
    assert_eq!((codes(&findings), risks(&findings)), (vec![], vec![]));
}

#[test]
fn every_variable_is_ours_or_in_the_schema() {
    for text in
        ["${HOME}", "$PATH", "${APP_TITEL}", "${APP_TITLE:-${HOME}}", "5$", "${APP_TITLE", "${}"]
    {
        let findings = service(&format!("command: ['{text}']"));
        assert_eq!(codes(&findings), ["RCTL-COMPOSE-VARIABLE"], "{text}");
    }
    assert_eq!(codes(&service("environment: [HOME]")), ["RCTL-COMPOSE-VARIABLE"]);
    assert_eq!(codes(&service("environment: {HOME: }")), ["RCTL-COMPOSE-VARIABLE"]);
    let secret =
        "services: {app: {image: app, secrets: [s]}}\nsecrets: {s: {environment: APP_KEY}}\n";
    assert_eq!(codes(&look(secret)), Vec::<&str>::new());
    let quiet = "command: ['$$HOME', '${RIVETCTL_INSTALL}', '${APP_TITLE}']";
    assert_eq!(codes(&service(quiet)), Vec::<&str>::new());
}

#[test]
fn a_literal_token_is_refused() {
    for settings in [
        "environment: {RIVET_ENDPOINT: 'http://default:admin@rivet-engine:6420'}",
        "environment: ['RIVET_ENDPOINT=http://default:admin@rivet-engine:6420']",
        "environment: {RIVET_ENDPOINT: 'http://${RIVET_NAMESPACE}:admin@rivet-engine:6420'}",
        "environment: {RIVET_TOKEN: admin}",
    ] {
        assert_eq!(codes(&service(settings)), ["RCTL-COMPOSE-TOKEN"], "{settings}");
    }
    for settings in [
        "environment: {RIVET_ENDPOINT: 'http://rivet-engine:6420', RIVET_TOKEN: '${RIVET_TOKEN}'}",
        "environment: {RIVET_ENDPOINT: 'http://${RIVET_NAMESPACE}:${RIVET_TOKEN}@rivet-engine:6420'}",
    ] {
        assert_eq!(codes(&service(settings)), Vec::<&str>::new(), "{settings}");
    }
}

#[test]
fn a_secret_stays_out_of_what_others_can_read() {
    for settings in [
        "command: ['--token', '${RIVET_TOKEN}']",
        "labels: {t: '${RIVET_ENDPOINT}'}",
        "entrypoint: [x, '${APP_KEY}']",
        "healthcheck: {test: [CMD, curl, '${APP_KEY:-x}']}",
    ] {
        assert_eq!(codes(&service(settings)), ["RCTL-COMPOSE-SECRET"], "{settings}");
    }
}

#[test]
fn only_services_that_exist_are_waited_for() {
    assert_eq!(codes(&service("depends_on: [db]")), ["RCTL-COMPOSE-SERVICE"]);
    assert_eq!(
        codes(&service("depends_on: {db: {condition: service_started}}")),
        ["RCTL-COMPOSE-SERVICE"]
    );
    let healthy = "depends_on: {rivet-engine: {condition: service_healthy}}";
    assert_eq!(codes(&service(healthy)), ["RCTL-COMPOSE-ENGINE"]);
    let started = "depends_on: {rivet-engine: {condition: service_started}}";
    assert_eq!(codes(&service(started)), Vec::<&str>::new());
}

#[test]
fn two_fragments_share_one_set_of_services() {
    let app = "services: {app: {image: app, depends_on: [worker]}}";
    let worker = "services: {worker: {image: app}}";
    let both = check([("a.yaml", app), ("b.yaml", worker)], &surroundings());
    assert_eq!(both.problems, []);

    let twice = check([("a.yaml", worker), ("b.yaml", worker)], &surroundings());
    assert_eq!(codes(&twice), ["RCTL-COMPOSE-SERVICE"]);
    assert_eq!(twice.problems[0].file, "b.yaml");
}

#[test]
fn what_is_printed_of_a_fragment_is_escaped() {
    let findings = service("volumes: [\"/\\e[31m:/x\"]");
    assert_eq!(risks(&findings), ["host-mount:/\\u{1b}[31m:app"]);
}
