//! The connection to the collector: gRPC, as far as one call after another needs it.
//!
//! A call is a POST over HTTP/2 with one message behind a prefix of five bytes; how it went stands in the
//! trailers. See `PROTOCOL-HTTP2.md` of gRPC. An answer's message says what the collector left out, which
//! is the collector's to report.

use std::{io, net::SocketAddr, time::Duration};

use axum::http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode,
    header::{CONTENT_TYPE, TE, USER_AGENT},
};
use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use percent_encoding::percent_decode_str;
use tokio::{net::TcpStream, time::timeout};
use tokio_util::task::AbortOnDropHandle;
use url::{Host, Url};

use crate::names::{Names, Unresolved};

/// How long an address may take to answer the first packet.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a call may take, with all that it needs: what the exporters of OpenTelemetry give it.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest answer that is read, in bytes.
const ANSWER_MAX: usize = 64 << 10;

/// How much of the collector's words is repeated, in characters.
const WORDS_MAX: usize = 200;

/// Where a URL without a port leads to.
const PORT: u16 = 80;

/// How the engine introduces itself.
const USER_AGENT_IS: &str = concat!("RivetEngine/", env!("CARGO_PKG_VERSION"));

/// A method of the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Takes spans.
    Traces,
    /// Takes metrics.
    Metrics,
}

impl Call {
    /// What it is about.
    pub(super) fn signal(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        }
    }
}

/// Why the collector did not take something.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportError {
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    #[error("it cannot be reached: {0}")]
    Unreachable(#[from] io::Error),
    #[error("the connection failed: {0}")]
    Connection(#[from] hyper::Error),
    #[error("it did not answer in {} seconds", CALL_TIMEOUT.as_secs())]
    Timeout,
    #[error("its answer is none of gRPC: {0}")]
    NotGrpc(String),
    #[error("it refused with gRPC status {code}: {words}")]
    Status { code: u8, words: String },
}

impl ExportError {
    /// Whether the same may be sent once more: the specification of OTLP says for which statuses.
    pub(super) fn may_be_repeated(&self) -> bool {
        match self {
            // The last of them is what some proxies answer for a collector that is not there.
            Self::Unresolved(_)
            | Self::Unreachable(_)
            | Self::Connection(_)
            | Self::Timeout
            | Self::NotGrpc(_) => true,
            // Cancelled, deadline exceeded, resource exhausted, aborted, out of range, unavailable,
            // data loss.
            Self::Status { code, .. } => matches!(code, 1 | 4 | 8 | 10 | 11 | 14 | 15),
        }
    }
}

/// A collector, connected to when there is something to send.
#[derive(Debug)]
pub(super) struct Collector {
    endpoint: Url,
    names: Names,
    connection: Option<Connection>,
}

#[derive(Debug)]
struct Connection {
    requests: SendRequest<Full<Bytes>>,
    _driver: AbortOnDropHandle<()>,
}

impl Collector {
    /// The collector at host and port of `endpoint`. Its path means nothing in gRPC.
    pub(super) fn new(endpoint: &Url) -> Self {
        let mut endpoint = endpoint.clone();
        endpoint.set_query(None);
        endpoint.set_fragment(None);
        Self { endpoint, names: Names::default(), connection: None }
    }

    /// Has the collector take `message`.
    pub(super) async fn export(&mut self, call: Call, message: &[u8]) -> Result<(), ExportError> {
        let outcome = timeout(CALL_TIMEOUT, self.call(call, message)).await;
        let outcome = outcome.unwrap_or(Err(ExportError::Timeout));
        if let Err(error) = &outcome
            && !matches!(error, ExportError::Status { .. })
        {
            self.connection = None;
        }
        outcome
    }

    async fn call(&mut self, call: Call, message: &[u8]) -> Result<(), ExportError> {
        let mut endpoint = self.endpoint.clone();
        endpoint.set_path(call.path());
        let mut request = Request::new(Full::new(framed(message)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = endpoint
            .as_str()
            .parse()
            .expect("the configuration takes only URLs that are URIs, too");
        let headers = request.headers_mut();
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_IS));
        let requests = self.connected().await?;
        requests.ready().await?;
        let response = requests.send_request(request).await?;
        let (head, body) = response.into_parts();
        if head.status != StatusCode::OK {
            return Err(ExportError::NotGrpc(format!("HTTP status {}", head.status)));
        }
        let body = Limited::new(body, ANSWER_MAX).collect().await;
        let body = body.map_err(|error| ExportError::NotGrpc(error.to_string()))?;
        // Where there is no message, the trailers stand in the head.
        judged(body.trailers().unwrap_or(&head.headers))
    }

    async fn connected(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, ExportError> {
        let there = self.connection.take().filter(|there| !there.requests.is_closed());
        let connection = match there {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(&mut self.connection.insert(connection).requests)
    }

    async fn connect(&self) -> Result<Connection, ExportError> {
        let addresses = match self.endpoint.host() {
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            Some(Host::Domain(name)) => self.names.addresses(name).await?,
            None => vec![],
        };
        let port = self.endpoint.port().unwrap_or(PORT);
        let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            let connecting = TcpStream::connect(SocketAddr::new(address, port));
            match timeout(CONNECT_TIMEOUT, connecting).await {
                Ok(Ok(stream)) => {
                    let (requests, connection) =
                        handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
                    let driver = tokio::spawn(async move {
                        if let Err(error) = connection.await {
                            tracing::debug!(%error, "the connection to the collector ended");
                        }
                    });
                    return Ok(Connection { requests, _driver: AbortOnDropHandle::new(driver) });
                }
                Ok(Err(error)) => failure = error,
                Err(_) => failure = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(failure.into())
    }
}

/// A message, not compressed, and its length.
fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(5 + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).expect("a batch is far below 4 GiB"));
    framed.put_slice(message);
    framed.freeze()
}

/// How a call went, as its trailers say.
fn judged(trailers: &HeaderMap) -> Result<(), ExportError> {
    let text = |name| trailers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let code = text("grpc-status").and_then(|code| code.parse().ok());
    match code {
        Some(0) => Ok(()),
        Some(code) => {
            let words = text("grpc-message").unwrap_or("no reason given");
            let words = percent_decode_str(words).decode_utf8_lossy();
            Err(ExportError::Status { code, words: words.chars().take(WORDS_MAX).collect() })
        }
        None => Err(ExportError::NotGrpc("it has no gRPC status".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trailers(given: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = given.iter();
        pairs.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_message_stands_behind_its_length() {
        assert_eq!(framed(b"abc")[..], [0, 0, 0, 0, 3, b'a', b'b', b'c']);
    }

    #[test]
    fn only_the_status_says_that_something_was_taken() {
        assert!(judged(&trailers(&[("grpc-status", "0")])).is_ok());
        for none in [&[][..], &[("grpc-status", "x")]] {
            assert!(matches!(judged(&trailers(none)), Err(ExportError::NotGrpc(_))), "{none:?}");
        }
    }

    #[test]
    fn what_is_refused_for_good_is_not_repeated() {
        let error =
            |code| judged(&trailers(&[("grpc-status", code), ("grpc-message", "that%20is why")]));

        assert!(error("14").unwrap_err().may_be_repeated());
        let refused = error("3").unwrap_err();
        assert!(!refused.may_be_repeated());
        assert_eq!(refused.to_string(), "it refused with gRPC status 3: that is why");
    }
}
