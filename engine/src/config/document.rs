//! The table of all keys in the documentation.

use std::fmt::Write as _;

use super::keys::{self, Effect, Key, Kind, Owner, Preset, Range};

/// A table in Markdown with a line for each key.
pub fn markdown() -> String {
    let mut text = "| key | value | default | of | effect |\n|---|---|---|---|---|\n".to_owned();
    for key in keys::all() {
        let owner = match key.owner {
            Owner::Upstream => "upstream",
            Owner::Ours => "ours",
        };
        writeln!(
            text,
            "| `{}` | {} | {} | {owner} | {} |",
            key.path,
            value(key.kind),
            preset(key.preset),
            effect(key)
        )
        .expect("text grows as long as there is memory");
    }
    text
}

fn value(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Secret => "secret".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::Url => "URL".to_owned(),
        Kind::Address => "IP address".to_owned(),
        Kind::Number(Range { unit, max }) => {
            let unit = unit.name();
            let what = if unit.is_empty() { "number" } else { unit };
            if max == u64::MAX { what.to_owned() } else { format!("{what}, at most {max}") }
        }
        Kind::HttpUrl => "URL of plain HTTP".to_owned(),
        Kind::Fraction => "number with a fraction".to_owned(),
        Kind::Ratio => "number from 0 to 1".to_owned(),
        Kind::Bool => "`true` or `false`".to_owned(),
        Kind::Words(words) => {
            let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            quoted.join(" or ")
        }
        Kind::Texts => "list".to_owned(),
        Kind::Networks => "list of networks".to_owned(),
        Kind::Datacenters => "list or table".to_owned(),
        Kind::Any => "as upstream".to_owned(),
    }
}

fn preset(preset: Preset) -> String {
    match preset {
        Preset::Nothing => "–".to_owned(),
        Preset::Number(number) => format!("`{number}`"),
        Preset::Fraction(number) => format!("`{number}`"),
        Preset::Bool(value) => format!("`{value}`"),
        Preset::Text(text) => format!("`{text}`"),
        Preset::EmptyList => "none".to_owned(),
        Preset::Derived(words) => words.to_owned(),
    }
}

fn effect(key: &Key) -> String {
    let about = key.about;
    match key.effect {
        Effect::Used => about.to_owned(),
        Effect::None(reason) => format!("{about}. **No effect**, with a warning: {reason}"),
        Effect::Needless(reason) => format!("{about}. **No effect**: {reason}"),
        Effect::Always(reason) => {
            format!("{about}. **Always as the default**, with a warning otherwise: {reason}")
        }
        Effect::Refused { reason, .. } => format!("{about}. **Refused**: {reason}"),
    }
}
