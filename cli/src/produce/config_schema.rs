//! The schema of the values an operator may set: a small, flat part of JSON Schema 2020-12, so
//! that a prompt, a flag and an environment variable can each carry every value.

use std::{borrow::Cow, collections::BTreeMap};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Map, Value};

use crate::{
    compose::{OUR_VARIABLES, Sensitivity},
    error::{Class, Explain, FileError},
};

/// Longest schema.
const MAX_SCHEMA: u64 = 256 * 1024;

/// The dialect that is read.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What the whole may say besides `properties`.
const TOP: [&str; 10] = [
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "examples",
];

/// What a property may say.
const PROPERTY: [&str; 18] = [
    "type",
    "title",
    "description",
    "default",
    "enum",
    "const",
    "pattern",
    "format",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "examples",
    "$comment",
    "x-secret",
];

/// Names that would change what a program does that is started with the values in its environment.
const RESERVED: [&str; 12] = [
    "BASH", "BUILDKIT", "BUILDX", "COMPOSE", "DOCKER", "GIT", "GODEBUG", "GRPC", "LD", "RIVET",
    "SSH", "XDG",
];
const RESERVED_EXACT: [&str; 8] = ["ENV", "HOME", "IFS", "LANG", "PATH", "SHELL", "TMPDIR", "USER"];

/// A schema that cannot describe the values.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    #[error(transparent)]
    File(#[from] FileError),
    /// Not a schema, or not one that is supported.
    #[error("{path}: {at} is {found}; expected {expected}")]
    Rule { path: Utf8PathBuf, at: String, found: String, expected: String },
}

impl Explain for SchemaError {
    fn class(&self) -> Class {
        match self {
            Self::File(error) => error.class(),
            Self::Rule { .. } => Class::Usage,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::File(error) => error.code(),
            Self::Rule { .. } => "RCTL-SCHEMA".into(),
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::File(error) => error.advice(),
            Self::Rule { .. } => {
                "Describe one flat object of texts, numbers and booleans whose names are variable names.".into()
            }
        }
    }
}

/// A schema that was checked.
#[derive(Debug)]
pub(crate) struct ConfigSchema {
    /// The file's exact bytes.
    pub(crate) bytes: Vec<u8>,
    /// Its properties, for the templates.
    pub(crate) properties: BTreeMap<String, Sensitivity>,
}

/// Reads and checks the schema at `path`.
pub(crate) fn load(path: &Utf8Path) -> Result<ConfigSchema, SchemaError> {
    let bytes = super::located::Located::file(path)?.read(MAX_SCHEMA)?;
    let properties = check(&bytes).map_err(|problem| SchemaError::Rule {
        path: path.to_owned(),
        at: problem.at,
        found: problem.found,
        expected: problem.expected,
    })?;
    Ok(ConfigSchema { bytes, properties })
}

struct Problem {
    at: String,
    found: String,
    expected: String,
}

fn problem(
    at: impl Into<String>,
    found: impl Into<String>,
    expected: impl Into<String>,
) -> Problem {
    let found: String = found.into().chars().take(200).collect();
    Problem { at: at.into(), found: found.escape_debug().to_string(), expected: expected.into() }
}

fn check(bytes: &[u8]) -> Result<BTreeMap<String, Sensitivity>, Problem> {
    let schema: Value = serde_json::from_slice(bytes)
        .map_err(|error| problem("the file", error.to_string(), "a JSON document"))?;
    let Some(top) = schema.as_object() else {
        return Err(problem("the schema", "not an object", "an object"));
    };
    known_keys(top, "the schema", &TOP)?;
    if let Some(dialect) = top.get("$schema").filter(|dialect| dialect.as_str() != Some(DIALECT)) {
        return Err(problem("$schema", dialect.to_string(), DIALECT));
    }
    require(top, "type", &Value::from("object"))?;
    require(top, "additionalProperties", &Value::from(false))?;
    let empty = Map::new();
    let listed = match top.get("properties") {
        None => &empty,
        Some(Value::Object(listed)) => listed,
        Some(other) => return Err(problem("properties", other.to_string(), "an object")),
    };

    let mut properties = BTreeMap::new();
    for (name, property) in listed {
        let at = format!("properties.{}", name.escape_default());
        check_name(name, &at)?;
        properties.insert(name.clone(), check_property(property, &at)?);
    }
    for name in required(top)? {
        if !properties.contains_key(&name) {
            return Err(problem("required", name, "names of properties"));
        }
    }
    // Without a retriever it cannot follow a reference, and there are none: `$ref` is no known key.
    let validator = jsonschema::draft202012::new(&schema)
        .map_err(|error| problem("the schema", error.to_string(), "a valid JSON Schema 2020-12"))?;
    drop(validator);
    for (name, property) in listed {
        check_default(name, property)?;
    }
    Ok(properties)
}

fn check_name(name: &str, at: &str) -> Result<(), Problem> {
    let grammar = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
        && name.len() <= 100;
    if !grammar {
        return Err(problem(at, name, "a name of A-Z, 0-9 and '_' that starts with a letter"));
    }
    let first = name.split('_').next().unwrap_or(name);
    let reserved = RESERVED.contains(&first)
        || first.starts_with("RIVETCTL")
        || RESERVED_EXACT.contains(&name)
        || name.ends_with("_PROXY")
        || OUR_VARIABLES.contains(&name);
    if reserved {
        return Err(problem(
            at,
            name,
            "a name that no other program uses, for example with your product's name in front",
        ));
    }
    Ok(())
}

fn check_property(property: &Value, at: &str) -> Result<Sensitivity, Problem> {
    let Some(property) = property.as_object() else {
        return Err(problem(at, property.to_string(), "an object"));
    };
    known_keys(property, at, &PROPERTY)?;
    let kind = property.get("type").and_then(Value::as_str).unwrap_or("absent");
    if !matches!(kind, "string" | "integer" | "number" | "boolean") {
        return Err(problem(format!("{at}.type"), kind, "string, integer, number or boolean"));
    }
    let secret = match property.get("x-secret") {
        None | Some(Value::Bool(false)) => Sensitivity::Plain,
        Some(Value::Bool(true)) => Sensitivity::Secret,
        Some(other) => {
            return Err(problem(format!("{at}.x-secret"), other.to_string(), "true or false"));
        }
    };
    if secret == Sensitivity::Secret && property.contains_key("default") {
        return Err(problem(
            format!("{at}.default"),
            "a default",
            "none: a secret that is in the bundle is no secret",
        ));
    }
    Ok(secret)
}

/// A default that its own property refuses would only be found on the installing host.
fn check_default(name: &str, property: &Value) -> Result<(), Problem> {
    let Some(default) = property.get("default") else { return Ok(()) };
    let at = format!("properties.{name}.default");
    let validator = jsonschema::draft202012::new(property)
        .map_err(|error| problem(at.as_str(), error.to_string(), "a valid property"))?;
    match validator.validate(default) {
        Ok(()) => Ok(()),
        Err(error) => Err(problem(at, error.to_string(), "a value that the property allows")),
    }
}

fn required(top: &Map<String, Value>) -> Result<Vec<String>, Problem> {
    match top.get("required") {
        None => Ok(Vec::new()),
        Some(names) => serde_json::from_value(names.clone())
            .map_err(|_| problem("required", names.to_string(), "a list of property names")),
    }
}

fn require(top: &Map<String, Value>, key: &str, expected: &Value) -> Result<(), Problem> {
    match top.get(key) {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(problem(key, found.to_string(), expected.to_string())),
        None => Err(problem(key, "absent", expected.to_string())),
    }
}

fn known_keys(object: &Map<String, Value>, at: &str, known: &[&str]) -> Result<(), Problem> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let at = format!("{at}: {}", key.escape_default());
            Err(problem(at, "a key that is not supported", format!("one of {}", known.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests;
