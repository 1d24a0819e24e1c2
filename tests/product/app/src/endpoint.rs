//! The engine as `RIVET_ENDPOINT` names it: `http://namespace:token@host:port`.

use std::{fmt, str::FromStr, time::Duration};

/// An engine and the credentials for it.
#[derive(Clone)]
pub(crate) struct Endpoint {
    base: String,
    namespace: String,
    token: String,
}

/// Not `http://namespace:token@host:port`. The text is not repeated: it holds a token.
#[derive(Debug, thiserror::Error)]
#[error("expected http://namespace:token@host:port")]
pub(crate) struct ParseEndpointError;

/// Why the engine is not usable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    #[error("the engine does not answer: {0}")]
    Unreachable(Box<ureq::Error>),
    #[error("the engine has no namespace {0:?}")]
    NoNamespace(String),
}

impl Endpoint {
    /// Asks for the engine's health and, with the token, for the namespace.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(3)))
            .build()
            .into();
        let unreachable = |error| EngineError::Unreachable(Box::new(error));
        agent.get(format!("{}/health", self.base)).call().map_err(unreachable)?;
        let listed = agent
            .get(format!("{}/namespaces?name={}", self.base, self.namespace))
            .header("authorization", format!("Bearer {}", self.token))
            .call()
            .and_then(|mut answer| answer.body_mut().read_to_string())
            .map_err(unreachable)?;
        if listed.contains("\"namespace_id\"") {
            Ok(())
        } else {
            Err(EngineError::NoNamespace(self.namespace.clone()))
        }
    }
}

impl FromStr for Endpoint {
    type Err = ParseEndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("http://").ok_or(ParseEndpointError)?;
        let (user, host) = rest.split_once('@').ok_or(ParseEndpointError)?;
        let (namespace, token) = user.split_once(':').ok_or(ParseEndpointError)?;
        if namespace.is_empty() || token.is_empty() || host.is_empty() {
            return Err(ParseEndpointError);
        }
        Ok(Self {
            base: format!("http://{}", host.trim_end_matches('/')),
            namespace: namespace.to_owned(),
            token: token.to_owned(),
        })
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("base", &self.base)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespace_and_token_are_taken_from_the_url() {
        let endpoint: Endpoint = "http://site:secret-token@rivet-engine:6420".parse().unwrap();
        assert_eq!(endpoint.base, "http://rivet-engine:6420");
        assert_eq!(endpoint.namespace, "site");
        assert!(!format!("{endpoint:?}").contains("secret-token"));
    }

    #[test]
    fn an_endpoint_without_a_token_is_refused() {
        for bad in ["", "http://rivet-engine:6420", "http://ns@host", "https://ns:token@host"] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }
}
