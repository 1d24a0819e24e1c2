//! What the program says about its configuration. The examples are those that the documentation of the
//! upstream engine has for people who host it themselves, with its keys and values.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt as _, process::Command};

use camino::Utf8PathBuf;

use super::engine::{Output, Setup, TOKEN};

fn file(setup: &Setup, name: &str, text: &str) -> Utf8PathBuf {
    let path = setup.dir().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn config(setup: &Setup, path: Option<&Utf8PathBuf>, arguments: &[&str]) -> Output {
    let mut all = Vec::new();
    if let Some(path) = path {
        all.extend(["--config", path.as_str()]);
    }
    all.push("config");
    all.extend(arguments);
    setup.run(&all)
}

/// What `config show --changed` says, with `$file` for the path of the file.
fn changed(setup: &Setup, path: &Utf8PathBuf) -> Output {
    let mut output = config(setup, Some(path), &["show", "--changed"]);
    for text in [&mut output.stdout, &mut output.stderr] {
        *text = text.replace(path.as_str(), "$file");
    }
    output
}

fn assert_refused_alike_by_check_and_start(setup: &Setup, path: &Utf8PathBuf) -> String {
    let check = config(setup, Some(path), &["check"]);
    let start = setup.run(&["--config", path.as_str(), "start"]);

    assert_eq!((check.code, start.code), (Some(78), Some(78)), "{}", check.stderr);
    assert_eq!(check.stderr, start.stderr);
    assert_eq!(check.stdout, "");
    check.stderr
}

#[test]
fn upstreams_example_of_a_single_node_shows_its_values() {
    let setup = Setup::bare();
    let path = file(
        &setup,
        "config.jsonc",
        &format!(
            "{{\n  // One node, one directory.\n  \"auth\": {{ \"admin_token\": \"{TOKEN}\" }},\n  \
             \"file_system\": {{ \"path\": \"/var/lib/rivet/data\" }},\n}}\n"
        ),
    );

    let shown = changed(&setup, &path);

    assert_eq!(
        shown.stdout,
        "auth.admin_token = ********  ($file)\n\
         file_system.path = \"/var/lib/rivet/data\"  ($file)\n"
    );
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""));
    let check = config(&setup, Some(&path), &["check"]);
    assert_eq!((check.code, check.stdout.as_str()), (Some(0), "ok\n"));
}

#[test]
fn upstreams_example_of_postgres_and_nats_is_shown_and_refused() {
    let setup = Setup::bare();
    let path = file(
        &setup,
        "config.json",
        &format!(
            r#"{{
                "auth": {{ "admin_token": "{TOKEN}" }},
                "postgres": {{
                    "url": "postgresql://rivet:hunter2@postgres.internal:5432/rivet",
                    "ssl": {{ "root_cert_path": "/etc/ssl/postgres-ca.pem" }}
                }},
                "nats": {{ "addresses": ["nats-1:4222", "nats-2:4222"], "username": "rivet", "password": "hunter3" }}
            }}"#
        ),
    );

    let shown = changed(&setup, &path);

    assert_eq!(
        shown.stdout,
        "auth.admin_token = ********  ($file)\n\
         postgres.url = ********  ($file; not supported)\n\
         postgres.ssl.root_cert_path = \"/etc/ssl/postgres-ca.pem\"  ($file; not supported)\n\
         nats.addresses = [\"nats-1:4222\",\"nats-2:4222\"]  ($file; not supported)\n\
         nats.username = \"rivet\"  ($file; not supported)\n\
         nats.password = ********  ($file; not supported)\n"
    );
    assert_eq!(
        shown.stderr,
        "rivet-engine: $file: `nats` is not supported by this engine: it is one process and needs \
         no message broker; remove the block\n\
         rivet-engine: $file: `postgres` is not supported by this engine: it stores its data in \
         RocksDB on one node; remove the key and set file_system.path\n"
    );
    assert_eq!(shown.code, Some(78));
    assert_refused_alike_by_check_and_start(&setup, &path);
}

#[test]
fn upstreams_example_of_several_datacenters_is_shown_and_refused() {
    let setup = Setup::bare();
    let path = file(
        &setup,
        "config.yaml",
        &format!(
            "auth: {{admin_token: {TOKEN}}}\n\
             topology:\n  datacenter_label: 1\n  datacenters:\n    \
             us-east:\n      datacenter_label: 1\n      is_leader: true\n      \
             public_url: https://us-east.example.com\n      peer_url: https://peer.us-east.example.com\n      \
             valid_hosts: [us-east.example.com]\n    \
             eu-west:\n      datacenter_label: 2\n      is_leader: false\n      \
             public_url: https://eu-west.example.com\n      peer_url: https://peer.eu-west.example.com\n      \
             valid_hosts: [eu-west.example.com]\n"
        ),
    );

    let shown = changed(&setup, &path);

    assert_eq!(
        shown.stdout,
        "auth.admin_token = ********  ($file)\n\
         topology.datacenters.eu-west.datacenter_label = 2  ($file)\n\
         topology.datacenters.eu-west.public_url = \"https://eu-west.example.com/\"  ($file)\n\
         topology.datacenters.us-east.public_url = \"https://us-east.example.com/\"  ($file)\n\
         topology.datacenters.eu-west.is_leader = false  ($file; no effect)\n\
         topology.datacenters.eu-west.peer_url = \"https://peer.eu-west.example.com/\"  ($file; no effect)\n\
         topology.datacenters.us-east.peer_url = \"https://peer.us-east.example.com/\"  ($file; no effect)\n\
         topology.datacenters.eu-west.valid_hosts = [\"eu-west.example.com\"]  ($file; no effect)\n\
         topology.datacenters.us-east.valid_hosts = [\"us-east.example.com\"]  ($file; no effect)\n"
    );
    let refused = assert_refused_alike_by_check_and_start(&setup, &path);
    assert_eq!(
        refused,
        "rivet-engine: `topology.datacenters` names more than one datacenter (eu-west, us-east): \
         this engine runs on one node; leave only its own\n"
    );
}

#[test]
fn upstreams_example_of_tls_is_shown_and_refused() {
    let setup = Setup::bare();
    let path = file(
        &setup,
        "config.json5",
        &format!(
            "{{auth: {{admin_token: '{TOKEN}'}}, guard: {{port: 80, https: {{port: 443, tls: {{\
             api_cert_path: '/etc/rivet/tls/api.pem', api_key_path: '/etc/rivet/tls/api.key',\
             actor_cert_path: '/etc/rivet/tls/actor.pem', actor_key_path: '/etc/rivet/tls/actor.key'}}}}}}}}"
        ),
    );

    let shown = changed(&setup, &path);

    assert_eq!(
        shown.stdout,
        "auth.admin_token = ********  ($file)\n\
         guard.port = 80  ($file)\n\
         guard.https.port = 443  ($file; not supported)\n\
         guard.https.tls.actor_cert_path = \"/etc/rivet/tls/actor.pem\"  ($file; not supported)\n\
         guard.https.tls.actor_key_path = \"/etc/rivet/tls/actor.key\"  ($file; not supported)\n\
         guard.https.tls.api_cert_path = \"/etc/rivet/tls/api.pem\"  ($file; not supported)\n\
         guard.https.tls.api_key_path = \"/etc/rivet/tls/api.key\"  ($file; not supported)\n"
    );
    let refused = assert_refused_alike_by_check_and_start(&setup, &path);
    assert!(refused.contains("`guard.https` is not supported"), "{refused}");
    assert!(refused.contains("put a TLS proxy in front of it"), "{refused}");
}

#[test]
fn upstreams_example_of_variables_alone_shows_its_values() {
    let setup = Setup::bare()
        .with("RIVET__auth__admin_token", TOKEN)
        .with("RIVET__database__file_system__path", "/data")
        .with("RIVET__GUARD__PORT", "7420")
        .with("RIVET__TOPOLOGY__DATACENTERS__DEFAULT__PUBLIC_URL", "https://rivet.example.com")
        .with("RIVET__PEGBOARD__RUNNER_LOST_THRESHOLD", "7000")
        .with("RIVET__TELEMETRY__ENABLED", "false");

    let shown = config(&setup, None, &["show", "--changed"]);

    assert_eq!(
        shown.stdout,
        "auth.admin_token = ********  (environment variable RIVET__auth__admin_token)\n\
         file_system.path = \"/data\"  (environment variable RIVET__database__file_system__path)\n\
         topology.datacenters.default.public_url = \"https://rivet.example.com/\"  (environment \
         variable RIVET__TOPOLOGY__DATACENTERS__DEFAULT__PUBLIC_URL)\n\
         guard.port = 7420  (environment variable RIVET__GUARD__PORT)\n\
         pegboard.runner_lost_threshold = 7000  (environment variable \
         RIVET__PEGBOARD__RUNNER_LOST_THRESHOLD; no effect)\n"
    );
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""));
    let check = config(&setup, None, &["check"]);
    assert_eq!(
        check.stdout,
        "warning: `pegboard.runner_lost_threshold` has no effect in this engine: there are no runners \
         of the protocol before envoys; see pegboard.envoy_* (environment variable \
         RIVET__PEGBOARD__RUNNER_LOST_THRESHOLD)\nok\n"
    );
}

#[test]
fn everything_that_holds_is_shown_with_its_default() {
    let setup = Setup::bare().with("RIVET__AUTH__ADMIN_TOKEN", TOKEN).with("HOME", "/home/op");

    let shown = config(&setup, None, &["show"]).stdout;

    for line in [
        "auth.admin_token_file = not set  (default)",
        "file_system.path = \"/home/op/.local/share/rivet-engine/db\"  (default)",
        "topology.datacenters.default.public_url = \"http://127.0.0.1:6420/\"  (default)",
        "outbound.allow_hosts = []  (default)",
        "guard.host = \"::\"  (default)",
        "pegboard.gateway_http_max_request_body_size = 20971520  (default)",
        "telemetry.enabled = false  (default)",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
    assert!(!shown.contains("postgres"), "{shown}");
}

#[test]
fn programs_get_keys_values_and_origins() {
    let setup = Setup::bare().with("RIVET__AUTH__ADMIN_TOKEN", TOKEN);
    let path = file(&setup, "a.yaml", "guard: {port: '7000'}\nnats: {port: 1}\n");

    let shown = config(&setup, Some(&path), &["show", "--changed", "--format", "json"]);

    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let file = serde_json::json!({"kind": "file", "path": path});
    assert_eq!(
        shown,
        serde_json::json!([
            {
                "key": "auth.admin_token",
                "value": "********",
                "origin": {"kind": "variable", "name": "RIVET__AUTH__ADMIN_TOKEN"},
                "standing": "used",
            },
            {"key": "guard.port", "value": 7000, "origin": file, "standing": "used"},
            {"key": "nats.port", "value": 1, "origin": file, "standing": "not_supported"},
        ])
    );
}

#[test]
fn check_and_start_refuse_the_same_for_every_reason_in_the_configuration() {
    let setup = Setup::bare();
    let broken = [
        ("a.yaml", "guard: {port: 65536}\naudit: {max_entries: -1}\n", 2),
        ("b.yaml", "guard: {prot: 1}\nauth: {admin_token: admin}\n", 2),
        ("c.yaml", "auth: {admin_token_file: /nonexistent/tokens.json}\n", 1),
        ("d.yaml", "{", 1),
        ("e.yaml", "metrics: {port: 6421}\n", 2),
        ("f.toml", "", 1),
    ];
    for (name, text, problems) in broken {
        let refused = assert_refused_alike_by_check_and_start(&setup, &file(&setup, name, text));
        assert_eq!(refused.lines().count(), problems, "{refused}");
        assert!(refused.lines().all(|line| line.starts_with("rivet-engine: ")), "{refused}");
    }
    let fine = file(&setup, "fine.yaml", &format!("auth: {{admin_token: {TOKEN}}}\n"));
    for (name, value) in
        [("RUST_LOG_FORMAT", "xml"), ("RUST_LOG", "a=loud"), ("TOKIO_WORKER_THREADS", "0")]
    {
        let refused =
            assert_refused_alike_by_check_and_start(&Setup::bare().with(name, value), &fine);
        assert!(refused.contains(name), "{refused}");
    }
}

#[test]
fn the_schema_is_printed_without_looking_at_any_configuration() {
    let output = Setup::bare().run(&["--config", "/nonexistent", "config", "schema"]);

    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let schema: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

/// Without it the engine would start on another directory than it was told to.
#[test]
fn a_variable_that_is_no_text_is_refused_rather_than_ignored() {
    let setup = Setup::bare();
    let output = Command::new(env!("CARGO_BIN_EXE_rivet-engine"))
        .args(["config", "check"])
        .current_dir(setup.dir())
        .env("RIVET__AUTH__ADMIN_TOKEN", TOKEN)
        .env("RIVET__FILE_SYSTEM__PATH", OsStr::from_bytes(b"/data/\xff"))
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(78));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "rivet-engine: environment variable RIVET__FILE_SYSTEM__PATH: `file_system.path` must be \
         UTF-8 text\n"
    );
}

#[test]
fn a_file_that_does_not_parse_is_refused_in_one_line_without_the_token_in_it() {
    let setup = Setup::bare();
    let text = format!("{{\n  \"auth\": {{ \"admin_token\": \"{TOKEN}\" \"gateway\": 1 }}\n}}\n");
    let path = file(&setup, "config.json", &text);

    let refused = assert_refused_alike_by_check_and_start(&setup, &path);
    let shown = config(&setup, Some(&path), &["show"]);

    let expected =
        format!("rivet-engine: {path}: the file is not JSON (nor JSON5): look at line 2, column");
    assert!(refused.starts_with(&expected) && refused.lines().count() == 1, "{refused}");
    assert!(!format!("{refused}{}{}", shown.stdout, shown.stderr).contains(TOKEN));
}
