//! Which actor a query asks for: the parameters that begin with `rvt-`.

use std::borrow::Cow;

use super::{GatewayError, input, key, percent};
use crate::keyspace::tables::CrashPolicy;

/// What all of the parameters begin with.
const PREFIX: &str = "rvt-";

const FIELDS: [&str; 10] = [
    "namespace",
    "method",
    "runner",
    "pool",
    "key",
    "input",
    "region",
    "crash-policy",
    "token",
    "skip-ready-wait",
];

/// An actor by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    /// The name of the namespace.
    pub(super) namespace: String,
    /// What kind of actor it is.
    pub(super) name: String,
    /// Its key, as it is stored.
    pub(super) key: String,
    /// What to do when there is none; `None`: nothing.
    pub(super) create: Option<Create>,
}

/// How an actor that is not there yet is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Create {
    /// The pool whose envoys run it.
    pub(super) pool: String,
    /// What it gets at every start: CBOR.
    pub(super) input: Option<Vec<u8>>,
    /// The datacenter where it should run.
    pub(super) region: Option<String>,
    /// What should happen when it crashes.
    pub(super) crash_policy: CrashPolicy,
}

/// Everything that the parameters say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Params {
    /// The actor.
    pub(super) query: Query,
    /// A token.
    pub(super) token: Option<String>,
    /// Whether an actor that starts is good enough.
    pub(super) skip_ready_wait: bool,
}

/// Whether a query has such parameters.
pub(super) fn is_present(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with(PREFIX))
}

/// The query without them: every other byte stays as it is.
pub(super) fn without_params(query: &str) -> String {
    let others: Vec<_> = query.split('&').filter(|pair| !pair.starts_with(PREFIX)).collect();
    others.join("&")
}

/// What the parameters in `query` say about an actor called `name`.
pub(super) fn parse(name: &str, query: &str) -> Result<Params, GatewayError> {
    let mut given = Given(FIELDS.map(|_| None));
    for pair in query.split('&').filter(|pair| pair.starts_with(PREFIX)) {
        given.take(pair)?;
    }
    if name.is_empty() {
        return Err(GatewayError::QueryEmptyActorName);
    }
    let namespace = given.required("namespace")?.to_owned();
    let create = match given.required("method")? {
        "get" => given.no_create()?,
        "getOrCreate" => Some(given.create()?),
        other => {
            let detail = format!("unknown method: {other}, expected get or getOrCreate");
            return Err(GatewayError::QueryInvalidParams { detail });
        }
    };
    let key = key::from_param(given.get("key").unwrap_or_default());
    let skip_ready_wait = given.skip_ready_wait()?;
    let token = given.get("token").map(str::to_owned);
    let query = Query { namespace, name: name.to_owned(), key, create };
    Ok(Params { query, token, skip_ready_wait })
}

/// The values, decoded, in the order of [`FIELDS`].
struct Given<'q>([Option<Cow<'q, str>>; FIELDS.len()]);

impl<'q> Given<'q> {
    fn take(&mut self, pair: &'q str) -> Result<(), GatewayError> {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let bad = |name: &str| {
            let name = name.to_owned();
            GatewayError::QueryInvalidPercentEncoding { name }
        };
        let name = percent::decode_form(name).map_err(|_| bad(name))?;
        let field = name.strip_prefix(PREFIX).unwrap_or(&name);
        let Some(index) = FIELDS.iter().position(|known| *known == field) else {
            let expected = FIELDS.map(|field| format!("`{field}`")).join(", ");
            let detail = format!("unknown field `{field}`, expected one of {expected}");
            return Err(GatewayError::QueryInvalidParams { detail });
        };
        let value = percent::decode_form(value).map_err(|_| bad(&name))?;
        match self.0[index].replace(value) {
            None => Ok(()),
            Some(_) => Err(GatewayError::QueryDuplicateParam { name: name.into_owned() }),
        }
    }

    fn get(&self, field: &str) -> Option<&str> {
        let index = FIELDS.iter().position(|known| *known == field)?;
        self.0[index].as_deref()
    }

    fn required(&self, field: &str) -> Result<&str, GatewayError> {
        self.get(field).ok_or_else(|| {
            let detail = format!("missing field `{field}`");
            GatewayError::QueryInvalidParams { detail }
        })
    }

    /// A pool is tolerated: clients send one whatever they ask for.
    fn no_create(&self) -> Result<Option<Create>, GatewayError> {
        let disallowed = ["input", "region", "crash-policy"];
        if disallowed.iter().any(|field| self.get(field).is_some()) {
            return Err(GatewayError::QueryGetDisallowedParams);
        }
        Ok(None)
    }

    fn create(&self) -> Result<Create, GatewayError> {
        let pool = self.get("pool").or_else(|| self.get("runner"));
        let pool = pool.ok_or(GatewayError::QueryMissingPool)?.to_owned();
        let crash_policy = match self.get("crash-policy") {
            None | Some("sleep") => CrashPolicy::Sleep,
            Some("restart") => CrashPolicy::Restart,
            Some("destroy") => CrashPolicy::Destroy,
            Some(other) => {
                let detail =
                    format!("unknown crash policy: {other}, expected restart, sleep, or destroy");
                return Err(GatewayError::QueryInvalidParams { detail });
            }
        };
        let input = self.get("input").map(input::decode).transpose()?;
        Ok(Create { pool, input, region: self.get("region").map(str::to_owned), crash_policy })
    }

    fn skip_ready_wait(&self) -> Result<bool, GatewayError> {
        match self.get("skip-ready-wait") {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(other) => {
                let detail = format!("invalid type: string {other:?}, expected a boolean");
                Err(GatewayError::QueryInvalidParams { detail })
            }
        }
    }
}

#[cfg(test)]
mod tests;
