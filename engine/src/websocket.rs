//! Every WebSocket that this engine accepts, whoever is at the other end: an envoy or a client.
//!
//! A handshake is answered only when it is known what becomes of the socket, and a failure is told
//! in the close frame of an accepted socket: clients read `group.code#ray`, not an HTTP status.
//! Thousands of sockets stay open and are mostly silent, so their buffers are small.

mod prompt_acks;

use std::{str, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header},
    response::Response,
};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message, Utf8Bytes,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

pub use self::prompt_acks::PromptAcks;

/// The buffers of one socket. A message that does not fit makes them grow for as long as it takes.
const BUFFER_BYTES: usize = 4 << 10;

/// What is read at once from an envoy, and what is written. The room for reading is filled with zeros
/// before each read, so that more of it than a burst of small messages needs would be a waste.
const ENVOY_READ_BYTES: usize = 8 << 10;
const ENVOY_WRITE_BYTES: usize = 64 << 10;

/// How many bytes the reason of a close frame may have (RFC 6455, section 5.5).
const MAX_REASON_BYTES: usize = 123;

/// How long the other end may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The subprotocol that rivetkit offers, with others that carry parameters.
const SUBPROTOCOL: &str = "rivet";

/// An open socket of an envoy.
pub type EnvoySocket = WebSocketStream<PromptAcks>;

/// An open socket.
pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// How much one message may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageLimits {
    /// The largest message, in bytes.
    pub message: usize,
    /// The largest frame, in bytes.
    pub frame: usize,
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self { message: 32 << 20, frame: 32 << 20 }
    }
}

/// The request asks for a WebSocket in a way that cannot be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHandshake {
    /// The request cannot be the beginning of a WebSocket.
    #[error("a WebSocket begins with a GET request of HTTP/1.1 with `Connection: upgrade`")]
    Request,
    /// Another version of the protocol.
    #[error("the only version of the WebSocket protocol here is 13")]
    Version,
    /// There is no key, or a wrong one.
    #[error("the header sec-websocket-key is missing")]
    Key,
}

impl BadHandshake {
    /// The answer to such a request, which reaches nobody's close handler.
    pub fn response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_string()));
        *response.status_mut() = match self {
            Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::Request | Self::Key => StatusCode::BAD_REQUEST,
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        if self == Self::Version {
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        response
    }
}

/// A handshake that can be answered.
#[derive(Debug)]
pub struct Handshake {
    accept_key: HeaderValue,
    subprotocol: Option<HeaderValue>,
    upgrade: OnUpgrade,
}

/// A socket that opens as soon as its handshake's answer is sent.
#[derive(Debug)]
pub struct Opening {
    upgrade: OnUpgrade,
    limits: MessageLimits,
}

impl Handshake {
    /// The handshake in `request`, or what is wrong with it.
    pub fn of(request: &mut Request) -> Result<Self, BadHandshake> {
        let headers = request.headers();
        let possible = request.method() == Method::GET
            && request.version() == Version::HTTP_11
            && has_token(headers, &header::CONNECTION, "upgrade")
            && is_websocket(headers);
        if !possible {
            return Err(BadHandshake::Request);
        }
        let version = headers.get(header::SEC_WEBSOCKET_VERSION);
        if version.is_none_or(|version| version != "13") {
            return Err(BadHandshake::Version);
        }
        let key = headers.get(header::SEC_WEBSOCKET_KEY).ok_or(BadHandshake::Key)?;
        let accept_key = HeaderValue::try_from(derive_accept_key(key.as_bytes()))
            .map_err(|_| BadHandshake::Key)?;
        let subprotocol = chosen_subprotocol(headers);
        // Without it the server does not hand connections over: no socket can come of this.
        let upgrade =
            request.extensions_mut().remove::<OnUpgrade>().ok_or(BadHandshake::Request)?;
        Ok(Self { accept_key, subprotocol, upgrade })
    }

    /// The answer, and the socket that comes of it.
    pub fn accept(self, limits: MessageLimits) -> (Response, Opening) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept_key);
        if let Some(subprotocol) = self.subprotocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
        }
        (response, Opening { upgrade: self.upgrade, limits })
    }
}

impl Opening {
    /// Waits for the socket. To be awaited in a task of its own: the answer has to be sent first.
    pub async fn socket(self) -> Result<Socket, hyper::Error> {
        let config = self.config(BUFFER_BYTES);
        let upgraded = TokioIo::new(self.upgrade.await?);
        Ok(WebSocketStream::from_raw_socket(upgraded, Role::Server, Some(config)).await)
    }

    /// Waits for the socket of an envoy. There are few of them, and they carry everything.
    pub async fn socket_of_an_envoy(self) -> Result<EnvoySocket, hyper::Error> {
        let config = self.config(ENVOY_READ_BYTES).write_buffer_size(ENVOY_WRITE_BYTES);
        let (stream, read_ahead) = PromptAcks::of(self.upgrade.await?);
        let role = Role::Server;
        Ok(WebSocketStream::from_partially_read(stream, read_ahead, role, Some(config)).await)
    }

    fn config(&self, buffer: usize) -> WebSocketConfig {
        WebSocketConfig::default()
            .read_buffer_size(buffer)
            .write_buffer_size(buffer)
            .max_message_size(Some(self.limits.message))
            .max_frame_size(Some(self.limits.frame))
    }

    /// Opens the socket only to close it: this is how a refusal reaches the client.
    pub async fn refuse(self, code: u16, reason: &str) {
        if let Ok(mut socket) = self.socket().await {
            close(&mut socket, code, reason).await;
        }
    }
}

/// Whether these headers ask for a WebSocket, rightly or wrongly.
pub fn is_websocket(headers: &HeaderMap) -> bool {
    has_token(headers, &header::UPGRADE, "websocket")
}

/// The subprotocols that the client offers, in its order.
pub fn offered_subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(str::trim).filter(|offered| !offered.is_empty())
}

/// The reason of a close frame that says what failed, and in which request.
pub fn close_reason(group: &str, code: &str, ray_id: &str) -> String {
    format!("{group}.{code}#{ray_id}")
}

/// Closes the socket, and waits a moment for the other end to agree.
pub async fn close(socket: &mut Socket, code: u16, reason: &str) {
    let reason = Utf8Bytes::from(fitting(reason));
    let frame = CloseFrame { code: code.into(), reason };
    let agreed = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            // What still comes is for nobody.
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    // Whoever does not answer is cut off.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, agreed).await;
}

/// Ends a socket that the other end has closed: it sees that its close frame has arrived.
pub async fn closed(socket: &mut Socket) {
    let answered = async { while let Some(Ok(_)) = socket.next().await {} };
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, answered).await;
}

/// The beginning of `reason` that a close frame has room for.
fn fitting(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(MAX_REASON_BYTES)]
}

/// `rivet` when it is offered. Otherwise something that is: a client that offers subprotocols and
/// is answered none gives up.
fn chosen_subprotocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let chosen = offered_subprotocols(headers)
        .find(|offered| *offered == SUBPROTOCOL)
        .or_else(|| offered_subprotocols(headers).find(|offered| !offered.starts_with("rivet_")))
        .or_else(|| offered_subprotocols(headers).next())?;
    HeaderValue::from_str(chosen).ok()
}

/// Whether a header that lists words has this one among them.
fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    let texts = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|word| word.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests;
