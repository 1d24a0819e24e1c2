//! The product's values: what the schema asks for, from flags, a file, an earlier run, a prompt or
//! the schema's own defaults, in this order.
//!
//! Values reach Compose as environment of the child process, where no quoting can be broken; so
//! their names must not be ones that steer that process.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, IsTerminal, Write},
};

use bundle_spec::digest::Sha256Digest;
use camino::Utf8Path;
use serde_json::Value;

use super::InstallError;
use crate::{
    runtime::compose::Variable,
    site::{admit, secret::Secret},
};

/// Names and name prefixes that a value cannot have.
const RESERVED: [&str; 14] = [
    "PATH",
    "HOME",
    "SHELL",
    "IFS",
    "ENV",
    "TMPDIR",
    "LD_",
    "GCONV_PATH",
    "DOCKER_",
    "COMPOSE_",
    "RIVET_",
    "RIVETCTL_",
    "RIVETKIT_",
    "BUILDKIT_",
];

/// Largest values file that is read.
const FILE_MAX: u64 = 1 << 20;

/// The product's config schema, compiled.
#[derive(Debug)]
pub(crate) struct Schema {
    properties: BTreeMap<String, Property>,
    required: Vec<String>,
    compiled: Option<jsonschema::Validator>,
}

/// One value that the product asks for.
#[derive(Debug, Clone)]
struct Property {
    kind: Kind,
    description: Option<String>,
    default: Option<Value>,
    secret: bool,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    String,
    Integer,
    Number,
    Boolean,
}

/// Values that fit the schema.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Values {
    /// Shown and kept with the generation.
    pub(crate) plain: BTreeMap<String, Value>,
    /// Kept among the secrets and never shown.
    pub(crate) secret: BTreeMap<String, Value>,
}

// Hand-written so that secret values do not appear.
impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Values").field("plain", &self.plain).finish_non_exhaustive()
    }
}

impl Values {
    /// A digest over all of them; secret ones included, so that a change is noticed.
    pub(crate) fn digest(&self) -> Sha256Digest {
        let json = serde_json::to_vec(&(&self.plain, &self.secret)).expect("values are plain data");
        Sha256Digest::of(&zeroize::Zeroizing::new(json))
    }

    /// As variables for Compose.
    pub(crate) fn variables(&self) -> Vec<Variable> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let variable = |(name, value): (&String, &Value), confidential| Variable {
            name: name.clone(),
            value: Secret::from_text(text(value)),
            confidential,
        };
        let plain = self.plain.iter().map(|entry| variable(entry, false));
        plain.chain(self.secret.iter().map(|entry| variable(entry, true))).collect()
    }
}

impl Schema {
    /// A product without values.
    pub(crate) fn none() -> Self {
        Self { properties: BTreeMap::new(), required: Vec::new(), compiled: None }
    }

    /// Reads the schema that a verified bundle carries.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, InstallError> {
        let bad = |reason: String| InstallError::BadValue {
            reason: format!("the schema itself: {reason}"),
        };
        let schema: Value =
            serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        let compiled =
            jsonschema::validator_for(&schema).map_err(|error| bad(error.to_string()))?;
        let mut properties = BTreeMap::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            refuse_reserved(name)?;
            properties.insert(name.clone(), Property::parse(property));
        }
        let required = schema["required"].as_array().into_iter().flatten();
        let required = required.filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(Self { properties, required, compiled: Some(compiled) })
    }

    /// Completes `given` with `earlier`, prompts and defaults, and checks the whole.
    pub(crate) fn complete(
        &self,
        mut given: BTreeMap<String, Value>,
        earlier: &Values,
        asking: Asking,
    ) -> Result<Values, InstallError> {
        for name in given.keys() {
            if !self.properties.contains_key(name) {
                return Err(InstallError::UnknownValue { name: name.clone(), known: self.names() });
            }
        }
        for (name, property) in &self.properties {
            if given.contains_key(name) {
                continue;
            }
            let found = earlier.plain.get(name).or_else(|| earlier.secret.get(name)).cloned();
            let found = match (found, asking) {
                (Some(found), _) => Some(found),
                (None, Asking::Prompt) => property.ask(name)?,
                (None, Asking::Never) => None,
            };
            if let Some(value) = found.or_else(|| property.default.clone()) {
                given.insert(name.clone(), value);
            } else if self.required.contains(name) {
                let what = property.description.as_ref().map(|text| format!(" ({text})"));
                return Err(InstallError::MissingValue {
                    name: name.clone(),
                    what: what.unwrap_or_default(),
                });
            }
        }
        self.check(&given)?;
        let is_secret =
            |name: &String| self.properties.get(name).is_some_and(|property| property.secret);
        let (secret, plain) = given.into_iter().partition(|(name, _)| is_secret(name));
        Ok(Values { plain, secret })
    }

    /// Reads `KEY=VALUE` with the type that the schema gives the key.
    pub(crate) fn pair(&self, text: &str) -> Result<(String, Value), InstallError> {
        let Some((name, value)) = text.split_once('=') else {
            let shown = text.chars().take(40).collect();
            return Err(InstallError::NotAPair { text: shown });
        };
        match self.properties.get(name) {
            Some(property) => Ok((name.to_owned(), property.kind.parse(name, value)?)),
            None => Err(InstallError::UnknownValue { name: name.to_owned(), known: self.names() }),
        }
    }

    /// Every value's name, and whether it is secret.
    pub(crate) fn properties(&self) -> impl Iterator<Item = (&str, bool)> {
        self.properties.iter().map(|(name, property)| (name.as_str(), property.secret))
    }

    fn check(&self, values: &BTreeMap<String, Value>) -> Result<(), InstallError> {
        let Some(compiled) = &self.compiled else { return Ok(()) };
        let whole = Value::Object(values.clone().into_iter().collect());
        let Some(error) = compiled.iter_errors(&whole).next() else { return Ok(()) };
        let name = error.instance_path.to_string().trim_start_matches('/').to_owned();
        // The validator's message repeats the value, which may be secret.
        let reason = match self.properties.get(&name) {
            Some(property) if property.secret => format!("{name} breaks the schema's rule for it"),
            _ if name.is_empty() => error.to_string(),
            _ => format!("{name}: {error}"),
        };
        Err(InstallError::BadValue { reason })
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.properties.keys().map(String::as_str).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }
}

/// Whether a person can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// Somebody sits at the terminal.
    Prompt,
    /// Nobody does, or wants to be asked.
    Never,
}

impl Asking {
    /// Prompts only where both ends are a terminal.
    pub(crate) fn by_terminal() -> Self {
        if io::stdin().is_terminal() && io::stderr().is_terminal() {
            Self::Prompt
        } else {
            Self::Never
        }
    }
}

impl Property {
    fn parse(property: &Value) -> Self {
        let kind = match property["type"].as_str() {
            Some("integer") => Kind::Integer,
            Some("number") => Kind::Number,
            Some("boolean") => Kind::Boolean,
            _ => Kind::String,
        };
        Self {
            kind,
            description: property["description"].as_str().map(str::to_owned),
            default: property.get("default").cloned(),
            secret: property["x-secret"].as_bool().unwrap_or(false),
        }
    }

    /// Asks at the terminal; an empty answer means the default.
    fn ask(&self, name: &str) -> Result<Option<Value>, InstallError> {
        let unreadable =
            |error: io::Error| InstallError::BadValue { reason: format!("{name}: {error}") };
        let about =
            self.description.as_deref().map(|text| format!(" ({text})")).unwrap_or_default();
        let default = self.default.as_ref().map(|value| format!(" [{value}]")).unwrap_or_default();
        let prompt = format!("{name}{about}{default}: ");
        let answer = if self.secret {
            rpassword::prompt_password(prompt).map_err(unreadable)?
        } else {
            let mut stderr = io::stderr();
            stderr
                .write_all(prompt.as_bytes())
                .and_then(|()| stderr.flush())
                .map_err(unreadable)?;
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line).map_err(unreadable)?;
            line
        };
        match answer.trim_end_matches(['\r', '\n']) {
            "" => Ok(None),
            text => self.kind.parse(name, text).map(Some),
        }
    }
}

impl Kind {
    fn parse(self, name: &str, text: &str) -> Result<Value, InstallError> {
        let bad = |expected| InstallError::BadValue { reason: format!("{name} is not {expected}") };
        match self {
            Self::String => Ok(Value::String(text.to_owned())),
            Self::Integer => text.parse::<i64>().map(Value::from).map_err(|_| bad("an integer")),
            Self::Number => text
                .parse::<f64>()
                .ok()
                .filter(|n| n.is_finite())
                .map(Value::from)
                .ok_or_else(|| bad("a number")),
            Self::Boolean => {
                text.parse::<bool>().map(Value::from).map_err(|_| bad("true or false"))
            }
        }
    }
}

/// Reads a file of values; its ending says whether it is JSON, YAML or TOML.
pub(crate) fn from_file(path: &Utf8Path) -> Result<BTreeMap<String, Value>, InstallError> {
    let bad = |reason: String| InstallError::ValuesFile { path: path.to_owned(), reason };
    let file = admit::open_file(path).map_err(|error| bad(error.to_string()))?;
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(file, FILE_MAX), &mut text)
        .map_err(|error| bad(error.to_string()))?;
    match path.extension() {
        Some("json") => serde_json::from_str(&text).map_err(|error| bad(error.to_string())),
        Some("yaml" | "yml") => {
            serde_yaml_ng::from_str(&text).map_err(|error| bad(error.to_string()))
        }
        Some("toml") => toml::from_str(&text).map_err(|error| bad(error.to_string())),
        _ => Err(bad("its ending is none of .json, .yaml, .yml, .toml".into())),
    }
}

fn refuse_reserved(name: &str) -> Result<(), InstallError> {
    let steers = |reserved: &&str| {
        name == *reserved || (reserved.ends_with('_') && name.starts_with(*reserved))
    };
    if RESERVED.iter().any(steers) {
        return Err(InstallError::ReservedValue { name: name.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        let text = br#"{"type":"object","additionalProperties":false,"required":["TITLE"],"properties":{
            "TITLE":{"type":"string","minLength":2},"DAYS":{"type":"integer","default":30,"minimum":1},
            "PASSWORD":{"type":"string","x-secret":true,"minLength":8}}}"#;
        Schema::parse(text).unwrap()
    }

    fn set(pairs: &[&str]) -> Result<Values, InstallError> {
        let schema = schema();
        let given = pairs.iter().map(|pair| schema.pair(pair)).collect::<Result<_, _>>()?;
        schema.complete(given, &Values::default(), Asking::Never)
    }

    #[test]
    fn defaults_fill_in_and_types_follow_the_schema() {
        let values = set(&["TITLE=007"]).unwrap();

        assert_eq!(values.plain["TITLE"], "007");
        assert_eq!(values.plain["DAYS"], 30);
    }

    #[test]
    fn a_missing_an_unknown_and_an_unfit_value_are_refused() {
        assert!(matches!(set(&[]), Err(InstallError::MissingValue { .. })));
        assert!(matches!(set(&["TITEL=x"]), Err(InstallError::UnknownValue { .. })));
        assert!(matches!(set(&["TITLE=xy", "DAYS=0"]), Err(InstallError::BadValue { .. })));
        assert!(matches!(set(&["TITLE=xy", "DAYS=many"]), Err(InstallError::BadValue { .. })));
    }

    #[test]
    fn a_secret_value_is_kept_apart_and_out_of_messages() {
        let values = set(&["TITLE=xy", "PASSWORD=correct horse"]).unwrap();
        assert!(!format!("{values:?}").contains("horse"));
        assert!(values.secret.contains_key("PASSWORD"));

        let error = set(&["TITLE=xy", "PASSWORD=hunter2"]).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_schema_cannot_ask_for_a_name_that_steers_docker() {
        for name in ["PATH", "DOCKER_HOST", "COMPOSE_FILE", "LD_PRELOAD", "RIVET_TOKEN"] {
            let text =
                format!(r#"{{"type":"object","properties":{{"{name}":{{"type":"string"}}}}}}"#);
            let refused = Schema::parse(text.as_bytes());
            assert!(matches!(refused, Err(InstallError::ReservedValue { .. })), "{name}");
        }
    }

    #[test]
    fn what_an_earlier_run_was_given_is_not_asked_again() {
        let earlier = set(&["TITLE=Old", "DAYS=7"]).unwrap();

        let values = schema().complete(BTreeMap::new(), &earlier, Asking::Never).unwrap();

        assert_eq!(values, earlier);
    }
}
