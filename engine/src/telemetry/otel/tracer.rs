//! Records what is sampled.
//!
//! What stands in a span comes through the methods of [`ActiveSpan`], none of which takes a text that a
//! client chose: no path, no query, no body, no name, no token.

use std::{
    borrow::Cow,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::sync::mpsc;

use super::{
    context::TraceContext,
    sampler::Sampler,
    span::{Attribute, Kind, Parent, Span, Value},
};
use crate::{
    keyspace::{Id, id::random_bytes},
    telemetry::{Metrics, Undelivered},
};

/// The header that says which trace a request belongs to.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Starts spans, or, where nobody wants any, none. Cloning it is cheap.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    sampler: Sampler,
    queue: mpsc::Sender<Span>,
    metrics: Arc<Metrics>,
}

impl Tracer {
    /// One that records nothing.
    pub fn off() -> Self {
        Self(None)
    }

    /// One that puts what it records into `queue`, and counts what does not fit.
    pub(super) fn new(sampler: Sampler, queue: mpsc::Sender<Span>, metrics: Arc<Metrics>) -> Self {
        Self(Some(Arc::new(Inner { sampler, queue, metrics })))
    }

    /// Whether anything may be recorded.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A span for the answer to a request, if it is sampled: as its sender says in `headers`, or by
    /// chance. It is called `name` until more is known.
    pub fn request(
        &self,
        name: &'static str,
        method: &Method,
        headers: &HeaderMap,
    ) -> Option<Box<ActiveSpan>> {
        // Everybody else pays for this look alone.
        let inner = self.0.as_ref()?;
        let caller = TraceContext::of(headers);
        let span = inner.begin(caller, Kind::Server, name)?;
        span.set("http.request.method", Cow::Borrowed(known(method)));
        Some(Box::new(span))
    }

    /// A span for a step that nobody waits for, if it is sampled.
    pub fn step(&self, name: &'static str) -> Option<ActiveSpan> {
        self.0.as_ref()?.begin(None, Kind::Internal, name)
    }
}

impl Inner {
    fn begin(
        self: &Arc<Self>,
        caller: Option<TraceContext>,
        kind: Kind,
        name: &'static str,
    ) -> Option<ActiveSpan> {
        let trace_id = caller.map_or_else(random_bytes, |caller| caller.trace_id);
        if !self.sampler.records(caller.as_ref(), &trace_id) {
            return None;
        }
        let parent = caller.map(|caller| Parent { span_id: caller.span_id, is_remote: true });
        Some(ActiveSpan::begin(Arc::clone(self), trace_id, parent, kind, name))
    }
}

/// A span that goes on. It ends when it is dropped, on whatever way its work ends.
#[derive(Debug)]
pub struct ActiveSpan {
    inner: Arc<Inner>,
    context: TraceContext,
    parent: Option<Parent>,
    kind: Kind,
    start: SystemTime,
    begun: Instant,
    recorded: Mutex<Recorded>,
}

#[derive(Debug, Default)]
struct Recorded {
    name: Cow<'static, str>,
    attributes: Vec<Attribute>,
    failed: bool,
}

impl ActiveSpan {
    fn begin(
        inner: Arc<Inner>,
        trace_id: [u8; 16],
        parent: Option<Parent>,
        kind: Kind,
        name: &'static str,
    ) -> Self {
        let context = TraceContext { trace_id, span_id: random_bytes(), sampled: true };
        let recorded = Recorded { name: Cow::Borrowed(name), ..Recorded::default() };
        let (start, begun) = (SystemTime::now(), Instant::now());
        Self { inner, context, parent, kind, start, begun, recorded: Mutex::new(recorded) }
    }

    /// A part of it.
    #[must_use = "it ends when it is dropped"]
    pub fn child(&self, name: &'static str) -> Self {
        let parent = Parent { span_id: self.context.span_id, is_remote: false };
        let inner = Arc::clone(&self.inner);
        Self::begin(inner, self.context.trace_id, Some(parent), Kind::Internal, name)
    }

    /// The header `traceparent` for those who get the request from here.
    pub fn traceparent(&self) -> HeaderValue {
        HeaderValue::try_from(self.context.header())
            .expect("digits and dashes are fit for a header")
    }

    /// The request's route: its template, never its path.
    pub fn matched(&self, method: &Method, template: &str) {
        let mut name = known(method).to_owned();
        // Text grows as long as there is memory.
        let _ = write!(name, " {template}");
        self.lock().name = Cow::Owned(name);
        self.set("http.route", Cow::Owned(template.to_owned()));
    }

    /// What the request to an actor is.
    pub fn of_gateway(&self, kind: &'static str) {
        self.lock().name = Cow::Owned(format!("gateway {kind}"));
        self.set("rivet.gateway.kind", Cow::Borrowed(kind));
    }

    /// The id under which the request is found elsewhere; see [`ray_id`](crate::telemetry::ray_id).
    pub fn ray(&self, ray_id: &str) {
        self.set("rivet.ray_id", Cow::Owned(ray_id.to_owned()));
    }

    /// The actor that it is about.
    pub fn actor(&self, actor: Id) {
        self.set("rivet.actor.id", Cow::Owned(actor.to_string()));
    }

    /// The namespace that it is about.
    pub fn namespace(&self, namespace: Id) {
        self.set("rivet.namespace.id", Cow::Owned(namespace.to_string()));
    }

    /// The generation of the actor, and what it is in after this.
    pub fn generation(&self, generation: u32, phase: &'static str) {
        self.put("rivet.actor.generation", Value::Number(generation));
        self.set("rivet.actor.phase", Cow::Borrowed(phase));
    }

    /// The status of the answer. What is the server's fault is a failure, what is the client's is not.
    pub fn answered(&self, status: u16) {
        self.put("http.response.status_code", Value::Number(status.into()));
        if status >= 500 {
            self.lock().failed = true;
        }
    }

    /// Which error of the engine's own it was.
    pub fn error(&self, group: &'static str, code: &'static str) {
        self.set("error.type", Cow::Owned(format!("{group}.{code}")));
    }

    /// It came to nothing.
    pub fn failed(&self) {
        self.lock().failed = true;
    }

    fn set(&self, name: &'static str, text: Cow<'static, str>) {
        self.put(name, Value::Text(text));
    }

    fn put(&self, name: &'static str, value: Value) {
        self.lock().attributes.push((name, value));
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        // Nothing in here can panic half way through a change.
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ActiveSpan {
    fn drop(&mut self) {
        let Recorded { name, attributes, failed } = std::mem::take(&mut *self.lock());
        let start = self.start.duration_since(UNIX_EPOCH).unwrap_or_default();
        let span = Span {
            context: self.context,
            parent: self.parent,
            kind: self.kind,
            name,
            start: nanos(start),
            // By the clock that only goes forward.
            end: nanos(start + self.begun.elapsed()),
            attributes,
            failed,
        };
        if self.inner.queue.try_send(span).is_err() {
            self.inner.metrics.spans_dropped(Undelivered::NoRoom, 1);
        }
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The method, when it is one of those of HTTP: others are a text that the client chose.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";

    fn tracer(ratio: f64, room: usize) -> (Tracer, mpsc::Receiver<Span>, Arc<Metrics>) {
        let (queue, spans) = mpsc::channel(room);
        let metrics = Arc::new(Metrics::new().unwrap());
        (Tracer::new(Sampler::new(ratio), queue, Arc::clone(&metrics)), spans, metrics)
    }

    fn headers(traceparent: &str) -> HeaderMap {
        [(TRACEPARENT, traceparent.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn a_tracer_that_is_off_records_nothing_whatever_the_client_says() {
        let headers = headers(&format!("{CALLER}-01"));

        assert!(Tracer::off().request("x", &Method::GET, &headers).is_none());
        assert!(Tracer::off().step("x").is_none());
    }

    #[test]
    fn a_span_is_a_part_of_its_callers_trace_and_tells_those_behind_it() {
        let (tracer, mut spans, _) = tracer(0.0, 8);

        let span = tracer.request("x", &Method::GET, &headers(&format!("{CALLER}-01"))).unwrap();
        let passed_on = TraceContext::of(&headers(span.traceparent().to_str().unwrap())).unwrap();
        drop(span);

        let ended = spans.try_recv().unwrap();
        assert_eq!(ended.context, passed_on);
        assert_eq!(ended.context.trace_id[..2], [0x0a, 0xf7]);
        assert_ne!(ended.context.span_id[..2], [0xb7, 0xad]);
        let parent = ended.parent.unwrap();
        assert!(parent.is_remote && parent.span_id[..2] == [0xb7, 0xad], "{parent:?}");
    }

    #[test]
    fn a_caller_that_does_not_record_is_followed() {
        let (tracer, _spans, _) = tracer(1.0, 8);

        assert!(tracer.request("x", &Method::GET, &headers(&format!("{CALLER}-00"))).is_none());
        assert!(tracer.request("x", &Method::GET, &HeaderMap::new()).is_some());
    }

    #[test]
    fn a_span_ends_with_its_work_and_its_parts_belong_to_it() {
        let (tracer, mut spans, _) = tracer(1.0, 8);

        let span = tracer.request("x", &Method::POST, &HeaderMap::new()).unwrap();
        span.child("part").failed();
        span.matched(&Method::POST, "/actors/{actor_id}");
        span.answered(503);
        drop(span);

        let (part, whole) = (spans.try_recv().unwrap(), spans.try_recv().unwrap());
        assert_eq!(part.parent.unwrap().span_id, whole.context.span_id);
        assert_eq!(part.context.trace_id, whole.context.trace_id);
        assert!(part.failed && whole.failed && whole.parent.is_none());
        assert_eq!(whole.name, "POST /actors/{actor_id}");
        assert!(whole.start <= part.start && part.end <= whole.end);
    }

    #[test]
    fn what_the_client_is_to_blame_for_is_no_failure() {
        let (tracer, mut spans, _) = tracer(1.0, 8);
        tracer.request("x", &Method::GET, &HeaderMap::new()).unwrap().answered(404);

        assert!(!spans.try_recv().unwrap().failed);
    }

    #[test]
    fn a_method_that_the_client_made_up_is_not_recorded() {
        let (tracer, mut spans, _) = tracer(1.0, 8);
        let made_up = Method::from_bytes(b"rvt_secret").unwrap();
        tracer.request("x", &made_up, &HeaderMap::new()).unwrap().matched(&made_up, "none");

        let span = spans.try_recv().unwrap();
        assert!(!format!("{span:?}").contains("rvt_secret"), "{span:?}");
    }

    #[test]
    fn what_does_not_fit_into_the_queue_is_counted_and_keeps_nobody_waiting() {
        let (tracer, mut spans, metrics) = tracer(1.0, 1);
        for _ in 0..3 {
            tracer.step("x").unwrap();
        }

        assert!(spans.try_recv().is_ok() && spans.try_recv().is_err());
        let text = String::from_utf8(metrics.text().unwrap()).unwrap();
        let dropped = "rivet_engine_otel_spans_dropped_total{reason=\"no_room\"} 2";
        assert!(text.contains(dropped), "{text}");
    }
}
