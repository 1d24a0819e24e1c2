//! The messages of OTLP for traces, and what all messages say about their sender.
//!
//! The numbers are those of the fields in `opentelemetry/proto/{common,resource,trace}/v1` and
//! `opentelemetry/proto/collector/trace/v1`.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{
    protobuf::Message,
    span::{Kind, Parent, Span, Value},
    tracer::nanos,
};

/// `STATUS_CODE_ERROR`.
const ERROR: u64 = 2;

/// The flags of a span: it is recorded, it is known where its parent is, and that is elsewhere.
const RECORDED: u32 = 1;
const PARENT_IS_KNOWN: u32 = 1 << 8;
const PARENT_IS_REMOTE: u32 = 1 << 9;

/// Who sends, and since when it counts.
#[derive(Debug)]
pub(super) struct Origin {
    service_name: String,
    /// In nanoseconds since 1970.
    pub(super) started: u64,
}

impl Origin {
    /// A service of this name that starts now.
    pub(super) fn now(service_name: String) -> Self {
        Self { service_name, started: now() }
    }

    /// Messages of one signal. Those of all signals are alike: a list of senders, each with its
    /// resource and a list of what it sends, by scope.
    pub(super) fn request(&self, write: impl FnOnce(&mut Message)) -> Vec<u8> {
        let mut request = Message::default();
        request.message(1, |sender| {
            sender.message(1, |resource| {
                attribute(resource, 1, "service.name", &self.service_name);
                attribute(resource, 1, "service.version", env!("CARGO_PKG_VERSION"));
            });
            sender.message(2, |sent| {
                sent.message(1, |scope| {
                    scope.text(1, env!("CARGO_PKG_NAME"));
                    scope.text(2, env!("CARGO_PKG_VERSION"));
                });
                write(sent);
            });
        });
        request.into_bytes()
    }

    /// An `ExportTraceServiceRequest`.
    pub(super) fn traces(&self, spans: &[Span]) -> Vec<u8> {
        self.request(|sent| {
            for span in spans {
                sent.message(2, |message| write(message, span));
            }
        })
    }
}

/// The time, in nanoseconds since 1970.
pub(super) fn now() -> u64 {
    nanos(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// An attribute with a text, as field `field` of `message`.
pub(super) fn attribute(message: &mut Message, field: u32, name: &str, text: &str) {
    message.message(field, |pair| {
        pair.text(1, name);
        pair.message(2, |value| value.text(1, text));
    });
}

fn write(message: &mut Message, span: &Span) {
    message.bytes(1, &span.context.trace_id);
    message.bytes(2, &span.context.span_id);
    let mut flags = RECORDED | PARENT_IS_KNOWN;
    if let Some(Parent { span_id, is_remote }) = span.parent {
        message.bytes(4, &span_id);
        if is_remote {
            flags |= PARENT_IS_REMOTE;
        }
    }
    message.text(5, &span.name);
    message.number(
        6,
        match span.kind {
            Kind::Internal => 1,
            Kind::Server => 2,
        },
    );
    message.fixed64(7, span.start);
    message.fixed64(8, span.end);
    for (name, value) in &span.attributes {
        match value {
            Value::Text(text) => attribute(message, 9, name, text),
            Value::Number(number) => message.message(9, |pair| {
                pair.text(1, name);
                pair.message(2, |value| value.number(3, u64::from(*number)));
            }),
        }
    }
    if span.failed {
        message.message(15, |status| status.number(3, ERROR));
    }
    message.fixed32(16, flags);
}
