//! A scripted serverless app: it answers what the engine asks of it, and says what was asked.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Request, Response,
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use vbare::OwnedVersionedData as _;

use crate::{
    protocol::{self, Command, CommandWrapper, ToEnvoy},
    wait::eventually,
};

/// How the app answers a start.
#[derive(Debug, Clone)]
pub enum StartAnswer {
    /// With a stream of events that goes on.
    Stream,
    /// With this status and body.
    Status(u16, String),
    /// With a stream that ends at once.
    End,
}

/// What the engine asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Method and path.
    pub line: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

#[derive(Debug)]
struct State {
    metadata: (u16, String),
    start: StartAnswer,
    asked: Vec<Asked>,
    ended_streams: usize,
}

/// A scripted serverless app.
#[derive(Debug)]
pub struct Serverless {
    port: u16,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

impl Serverless {
    /// An app that answers as rivetkit does.
    pub async fn start() -> Self {
        let metadata = json!({
            "runtime": "rivetkit", "version": "2.3.19", "envoyProtocolVersion": 8,
            "envoy": {"kind": {"serverless": {}}, "version": 1},
            "actorNames": {"thing": {"metadata": {"x": 1}}},
        });
        let state = Arc::new(Mutex::new(State {
            metadata: (200, metadata.to_string()),
            start: StartAnswer::Stream,
            asked: Vec::new(),
            ended_streams: 0,
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(serve(listener, state.clone()));
        Self { port, state, task }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/api/rivet", self.port)
    }

    /// Answers the question for metadata so from now on.
    pub fn answer_metadata(&self, status: u16, body: impl Into<String>) {
        self.state.lock().unwrap().metadata = (status, body.into());
    }

    /// Answers starts so from now on.
    pub fn answer_start(&self, answer: StartAnswer) {
        self.state.lock().unwrap().start = answer;
    }

    /// All that was asked so far with this method and path.
    pub fn asked(&self, line: &str) -> Vec<Asked> {
        let state = self.state.lock().unwrap();
        state.asked.iter().filter(|asked| asked.line == line).cloned().collect()
    }

    /// How many streams of events the engine has closed.
    pub fn ended_streams(&self) -> usize {
        self.state.lock().unwrap().ended_streams
    }

    /// Waits until this generation of an actor is to be started.
    pub async fn start_of(&self, actor: &str, generation: u32) -> (Asked, CommandWrapper) {
        eventually(&format!("the start of generation {generation}"), || async {
            self.asked("POST /api/rivet/start").into_iter().find_map(|asked| {
                let command = command(&asked.body);
                let checkpoint = &command.checkpoint;
                let same = checkpoint.actor_id == actor && checkpoint.generation == generation;
                same.then_some((asked, command))
            })
        })
        .await
    }

    /// The settings of a pool that this app serves.
    pub fn pool(&self, more: &Value) -> Value {
        let mut config = json!({
            "url": self.url(), "headers": {"x-own": "v"}, "request_lifespan": 3600,
            "max_runners": 100, "metadata_poll_interval": 1000,
        });
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        json!({"datacenters": {"default": {"serverless": config}}})
    }
}

impl Drop for Serverless {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The one command in the body of a start: the version of the protocol, and a message of it.
fn command(body: &[u8]) -> CommandWrapper {
    let message = protocol::versioned::ToEnvoy::deserialize_with_embedded_version(body).unwrap();
    let ToEnvoy::ToEnvoyCommands(commands) = message else { panic!("no commands: {message:?}") };
    assert_eq!(commands.len(), 1);
    assert!(matches!(commands[0].inner, Command::CommandStartActor(_)));
    commands[0].clone()
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let state = state.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let state = state.clone();
                async move { Ok::<_, Infallible>(answer(request, &state).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, state: &Arc<Mutex<State>>) -> Response<Body> {
    let line = format!("{} {}", request.method(), request.uri().path());
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let asked = Asked { line: line.clone(), headers: parts.headers, body };
    let (metadata, start) = {
        let mut state = state.lock().unwrap();
        state.asked.push(asked);
        (state.metadata.clone(), state.start.clone())
    };
    match (line.as_str(), start) {
        ("GET /api/rivet/metadata", _) => whole(metadata.0, "application/json", metadata.1),
        ("POST /api/rivet/start", StartAnswer::Status(status, body)) => {
            whole(status, "text/plain", body)
        }
        ("POST /api/rivet/start", StartAnswer::End) => whole(200, "text/event-stream", ""),
        ("POST /api/rivet/start", StartAnswer::Stream) => events(state.clone()),
        _ => whole(404, "text/plain", "not found"),
    }
}

fn whole(status: u16, kind: &str, body: impl Into<Bytes>) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", kind);
    response.body(Full::new(body.into()).boxed_unsync()).unwrap()
}

/// A ping each second until the engine closes the stream.
fn events(state: Arc<Mutex<State>>) -> Response<Body> {
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        let ping = Bytes::from_static(b"event: ping\ndata:\n\n");
        while sender.send(ping.clone()).await.is_ok() {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = sender.closed() => break,
            }
        }
        state.lock().unwrap().ended_streams += 1;
    });
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (Ok::<_, Infallible>(Frame::data(piece)), receiver))
    });
    let response = Response::builder().header("content-type", "text/event-stream");
    response.body(StreamBody::new(pieces).boxed_unsync()).unwrap()
}
