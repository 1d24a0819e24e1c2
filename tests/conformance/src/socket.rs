//! Clients on a `WebSocket`.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        handshake::client::Response,
        http::{HeaderName, HeaderValue},
        protocol::{CloseFrame, WebSocketConfig},
    },
};

use crate::{http, namespace::POOL, wait::within};

/// How a socket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// With a code, and a reason.
    With(u16, String),
    /// With an empty close frame.
    Bare,
    /// Without a close frame.
    Broken,
}

impl From<Option<CloseFrame>> for Closed {
    fn from(frame: Option<CloseFrame>) -> Self {
        frame.map_or(Self::Bare, |frame| {
            Self::With(u16::from(frame.code), frame.reason.as_str().to_owned())
        })
    }
}

impl Closed {
    /// The code and the reason without the ray id that upstream's engine hangs behind it.
    pub fn verdict(&self) -> String {
        match self {
            Self::With(code, reason) => {
                format!("{code} {}", reason.split('#').next().unwrap_or_default())
            }
            Self::Bare => "no code".to_owned(),
            Self::Broken => "broken".to_owned(),
        }
    }

    /// The ray id behind the reason.
    pub fn ray(&self) -> Option<&str> {
        match self {
            Self::With(_, reason) => reason.split_once('#').map(|(_, ray)| ray),
            _ => None,
        }
    }
}

/// A client's socket.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    protocol: Option<String>,
}

impl Socket {
    /// Opens a socket, which has to succeed.
    pub async fn open(port: u16, target: &str, subprotocols: &[&str]) -> Self {
        Self::open_with(port, target, subprotocols, &[]).await
    }

    /// The same with further headers.
    pub async fn open_with(
        port: u16,
        target: &str,
        subprotocols: &[&str],
        headers: &[(&str, &str)],
    ) -> Self {
        let opened = Self::try_open(port, target, subprotocols, headers).await;
        opened.unwrap_or_else(|error| panic!("{target}: {error}"))
    }

    /// The same, where it may be refused: with what was said then.
    pub async fn try_open(
        port: u16,
        target: &str,
        subprotocols: &[&str],
        headers: &[(&str, &str)],
    ) -> Result<Self, String> {
        let subprotocols: Vec<String> = subprotocols.iter().map(|p| (*p).to_owned()).collect();
        let opened = within(target, open(port, target, &subprotocols, headers)).await;
        let (stream, response) = opened?;
        let protocol = response.headers().get("sec-websocket-protocol");
        let protocol = protocol.map(|value| value.to_str().unwrap().to_owned());
        Ok(Self { stream, protocol })
    }

    /// The subprotocol that the server chose.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Says something.
    pub async fn say(&mut self, text: &str) {
        self.send(Message::text(text.to_owned())).await;
    }

    /// Sends a message of any kind.
    pub async fn send(&mut self, message: Message) {
        self.stream.send(message).await.unwrap();
    }

    /// The next thing that it hears, which has to be text.
    pub async fn hear(&mut self) -> String {
        match self.next().await {
            Ok(Message::Text(text)) => text.as_str().to_owned(),
            other => panic!("not text: {other:?}"),
        }
    }

    /// The next message, or how the socket ended.
    pub async fn next(&mut self) -> Result<Message, Closed> {
        within("something on the socket", self.unpaced_next()).await
    }

    /// Waits until the other side closes; whatever it says before is not heard.
    pub async fn closed(&mut self) -> Closed {
        // One deadline for all of it: the other side pings for as long as the socket is open.
        let closed = async {
            loop {
                if let Err(closed) = self.unpaced_next().await {
                    return closed;
                }
            }
        };
        within("the end of the socket", closed).await
    }

    async fn unpaced_next(&mut self) -> Result<Message, Closed> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(frame))) => {
                    // The answer to the close frame goes out with the next read.
                    let _ =
                        tokio::time::timeout(std::time::Duration::from_secs(2), self.stream.next())
                            .await;
                    return Err(Closed::from(frame));
                }
                Some(Ok(message)) => return Ok(message),
                Some(Err(_)) | None => return Err(Closed::Broken),
            }
        }
    }

    /// Closes with this code and reason.
    pub async fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        self.stream.close(Some(frame)).await.unwrap();
    }

    /// Closes without a code.
    pub async fn close_bare(&mut self) {
        self.stream.close(None).await.unwrap();
    }
}

/// Opens a socket; a refusal is told by its status and body.
pub(crate) async fn handshake(
    port: u16,
    target: &str,
    subprotocols: &[String],
    headers: &[(&str, &str)],
) -> Result<WebSocketStream<TcpStream>, String> {
    within(target, open(port, target, subprotocols, headers)).await.map(|(stream, _)| stream)
}

async fn open(
    port: u16,
    target: &str,
    subprotocols: &[String],
    headers: &[(&str, &str)],
) -> Result<(WebSocketStream<TcpStream>, Response), String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|e| e.to_string())?;
    stream.set_nodelay(true).map_err(|e| e.to_string())?;
    let url = format!("ws://127.0.0.1:{port}{target}");
    let mut request = url.into_client_request().map_err(|e| e.to_string())?;
    if !subprotocols.is_empty() {
        let offered = HeaderValue::from_str(&subprotocols.join(", ")).unwrap();
        request.headers_mut().insert("sec-websocket-protocol", offered);
    }
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    }
    // Answers with many pages and bodies of the greatest size come as one message.
    let config =
        WebSocketConfig::default().max_message_size(Some(64 << 20)).max_frame_size(Some(64 << 20));
    match client_async_with_config(request, stream, Some(config)).await {
        Ok(opened) => Ok(opened),
        Err(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            Err(format!("{}: {}", response.status(), String::from_utf8_lossy(&body)))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Where a query opens a socket to an actor by its key, creating it when there is none.
pub fn query_target(namespace: &str, name: &str, key: &str, path: &str) -> String {
    format!(
        "/gateway/{name}{path}?rvt-namespace={namespace}&rvt-method=getOrCreate&rvt-pool={POOL}\
         &rvt-key={key}&rvt-token={}",
        crate::engine::TOKEN
    )
}

/// The status and headers of a handshake that is not read as one: for answers that clients refuse.
pub async fn raw_handshake(port: u16, target: &str, subprotocols: Option<&str>) -> http::Streaming {
    let mut request = http::Request::get(target)
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    if let Some(offered) = subprotocols {
        request = request.header("sec-websocket-protocol", offered);
    }
    within(target, request.open(port)).await.unwrap_or_else(|error| panic!("{target}: {error}"))
}
