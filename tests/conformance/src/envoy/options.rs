//! How an envoy connects, and what it does by itself.

use crate::{engine::TOKEN, namespace::unique};

/// How an envoy connects, and what it does by itself. By default it behaves as an app does.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit that a test switches off")]
pub struct Options {
    /// Its pool.
    pub pool: String,
    /// Its key.
    pub key: String,
    /// The application's version.
    pub version: String,
    /// The version of the protocol.
    pub protocol: u16,
    /// Its token.
    pub token: Option<String>,
    /// It acknowledges commands.
    pub acknowledge: bool,
    /// It answers a start with Running, and a stop with Stopped.
    pub obey: bool,
    /// It answers pings.
    pub pong: bool,
    /// It answers requests, and echoes what sockets say.
    pub serve: bool,
    /// It offers to hibernate its sockets.
    pub hibernate: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pool: crate::namespace::POOL.to_owned(),
            key: unique("envoy"),
            version: "1".to_owned(),
            protocol: 8,
            token: Some(TOKEN.to_owned()),
            acknowledge: true,
            obey: true,
            pong: true,
            serve: true,
            hibernate: false,
        }
    }
}

impl Options {
    /// An envoy that acknowledges and answers pings, and leaves the rest to the test.
    pub fn by_hand() -> Self {
        Self { obey: false, serve: false, ..Self::default() }
    }

    /// An envoy that starts and stops actors, and leaves requests to the test.
    pub fn serving_by_hand() -> Self {
        Self { serve: false, ..Self::default() }
    }

    /// With this key.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// In this pool.
    pub fn pool(mut self, pool: &str) -> Self {
        pool.clone_into(&mut self.pool);
        self
    }

    pub(crate) fn target(&self, namespace: &str) -> String {
        let Self { pool, key, version, protocol, .. } = self;
        format!(
            "/envoys/connect?protocol_version={protocol}&namespace={namespace}&envoy_key={key}\
             &version={version}&pool_name={pool}"
        )
    }

    pub(crate) fn subprotocols(&self) -> Vec<String> {
        let token = self.token.iter().map(|token| format!("rivet_token.{token}"));
        std::iter::once("rivet".to_owned()).chain(token).collect()
    }
}
