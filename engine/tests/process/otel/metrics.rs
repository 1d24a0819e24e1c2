//! What is counted, as the collector gets it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{NOBODY, exporting_to};
use crate::{
    collector::Collector,
    engine::{TOKEN, await_until},
};

/// Every number of a scrape that nothing changes between the scrape and the end.
fn settled(text: &str) -> BTreeMap<String, f64> {
    let names = [
        "rivet_engine_http_request",
        "rivet_engine_gateway",
        "rivet_engine_build",
        "rivet_engine_auth",
    ];
    let samples = text.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
    let samples = samples.map(|line| line.rsplit_once(' ').unwrap());
    samples.map(|(series, value)| (series.to_owned(), value.parse().unwrap())).collect()
}

/// What the collector got, in the words of a scrape.
fn as_scraped(metrics: &Value) -> BTreeMap<String, f64> {
    let number = |value: &Value| match value {
        Value::String(text) => text.parse::<f64>().unwrap(),
        // A zero is not shown.
        other => other.as_f64().unwrap_or(0.0),
    };
    let mut scraped = BTreeMap::new();
    for metric in metrics["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap() {
        let name = metric["name"].as_str().unwrap();
        let points =
            ["sum", "gauge", "histogram"].map(|kind| metric[kind]["dataPoints"].as_array());
        for point in points.into_iter().flatten().flatten() {
            let labels = point["attributes"].as_array().into_iter().flatten();
            let labels = labels.map(|pair| {
                let (key, value) = (&pair["key"], &pair["value"]["stringValue"]);
                format!("{}={value}", key.as_str().unwrap())
            });
            let labels: Vec<_> = labels.collect();
            let series = |suffix: &str, more: Option<String>| {
                let all: Vec<_> = labels.iter().cloned().chain(more).collect();
                let labels =
                    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) };
                format!("{name}{suffix}{labels}")
            };
            if metric["histogram"].is_null() {
                scraped.insert(series("", None), number(&point["asDouble"]));
                continue;
            }
            let bounds = point["explicitBounds"].as_array().unwrap().iter().map(number);
            let bounds = bounds.map(|bound| bound.to_string()).chain(["+Inf".to_owned()]);
            let mut up_to = 0.0;
            for (bound, count) in bounds.zip(point["bucketCounts"].as_array().unwrap()) {
                up_to += number(count);
                scraped.insert(series("_bucket", Some(format!("le=\"{bound}\""))), up_to);
            }
            scraped.insert(series("_sum", None), number(&point["sum"]));
            scraped.insert(series("_count", None), number(&point["count"]));
        }
    }
    scraped
}

#[test]
fn what_is_counted_arrives_as_a_scrape_shows_it() {
    let collector = Collector::start();
    let engine = exporting_to(&collector.url()).start();
    for _ in 0..3 {
        engine.get("/namespaces");
    }
    engine.send("GET", "/namespaces", Some("rvt_wrong-wrong-wrong-wrong"), "");
    engine.send("GET", &format!("/gateway/{NOBODY}@{TOKEN}/x"), None, "");

    let text = engine.at("metrics", "GET", "/metrics", None, "").body;
    // The last ones are sent at the end.
    engine.signal("TERM");

    let metrics = collector.metrics();
    let received = metrics.last().unwrap();
    let families = received["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
    let names: BTreeSet<_> =
        families.iter().map(|family| family["name"].as_str().unwrap()).collect();
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    assert_eq!(names, kinds.clone().map(|(name, _)| name).collect());
    for (name, kind) in kinds {
        let family = families.iter().find(|family| family["name"] == name).unwrap();
        let as_sent = if kind == "counter" { "sum" } else { kind };
        assert!(family[as_sent]["dataPoints"].is_array(), "{name}: {family}");
        if kind == "counter" {
            assert_eq!(family["sum"]["isMonotonic"], true, "{family}");
        }
        if kind != "gauge" {
            let temporality = &family[as_sent]["aggregationTemporality"];
            assert_eq!(temporality, "AGGREGATION_TEMPORALITY_CUMULATIVE", "{family}");
        }
        assert!(!family["description"].as_str().unwrap().is_empty(), "{family}");
    }
    let (scraped, sent) = (settled(&text), as_scraped(received));
    assert!(scraped.len() > 30, "{scraped:?}");
    for (series, value) in scraped {
        // The last digit of a fraction is lost on the way through JSON.
        let is_there = sent.get(&series).is_some_and(|sent| (sent - value).abs() <= value * 1e-12);
        assert!(is_there, "{series} {value}: {sent:?}");
    }
}

#[test]
fn metrics_are_sent_again_and_again_over_one_connection() {
    let collector = Collector::start();
    let engine = exporting_to(&collector.url()).with("OTEL_METRIC_EXPORT_INTERVAL", "50").start();

    await_until("metrics", || collector.metrics().len() >= 3);

    assert_eq!(collector.connections(), 1);
    assert_eq!(engine.signal("TERM").code, Some(0));
}
