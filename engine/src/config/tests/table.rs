//! The table of keys, and what is made of it.

use super::*;
use crate::config::keys::{Effect, Kind, Preset};

#[test]
fn the_defaults_of_the_table_are_those_of_the_parts() {
    let settings = from_variables(&[TOKEN]).unwrap().settings;

    assert_eq!(settings.actors, Rules::default());
    assert_eq!(settings.gateway, GatewaySettings::default());
    assert_eq!(settings.outbound, crate::outbound::Policy::default());
    assert_eq!(settings.audit, AuditSettings::default());
    assert_eq!(settings.auth.failures_per_minute, AuthSettings::default().failures_per_minute);
}

/// A key that is in the table and that nobody reads would be a promise that is not kept.
#[test]
fn every_key_that_is_used_changes_the_settings() {
    let settings = |variables: &[(&str, &str)]| {
        format!(
            "{:?}",
            Found::read(
                &Sources { given: vec![], fallback: "/nonexistent".into() },
                &environment(variables),
            )
            .settings
        )
    };
    for key in keys::all().filter(|key| key.effect == Effect::Used) {
        let path = key.path.replace('*', "one");
        let value = match (key.kind, key.preset) {
            (Kind::Address, _) => "127.0.0.9".to_owned(),
            (Kind::Url | Kind::HttpUrl, _) => "http://other".to_owned(),
            (Kind::Ratio, _) => "0.5".to_owned(),
            (Kind::Networks, _) => "10.0.0.0/8".to_owned(),
            (Kind::Number(_), Preset::Number(number)) => (number + 1).to_string(),
            (Kind::Number(_), _) => "7".to_owned(),
            (Kind::Bool, Preset::Bool(value)) => (!value).to_string(),
            (Kind::Bool, _) => "true".to_owned(),
            (Kind::Words(words), Preset::Text(text)) => {
                (*words.iter().find(|word| **word != text).unwrap()).to_owned()
            }
            // Its fields are keys of their own.
            (Kind::Datacenters, _) => continue,
            _ => "something".to_owned(),
        };
        let name = format!("RIVET__{}", path.replace('.', "__").to_uppercase());
        // It decides whether the engine starts, and nothing else.
        if key.path == "auth.insecure_allow_unauthenticated" {
            assert!(from_variables(&[(name.as_str(), "true")]).is_ok());
            continue;
        }
        let secret = key.kind == Kind::Secret;
        let base = if secret { vec![] } else { vec![TOKEN] };
        let changed = [&base[..], &[(name.as_str(), value.as_str())]].concat();
        assert_ne!(settings(&base), settings(&changed), "{name}={value}");
    }
}

#[test]
fn every_default_is_a_value_that_its_key_takes() {
    for key in keys::all() {
        if let Some(value) = key.preset.value() {
            assert_eq!(key.kind.accept(&value), Some(value), "{}", key.path);
        }
    }
}

#[test]
fn no_key_is_in_the_table_twice() {
    let mut paths: Vec<_> = keys::all().map(|key| key.path).collect();
    let count = paths.len();
    paths.sort_unstable();
    paths.dedup();

    assert_eq!(paths.len(), count);
}

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_published_schema_is_the_one_that_is_printed() {
    assert!(
        document("rivet-engine.schema.json") == format!("{:#}\n", schema()),
        "write it again: rivet-engine config schema > docs/rivet-engine.schema.json"
    );
}

#[test]
fn the_documentation_has_the_table_of_keys() {
    let document = document("engine-configuration.md");
    let (_, rest) = document.split_once("<!-- keys: ").unwrap();
    let (rest, _) = rest.split_once("<!-- end of keys -->").unwrap();
    let (_, table) = rest.split_once("-->\n").unwrap();

    assert!(
        table == markdown(),
        "write it again between the two comments: rivet-engine config schema --format markdown"
    );
}

#[test]
fn the_schema_knows_every_key_and_no_other() {
    let schema = schema();

    let guard = &schema["properties"]["guard"];
    assert_eq!(guard["additionalProperties"], false);
    assert_eq!(guard["properties"]["port"]["maximum"], 65_535);
    assert_eq!(guard["properties"]["port"]["default"], 6_420);
    assert_eq!(guard["properties"]["https"]["not"], serde_json::json!({}));
    let durability = &schema["properties"]["file_system"]["properties"]["durability"];
    assert_eq!(durability["enum"], serde_json::json!(["strict", "relaxed"]));
    assert_eq!(
        schema["properties"]["database"]["properties"]["file_system"],
        schema["properties"]["file_system"]
    );
    for key in keys::all().filter(|key| !key.path.contains('*')) {
        let mut place = &schema;
        for segment in key.path.split('.') {
            if place.get("not").is_some() {
                break;
            }
            place = &place["properties"][segment];
            assert!(place.is_object(), "{}", key.path);
        }
        assert!(place["description"].is_string(), "{}", key.path);
    }
}
