//! A body whose sender may not take for ever.
//!
//! The clock runs only while somebody waits for the body: an actor that takes its time does not count
//! against the client.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use crate::{
    limits::{BodyTooSlow, Limit},
    telemetry::Metrics,
};

/// What has to come within the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// The next piece: for bodies that are passed on as they come.
    Piece,
    /// All of it.
    Whole,
}

/// How bodies are timed.
#[derive(Debug, Clone)]
pub(super) struct Pacing {
    pub(super) timeout: Duration,
    pub(super) metrics: Arc<Metrics>,
}

/// A body with a time limit.
#[derive(Debug)]
struct Paced {
    body: Body,
    pace: Pace,
    pacing: Pacing,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Pacing {
    /// `body` with a time limit. One without anything in it is left as it is.
    pub(super) fn apply(&self, body: Body, pace: Pace) -> Body {
        if body.is_end_stream() {
            return body;
        }
        Body::new(Paced { body, pace, pacing: self.clone(), waiting: None })
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            if this.pace == Pace::Piece {
                this.waiting = None;
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let timeout = this.pacing.timeout;
        let waiting = this.waiting.get_or_insert_with(|| Box::pin(sleep(timeout)));
        if waiting.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        // Once: whoever asks again waits again.
        waiting.as_mut().reset(Instant::now() + timeout);
        this.pacing.metrics.limit_reached(Limit::BodyTime);
        Poll::Ready(Some(Err(BodyTooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
