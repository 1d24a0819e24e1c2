//! The text of a configuration file as a tree of values.
//!
//! Parsers quote the text that they stumble over, which may hold a token: what is told here is the place
//! alone. And of two values under one name they take the last one without a word, so that a block that is
//! there twice would lose its first half: such names are told as well.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON, with all that JSON5 adds to it.
    Json,
    /// YAML: one document.
    Yaml,
}

/// What a file says.
#[derive(Debug, PartialEq)]
pub(super) struct Tree {
    /// The values.
    pub(super) root: Value,
    /// The paths that are there twice, with different values.
    pub(super) repeated: Vec<String>,
}

/// The text is none of its form. Nothing of it is in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) struct NotOfForm {
    form: Form,
    /// From which line and column on, as far as the parser says. Both count from 1.
    place: Option<(usize, usize)>,
}

impl fmt::Display for NotOfForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.form {
            Form::Json => "JSON (nor JSON5)",
            Form::Yaml => "one document of YAML",
        };
        write!(f, "the file is not {form}")?;
        match self.place {
            Some((line, column)) => write!(f, ": look at line {line}, column {column}"),
            None => Ok(()),
        }
    }
}

/// Reads `text`, which is written in `form`.
pub(super) fn read(text: &str, form: Form) -> Result<Tree, NotOfForm> {
    let mut repeated = Vec::new();
    let node = Node { path: String::new(), repeated: &mut repeated };
    let root = match form {
        Form::Json => json5::Deserializer::from_str(text)
            .and_then(|mut text| node.deserialize(&mut text))
            .map_err(|json5::Error::Message { location, .. }| {
                location.map(|location| (location.line, location.column))
            }),
        Form::Yaml => node
            .deserialize(serde_yaml_ng::Deserializer::from_str(text))
            .map_err(|error| error.location().map(|place| (place.line(), place.column()))),
    };
    let root = root.map_err(|place| NotOfForm { form, place })?;
    Ok(Tree { root, repeated })
}

/// A value, and where it stands.
struct Node<'r> {
    path: String,
    repeated: &'r mut Vec<String>,
}

impl Node<'_> {
    /// What stands below this one, under `name`.
    fn below(&mut self, name: &str) -> Node<'_> {
        let path =
            if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Node { path, repeated: self.repeated }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<Value, D::Error> {
        text.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    /// As text, which no key takes for a number: a token of digits may be as long as it likes.
    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(value.to_string().into())
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(value.to_string().into())
    }

    /// Infinity and what is no number stay as text, so that no key takes them for nothing.
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        loop {
            let index = all.len();
            match items.next_element_seed(self.below(&index.to_string()))? {
                Some(item) => all.push(item),
                None => return Ok(Value::Array(all)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self.below(&name))?;
            let path = self.below(&name).path;
            match all.insert(name, value.clone()) {
                Some(before) if before != value => self.repeated.push(path),
                Some(_) | None => {}
            }
        }
        Ok(Value::Object(all))
    }
}
