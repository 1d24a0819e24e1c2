//! Who wants to connect, and why not.

use axum::extract::Request;

use crate::{
    auth::{ActorRef, ClientAddress, Demand, Denied, Gate, Operation, Place, Presented, Resource},
    lifecycle::LifecycleError,
    websocket::offered_subprotocols,
};

/// The versions of the protocol that are spoken. Envoys are answered in their own.
const PROTOCOL_VERSIONS: std::ops::RangeInclusive<u16> = 2..=8;

/// The longest name of a pool.
const POOL_MAX: usize = 128;

/// The subprotocol that carries the token.
const TOKEN: &str = "rivet_token.";

/// What an envoy says about itself when it connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) namespace: String,
    pub(super) pool: String,
    pub(super) envoy_key: String,
    pub(super) version: u32,
    pub(super) protocol_version: u16,
}

/// Why an envoy may not connect.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Refusal {
    #[error("no token was offered")]
    NoToken,
    #[error("the token was refused: {}", .0.reason())]
    Forbidden(Denied),
    #[error("the parameter {0} is missing or wrong")]
    Parameter(&'static str),
    #[error("the namespace does not exist")]
    NoNamespace,
    #[error("the pool has no runner config")]
    NoRunnerConfig,
    #[error("the namespace has as many envoys as it may")]
    TooMany,
    #[error("the store failed: {0}")]
    Internal(LifecycleError),
}

impl Refusal {
    /// What the envoy reads in the close frame.
    pub(super) fn group_and_code(&self) -> (&'static str, &'static str) {
        match self {
            Self::NoToken => ("guard", "missing_header"),
            Self::Forbidden(Denied::TooMany { .. }) | Self::TooMany => ("guard", "rate_limit"),
            Self::Forbidden(_) => ("api", "forbidden"),
            Self::Parameter(_) => ("ws", "invalid_request"),
            Self::NoNamespace => ("namespace", "not_found"),
            Self::NoRunnerConfig => ("ws", "no_runner_config"),
            Self::Internal(_) => ("core", "internal_error"),
        }
    }

    /// What the log says.
    pub(super) fn reason(&self) -> String {
        self.to_string()
    }
}

impl From<LifecycleError> for Refusal {
    fn from(error: LifecycleError) -> Self {
        match error {
            LifecycleError::NamespaceNotFound => Self::NoNamespace,
            other => Self::Internal(other),
        }
    }
}

impl Wanted {
    /// Reads the request. The token comes first: a stranger learns nothing else.
    pub(super) fn of(request: &Request, gate: &Gate) -> Result<Self, Refusal> {
        let mut presented = Presented::default();
        let token = offered_subprotocols(request.headers())
            .find_map(|offered| offered.strip_prefix(TOKEN))
            .map(percent_decoded);
        if let Some(token) = token {
            presented.add(token);
        }
        let from = request.extensions().get::<ClientAddress>().copied();
        let credential = gate.identify(&presented, from).map_err(|denied| match denied {
            Denied::NotProvided => Refusal::NoToken,
            denied => Refusal::Forbidden(denied),
        })?;
        let wanted = Self::of_query(request.uri().query().unwrap_or_default())?;
        let demand = Demand {
            place: Place::Named(&wanted.namespace),
            resource: Resource::Envoy,
            operation: Operation::Create,
            actor: ActorRef::default(),
        };
        gate.authorize(&credential, &demand).map_err(Refusal::Forbidden)?;
        Ok(wanted)
    }

    fn of_query(query: &str) -> Result<Self, Refusal> {
        let parameter = |name: &'static str| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            let value = pairs.find(|(other, _)| other == name).map(|(_, value)| value.into_owned());
            value.ok_or(Refusal::Parameter(name))
        };
        let protocol_version: u16 = number("protocol_version", &parameter("protocol_version")?)?;
        if !PROTOCOL_VERSIONS.contains(&protocol_version) {
            return Err(Refusal::Parameter("protocol_version"));
        }
        let envoy_key = parameter("envoy_key")?;
        if !is_envoy_key(&envoy_key) {
            return Err(Refusal::Parameter("envoy_key"));
        }
        let pool = parameter("pool_name")?;
        if pool.is_empty() || pool.len() > POOL_MAX {
            return Err(Refusal::Parameter("pool_name"));
        }
        let version = number("version", &parameter("version")?)?;
        Ok(Self { namespace: parameter("namespace")?, pool, envoy_key, version, protocol_version })
    }
}

fn number<T: std::str::FromStr>(name: &'static str, text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|_| Refusal::Parameter(name))
}

fn is_envoy_key(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (3..=128).contains(&text.len())
        && text.bytes().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Tokens with characters that a subprotocol may not have come percent-encoded.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten().and_then(hex_byte);
        if let Some(byte) = escaped {
            decoded.push(byte);
            rest = &after[2..];
        } else {
            decoded.push(*first);
            rest = after;
        }
    }
    decoded
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(digits[0])? * 16 + digit(digits[1])?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "protocol_version=8&namespace=default&envoy_key=an-envoy_1&version=1&pool_name=default";

    #[test]
    fn an_envoy_says_who_it_is() {
        assert_eq!(
            Wanted::of_query(GOOD).unwrap(),
            Wanted {
                namespace: "default".to_owned(),
                pool: "default".to_owned(),
                envoy_key: "an-envoy_1".to_owned(),
                version: 1,
                protocol_version: 8,
            }
        );
    }

    #[test]
    fn what_is_missing_or_wrong_is_refused_by_name() {
        let cases = [
            ("protocol_version=8", "protocol_version=9", "protocol_version"),
            ("protocol_version=8", "protocol_version=1", "protocol_version"),
            ("protocol_version=8", "protocol_version=x", "protocol_version"),
            ("envoy_key=an-envoy_1", "envoy_key=ab", "envoy_key"),
            ("envoy_key=an-envoy_1", "envoy_key=-abc", "envoy_key"),
            ("envoy_key=an-envoy_1", "envoy_key=a%2Fb", "envoy_key"),
            ("envoy_key=an-envoy_1&", "", "envoy_key"),
            ("version=1&", "version=-1&", "version"),
            ("pool_name=default", "pool_name=", "pool_name"),
            ("namespace=default&", "", "namespace"),
        ];
        for (good, bad, name) in cases {
            let refused = Wanted::of_query(&GOOD.replacen(good, bad, 1)).unwrap_err();
            assert!(matches!(refused, Refusal::Parameter(found) if found == name), "{bad}");
        }
    }

    #[test]
    fn a_token_may_be_percent_encoded() {
        assert_eq!(percent_decoded("a%2Fb%zz%2"), b"a/b%zz%2");
    }
}
