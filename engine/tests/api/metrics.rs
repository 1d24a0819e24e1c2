//! Metrics: what is documented is served, what is shown and alerted on is there, and nothing that
//! somebody else chooses makes them more.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use axum::http::Method;
use rivet_engine::{
    limits::Limit,
    telemetry::{Metrics, Woken},
};
use serde_json::{Value, json};

use crate::support::App;

fn read(path: &str) -> String {
    fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The lines of a scrape that are samples.
fn series(text: &str) -> BTreeSet<&str> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.map(|line| line.rsplit_once(' ').unwrap().0).collect()
}

/// The names of metrics in a text that holds queries.
fn queried(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours =
        words.filter(|word| word.starts_with("rivet_engine_") || word.starts_with("process_"));
    ours.map(str::to_owned).collect()
}

/// Every name under which the metrics can be queried.
fn names(metrics: &Metrics) -> BTreeSet<String> {
    let suffixes = |kind: &str| match kind {
        "histogram" => vec!["_bucket", "_sum", "_count"],
        _ => vec![""],
    };
    let all = metrics.described().flat_map(|described| {
        let name = &described.name;
        suffixes(described.kind).into_iter().map(move |suffix| format!("{name}{suffix}"))
    });
    all.collect()
}

#[tokio::test]
async fn the_documentation_has_a_row_for_each_metric() {
    let app = App::new().await;
    let document = read("docs/metrics.md");

    let is_row =
        |line: &&str| line.starts_with("| `rivet_engine_") || line.starts_with("| `process_");
    let rows: Vec<_> = document.lines().filter(is_row).collect();
    let expected = app.counted().described().map(|described| {
        let labels = described.labels.iter().map(|label| format!("`{label}`"));
        let labels = labels.collect::<Vec<_>>().join(", ");
        format!("| `{}` | {} | {labels} | {} |", described.name, described.kind, described.help)
    });

    assert_eq!(rows.join("\n"), expected.collect::<Vec<_>>().join("\n"));
}

#[tokio::test]
async fn each_metric_is_served_as_it_is_documented() {
    let app = App::new().await;
    app.get("/namespaces").await;
    let metrics = app.counted();
    let moment = Duration::from_millis(1);
    metrics.refused("invalid");
    metrics.limit_reached(Limit::Connections);
    metrics.tokens_reloaded("taken");
    metrics.gateway_failure("guard", "no_route");
    metrics.woke(Woken::Ready, moment);
    metrics.data_request("kv_get", moment);

    let text = app.metrics("/metrics").await;

    let typed = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let served: BTreeMap<_, _> = typed.collect();
    let described: BTreeMap<_, _> =
        metrics.described().map(|known| (known.name.as_str(), known.kind)).collect();
    assert_eq!(served, described);
}

#[tokio::test]
async fn a_scrape_tells_how_the_engine_is() {
    let app = App::new().await;
    app.configure("pool").await;
    let body = json!({
        "name": "counter", "key": "a", "runner_name_selector": "pool", "crash_policy": "sleep",
    });
    app.put("/actors?namespace=default", &body).await;

    let text = app.metrics("/").await;

    let value = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("{name} in {text}"))
            .rsplit(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    };
    for one in ["ready", "ready_check{check=\"storage\"}", "actors{state=\"pending\"}"] {
        assert!((value(&format!("rivet_engine_{one}")) - 1.0).abs() < 1e-9, "{one}");
    }
    for some in [
        "rivet_engine_storage_wal_bytes",
        "rivet_engine_storage_disk_free_bytes",
        "rivet_engine_storage_rows",
        "rivet_engine_storage_commit_duration_seconds_count",
        "process_resident_memory_bytes",
        "process_open_fds",
    ] {
        assert!(value(some) > 0.0, "{some}");
    }
}

/// Everything that a client can choose, chosen anew.
async fn visit(app: &App, round: u32) {
    let namespace = format!("tenant-{round}");
    app.post("/namespaces", &json!({"name": namespace, "display_name": "x"})).await;
    let config = json!({"datacenters": {"default": {"normal": {}}}});
    app.put(&format!("/runner-configs/pool-{round}?namespace={namespace}"), &config).await;
    let body = json!({
        "name": format!("kind-{round}"), "key": format!("key-{round}"),
        "runner_name_selector": format!("pool-{round}"), "crash_policy": "sleep",
    });
    let made = app.put(&format!("/actors?namespace={namespace}"), &body).await.json();
    let id = made["actor"]["actor_id"].as_str().unwrap().to_owned();
    app.get(&format!("/actors?namespace={namespace}&actor_id={id}")).await;
    app.get(&format!("/actors/{id}/placement?namespace={namespace}")).await;
    app.get(&format!("/no-such-path-{round}/{id}")).await;
    app.get(&format!("/actors?namespace=nowhere-{round}")).await;
    app.as_stranger(Method::GET, &format!("/namespaces?token={round}")).await;
    let method = Method::from_bytes(format!("BREW{round}").as_bytes()).unwrap();
    app.as_stranger(method, "/namespaces").await;
    let token = format!("Bearer rvt_guess-guess-guess-{round}");
    let ray = format!("0123456789abcdef-{round}");
    let headers = [("authorization", token.as_str()), ("x-rivet-ray-id", ray.as_str())];
    app.send(Method::GET, "/namespaces", &headers, "").await;
    app.delete(&format!("/actors/{id}?namespace={namespace}")).await;
}

#[tokio::test]
async fn no_namespace_actor_path_method_or_token_makes_a_series() {
    let app = App::new().await;
    visit(&app, 0).await;
    let before = app.counted().text().unwrap();
    let before = String::from_utf8(before).unwrap();

    for round in 1..20 {
        visit(&app, round).await;
    }

    let after = String::from_utf8(app.counted().text().unwrap()).unwrap();
    assert_eq!(series(&before), series(&after));
    for chosen in ["tenant-", "pool-", "kind-", "key-", "BREW", "guess", "no-such-path"] {
        assert!(!after.contains(chosen), "{chosen} in {after}");
    }
}

#[tokio::test]
async fn the_dashboard_for_grafana_asks_for_metrics_that_there_are() {
    let app = App::new().await;
    let dashboard: Value =
        serde_json::from_str(&read("templates/grafana/rivet-engine.json")).unwrap();

    let panels = dashboard["panels"].as_array().unwrap();
    let rows = panels.iter().filter(|panel| panel["type"] == "row");
    let rows: Vec<_> = rows.map(|row| row["title"].as_str().unwrap()).collect();
    assert_eq!(rows, ["Traffic", "Actors", "Storage", "Process"]);
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        for target in targets {
            let asked = queried(target["expr"].as_str().unwrap());
            assert!(!asked.is_empty() && asked.is_subset(&names(app.counted())), "{asked:?}");
        }
    }
}

#[tokio::test]
async fn the_alerts_watch_metrics_that_there_are() {
    let app = App::new().await;
    let rules = read("templates/prometheus/rivet-engine.rules.yaml");

    let rules: Value = serde_yaml_ng::from_str(&rules).unwrap();
    for rule in rules["groups"][0]["rules"].as_array().unwrap() {
        let asked = queried(rule["expr"].as_str().unwrap());
        let other = rule["alert"] == "RivetEngineGone";
        assert_eq!(asked.is_empty(), other, "{rule}");
        assert!(asked.is_subset(&names(app.counted())), "{asked:?}");
        assert!(rule["annotations"]["summary"].is_string(), "{rule}");
    }
}

/// Prometheus itself reads the rules, and says when they fire.
#[test]
fn promtool_finds_the_alerts_as_they_should_be() {
    let dir = format!("{}/../templates/prometheus", env!("CARGO_MANIFEST_DIR"));
    for arguments in
        [["check", "rules", "rivet-engine.rules.yaml"], ["test", "rules", "rivet-engine.test.yaml"]]
    {
        match std::process::Command::new("promtool").args(arguments).current_dir(&dir).output() {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stdout).into_owned()
                    + &String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{said}");
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let said = "SKIPPED: promtool is not on this host (Debian package `prometheus`)\n";
                std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes()).unwrap();
                return;
            }
            Err(error) => panic!("{error}"),
        }
    }
}
