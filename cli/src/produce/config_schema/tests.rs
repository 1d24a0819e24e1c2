//! What a config schema may and may not say.

use super::*;

fn judge(schema: &str) -> Result<BTreeMap<String, Sensitivity>, String> {
    check(schema.as_bytes()).map_err(|problem| format!("{}: {}", problem.at, problem.found))
}

fn with(property: &str) -> String {
    format!(
        r#"{{"type":"object","additionalProperties":false,"properties":{{"NOTES_X":{property}}}}}"#
    )
}

#[test]
fn a_flat_schema_is_accepted_and_its_secrets_are_known() {
    let properties = judge(
        r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
                "additionalProperties":false,"required":["NOTES_KEY"],"properties":{
                "NOTES_TITLE":{"type":"string","default":"Notes","pattern":"^[A-Z]"},
                "NOTES_DAYS":{"type":"integer","minimum":1,"default":30},
                "NOTES_KEY":{"type":"string","x-secret":true}}}"#,
    )
    .unwrap();
    assert_eq!(properties["NOTES_TITLE"], Sensitivity::Plain);
    assert_eq!(properties["NOTES_KEY"], Sensitivity::Secret);
}

#[test]
fn names_that_other_programs_read_are_refused() {
    for name in [
        "PATH",
        "LD_PRELOAD",
        "DOCKER_HOST",
        "COMPOSE_FILE",
        "HTTP_PROXY",
        "RIVET_TOKEN",
        "RIVETCTL_X",
        "notes",
        "A-B",
        "1A",
        "",
    ] {
        let schema = with(r#"{"type":"string"}"#).replace("NOTES_X", name);
        assert!(judge(&schema).is_err(), "{name}");
    }
}

#[test]
fn references_and_nesting_are_refused() {
    for property in [
        r#"{"$ref":"https://elsewhere.example/x"}"#,
        r#"{"type":"object"}"#,
        r#"{"type":["string","null"]}"#,
        r#"{"type":"string","allOf":[]}"#,
    ] {
        assert!(judge(&with(property)).is_err(), "{property}");
    }
}

#[test]
fn a_default_has_to_fit_its_property() {
    assert!(judge(&with(r#"{"type":"integer","minimum":5,"default":3}"#)).is_err());
    assert!(judge(&with(r#"{"type":"integer","minimum":5,"default":7}"#)).is_ok());
}

#[test]
fn a_secret_has_no_default() {
    assert!(judge(&with(r#"{"type":"string","x-secret":true,"default":"x"}"#)).is_err());
}

#[test]
fn values_that_nobody_described_are_not_possible() {
    assert!(judge(r#"{"type":"object","properties":{}}"#).is_err());
    assert!(judge(r#"{"type":"object","additionalProperties":true}"#).is_err());
    assert!(judge(r#"{"type":"array","additionalProperties":false}"#).is_err());
}

#[test]
fn an_invalid_pattern_is_found() {
    assert!(judge(&with(r#"{"type":"string","pattern":"("}"#)).is_err());
}
