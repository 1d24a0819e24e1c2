//! The client's body on its way to the actor: in pieces, never more on the way than the window.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;

use super::{CHUNK_BYTES, WINDOW_BYTES};
use crate::{gateway::GatewayError, limits::BodyTooSlow};

/// A body up to this size travels in the request's first message.
const INLINE_BYTES: u64 = CHUNK_BYTES as u64;

/// How much of a body that is too large is read only to be thrown away, and for how long.
const DISCARDED_BYTES: usize = 64 << 20;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(10);

/// A piece that may be sent now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    pub(super) finish: bool,
}

/// A body that is being passed on.
#[derive(Debug)]
pub(super) struct Upload {
    /// What is still to be read; `None` at its end, or when nobody wants the rest.
    body: Option<Body>,
    /// What was read before the request was sent, kept for the case that it is sent again.
    inline: Option<Bytes>,
    /// What was read and not yet sent.
    waiting: Bytes,
    finished: bool,
    read: u64,
    sent: u64,
    consumed: u64,
    limit: u64,
}

impl Upload {
    /// The body of a request that announces `declared` bytes. A small one is read at once.
    pub(super) async fn begin(
        body: Body,
        declared: Option<u64>,
        limit: u64,
    ) -> Result<Self, GatewayError> {
        if declared.is_some_and(|declared| declared > limit) {
            discard(body).await;
            return Err(GatewayError::BodyTooLarge { limit });
        }
        let body = (!body.is_end_stream()).then_some(body);
        let mut upload = Self {
            // Without a body there is no last piece to send either.
            finished: body.is_none(),
            body,
            inline: None,
            waiting: Bytes::new(),
            read: 0,
            sent: 0,
            consumed: 0,
            limit,
        };
        if declared.is_some_and(|declared| declared <= INLINE_BYTES) {
            upload.read_whole().await?;
        }
        Ok(upload)
    }

    /// Reads everything, for an app that takes bodies whole.
    pub(super) async fn read_whole(&mut self) -> Result<(), GatewayError> {
        if self.body.is_none() {
            return Ok(());
        }
        let mut whole = BytesMut::from(std::mem::take(&mut self.waiting));
        let mut first = None;
        while self.body.is_some() {
            self.read().await?;
            let piece = std::mem::take(&mut self.waiting);
            if self.body.is_none() && whole.is_empty() {
                // Most bodies come in one piece: it is not copied.
                first = Some(piece);
            } else {
                whole.extend_from_slice(&piece);
            }
        }
        self.inline = Some(first.unwrap_or_else(|| whole.freeze())).filter(|all| !all.is_empty());
        self.finished = true;
        Ok(())
    }

    /// What goes into the first message.
    pub(super) fn inline(&self) -> Option<&Bytes> {
        self.inline.as_ref()
    }

    /// Whether pieces follow the first message.
    pub(super) fn follows(&self) -> bool {
        self.body.is_some() || !self.waiting.is_empty()
    }

    /// Whether the whole body could be sent once more.
    pub(super) fn can_be_repeated(&self) -> bool {
        self.read == 0 || self.inline.is_some()
    }

    /// Whether there is something to read, and room to send it.
    pub(super) fn wants_more(&self) -> bool {
        self.body.is_some() && self.waiting.is_empty() && self.credit() > 0
    }

    /// Reads the client's next piece. May be dropped before it is done: nothing is lost.
    pub(super) async fn read(&mut self) -> Result<(), GatewayError> {
        let Some(body) = &mut self.body else { return std::future::pending().await };
        let Some(frame) = body.frame().await else {
            self.body = None;
            return Ok(());
        };
        let frame = frame.map_err(|error| broken(&error))?;
        if body.is_end_stream() {
            self.body = None;
        }
        // Trailers have no place in the protocol.
        if let Ok(bytes) = frame.into_data() {
            self.read = self.read.saturating_add(bytes.len() as u64);
            if self.read > self.limit {
                if let Some(rest) = self.body.take() {
                    discard(rest).await;
                }
                return Err(GatewayError::BodyTooLarge { limit: self.limit });
            }
            self.waiting = bytes;
        }
        Ok(())
    }

    /// The next piece, when there is one and the window has room for it.
    pub(super) fn next_piece(&mut self) -> Option<Piece> {
        if self.finished {
            return None;
        }
        let credit = usize::try_from(self.credit()).unwrap_or(usize::MAX);
        let size = self.waiting.len().min(CHUNK_BYTES).min(credit);
        let at_end = self.body.is_none() && size == self.waiting.len();
        if size == 0 && !at_end {
            return None;
        }
        self.sent = self.sent.saturating_add(size as u64);
        self.finished = at_end;
        Some(Piece { bytes: self.waiting.split_to(size), finish: at_end })
    }

    /// The app has taken this much of the body.
    pub(super) fn consumed(&mut self, total: u64) {
        // What it says about bytes that it was not sent is not believed.
        self.consumed = self.consumed.max(total).min(self.sent);
    }

    /// Nobody wants the rest.
    pub(super) fn cancel(&mut self) {
        self.body = None;
        self.waiting = Bytes::new();
        self.finished = true;
    }

    fn credit(&self) -> u64 {
        WINDOW_BYTES.saturating_sub(self.sent - self.consumed)
    }
}

/// What is wrong with a body that cannot be read.
fn broken(error: &axum::Error) -> GatewayError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<BodyTooSlow>() {
            return GatewayError::BodyTimeout;
        }
        cause = error.source();
    }
    GatewayError::BodyBroken
}

/// Reads what the client is still sending, within reason: one that is cut off while it writes does
/// not read why.
async fn discard(body: Body) {
    let mut left = DISCARDED_BYTES;
    let rest = async {
        let mut body = body;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, rest).await;
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn streamed(pieces: &[usize]) -> Body {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|size| Ok::<_, std::io::Error>(Bytes::from(vec![7; *size])))
            .collect();
        Body::from_stream(stream::iter(pieces))
    }

    async fn begin(body: Body, declared: Option<u64>) -> Upload {
        Upload::begin(body, declared, 20 << 20).await.unwrap()
    }

    #[tokio::test]
    async fn a_small_body_travels_with_the_request_and_can_be_repeated() {
        let upload = begin(Body::from("hello"), Some(5)).await;

        assert_eq!(upload.inline().unwrap(), "hello");
        assert!(!upload.follows() && upload.can_be_repeated());

        let mut none = begin(Body::empty(), None).await;
        assert_eq!(none.next_piece(), None);
        assert!(none.inline().is_none() && !none.follows() && none.can_be_repeated());
    }

    #[tokio::test]
    async fn a_long_body_stops_at_the_window_until_it_is_consumed() {
        let mut upload = begin(streamed(&[1 << 20, 300_000]), None).await;
        let mut sent = 0;
        loop {
            while let Some(piece) = upload.next_piece() {
                assert!(piece.bytes.len() <= CHUNK_BYTES && !piece.finish);
                sent += piece.bytes.len();
            }
            if !upload.wants_more() {
                break;
            }
            upload.read().await.unwrap();
        }
        assert_eq!(sent, 1 << 20);
        assert!(!upload.can_be_repeated());

        upload.consumed(1 << 20);
        let mut finished = false;
        while !finished {
            while let Some(piece) = upload.next_piece() {
                sent += piece.bytes.len();
                finished = piece.finish;
            }
            if upload.wants_more() {
                upload.read().await.unwrap();
            }
        }
        assert_eq!(sent, (1 << 20) + 300_000);
        assert!(upload.next_piece().is_none());
    }

    #[tokio::test]
    async fn a_body_without_an_announced_length_is_refused_once_it_is_too_large() {
        let mut upload = Upload::begin(streamed(&[60, 60]), None, 100).await.unwrap();

        upload.read().await.unwrap();
        while upload.next_piece().is_some() {}
        let error = upload.read().await.unwrap_err();

        assert!(matches!(error, GatewayError::BodyTooLarge { limit: 100 }));
        let announced = Upload::begin(Body::from("x"), Some(101), 100).await.unwrap_err();
        assert!(matches!(announced, GatewayError::BodyTooLarge { limit: 100 }));
    }

    #[tokio::test]
    async fn an_app_cannot_claim_to_have_taken_more_than_it_got() {
        let mut upload = begin(streamed(&[10, 10]), None).await;
        upload.read().await.unwrap();
        upload.next_piece().unwrap();

        upload.consumed(u64::MAX);

        assert_eq!(upload.credit(), WINDOW_BYTES);
    }

    #[tokio::test]
    async fn what_nobody_wants_is_not_read() {
        let mut upload = begin(streamed(&[10, 10]), None).await;
        upload.read().await.unwrap();

        upload.cancel();

        assert!(!upload.wants_more() && upload.next_piece().is_none());
    }
}
