//! What is set and what holds otherwise, each value of the type that is asked for.
//!
//! What a key takes, and its default, stand in its row of the table ([`keys`]). A reader that asks
//! for another type than the row says is a mistake in the program, which the tests find: they read
//! every key.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::{
    keys::{self, Effect},
    merge::Given,
};

const OF_ITS_KIND: &str = "values were checked against the table of keys";
const HAS_DEFAULT: &str = "the table has a default for this key";

/// The keys that are set, over the defaults of the others.
#[derive(Debug, Default)]
pub(super) struct Values(BTreeMap<String, Given>);

impl Values {
    /// Values that were checked against the table of keys.
    pub(super) fn new(given: BTreeMap<String, Given>) -> Self {
        Self(given)
    }

    /// Every key that is set.
    pub(super) fn given(&self) -> &BTreeMap<String, Given> {
        &self.0
    }

    /// Whether `key` is set to something that it takes.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|given| given.fits)
    }

    /// Whether there is a key below `block` whose value is none.
    pub(super) fn is_broken(&self, block: &str) -> bool {
        self.0.iter().any(|(key, given)| !given.fits && key.starts_with(block))
    }

    /// The names of the tables below `block`.
    pub(super) fn names(&self, block: &str) -> Vec<&str> {
        let name = |key: &'_ String| -> Option<usize> {
            key.strip_prefix(block)?.strip_prefix('.')?.find('.')
        };
        let mut names: Vec<&str> = self
            .0
            .keys()
            .filter_map(|key| Some(&key[block.len() + 1..block.len() + 1 + name(key)?]))
            .collect();
        names.dedup();
        names
    }

    /// What holds for `key`.
    pub(super) fn get(&self, key: &str) -> Option<Value> {
        match self.0.get(key).filter(|given| given.fits) {
            Some(given) => Some(given.value.clone()),
            None => keys::find(key)?.preset.value(),
        }
    }

    /// Text, if there is any.
    pub(super) fn text_if_set(&self, key: &str) -> Option<String> {
        self.get(key).map(|value| value.as_str().expect(OF_ITS_KIND).to_owned())
    }

    /// Text.
    pub(super) fn text(&self, key: &str) -> String {
        self.text_if_set(key).expect(HAS_DEFAULT)
    }

    /// Text of which the table made sure that it reads as a `T`.
    pub(super) fn parsed<T: std::str::FromStr>(&self, key: &str) -> T {
        self.text(key).parse().ok().expect(OF_ITS_KIND)
    }

    /// A list of texts, each of which reads as a `T`.
    pub(super) fn list<T: std::str::FromStr>(&self, key: &str) -> Vec<T> {
        let value = self.get(key).expect(HAS_DEFAULT);
        let items = value.as_array().expect(OF_ITS_KIND).iter();
        items
            .map(|item| item.as_str().and_then(|text| text.parse().ok()).expect(OF_ITS_KIND))
            .collect()
    }

    /// A whole number, if there is one.
    pub(super) fn number_if_set(&self, key: &str) -> Option<u64> {
        self.get(key).map(|value| value.as_u64().expect(OF_ITS_KIND))
    }

    /// A whole number, in a type that has room for what the table lets through.
    pub(super) fn number<T: TryFrom<u64>>(&self, key: &str) -> T {
        let number = self.number_if_set(key).expect(HAS_DEFAULT);
        T::try_from(number).ok().expect("the table bounds this key to what its type holds")
    }

    /// A number that need not be whole.
    pub(super) fn fraction(&self, key: &str) -> f64 {
        self.get(key).expect(HAS_DEFAULT).as_f64().expect(OF_ITS_KIND)
    }

    /// A time that is written in milliseconds.
    pub(super) fn millis(&self, key: &str) -> Duration {
        Duration::from_millis(self.number(key))
    }

    /// `true` or `false`, if one of them is set.
    pub(super) fn switch_if_set(&self, key: &str) -> Option<bool> {
        self.get(key).map(|value| value.as_bool().expect(OF_ITS_KIND))
    }

    /// `true` or `false`.
    pub(super) fn switch(&self, key: &str) -> bool {
        self.switch_if_set(key).expect(HAS_DEFAULT)
    }

    /// What one of the key's words means.
    pub(super) fn meaning<T: Copy>(&self, key: &str, meanings: &[(&str, T)]) -> T {
        let text = self.text(key);
        let found = meanings.iter().find(|(word, _)| *word == text);
        found.expect("every word of the table has a meaning").1
    }

    /// One sentence for each key that is set and does not do what it says.
    pub(super) fn warnings(&self) -> Vec<String> {
        let reason = |key: &str, given: &Given| {
            let known = keys::find(key)?;
            match known.effect {
                Effect::None(reason) => Some(reason),
                Effect::Always(reason) => {
                    (Some(&given.value) != known.preset.value().as_ref()).then_some(reason)
                }
                Effect::Used | Effect::Needless(_) | Effect::Refused { .. } => None,
            }
        };
        let sentences = self.0.iter().filter(|(_, given)| given.fits).filter_map(|(key, given)| {
            let (reason, origin) = (reason(key, given)?, &given.origin);
            Some(format!("`{key}` has no effect in this engine: {reason} ({origin})"))
        });
        sentences.collect()
    }
}
