//! The query string: only known parameters, each with its type, in the words of upstream.

use std::str::FromStr;

use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};

use super::error::ApiError;
use crate::keyspace::{Id, id::IdError};

/// What a route asks of its query string.
pub(super) trait FromQuery: Sized {
    /// The parameters that there are, in the order in which they are named to the client.
    const PARAMETERS: &'static [&'static str];

    /// Reads them.
    fn from_query(query: &Query) -> Result<Self, ApiError>;
}

/// What a route that asks for nothing else takes: the namespace.
#[derive(Debug)]
pub(super) struct NamespaceQuery {
    pub(super) namespace: String,
}

impl FromQuery for NamespaceQuery {
    const PARAMETERS: &'static [&'static str] = &["namespace"];

    fn from_query(query: &Query) -> Result<Self, ApiError> {
        Ok(Self { namespace: query.required("namespace")? })
    }
}

/// The query string of a route, as `T`.
#[derive(Debug)]
pub(super) struct QueryOf<T>(pub(super) T);

impl<T: FromQuery, S: Sync> FromRequestParts<S> for QueryOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::parse(&parts.uri, T::PARAMETERS)?;
        T::from_query(&query).map(Self)
    }
}

/// The parameters that a request carries.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// The parameters in `uri`, which have to be known ones.
    pub(super) fn parse(uri: &Uri, known: &[&str]) -> Result<Self, ApiError> {
        let Self(pairs) = Self::lenient(uri);
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(Self(pairs)),
            Some((name, _)) => {
                Err(refused(name, &format!("unknown field `{name}`, {}", expected(known))))
            }
        }
    }

    /// The parameters in `uri`, whether they are known or not.
    pub(super) fn lenient(uri: &Uri) -> Self {
        let text = uri.query().unwrap_or_default();
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// A parameter that may be absent, which an empty one is too.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        let value = self.single(name)?.filter(|value| !value.is_empty());
        Ok(value.map(str::to_owned))
    }

    /// A parameter that has to be there.
    pub(super) fn required(&self, name: &str) -> Result<String, ApiError> {
        let missing = || ApiError::bad_request(&format!("{FAILED}: missing field `{name}`"));
        self.single(name)?.map(str::to_owned).ok_or_else(missing)
    }

    /// A parameter of another type than text.
    pub(super) fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, ApiError>
    where
        T::Err: std::fmt::Display,
    {
        let value = self.single(name)?.filter(|value| !value.is_empty());
        value
            .map(|value| value.parse().map_err(|e: T::Err| refused(name, &e.to_string())))
            .transpose()
    }

    /// The values of a parameter that may be repeated.
    pub(super) fn repeated<'q>(&'q self, name: &'q str) -> impl Iterator<Item = &'q str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Ids: one per parameter `single`, or several with commas in `list`.
    pub(super) fn ids(&self, single: &str, list: &str) -> Result<Vec<Id>, ApiError> {
        let mut ids = self.repeated_ids(single)?;
        for text in self.list(list)? {
            let id = text.parse().map_err(|error: IdError| {
                ApiError::bad_request(&format!("invalid id in `{list}` query: {error}"))
            })?;
            ids.push(id);
        }
        ids.dedup();
        Ok(ids)
    }

    /// Ids: one per parameter `single`.
    pub(super) fn repeated_ids(&self, single: &str) -> Result<Vec<Id>, ApiError> {
        let numbered = self.repeated(single).enumerate();
        let ids = numbered.map(|(index, text)| {
            text.parse().map_err(|error: IdError| {
                refused(&format!("{single}[{index}]"), &error.to_string())
            })
        });
        ids.collect()
    }

    /// The items of a list with commas.
    pub(super) fn list(&self, name: &str) -> Result<Vec<String>, ApiError> {
        let value = self.text(name)?.unwrap_or_default();
        let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
        Ok(items.map(str::to_owned).collect())
    }

    fn single<'q>(&'q self, name: &'q str) -> Result<Option<&'q str>, ApiError> {
        let mut values = self.repeated(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(refused(name, "unsupported value")),
        }
    }
}

const FAILED: &str = "Failed to deserialize query string";

fn refused(name: &str, reason: &str) -> ApiError {
    ApiError::bad_request(&format!("{FAILED}: {name}: {reason}"))
}

fn expected(known: &[&str]) -> String {
    let quoted: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => "there are no fields".to_owned(),
        [only] => format!("expected {only}"),
        [one, other] => format!("expected {one} or {other}"),
        several => format!("expected one of {}", several.join(", ")),
    }
}
