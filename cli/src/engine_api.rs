//! What rivetctl asks the engine over HTTP: is it healthy, is it closed, make this namespace,
//! register this pool. Always on this host, never through a proxy.

pub(crate) mod audit;
pub(crate) mod tokens;

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use bundle_spec::{manifest::Pool, text::Name};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    error::{Class, Explain},
    site::secret::Secret,
};

/// Bounds every request: the engine is on this host and answers at once or is not well.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read: a thousand entries of an audit log are the most that is asked for.
const ANSWER_MAX: u64 = 8 << 20;

/// The only datacenter of a single engine.
const DATACENTER: &str = "default";

/// The API of one engine.
#[derive(Debug)]
pub(crate) struct EngineApi {
    address: SocketAddr,
    agent: ureq::Agent,
}

/// What the engine says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Health {
    pub(crate) runtime: String,
    pub(crate) status: String,
    pub(crate) version: String,
}

/// Whether the engine can do its work.
#[derive(Debug, Deserialize)]
struct Ready {
    #[serde(default)]
    failed: Vec<String>,
}

/// An answer that came.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
}

/// Why the engine could not be asked, or did not agree.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineApiError {
    #[error("the engine does not answer at {address}")]
    Silent { address: SocketAddr, source: Box<ureq::Error> },

    #[error("the engine answered {status} to {asked}, expected 200: {body}")]
    Refused { asked: String, status: u16, body: String },

    #[error("what answers at {address} is not an engine: {body}")]
    NotAnEngine { address: SocketAddr, body: String },
}

impl Explain for EngineApiError {
    fn class(&self) -> Class {
        Class::Health
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Silent { .. } => "RCTL-ENGINE-SILENT",
            Self::Refused { .. } => "RCTL-ENGINE-REFUSED",
            Self::NotAnEngine { .. } => "RCTL-ENGINE-OTHER",
        }
        .into()
    }

    fn advice(&self) -> String {
        match self {
            Self::Silent { .. } | Self::Refused { .. } => {
                "`rivetctl logs NAME` shows what the engine says."
            }
            Self::NotAnEngine { .. } => {
                "Find out what listens there; the install's port may have been taken over."
            }
        }
        .into()
    }
}

impl EngineApi {
    /// The API published at `bind`:`port`, asked over loopback where it listens everywhere.
    pub(crate) fn at(bind: IpAddr, port: u16) -> Self {
        let config = ureq::Agent::config_builder()
            .proxy(None)
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Self { address: SocketAddr::new(reachable(bind), port), agent: config.into() }
    }

    /// Where requests go.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the engine says of its health.
    pub(crate) fn health(&self) -> Result<Health, EngineApiError> {
        let answer = self.get("/health", None)?;
        let body = answer.body.to_string();
        let health = serde_json::from_value::<Health>(answer.body).ok();
        health
            .filter(|health| answer.status == 200 && health.runtime == "engine")
            .ok_or(EngineApiError::NotAnEngine { address: self.address, body: short(&body) })
    }

    /// The names of what the engine says it is not ready for; none when it can do its work.
    ///
    /// Upstream's engine has no such route and answers 404: of it, health is all there is to know.
    pub(crate) fn not_ready(&self) -> Result<Vec<String>, EngineApiError> {
        let answer = self.get("/ready", None)?;
        if answer.status == 404 {
            return Ok(Vec::new());
        }
        let ready: Ready = serde_json::from_value(answer.body.clone()).map_err(|_| {
            EngineApiError::NotAnEngine {
                address: self.address,
                body: short(&answer.body.to_string()),
            }
        })?;
        Ok(if answer.status == 200 { Vec::new() } else { ready.failed })
    }

    /// The status that a protected route answers with to this token, or to none.
    pub(crate) fn probe(&self, token: Option<&Secret>) -> Result<u16, EngineApiError> {
        Ok(self.get("/namespaces?limit=1", token)?.status)
    }

    /// Makes the namespace unless it exists.
    pub(crate) fn ensure_namespace(
        &self,
        token: &Secret,
        name: &Name,
    ) -> Result<(), EngineApiError> {
        let listed = self
            .get(&format!("/namespaces?name={name}"), Some(token))?
            .expect_ok("GET /namespaces")?;
        if listed["namespaces"].as_array().is_some_and(|found| !found.is_empty()) {
            return Ok(());
        }
        let body = json!({ "name": name.as_str(), "display_name": name.as_str() });
        let request =
            self.agent.post(self.url("/namespaces")).header("Authorization", bearer(token));
        self.answer(request.send_json(body))?.expect_ok("POST /namespaces")?;
        Ok(())
    }

    /// Registers a pool of envoys in the namespace.
    pub(crate) fn register_pool(
        &self,
        token: &Secret,
        namespace: &Name,
        pool: &Pool,
    ) -> Result<(), EngineApiError> {
        let config =
            json!({ "normal": {}, "drain_on_version_upgrade": pool.drain_on_version_upgrade });
        let body = json!({ "datacenters": { DATACENTER: config } });
        let path = format!("/runner-configs/{}?namespace={namespace}", pool.name);
        let request = self.agent.put(self.url(&path)).header("Authorization", bearer(token));
        self.answer(request.send_json(body))?.expect_ok("PUT /runner-configs")?;
        Ok(())
    }

    fn get(&self, path: &str, token: Option<&Secret>) -> Result<Answer, EngineApiError> {
        let mut request = self.agent.get(self.url(path));
        if let Some(token) = token {
            request = request.header("Authorization", bearer(token));
        }
        self.answer(request.call())
    }

    fn answer(
        &self,
        result: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Answer, EngineApiError> {
        let silent =
            |source| EngineApiError::Silent { address: self.address, source: Box::new(source) };
        let mut response = result.map_err(silent)?;
        let text =
            response.body_mut().with_config().limit(ANSWER_MAX).read_to_string().map_err(silent)?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status: response.status().as_u16(), body })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Answer {
    fn expect_ok(self, asked: &str) -> Result<Value, EngineApiError> {
        if self.status == 200 {
            return Ok(self.body);
        }
        let body = short(&self.body.to_string());
        Err(EngineApiError::Refused { asked: asked.to_owned(), status: self.status, body })
    }
}

fn bearer(token: &Secret) -> String {
    format!("Bearer {}", token.expose())
}

/// The address at which something that listens on `bind` is reached from this host.
fn reachable(bind: IpAddr) -> IpAddr {
    match bind {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

/// Printable and short: the body comes from whatever answered.
fn short(text: &str) -> String {
    text.chars().take(300).flat_map(char::escape_default).collect::<String>().replace("\\\"", "\"")
}
