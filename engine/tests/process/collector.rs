//! An OpenTelemetry collector: gRPC by a library of others, and messages read by their schema with one, too.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::{Buf as _, BufMut as _};
use hyper::{Request as HttpRequest, body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use protobuf::reflect::FileDescriptor;
use serde_json::Value;
use tokio::{net::TcpListener, runtime::Runtime};
use tonic::{
    Code, Request, Response, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    server::{Grpc, UnaryService},
};

use crate::engine::await_until;

const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// A collector. Dropping it ends it.
pub(crate) struct Collector {
    address: SocketAddr,
    inner: Arc<Inner>,
    runtime: Option<Runtime>,
}

struct Inner {
    schema: FileDescriptor,
    /// What it answers to spans, and to metrics.
    status: [Code; 2],
    connections: AtomicUsize,
    /// What it got, as it came and as JSON.
    received: Mutex<Vec<(Vec<u8>, &'static str, Value)>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), [Code::Ok; 2])
    }

    /// One that answers every call with this status.
    pub(crate) fn that_says(status: Code) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), [status; 2])
    }

    pub(crate) fn of_traces_alone() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), [Code::Ok, Code::Unimplemented])
    }

    pub(crate) fn at(address: SocketAddr, status: [Code; 2]) -> Self {
        let (connections, received) = (AtomicUsize::new(0), Mutex::default());
        let inner = Arc::new(Inner { schema: schema(), status, connections, received });
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(accept(listener, Arc::clone(&inner)));
        Self { address, inner, runtime: Some(runtime) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often somebody connected.
    pub(crate) fn connections(&self) -> usize {
        self.inner.connections.load(Ordering::SeqCst)
    }

    /// Every byte of every message.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let received = self.inner.received.lock().unwrap();
        received.iter().flat_map(|(bytes, ..)| bytes.clone()).collect()
    }

    /// The messages with metrics.
    pub(crate) fn metrics(&self) -> Vec<Value> {
        self.messages(METRICS)
    }

    /// The messages with spans.
    pub(crate) fn traces(&self) -> Vec<Value> {
        self.messages(TRACES)
    }

    /// All spans.
    pub(crate) fn spans(&self) -> Vec<Value> {
        let lists = |value: &Value, name: &str| value[name].as_array().unwrap().clone();
        let messages = self.traces().into_iter();
        let senders = messages.flat_map(|message| lists(&message, "resourceSpans"));
        let scopes = senders.flat_map(|sender| lists(&sender, "scopeSpans"));
        scopes.flat_map(|scope| lists(&scope, "spans")).collect()
    }

    /// The span with this name, as soon as it is there.
    pub(crate) fn span(&self, name: &str) -> Value {
        let mut found = None;
        await_until(name, || {
            found = self.spans().into_iter().find(|span| span["name"] == name);
            found.is_some()
        });
        found.unwrap()
    }

    fn messages(&self, path: &str) -> Vec<Value> {
        let received = self.inner.received.lock().unwrap();
        let of_path = received.iter().filter(|(_, called, _)| *called == path);
        of_path.map(|(.., message)| message.clone()).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The value of an attribute: text, or a number as text.
pub(crate) fn attribute(of: &Value, name: &str) -> Option<String> {
    let pair = of["attributes"].as_array()?.iter().find(|pair| pair["key"] == name)?;
    let value = &pair["value"];
    let text = value["stringValue"].as_str().or(value["intValue"].as_str());
    Some(text.unwrap().to_owned())
}

fn schema() -> FileDescriptor {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process/otlp.proto");
    let mut parser = protobuf_parse::Parser::new();
    let directory = path.parent().unwrap();
    let parsed = parser.pure().include(directory).input(&path).parse_and_typecheck().unwrap();
    let mut files = FileDescriptor::new_dynamic_fds(parsed.file_descriptors, &[]).unwrap();
    files.remove(0)
}

async fn accept(listener: TcpListener, inner: Arc<Inner>) {
    while let Ok((stream, _)) = listener.accept().await {
        inner.connections.fetch_add(1, Ordering::SeqCst);
        let inner = Arc::clone(&inner);
        let service = service_fn(move |request: HttpRequest<Incoming>| {
            let inner = Arc::clone(&inner);
            async move {
                let path = if request.uri().path() == TRACES { TRACES } else { METRICS };
                assert_eq!(request.uri().path(), path);
                let call = Export { inner, path };
                Ok::<_, Infallible>(Grpc::new(Plain).unary(call, request).await)
            }
        });
        let connection = http2::Builder::new(TokioExecutor::new());
        tokio::spawn(async move {
            // A client that goes away ends it, as it may.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

struct Export {
    inner: Arc<Inner>,
    path: &'static str,
}

impl UnaryService<Vec<u8>> for Export {
    type Response = Vec<u8>;
    type Future = Ready<Result<Response<Vec<u8>>, Status>>;

    fn call(&mut self, request: Request<Vec<u8>>) -> Self::Future {
        let bytes = request.into_inner();
        let name = if self.path == TRACES {
            "ExportTraceServiceRequest"
        } else {
            "ExportMetricsServiceRequest"
        };
        let message = self.inner.schema.message_by_package_relative_name(name);
        let message = message.unwrap().parse_from_bytes(&bytes).unwrap();
        let text = protobuf_json_mapping::print_to_string(&*message).unwrap();
        let message = serde_json::from_str(&text).unwrap();
        let status = self.inner.status[usize::from(self.path != TRACES)];
        if status != Code::Ok {
            return ready(Err(Status::new(status, "not today")));
        }
        self.inner.received.lock().unwrap().push((bytes, self.path, message));
        ready(Ok(Response::new(Vec::new())))
    }
}

/// Messages as they are.
#[derive(Clone, Copy)]
struct Plain;

impl Codec for Plain {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Plain {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut bytes = vec![0; from.remaining()];
        from.copy_to_slice(&mut bytes);
        Ok(Some(bytes))
    }
}
