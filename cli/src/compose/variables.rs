//! `${…}` in fragments: each one has to be ours or a property of the config schema, and secret
//! ones may only reach a container's environment.

use serde_yaml_ng::{Mapping, Value};

use super::{OUR_SECRETS, OUR_VARIABLES, Scan, Sensitivity};

/// Checks every text value of a fragment.
pub(super) fn check(content: &Mapping, scan: &mut Scan<'_>) {
    walk_mapping(content, "", scan);
}

fn walk(value: &Value, at: &str, scan: &mut Scan<'_>) {
    match value {
        Value::String(text) => check_text(text, at, scan),
        Value::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{at}[{index}]"), scan);
            }
        }
        Value::Mapping(map) => walk_mapping(map, at, scan),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Tagged(_) => (),
    }
}

fn walk_mapping(map: &Mapping, at: &str, scan: &mut Scan<'_>) {
    for (key, value) in map {
        let key = key.as_str().unwrap_or("?").escape_default().to_string();
        let at = if at.is_empty() { key } else { format!("{at}.{key}") };
        walk(value, &at, scan);
    }
}

fn check_text(text: &str, at: &str, scan: &mut Scan<'_>) {
    let names = match references(text) {
        Ok(names) => names,
        Err(found) => {
            scan.problem(
                "RCTL-COMPOSE-VARIABLE",
                at,
                found,
                "Write ${NAME}, ${NAME:-default} or ${NAME:?message}; write $$ for a dollar sign.",
            );
            return;
        }
    };
    for name in names {
        let Some(sensitivity) = check_name(&name, at, scan) else { continue };
        if sensitivity == Sensitivity::Secret && !may_hold_secrets(at) {
            scan.problem(
                "RCTL-COMPOSE-SECRET",
                at,
                format!("the secret {name} outside `environment`"),
                "Pass it through the service's environment: everything else can be read by others or is logged.",
            );
        }
    }
}

/// Reports a variable that nobody sets.
pub(super) fn check_name(name: &str, at: &str, scan: &mut Scan<'_>) -> Option<Sensitivity> {
    let known = sensitivity(name, scan);
    if known.is_none() {
        let names: Vec<&str> = OUR_VARIABLES
            .into_iter()
            .chain(scan.surroundings.properties.keys().map(String::as_str))
            .collect();
        let found = format!("the unknown variable {}", name.escape_default());
        let advice = format!("Add it to the config schema, or use one of {}.", names.join(", "));
        scan.problem("RCTL-COMPOSE-VARIABLE", at, found, advice);
    }
    known
}

fn sensitivity(name: &str, scan: &Scan<'_>) -> Option<Sensitivity> {
    if OUR_SECRETS.contains(&name) {
        Some(Sensitivity::Secret)
    } else if OUR_VARIABLES.contains(&name) {
        Some(Sensitivity::Plain)
    } else {
        scan.surroundings.properties.get(name).copied()
    }
}

/// `services.<name>.environment…`, where a container's environment is made.
fn may_hold_secrets(at: &str) -> bool {
    let setting = at.strip_prefix("services.").and_then(|rest| rest.split_once('.'));
    setting.is_some_and(|(_, setting)| {
        setting.strip_prefix("environment").is_some_and(|rest| rest.starts_with(['.', '[']))
    })
}

/// The variables that Compose would replace in `text`, those in defaults included.
pub(super) fn references(text: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
        } else if let Some(inside) = rest.strip_prefix('{') {
            let end = closing_brace(inside).ok_or("a ${ without its }")?;
            braced(&inside[..end], &mut names)?;
            rest = &inside[end + 1..];
        } else {
            let length = name_length(rest);
            if length == 0 {
                return Err("a $ that starts no variable".into());
            }
            names.push(rest[..length].to_owned());
            rest = &rest[length..];
        }
    }
    Ok(names)
}

/// Whether Compose would replace anything in `text`.
pub(super) fn is_interpolated(text: &str) -> bool {
    !references(text).is_ok_and(|names| names.is_empty())
}

/// `NAME`, or `NAME`, one of the operators, and text that may hold variables of its own.
fn braced(inside: &str, names: &mut Vec<String>) -> Result<(), String> {
    let length = name_length(inside);
    if length == 0 {
        return Err(format!("${{{}}}", inside.escape_default()));
    }
    let (name, rest) = inside.split_at(length);
    names.push(name.to_owned());
    if rest.is_empty() {
        return Ok(());
    }
    let argument = rest.strip_prefix(':').unwrap_or(rest);
    let argument = argument
        .strip_prefix(['-', '?', '+'])
        .ok_or_else(|| format!("${{{}}}", inside.escape_default()))?;
    names.extend(references(argument)?);
    Ok(())
}

fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => (),
        }
    }
    None
}

fn name_length(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_interpolation_is_seen() {
        for (text, expected) in [
            ("plain", vec![]),
            ("costs $$5", vec![]),
            ("$A/${B}", vec!["A", "B"]),
            ("${A:-x}${B-}${C:?no}${D?}${E:+y}", vec!["A", "B", "C", "D", "E"]),
            ("${A:-${B:-${C}}}", vec!["A", "B", "C"]),
        ] {
            assert_eq!(references(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_compose_would_refuse_is_refused() {
        for text in ["$", "5$ each", "${", "${A", "${}", "${A b}", "${1}", "${A/x/y}"] {
            assert!(references(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_environment_may_hold_secrets() {
        assert!(may_hold_secrets("services.app.environment.TOKEN"));
        assert!(may_hold_secrets("services.app.environment[0]"));
        for at in ["services.app.command", "services.app.labels.environment", "x-a.environment.T"] {
            assert!(!may_hold_secrets(at), "{at}");
        }
    }
}
