//! No key of the table is ignored in silence.

use super::*;
use crate::config::keys::{Effect, Key, Kind, Preset};

/// A value that `key` takes and that is not its default.
fn another_value(key: &Key) -> String {
    match (key.kind, key.preset) {
        (Kind::Address, _) => "127.0.0.9".to_owned(),
        (Kind::Url, _) => "http://other".to_owned(),
        (Kind::Networks, _) => "10.0.0.0/8".to_owned(),
        (Kind::Number(_), Preset::Number(number)) => {
            if number > 7 { number - 1 } else { number + 1 }.to_string()
        }
        (Kind::Number(_), _) => "7".to_owned(),
        (Kind::Fraction, _) => "0.5".to_owned(),
        (Kind::Bool, Preset::Bool(value)) => (!value).to_string(),
        (Kind::Bool, _) => "true".to_owned(),
        (Kind::Words(words), preset) => {
            let other = words.iter().find(|word| preset != Preset::Text(word));
            (*other.unwrap_or(&words[0])).to_owned()
        }
        _ => "something".to_owned(),
    }
}

/// What is said about the variable for `key`, set to `value`: warnings, or why the engine does not start.
fn said(key: &Key, value: &str) -> Result<Vec<String>, String> {
    let name = format!("RIVET__{}", key.path.replace('*', "one").replace('.', "__").to_uppercase());
    match from_variables(&[TOKEN, (&name, value)]) {
        Ok(loaded) => Ok(loaded.warnings),
        Err(problems) => Err(problems.to_string()),
    }
}

#[test]
fn every_key_that_does_not_do_what_it_says_is_named_with_the_reason() {
    for key in keys::all() {
        let value = another_value(key);
        let said = said(key, &value);
        match key.effect {
            Effect::None(reason) | Effect::Always(reason) => {
                let warnings = said.unwrap_or_else(|problems| panic!("{}: {problems}", key.path));
                assert_eq!(warnings.len(), 1, "{}={value}: {warnings:?}", key.path);
                let named = key.path.replace('*', "one");
                assert!(
                    warnings[0].contains(&named) && warnings[0].contains(reason),
                    "{warnings:?}"
                );
            }
            Effect::Refused { block, reason } => {
                let refused = said.expect_err(key.path);
                assert!(refused.contains(&format!("`{block}` is not supported")), "{refused}");
                assert!(refused.contains(reason), "{refused}");
            }
            Effect::Needless(_) => assert_eq!(said, Ok(vec![]), "{}", key.path),
            // The test of the table finds out whether these do what they say.
            Effect::Used => {}
        }
    }
}

/// As upstream takes it: whoever writes the block has chosen what it stands for.
#[test]
fn a_block_that_is_refused_is_refused_with_nothing_in_it_as_well() {
    for block in ["postgres", "nats", "clickhouse", "guard.https"] {
        let mut text = "{}".to_owned();
        for segment in block.rsplit('.') {
            text = format!("{{{segment}: {text}}}");
        }
        let refused = refusal(from_files(&[("a.yaml", &text)]));
        assert!(refused.contains(&format!("`{block}` is not supported")), "{text}: {refused}");
    }
}

#[test]
fn a_key_that_is_always_as_its_default_may_be_set_to_that() {
    for key in keys::all().filter(|key| matches!(key.effect, Effect::Always(_))) {
        let default = match key.preset {
            Preset::Number(number) => number.to_string(),
            Preset::Bool(value) => value.to_string(),
            Preset::Text(text) => text.to_owned(),
            other => panic!("{}: {other:?}", key.path),
        };
        assert_eq!(said(key, &default), Ok(vec![]), "{}={default}", key.path);
    }
}

#[test]
fn a_number_that_is_none_does_not_count_as_nothing() {
    for (name, text) in [
        ("a.json5", "{guard: {port: Infinity}}"),
        ("a.json5", "{guard: {port: NaN}}"),
        ("a.yaml", "guard: {port: .inf}"),
        ("a.yaml", "guard: {port: 123456789012345678901234567890}"),
    ] {
        let refused = refusal(from_files(&[(name, text)]));
        assert!(refused.contains("`guard.port` must be a whole number"), "{text}: {refused}");
    }
}

#[test]
fn a_variable_that_is_no_text_is_named_and_nothing_that_comes_of_it() {
    let problems = from_variables(&[("RIVET__AUTH__ADMIN_TOKEN", "hunter2\u{FFFD}")]).unwrap_err();

    assert_eq!(
        problems.to_string(),
        "environment variable RIVET__AUTH__ADMIN_TOKEN: `auth.admin_token` must be UTF-8 text"
    );
}
