//! Every key there is, in one table: what its value has to be, its default, whose it is, and what it
//! does here. The check of keys and values, the defaults, the JSON Schema, the table in the
//! documentation and `config show` all come from it.
//!
//! To add a key, add its row; [`Values`](super::values::Values) reads it by its path.

mod background;
mod databases;
mod engine;
mod guard;
mod kind;
mod limits;
mod otel;
mod pegboard;

use serde_json::Value;

pub use self::{
    kind::{Kind, Range, Unit},
    otel::VARIABLES,
};

/// What holds when a key is not set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Preset {
    /// Nothing.
    Nothing,
    /// A number.
    Number(u64),
    /// A number that is not whole.
    Fraction(f64),
    /// A switch.
    Bool(bool),
    /// Text.
    Text(&'static str),
    /// A list with nothing in it.
    EmptyList,
    /// What these words say: it depends on the host or on other keys.
    Derived(&'static str),
}

/// Who thought of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The upstream engine has it, too.
    Upstream,
    /// Only this engine has it.
    Ours,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// What it says.
    Used,
    /// Nothing, for this reason; the engine warns.
    None(&'static str),
    /// Nothing, and nobody misses it: the engine does not even warn.
    Needless(&'static str),
    /// Nothing: the engine always does what the default says, for this reason. It warns when
    /// something else is asked for.
    Always(&'static str),
    /// The engine does not start with it.
    Refused {
        /// The block that is refused as a whole.
        block: &'static str,
        /// Why, and what to do.
        reason: &'static str,
    },
}

/// A key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its path. `*` stands for any one name.
    pub path: &'static str,
    /// What its value has to be.
    pub kind: Kind,
    /// What holds when it is not set.
    pub preset: Preset,
    /// Whose it is.
    pub owner: Owner,
    /// What it does here.
    pub effect: Effect,
    /// What it is for, as a part of a sentence.
    pub about: &'static str,
}

impl Preset {
    /// The value, where it does not depend on anything.
    pub fn value(self) -> Option<Value> {
        match self {
            Self::Nothing | Self::Derived(_) => None,
            Self::Number(number) => Some(number.into()),
            Self::Fraction(number) => Some(number.into()),
            Self::Bool(value) => Some(value.into()),
            Self::Text(text) => Some(text.into()),
            Self::EmptyList => Some(Value::Array(Vec::new())),
        }
    }
}

impl Key {
    /// A key of upstream's that does what it does there.
    const fn upstream(path: &'static str, kind: Kind, preset: Preset, about: &'static str) -> Self {
        Self { path, kind, preset, owner: Owner::Upstream, effect: Effect::Used, about }
    }

    /// A key that only this engine has.
    const fn ours(path: &'static str, kind: Kind, preset: Preset, about: &'static str) -> Self {
        Self { path, kind, preset, owner: Owner::Ours, effect: Effect::Used, about }
    }

    const fn without_effect(mut self, reason: &'static str) -> Self {
        self.effect = Effect::None(reason);
        self
    }

    const fn needless(mut self, reason: &'static str) -> Self {
        self.effect = Effect::Needless(reason);
        self
    }

    const fn always(mut self, reason: &'static str) -> Self {
        self.effect = Effect::Always(reason);
        self
    }

    const fn refused(mut self, block: &'static str, reason: &'static str) -> Self {
        self.effect = Effect::Refused { block, reason };
        self
    }

    /// Whether its value is never shown.
    pub fn is_secret(&self) -> bool {
        self.kind == Kind::Secret
    }
}

/// Every key, in the order of the documentation.
pub fn all() -> impl Iterator<Item = &'static Key> {
    [
        engine::KEYS,
        otel::KEYS,
        limits::KEYS,
        background::KEYS,
        guard::KEYS,
        pegboard::KEYS,
        databases::KEYS,
    ]
    .into_iter()
    .flatten()
}

/// The key with this path.
pub fn find(path: &str) -> Option<&'static Key> {
    // A name of its own goes before a `*` that would take it as well.
    let exact = all().find(|key| key.path == path);
    exact.or_else(|| all().find(|key| matches(key.path, path)))
}

/// Whether there are keys below this path.
pub fn is_table(path: &str) -> bool {
    all().any(|key| {
        let (mut pattern, mut names) = (key.path.split('.'), path.split('.'));
        names.all(|name| pattern.next().is_some_and(|segment| segment == "*" || segment == name))
            && pattern.next().is_some()
    })
}

/// The known key that looks most like this one, when one does.
pub fn nearest(path: &str) -> Option<&'static str> {
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(known, path);
    all()
        .filter(|key| !key.path.contains('*'))
        .map(|key| (likeness(key.path), key.path))
        .filter(|(likeness, _)| *likeness > 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, path)| path)
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('.'), path.split('.'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(segment), Some(name)) if segment == "*" || segment == name => {}
            _ => return false,
        }
    }
}
