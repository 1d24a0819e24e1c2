//! A span that has ended, and what may stand in it.

use std::borrow::Cow;

use super::context::TraceContext;

/// What kind of work a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A step of the engine's own.
    Internal,
    /// The answer to a request.
    Server,
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(Cow<'static, str>),
    Number(u32),
}

/// A name from the conventions of OpenTelemetry, or one of ours (`rivet.…`), and a value.
pub(super) type Attribute = (&'static str, Value);

/// A span that has ended.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) context: TraceContext,
    /// What it is a part of, and whether that is somewhere else.
    pub(super) parent: Option<Parent>,
    pub(super) kind: Kind,
    pub(super) name: Cow<'static, str>,
    /// In nanoseconds since 1970.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) attributes: Vec<Attribute>,
    /// Whether it failed, and that was not its caller's fault.
    pub(super) failed: bool,
}

/// What a span is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) span_id: [u8; 8],
    pub(super) is_remote: bool,
}
