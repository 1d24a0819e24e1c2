//! A scripted envoy: an app process of which the test says what it does. It speaks the envoy protocol
//! with the published types, and does by itself what it was not told to leave.
//!
//! | part | what it holds |
//! |---|---|
//! | this file | the connection, and what was received on it |
//! | [`options`] | how it connects and what it does by itself |
//! | [`inbox`] | everything that the engine sent, to be waited on |
//! | [`app`] | what an app would answer |
//! | [`lifecycle`] | commands, events, checkpoints |
//! | [`tunnel`] | requests and sockets of clients |
//! | [`kv`], [`sqlite`] | storage requests and their answers |

pub mod app;
pub mod inbox;
pub mod kv;
pub mod lifecycle;
pub mod options;
pub mod sqlite;
pub mod tunnel;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, stream::SplitStream};
use tokio::{net::TcpStream, sync::mpsc, task::JoinHandle};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};
use vbare::OwnedVersionedData as _;

pub use self::options::Options;
use self::{app::App, inbox::Inbox};
use crate::{
    protocol::{self, ProtocolMetadata, ToEnvoy, ToRivet},
    socket::{self, Closed},
    wait::within,
};

/// A connected envoy. Dropping it drops the connection, as a crash of the app would.
#[derive(Debug)]
pub struct Envoy {
    key: String,
    namespace: String,
    inbox: Arc<Inbox>,
    line: Line,
    task: JoinHandle<()>,
}

/// The way to the engine, shared by the test and by what the envoy does by itself.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    version: u16,
    outgoing: mpsc::UnboundedSender<Message>,
    /// The next index of an event, per actor and generation.
    events: Arc<Mutex<HashMap<(String, u32), i64>>>,
    /// The next index of a message, per request.
    messages: Arc<Mutex<HashMap<[u8; 4], u16>>>,
    /// The next id of a storage request.
    requests: Arc<AtomicU32>,
}

impl Envoy {
    /// Opens the connection. Whether the engine accepts it shows in the inbox.
    pub async fn connect(port: u16, namespace: &str, options: Options) -> Self {
        let target = options.target(namespace);
        let socket = socket::handshake(port, &target, &options.subprotocols(), &[]).await;
        let socket = socket.unwrap_or_else(|refusal| panic!("{target}: {refusal:?}"));
        let (mut sink, stream) = socket.split();
        let (outgoing, mut queue) = mpsc::unbounded_channel();
        let line = Line {
            version: options.protocol,
            outgoing,
            events: Arc::default(),
            messages: Arc::default(),
            requests: Arc::default(),
        };
        let inbox = Arc::new(Inbox::default());
        let app = App { options: options.clone(), line: line.clone() };
        let task = tokio::spawn({
            let inbox = inbox.clone();
            async move {
                let sending = async {
                    while let Some(message) = queue.recv().await {
                        if sink.send(message).await.is_err() {
                            break;
                        }
                    }
                    // What the engine says at last is still to be read.
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    () = sending => {}
                    () = receive(stream, options.protocol, &inbox, &app) => {}
                }
            }
        });
        let namespace = namespace.to_owned();
        Self { key: options.key, namespace, inbox, line, task }
    }

    /// Its key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The namespace that it serves.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// All that the engine sent.
    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// Sends a message.
    pub fn send(&self, message: ToRivet) {
        self.line.send(message);
    }

    /// Sends a frame, of whatever.
    pub fn send_raw(&self, frame: impl Into<Bytes>) {
        let _ = self.line.outgoing.send(Message::Binary(frame.into()));
    }

    /// Asks the engine something and waits for the answer that `pick` takes by its id.
    pub(crate) async fn ask<T>(
        &self,
        what: &str,
        question: impl FnOnce(u32) -> ToRivet,
        pick: impl Fn(&ToEnvoy) -> Option<(u32, T)>,
    ) -> T {
        let id = self.line.requests.fetch_add(1, Ordering::Relaxed);
        self.send(question(id));
        let answer = |message: &ToEnvoy| {
            pick(message).filter(|(answered, _)| *answered == id).map(|(_, answer)| answer)
        };
        self.inbox.first(what, answer).await
    }

    /// Closes the connection as a client does.
    pub fn close(&self) {
        let _ = self.line.outgoing.send(Message::Close(None));
    }

    /// Waits for the engine's first word, and what it says of its limits.
    pub async fn initialized(&self) -> ProtocolMetadata {
        self.inbox
            .first("the engine's Init", |message| match message {
                ToEnvoy::ToEnvoyInit(init) => Some(init.metadata.clone()),
                _ => None,
            })
            .await
    }

    /// Waits until the engine closes the connection.
    pub async fn closed(&self) -> Closed {
        within("the engine closes the connection", self.inbox.closed()).await
    }

    /// How the engine closed the connection, when it has.
    pub fn close_seen(&self) -> Option<Closed> {
        self.inbox.close_seen()
    }

    /// Drops the connection without a word, as a crash of the app would.
    pub fn crash(self) {}
}

impl Drop for Envoy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Line {
    pub(crate) fn send(&self, message: ToRivet) {
        let frame = protocol::versioned::ToRivet::wrap_latest(message).serialize(self.version);
        // A closed connection shows in the inbox.
        let _ = self.outgoing.send(Message::Binary(frame.unwrap().into()));
    }
}

async fn receive(
    mut stream: SplitStream<WebSocketStream<TcpStream>>,
    version: u16,
    inbox: &Inbox,
    app: &App,
) {
    while let Some(message) = stream.next().await {
        match message {
            Ok(Message::Binary(frame)) => {
                let message = protocol::versioned::ToEnvoy::deserialize(&frame, version);
                let message = message.unwrap_or_else(|error| {
                    panic!("the engine sent a frame that is none: {error}: {frame:02x?}")
                });
                app.handle(&message);
                inbox.push(message, frame);
            }
            Ok(Message::Close(frame)) => {
                inbox.close(Closed::from(frame));
                return;
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    inbox.close(Closed::Broken);
}
