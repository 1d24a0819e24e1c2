//! What operators write, and what the engine makes of it.

use std::{net::IpAddr, path::Path};

use camino_tempfile::Utf8TempDir;

use super::*;
use crate::{
    actor::{RetryRules, Rules},
    storage::Durability,
};

mod effects;
mod otel;
mod secrets;
mod table;
mod twice;

const TOKEN: (&str, &str) = ("RIVET__AUTH__ADMIN_TOKEN", "0123456789abcdef");

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn from_variables(variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let nothing = Sources { given: vec![], fallback: "/nonexistent".into() };
    load(&nothing, &environment(variables))
}

fn from_files(files: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let dir = directory(files);
    let given = files.iter().map(|(name, _)| dir.path().join(name).into_std_path_buf()).collect();
    load(&Sources { given, fallback: "/nonexistent".into() }, &environment(&[TOKEN]))
}

fn directory(files: &[(&str, &str)]) -> Utf8TempDir {
    let dir = camino_tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn refusal(outcome: Result<Loaded, Problems>) -> String {
    outcome.unwrap_err().to_string()
}

#[test]
fn without_anything_but_a_token_the_defaults_are_those_of_upstream() {
    let settings = from_variables(&[TOKEN]).unwrap().settings;

    assert_eq!(
        [settings.guard.port, settings.api_peer.port, settings.metrics.port],
        [6420, 6421, 6430]
    );
    assert_eq!(settings.guard.host, "::".parse::<IpAddr>().unwrap());
    assert_eq!(settings.storage.durability, Durability::Strict);
    assert_eq!(settings.datacenter.public_url, "http://127.0.0.1:6420/");
    assert_eq!(settings.max_request_body, 20 * 1024 * 1024);
}

#[test]
fn without_a_token_the_engine_does_not_start_and_says_how_to() {
    for variables in [&[][..], &[("RIVET__AUTH__INSECURE_ALLOW_UNAUTHENTICATED", "false")]] {
        let error = from_variables(variables).unwrap_err();

        assert!(matches!(error.0[..], [ConfigError::NoToken]));
        assert!(error.to_string().contains("auth.admin_token_file"));
        assert!(error.to_string().contains("auth.insecure_allow_unauthenticated"));
    }
}

#[test]
fn an_empty_auth_block_does_not_open_the_engine() {
    let dir = directory(&[("a.json", r#"{"auth": {}}"#)]);
    let given = vec![dir.path().join("a.json").into_std_path_buf()];

    let outcome = load(&Sources { given, fallback: "/x".into() }, &environment(&[]));

    assert!(matches!(outcome.unwrap_err().0[..], [ConfigError::NoToken]));
}

#[test]
fn the_engine_is_open_when_asked_for_in_so_many_words_and_only_then() {
    let open = ("RIVET__AUTH__INSECURE_ALLOW_UNAUTHENTICATED", "true");

    assert!(from_variables(&[open]).unwrap().settings.auth.is_open());
    assert!(refusal(from_variables(&[open, TOKEN])).contains("remove one of them"));
}

#[test]
fn variables_are_read_in_either_letter_case_and_both_spellings() {
    for name in [
        "RIVET__FILE_SYSTEM__PATH",
        "RIVET__file_system__path",
        "RIVET__database__file_system__path",
        "rivet__DATABASE__FILE_SYSTEM__PATH",
    ] {
        let settings = from_variables(&[TOKEN, (name, "/d")]).unwrap().settings;
        assert_eq!(settings.data_dir, Path::new("/d"), "{name}");
    }
}

#[test]
fn files_take_both_spellings_of_the_data_directory() {
    for text in
        [r#"{"file_system": {"path": "/d"}}"#, r#"{"database": {"file_system": {"path": "/d"}}}"#]
    {
        assert_eq!(from_files(&[("a.json", text)]).unwrap().settings.data_dir, Path::new("/d"));
    }
}

#[test]
fn one_source_that_says_two_things_is_refused() {
    let twice = from_variables(&[
        TOKEN,
        ("RIVET__FILE_SYSTEM__PATH", "/a"),
        ("RIVET__database__file_system__path", "/b"),
    ]);

    let error = refusal(twice);
    assert!(error.contains("RIVET__FILE_SYSTEM__PATH"), "{error}");
    assert!(error.contains("RIVET__database__file_system__path"), "{error}");
}

#[test]
fn every_format_is_read() {
    let cases = [
        ("a.json", r#"{"guard": {"port": 7000}}"#),
        ("a.jsonc", "{\n// the port\n\"guard\": {\"port\": 7000},\n}"),
        ("a.json5", "{guard: {port: 7000}}"),
        ("a.yaml", "guard:\n  port: 7000\n"),
        ("a.yml", "guard: {port: '7000'}"),
    ];
    for case in cases {
        assert_eq!(from_files(&[case]).unwrap().settings.guard.port, 7000, "{}", case.0);
    }
}

#[test]
fn later_files_win_key_by_key_and_variables_win_over_files() {
    let dir = directory(&[
        ("1.json", r#"{"guard": {"port": 1, "host": "127.0.0.1"}, "metrics": {"port": 1}}"#),
        ("2.yaml", "guard: {port: 2}\n"),
        ("ignored.txt", "not a configuration"),
        (".hidden.json", "broken"),
    ]);
    let sources =
        Sources { given: vec![dir.path().as_std_path().to_owned()], fallback: "/x".into() };

    let settings =
        load(&sources, &environment(&[TOKEN, ("RIVET__METRICS__PORT", "3")])).unwrap().settings;

    assert_eq!((settings.guard.port, settings.metrics.port), (2, 3));
    assert_eq!(settings.guard.host, "127.0.0.1".parse::<IpAddr>().unwrap());
}

#[test]
fn the_fallback_directory_is_read_when_it_exists_and_nothing_was_given() {
    let dir = directory(&[("a.json", r#"{"guard": {"port": 7000}}"#)]);
    let fallback = dir.path().as_std_path().to_owned();

    let found = load(&Sources { given: vec![], fallback }, &environment(&[TOKEN])).unwrap();

    assert_eq!(found.settings.guard.port, 7000);
    assert_eq!(found.files.len(), 1);
}

#[test]
fn a_given_path_that_is_missing_or_of_no_known_kind_is_an_error() {
    let given = |path: &str| {
        let sources = Sources { given: vec![path.into()], fallback: "/x".into() };
        refusal(load(&sources, &environment(&[TOKEN])))
    };

    assert!(given("/nonexistent/engine.json").contains("no such file"));
    assert!(given("/dev/null").contains(".yaml"));
}

#[test]
fn an_unknown_key_names_its_place_and_the_nearest_known_key() {
    let in_file = refusal(from_files(&[("a.yaml", "guard: {prt: 1}")]));
    assert!(in_file.contains("a.yaml"), "{in_file}");
    assert!(in_file.contains("`guard.prt`"), "{in_file}");
    assert!(in_file.contains("did you mean `guard.port`?"), "{in_file}");

    let in_variable = refusal(from_variables(&[TOKEN, ("RIVET__AUTH__ADMN_TOKEN", "x")]));
    assert!(in_variable.contains("environment variable RIVET__AUTH__ADMN_TOKEN"), "{in_variable}");
    assert!(in_variable.contains("did you mean `auth.admin_token`?"), "{in_variable}");

    let far_off = refusal(from_files(&[("a.yaml", "zzzzzzzz: 1")]));
    assert!(far_off.contains("docs/engine-configuration.md"), "{far_off}");

    let nested_in_alias = refusal(from_files(&[("a.yaml", "database: {file_sytem: {path: /d}}")]));
    assert!(nested_in_alias.contains("unknown key"), "{nested_in_alias}");
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_with_what_was_found() {
    let port = refusal(from_variables(&[TOKEN, ("RIVET__GUARD__PORT", "65536")]));
    assert!(port.contains("a whole number from 0 to 65535, found \"65536\""), "{port}");

    let host = refusal(from_files(&[("a.yaml", "guard: {host: localhost}")]));
    assert!(host.contains("an IP address"), "{host}");

    let table = refusal(from_files(&[("a.yaml", "guard: 5")]));
    assert!(table.contains("a table of keys"), "{table}");

    let durability = refusal(from_files(&[("a.yaml", "file_system: {durability: none}")]));
    assert!(durability.contains("\"strict\" or \"relaxed\", found \"none\""), "{durability}");

    let list = refusal(from_files(&[("a.yaml", "[1]")]));
    assert!(list.contains("expected an object at the top level"), "{list}");
}

#[test]
fn no_error_shows_a_token() {
    let secret = r#"{"auth": {"admin_token": ["hunter2hunter2hunter2"]}}"#;

    let error = from_files(&[("a.json", secret)]).map(|loaded| format!("{loaded:?}"));
    let dir = directory(&[("a.json", secret)]);
    let given = vec![dir.path().join("a.json").into_std_path_buf()];
    let alone = load(&Sources { given, fallback: "/x".into() }, &environment(&[])).unwrap_err();

    assert!(!format!("{error:?} {alone} {alone:?}").contains("hunter2"));
}

#[test]
fn every_variable_that_the_client_library_sets_is_accepted() {
    let set_by_the_client_library = [
        ("RIVET__FEATURES__GUARD_GATEWAY_V3__MODE", "on"),
        ("RIVET__FEATURES__GUARD_GATEWAY_V3__PERCENTAGE", "100"),
        ("RIVET__PEGBOARD__BASE_RETRY_TIMEOUT", "100"),
        ("RIVET__PEGBOARD__RETRY_RESET_DURATION", "100"),
        ("RIVET__PEGBOARD__RESCHEDULE_BACKOFF_MAX_EXPONENT", "1"),
        ("RIVET__PEGBOARD__ENVOY_ELIGIBLE_THRESHOLD", "5000"),
        ("RIVET__PEGBOARD__ENVOY_LOST_THRESHOLD", "7000"),
        ("RIVET__PEGBOARD__RUNNER_ELIGIBLE_THRESHOLD", "5000"),
        ("RIVET__PEGBOARD__RUNNER_LOST_THRESHOLD", "7000"),
        ("RIVET__PEGBOARD__MIN_METADATA_POLL_INTERVAL", "1000"),
        ("RIVET__RUNTIME__WORKER_SHUTDOWN_DURATION", "1"),
        ("RIVET__RUNTIME__GUARD_SHUTDOWN_DURATION", "1"),
        ("RIVET__RUNTIME__FORCE_SHUTDOWN_DURATION", "2"),
        ("RIVET__GUARD__HOST", "127.0.0.1"),
        ("RIVET__GUARD__PORT", "6420"),
        ("RIVET__API_PEER__HOST", "127.0.0.1"),
        ("RIVET__API_PEER__PORT", "6421"),
        ("RIVET__METRICS__HOST", "127.0.0.1"),
        ("RIVET__METRICS__PORT", "6430"),
        ("RIVET__FILE_SYSTEM__PATH", "/d"),
    ];

    let loaded = from_variables(&set_by_the_client_library).unwrap();

    // It sets no token, and talks to an engine on its own host.
    let settings = loaded.settings;
    assert!(settings.auth.is_open());
    assert_eq!(loaded.warnings.len(), 4, "{:#?}", loaded.warnings);
    assert_eq!(settings.shutdown_deadline.as_secs(), 1);
    assert_eq!(settings.actors.retry, RetryRules { base: 100, max_exponent: 1, reset: 100 });
    assert_eq!(settings.actors.serverless_retry, Rules::default().serverless_retry);
    assert_eq!(
        (settings.envoys.eligible_threshold, settings.envoys.lost_threshold),
        (5_000, 7_000)
    );
    assert_eq!(settings.serverless.min_poll_interval.as_secs(), 1);
}

#[test]
fn without_a_token_only_an_engine_that_listens_on_this_host_alone_is_open() {
    let hosts = |guard, api_peer, metrics| {
        [
            ("RIVET__GUARD__HOST", guard),
            ("RIVET__API_PEER__HOST", api_peer),
            ("RIVET__METRICS__HOST", metrics),
        ]
    };
    let opened = |variables: &[(&str, &str)]| match from_variables(variables) {
        Ok(loaded) => loaded.settings.auth.is_open(),
        Err(problems) => {
            assert!(matches!(problems.0[..], [ConfigError::NoToken]), "{problems}");
            false
        }
    };
    let here = hosts("127.0.0.1", "::1", "127.0.0.53");

    assert!(opened(&here));
    assert!(!opened(&hosts("0.0.0.0", "127.0.0.1", "127.0.0.1")));
    assert!(!opened(&hosts("127.0.0.1", "::", "127.0.0.1")));
    assert!(!opened(&hosts("127.0.0.1", "127.0.0.1", "192.168.0.1")));
    assert!(!opened(&here[..2]), "metrics listen on every address by default");
    let told_not_to = ("RIVET__AUTH__INSECURE_ALLOW_UNAUTHENTICATED", "false");
    assert!(!opened(&[&here[..], &[told_not_to]].concat()));
    assert!(!opened(&[&here[..], &[TOKEN]].concat()));
}

#[test]
fn the_gateway_asks_for_a_token_unless_told_otherwise() {
    let gateway = |variables: &[(&str, &str)]| {
        from_variables(variables).map(|loaded| loaded.settings.auth.gateway)
    };

    assert_eq!(gateway(&[TOKEN]).unwrap(), GatewayAccess::Token);
    assert_eq!(gateway(&[TOKEN, ("RIVET__AUTH__GATEWAY", "open")]).unwrap(), GatewayAccess::Open);
    let neither = gateway(&[TOKEN, ("RIVET__AUTH__GATEWAY", "maybe")]).unwrap_err().to_string();
    assert!(neither.contains("must be \"token\" or \"open\", found \"maybe\""), "{neither}");
}

#[test]
fn where_the_engine_may_connect_to_is_read_from_files_and_variables() {
    let file = "outbound: {allow_loopback: false, deny_cidrs: [10.0.0.0/8, 'fd00::/8'],\n\
                allow_hosts: [app.internal], max_redirects: 0}";
    let policy = from_files(&[("a.yaml", file)]).unwrap().settings.outbound;
    let variables = [TOKEN, ("RIVET__OUTBOUND__DENY_CIDRS", "10.0.0.0/8, fd00::/8")];
    let from_variable = from_variables(&variables).unwrap().settings.outbound;

    assert!(!policy.allow_loopback && policy.allow_private_networks);
    assert_eq!(
        (policy.allow_hosts.as_slice(), policy.max_redirects),
        (&["app.internal".into()][..], 0)
    );
    assert_eq!(policy.deny_networks, from_variable.deny_networks);
    let broken = refusal(from_files(&[("a.yaml", "outbound: {allow_cidrs: [10.0.0.0/99]}")]));
    assert!(broken.contains("`outbound.allow_cidrs` must be a list of networks"), "{broken}");
}

#[test]
fn a_key_without_effect_is_accepted_with_one_warning() {
    let loaded = from_files(&[(
        "a.yaml",
        "sqlite: {compaction_read_bytes_per_second: 5, pitr: {interval_ms: 3}}\n\
         runtime: {worker_load_shedding_curve: [[700, 1000], [900, 50]]}\n",
    )])
    .unwrap();

    assert_eq!(loaded.warnings.len(), 3, "{:#?}", loaded.warnings);
    assert!(loaded.warnings[0].contains("has no effect in this engine"));
}

#[test]
fn switching_off_what_does_not_exist_needs_no_warning() {
    let telemetry = |value: &str| {
        from_variables(&[TOKEN, ("RIVET__TELEMETRY__ENABLED", value)]).unwrap().warnings.len()
    };

    assert_eq!((telemetry("false"), telemetry("true")), (0, 1));
}

#[test]
fn what_would_change_where_data_goes_is_refused() {
    for text in [
        "postgres: {url: 'postgresql://a'}",
        "database: {postgres: {url: 'postgresql://a'}}",
        "nats: {addresses: ['a:4222']}",
        "pubsub: {nats: {addresses: ['a:4222']}}",
        "clickhouse: {http_url: 'http://a'}",
        "guard: {https: {port: 443}}",
    ] {
        let error = refusal(from_files(&[("a.yaml", text)]));
        assert!(error.contains("is not supported by this engine"), "{text}: {error}");
    }
}

#[test]
fn one_datacenter_may_be_written_as_a_list_a_table_or_variables() {
    let list = "topology: {datacenter_label: 2, datacenters: [{name: one, datacenter_label: 2, \
                is_leader: true, public_url: 'https://rivet.example', peer_url: 'http://a:6421'}]}";
    let table = "topology: {datacenter_label: 2, datacenters: {one: {datacenter_label: 2, \
                 public_url: 'https://rivet.example'}}}";
    for text in [list, table] {
        let datacenter = from_files(&[("a.yaml", text)]).unwrap().settings.datacenter;
        assert_eq!((datacenter.label, datacenter.name.as_str()), (2, "one"));
        assert_eq!(datacenter.public_url, "https://rivet.example/");
    }
    let url = ("RIVET__TOPOLOGY__DATACENTERS__DEFAULT__PUBLIC_URL", "http://10.0.0.1:6420");
    let datacenter = from_variables(&[TOKEN, url]).unwrap().settings.datacenter;
    assert_eq!(datacenter.public_url, "http://10.0.0.1:6420/");
}

#[test]
fn more_than_one_datacenter_is_refused() {
    let text = "topology: {datacenters: {one: {datacenter_label: 1}, two: {datacenter_label: 2}}}";

    assert!(refusal(from_files(&[("a.yaml", text)])).contains("more than one datacenter"));
}

#[test]
fn a_token_of_digits_is_text() {
    let numeric = ("RIVET__auth__admin_token", "1234567890123456");

    let settings = from_variables(&[numeric]).unwrap().settings;

    assert_eq!(settings.auth.admin_token.unwrap().expose(), "1234567890123456");
}

#[test]
fn the_template_is_a_configuration_without_warnings() {
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../templates/config/engine.jsonc");
    let sources = Sources { given: vec![template], fallback: "/x".into() };

    let loaded = load(&sources, &environment(&[])).unwrap();

    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert_eq!(loaded.settings.guard.host, "127.0.0.1".parse::<IpAddr>().unwrap());
}
/// As `rivetctl install` writes it, which upstream's engine reads as well.
#[test]
fn what_upstream_demands_of_a_single_datacenter_needs_no_warning() {
    let text = r#"{
        "telemetry": {"enabled": false},
        "topology": {"datacenter_label": 1, "datacenters": {"default": {
            "datacenter_label": 1, "is_leader": true,
            "public_url": "http://engine:6420", "peer_url": "http://127.0.0.1:6421"
        }}}
    }"#;

    assert_eq!(from_files(&[("a.json", text)]).unwrap().warnings, Vec::<String>::new());
    let follower =
        from_files(&[("a.json", &text.replace(r#""is_leader": true"#, r#""is_leader": false"#))]);
    assert_eq!(follower.unwrap().warnings.len(), 1);
}

#[test]
fn every_problem_is_named_at_once() {
    let text = "guard: {prt: 1, https: {port: 443, tls: {}}}\nmetrics: {port: 6421}\nnats: {addresses: ['a:1'], port: 1}\n\
                audit: {max_entries: many}\ntopology: {datacenters: {a: {}, b: {datacenter_label: 2}, c: {datacenter_label: 3}}}\n";

    let problems = from_files(&[("a.yaml", text), ("b.yaml", "zzzzzzz: 1")]).unwrap_err();

    let lines: Vec<String> = problems.0.iter().map(ToString::to_string).collect();
    assert_eq!(lines.len(), 7, "{lines:#?}");
    for said in [
        "unknown key `guard.prt`",
        "unknown key `zzzzzzz`",
        "`audit.max_entries` must be",
        "`guard.https` is not supported",
        "`nats` is not supported",
        "`api_peer.port` and `metrics.port` are both 6421",
        "more than one datacenter (b, c)",
    ] {
        assert!(lines.iter().any(|line| line.contains(said)), "{said}: {lines:#?}");
    }
}

#[test]
fn a_problem_is_not_followed_by_those_that_come_of_it() {
    let alone = |text: &str| {
        let dir = directory(&[("a.yaml", text)]);
        let given = vec![dir.path().join("a.yaml").into_std_path_buf()];
        load(&Sources { given, fallback: "/x".into() }, &environment(&[])).unwrap_err().0.len()
    };

    // In none of them it is known that there is no token.
    assert_eq!(alone("auth: {admin_token: []}"), 1);
    assert_eq!(alone("auth: {admin_tokn: x}"), 1);
    assert_eq!(alone("auth: {"), 1);
    assert_eq!(alone("guard: {host: nowhere}"), 1);
}

#[test]
fn listeners_collide_where_the_system_would_refuse_the_second_one() {
    let problems = |guard: &str, metrics: &str, port: &str| {
        let outcome = from_variables(&[
            TOKEN,
            ("RIVET__GUARD__HOST", guard),
            ("RIVET__METRICS__HOST", metrics),
            ("RIVET__GUARD__PORT", port),
            ("RIVET__METRICS__PORT", port),
        ]);
        outcome.map_or_else(|problems| problems.0.len(), |_| 0)
    };

    assert_eq!(problems("127.0.0.1", "127.0.0.1", "7000"), 1);
    assert_eq!(problems("::", "127.0.0.1", "7000"), 1);
    assert_eq!(problems("127.0.0.1", "0.0.0.0", "7000"), 1);
    assert_eq!(problems("127.0.0.1", "127.0.0.2", "7000"), 0);
    assert_eq!(problems("::1", "0.0.0.0", "7000"), 0);
    assert_eq!(problems("::", "::", "0"), 0, "the system finds two");
}

#[test]
fn nothing_that_may_be_a_secret_is_shown() {
    let text = "auth: {admin_token: hunter2hunter2hunter2}\n\
                postgres: {url: 'postgresql://u:hunter2@h/d', pasword: hunter2}\n\
                nats: {password: hunter2, whatever: {deep: hunter2}}\n\
                clickhouse: {http_url: 'http://u:hunter2@h', password: [hunter2]}\n\
                foundationdb: hunter2\n";
    let dir = directory(&[("a.yaml", text)]);
    let given = vec![dir.path().join("a.yaml").into_std_path_buf()];

    let found = Found::read(&Sources { given, fallback: "/x".into() }, &environment(&[]));

    let entries = found.entries();
    let shown = format!("{}{}", Entry::text(&entries), Entry::list(&entries));
    assert!(shown.contains("postgres.url = ********  ("), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(!found.loaded().unwrap_err().to_string().contains("hunter2"));
}
