//! Values out of the merged configuration, each of the type that is asked for.

use serde_json::Value;

use super::{ConfigError, Origin, layer::found, merge::Merged};

/// Text that says something.
pub(super) fn text(merged: &mut Merged, key: &str) -> Result<Option<String>, ConfigError> {
    match merged.take(key) {
        None => Ok(None),
        Some((Value::String(text), _)) if !text.is_empty() => Ok(Some(text)),
        Some((value, origin)) => Err(wrong(key, &value, origin, "text that is not empty")),
    }
}

/// A whole number from 0 to `max`.
pub(super) fn number(merged: &mut Merged, key: &str, max: u64) -> Result<Option<u64>, ConfigError> {
    let Some((value, origin)) = merged.take(key) else { return Ok(None) };
    let number = match &value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match number.filter(|number| *number <= max) {
        Some(number) => Ok(Some(number)),
        None if max == u64::MAX => {
            Err(wrong(key, &value, origin, "a whole number that is not negative"))
        }
        None => Err(wrong(key, &value, origin, &format!("a whole number from 0 to {max}"))),
    }
}

/// A time in milliseconds, `default` where none is set.
pub(super) fn millis(merged: &mut Merged, key: &str, default: u64) -> Result<u64, ConfigError> {
    Ok(number(merged, key, u64::MAX)?.unwrap_or(default))
}

/// One of several words.
pub(super) fn one_of<T: Copy>(
    merged: &mut Merged,
    key: &str,
    words: &[(&str, T)],
) -> Result<Option<T>, ConfigError> {
    let Some((value, origin)) = merged.take(key) else { return Ok(None) };
    if let Some((_, meaning)) = words.iter().find(|(word, _)| value.as_str() == Some(word)) {
        return Ok(Some(*meaning));
    }
    let quoted: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
    Err(wrong(key, &value, origin, &quoted.join(" or ")))
}

/// A list of texts, each of which `parse` understands; `expected` says what they are.
pub(super) fn list<T>(
    merged: &mut Merged,
    key: &str,
    expected: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, ConfigError> {
    let Some((value, origin)) = merged.take(key) else { return Ok(Vec::new()) };
    let items = match &value {
        Value::Array(items) => items.iter().map(|item| parse(item.as_str()?.trim())).collect(),
        _ => None,
    };
    items.ok_or_else(|| wrong(key, &value, origin, &format!("a list of {expected}")))
}

/// `true` or `false`.
pub(super) fn boolean(merged: &mut Merged, key: &str) -> Result<Option<bool>, ConfigError> {
    let Some((value, origin)) = merged.take(key) else { return Ok(None) };
    match &value {
        Value::Bool(value) => Ok(Some(*value)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        _ => Err(wrong(key, &value, origin, "true or false")),
    }
}

/// The error for a value that is none of those expected.
pub(super) fn wrong(key: &str, value: &Value, origin: Origin, expected: &str) -> ConfigError {
    ConfigError::Value {
        origin,
        key: key.to_owned(),
        expected: expected.to_owned(),
        found: found(value),
    }
}
