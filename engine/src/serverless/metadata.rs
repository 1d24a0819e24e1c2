//! What an app says about itself: `GET {url}/metadata`.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::client::{HttpClient, RequestError, beginning_of_body, blocked};
use crate::{keyspace::tables::ActorNameRow, outbound::Blocked};

const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read.
const BODY_MAX: usize = 1 << 20;

/// How much of an answer is shown to those who ask what is wrong with it.
const SHOWN: usize = 1024;

/// The newest protocol that is spoken.
const MAX_PROTOCOL: u16 = rivet_envoy_protocol::PROTOCOL_VERSION;

/// What an app says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// The version of its library.
    pub version: String,
    /// The protocol that it speaks.
    pub protocol_version: Option<u16>,
    /// The version of the app.
    pub envoy_version: Option<u32>,
    /// The names of its actors.
    pub actor_names: Vec<(String, ActorNameRow)>,
}

/// An app did not say what it has to. The words are those that clients of upstream know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The URL or a header is none.
    #[error("invalid serverless metadata request")]
    InvalidRequest,
    /// The engine may not connect there.
    #[error("serverless endpoint is not an allowed destination")]
    Blocked(Blocked),
    /// Nobody answers.
    #[error("failed to reach serverless endpoint")]
    Failed,
    /// Nobody answers in time.
    #[error("serverless metadata request timed out")]
    TimedOut,
    /// Another status than one of success.
    #[error("serverless metadata request returned status {status}")]
    Status {
        /// The status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// The body is not what it should be.
    #[error("serverless metadata response is not valid JSON")]
    NotJson {
        /// The beginning of the body.
        body: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something else answers than an app.
    #[error("serverless runtime {runtime} version {version} is unsupported")]
    Unsupported {
        /// What it says it is.
        runtime: String,
        /// In which version.
        version: String,
    },
    /// The app speaks a protocol that the engine does not.
    #[error("envoy protocol version {version} is not supported (max supported: {max})")]
    Protocol {
        /// The protocol's version.
        version: u16,
        /// The newest one that is spoken.
        max: u16,
    },
}

/// The answer of an app. Fields of newer apps are let through.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    runtime: String,
    version: String,
    #[serde(default)]
    envoy_protocol_version: Option<u16>,
    #[serde(default)]
    envoy: Option<EnvoyAnswer>,
    #[serde(default)]
    actor_names: BTreeMap<String, NameAnswer>,
}

#[derive(Debug, Deserialize)]
struct EnvoyAnswer {
    #[serde(default)]
    version: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct NameAnswer {
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
}

impl HttpClient {
    /// Asks the app at `url` for its metadata.
    pub(super) async fn metadata(
        &self,
        url: &str,
        headers: &BTreeMap<String, String>,
    ) -> Result<Metadata, MetadataError> {
        let request = self.get(url, "metadata", headers)?.timeout(TIMEOUT);
        let response = request.send().await?;
        let status = response.status();
        if !status.is_success() {
            let (body, _) = beginning_of_body(response, BODY_MAX).await?;
            return Err(MetadataError::Status { status: status.as_u16(), body: shown(&body) });
        }
        let (body, whole) = beginning_of_body(response, BODY_MAX).await?;
        if !whole {
            let reason = format!("the body is longer than {BODY_MAX} bytes");
            return Err(MetadataError::NotJson { body: shown(&body), reason });
        }
        parse(&body)
    }
}

fn parse(body: &[u8]) -> Result<Metadata, MetadataError> {
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|error| MetadataError::NotJson { body: shown(body), reason: error.to_string() })?;
    let Answer { runtime, version, envoy_protocol_version, envoy, actor_names } = answer;
    if runtime != "rivetkit" || version.trim().is_empty() {
        return Err(MetadataError::Unsupported { runtime, version });
    }
    if let Some(version) = envoy_protocol_version
        && !(1..=MAX_PROTOCOL).contains(&version)
    {
        return Err(MetadataError::Protocol { version, max: MAX_PROTOCOL });
    }
    let described = actor_names
        .into_iter()
        .filter_map(|(name, answer)| Some((name, ActorNameRow { metadata: answer.metadata? })));
    Ok(Metadata {
        version,
        protocol_version: envoy_protocol_version,
        envoy_version: envoy.and_then(|envoy| envoy.version),
        actor_names: described.collect(),
    })
}

fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match text.char_indices().nth(SHOWN) {
        None => text.into_owned(),
        Some((end, _)) => format!("{}...[truncated]", &text[..end]),
    }
}

impl From<RequestError> for MetadataError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Invalid => Self::InvalidRequest,
            RequestError::Blocked(blocked) => Self::Blocked(blocked),
        }
    }
}

impl From<reqwest::Error> for MetadataError {
    fn from(error: reqwest::Error) -> Self {
        match blocked(&error) {
            Some(blocked) => Self::Blocked(blocked),
            None if error.is_timeout() => Self::TimedOut,
            None if error.is_builder() => Self::InvalidRequest,
            None => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_says_which_protocol_it_speaks_and_which_actors_it_has() {
        let body = br#"{"runtime":"rivetkit","version":"2.3.19","envoyProtocolVersion":8,
            "envoy":{"kind":{"serverless":{}},"version":3},"clientEndpoint":"http://a",
            "actorNames":{"a":{"metadata":{"x":1}},"b":{}}}"#;

        let metadata = parse(body).unwrap();

        assert_eq!((metadata.protocol_version, metadata.envoy_version), (Some(8), Some(3)));
        // A name that nothing is said about becomes known with its first actor.
        let [(name, row)] = metadata.actor_names.as_slice() else { panic!("{metadata:?}") };
        assert_eq!((name.as_str(), &row.metadata["x"]), ("a", &Value::from(1)));
    }

    #[test]
    fn what_is_no_metadata_is_refused_with_the_reason() {
        let reason = |body: &str| parse(body.as_bytes()).unwrap_err().to_string();

        assert_eq!(
            reason(r#"{"runtime":"node","version":"1"}"#),
            "serverless runtime node version 1 is unsupported"
        );
        assert_eq!(
            reason(r#"{"runtime":"rivetkit","version":""}"#),
            "serverless runtime rivetkit version  is unsupported"
        );
        for version in [0, 99] {
            let body = format!(
                r#"{{"runtime":"rivetkit","version":"1","envoyProtocolVersion":{version}}}"#
            );
            assert_eq!(
                reason(&body),
                format!("envoy protocol version {version} is not supported (max supported: 8)")
            );
        }
        let MetadataError::NotJson { body, reason } = parse(b"hello").unwrap_err() else {
            panic!("it is JSON")
        };
        assert_eq!(
            (body.as_str(), reason.as_str()),
            ("hello", "expected value at line 1 column 1")
        );
    }

    #[test]
    fn of_a_long_answer_the_beginning_is_shown() {
        assert_eq!(shown("ä".repeat(1024).as_bytes()), "ä".repeat(1024));
        assert_eq!(
            shown("ä".repeat(1025).as_bytes()),
            format!("{}...[truncated]", "ä".repeat(1024))
        );
    }
}
