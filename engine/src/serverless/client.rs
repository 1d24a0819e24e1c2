//! The client for the URLs of pools, and what it refuses to call.

use std::{collections::BTreeMap, error::Error, sync::Arc, time::Duration};

use reqwest::{
    Client, ClientBuilder, RequestBuilder, Response,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use url::Url;

use super::resolver::Resolver;
use crate::outbound::{Blocked, Policy};

/// How long a connection may take to be there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How the engine introduces itself.
const USER_AGENT: &str = concat!("RivetEngine/", env!("CARGO_PKG_VERSION"));

/// The client cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be set up: please report this")]
pub struct ClientError(#[from] reqwest::Error);

/// A request that cannot be made, or may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RequestError {
    /// The URL or a header is none.
    Invalid,
    /// The policy forbids it.
    Blocked(Blocked),
}

/// A client for the URLs of pools.
#[derive(Debug)]
pub(super) struct HttpClient {
    client: Client,
    policy: Arc<Policy>,
}

impl HttpClient {
    /// A client that calls what `policy` allows.
    pub(super) fn new(policy: Policy) -> Result<Self, ClientError> {
        let policy = Arc::new(policy);
        // The first provider counts, whoever installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = match builder(&policy).build() {
            Ok(client) => client,
            Err(error) => {
                // An image of nothing but the engine has no certificates, and may need none.
                tracing::debug!(%error, "no certificates of this host: https is not called");
                builder(&policy).tls_certs_only([]).build()?
            }
        };
        Ok(Self { client, policy })
    }

    /// A GET of `path` below `base`.
    pub(super) fn get(
        &self,
        base: &str,
        path: &str,
        headers: &BTreeMap<String, String>,
    ) -> Result<RequestBuilder, RequestError> {
        Ok(self.client.get(self.target(base, path)?).headers(header_map(headers)?))
    }

    /// A POST to `path` below `base`.
    pub(super) fn post(
        &self,
        base: &str,
        path: &str,
        headers: &BTreeMap<String, String>,
    ) -> Result<RequestBuilder, RequestError> {
        Ok(self.client.post(self.target(base, path)?).headers(header_map(headers)?))
    }

    fn target(&self, base: &str, path: &str) -> Result<Url, RequestError> {
        let mut url = Url::parse(base).map_err(|_| RequestError::Invalid)?;
        self.policy.check_url(&url).map_err(RequestError::Blocked)?;
        let below = format!("{}/{path}", url.path().trim_end_matches('/'));
        url.set_path(&below);
        Ok(url)
    }
}

fn builder(policy: &Arc<Policy>) -> ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(Duration::from_secs(30))
        // A proxy would call what the policy does not see.
        .no_proxy()
        .redirect(redirects(Arc::clone(policy)))
        .dns_resolver(Resolver::new(Arc::clone(policy)))
}

/// Requests carry secrets of the pool: they stay with the host that was registered.
fn redirects(policy: Arc<Policy>) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        let Some(first) = attempt.previous().first() else { return attempt.follow() };
        let next = attempt.url();
        if attempt.previous().len() > policy.max_redirects {
            return attempt.error(Blocked::Redirects(policy.max_redirects));
        }
        if let Err(blocked) = policy.check_url(next) {
            return attempt.error(blocked);
        }
        let leaves = next.host() != first.host();
        let loses_tls = first.scheme() == "https" && next.scheme() != "https";
        if leaves || loses_tls { attempt.stop() } else { attempt.follow() }
    })
}

fn header_map(headers: &BTreeMap<String, String>) -> Result<HeaderMap, RequestError> {
    let pairs = headers.iter().map(|(name, value)| {
        let name = HeaderName::try_from(name).map_err(|_| RequestError::Invalid)?;
        let value = HeaderValue::try_from(value).map_err(|_| RequestError::Invalid)?;
        Ok((name, value))
    });
    pairs.collect()
}

/// Why the policy stopped a request that was under way, when it did.
pub(super) fn blocked(error: &reqwest::Error) -> Option<Blocked> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(blocked) = error.downcast_ref::<Blocked>() {
            return Some(blocked.clone());
        }
        cause = error.source();
    }
    None
}

/// What the system said, in one line without the URL: it is shown to those who ask about the pool.
pub(super) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The first `limit` bytes of a body, and whether that was all.
pub(super) async fn beginning_of_body(
    mut response: Response,
    limit: usize,
) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = limit - body.len();
        if chunk.len() > room {
            body.extend_from_slice(&chunk[..room]);
            return Ok((body, false));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body, true))
}
