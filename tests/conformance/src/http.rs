//! Requests as plain as they go over the wire: one connection each, nothing followed, nothing added.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap,
    body::{Frame, Incoming},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, sync::mpsc, task::JoinHandle};

use crate::wait::within;

/// Longer than any deadline of an engine that a test waits for.
const ANSWER: Duration = Duration::from_secs(110);

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// What is answered, read to its end.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A response whose body is read piece by piece. Dropping it closes the connection.
#[derive(Debug)]
pub struct Streaming {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
    _connection: Connection,
}

/// The body of a request that is sent piece by piece; it ends when this is dropped.
pub type BodySender = mpsc::Sender<Bytes>;

#[derive(Debug)]
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Request {
    /// A request without headers or body. The target goes out as it is.
    pub fn new(method: &str, target: impl Into<String>) -> Self {
        let target = target.into();
        Self { method: method.to_owned(), target, headers: Vec::new(), body: Bytes::new() }
    }

    /// A `GET`.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// A `POST`.
    pub fn post(target: impl Into<String>) -> Self {
        Self::new("POST", target)
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With a token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// With this body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// With this body as JSON.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// Sends it to this port and reads the whole answer.
    pub async fn send(self, port: u16) -> Response {
        let label = format!("{} {}", self.method, self.target);
        let exchange = async {
            let streaming = self.open(port).await?;
            streaming.collect().await
        };
        let outcome = tokio::time::timeout(ANSWER, exchange).await;
        let outcome = outcome.unwrap_or_else(|_| panic!("{label}: no answer"));
        outcome.unwrap_or_else(|error| panic!("{label}: {error}"))
    }

    /// Sends it to this port and returns when the headers of the answer are there.
    pub async fn open(mut self, port: u16) -> Result<Streaming, String> {
        let body = Full::new(std::mem::take(&mut self.body)).boxed_unsync();
        self.exchange(port, body).await
    }

    /// Sends it with a body that comes piece by piece. The answer may come before the body ends.
    pub fn open_with_body(self, port: u16) -> (BodySender, JoinHandle<Result<Streaming, String>>) {
        let (sender, receiver) = mpsc::channel::<Bytes>(1);
        let pieces = futures_util::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|piece| (Ok::<_, Infallible>(Frame::data(piece)), receiver))
        });
        let body = StreamBody::new(pieces).boxed_unsync();
        (sender, tokio::spawn(self.exchange(port, body)))
    }

    async fn exchange(
        self,
        port: u16,
        body: UnsyncBoxBody<Bytes, Infallible>,
    ) -> Result<Streaming, String> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|e| e.to_string())?;
        let connection = Connection(tokio::spawn(async {
            let _ = connection.await;
        }));
        let mut request = hyper::Request::builder().method(self.method.as_str()).uri(self.target);
        if !self.headers.iter().any(|(name, _)| name == "host") {
            request = request.header("host", format!("127.0.0.1:{port}"));
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(body).map_err(|e| e.to_string())?;
        let response = sender.send_request(request).await.map_err(|e| format!("{e:?}"))?;
        let (parts, body) = response.into_parts();
        let (status, headers) = (parts.status.as_u16(), parts.headers);
        Ok(Streaming { status, headers, body, _connection: connection })
    }
}

impl Streaming {
    /// The next piece of the body; `None` at its end.
    pub async fn piece(&mut self) -> Option<Result<Bytes, String>> {
        loop {
            match within("a further piece of the body", self.body.frame()).await {
                None => return None,
                Some(Err(error)) => return Some(Err(error.to_string())),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Some(Ok(data));
                    }
                }
            }
        }
    }

    /// A header's value as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The rest of the body.
    pub async fn collect(self) -> Result<Response, String> {
        let Self { status, headers, body, _connection } = self;
        let body = body.collect().await.map_err(|e| e.to_string())?.to_bytes();
        Ok(Response { status, headers, body })
    }
}

impl Response {
    /// A header's value as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}: not JSON: {}", self.status, self.text()))
    }

    /// The body of a success as JSON.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// Status and `group.code` of a failure; `200` alone when there is none.
    pub fn verdict(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        match (body["group"].as_str(), body["code"].as_str()) {
            (Some(group), Some(code)) => format!("{} {group}.{code}", self.status),
            _ => self.status.to_string(),
        }
    }

    /// The message of a failure.
    pub fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }
}
