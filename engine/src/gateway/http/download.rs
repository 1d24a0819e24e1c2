//! The actor's answer on its way to the client, while the client's body may still be on its way to
//! the actor.
//!
//! The app is given room only for what the client has taken. So however slowly a client reads, no
//! more than a window waits for it.

use std::{collections::VecDeque, io, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use rivet_envoy_protocol::ToRivetTunnelMessageKind as ToRivet;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{CHUNK_BYTES, WINDOW_BYTES, in_flight::InFlight, upload::Upload};

/// Room is given back in pieces of this size: a message for each chunk would be too many.
const CREDIT_STEP: u64 = WINDOW_BYTES / 4;

/// How far an app may be off before its answer is given up.
const SLACK_BYTES: u64 = 4 * CHUNK_BYTES as u64;

/// How long the server may take to write what it has taken, before it learns of an error.
const FLUSH_TIME: Duration = Duration::from_millis(20);

/// What the server takes from.
type Sink = mpsc::Sender<io::Result<Bytes>>;

/// Why the answer is not whole: the client's connection is cut, and the log says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Cut {
    #[error("the actor stopped while it answered")]
    Stopped,
    #[error("the actor sent more than it had room for")]
    WindowExceeded,
    #[error("the actor sent nothing for too long")]
    Idle,
}

/// An answer on its way.
#[derive(Debug)]
pub(super) struct Download {
    in_flight: InFlight,
    upload: Upload,
    sink: Sink,
    waiting: VecDeque<Bytes>,
    received: u64,
    delivered: u64,
    /// What the app was told of `delivered`.
    credited: u64,
    end: Option<Result<(), Cut>>,
    idle_timeout: Option<Duration>,
    windowed: bool,
}

/// Begins to pass an answer on: what does it, and the body that the client reads.
pub(super) fn begin(
    in_flight: InFlight,
    upload: Upload,
    first: Bytes,
    idle_timeout: Option<Duration>,
) -> (Download, Body) {
    let (sink, mut source) = mpsc::channel(1);
    let windowed = in_flight.streams();
    let mut download = Download {
        in_flight,
        upload,
        sink,
        waiting: VecDeque::new(),
        received: 0,
        delivered: 0,
        credited: 0,
        end: None,
        idle_timeout,
        windowed,
    };
    download.take(first);
    (download, Body::from_stream(stream::poll_fn(move |context| source.poll_recv(context))))
}

impl Download {
    /// Passes everything on. Ends when the answer does, or when the client goes away.
    pub(super) async fn run(mut self) {
        let sink = self.sink.clone();
        let mut quiet_since = Instant::now();
        loop {
            if self.waiting.is_empty()
                && let Some(end) = self.end
            {
                if let Err(cut) = end {
                    tracing::debug!(%cut, "an answer was cut");
                    // An error makes the server drop what it has not yet written: it first gets
                    // the time to take and write what came before.
                    if let Ok(taken) = sink.reserve().await {
                        tokio::time::sleep(FLUSH_TIME).await;
                        taken.send(Err(io::Error::other(cut)));
                    }
                }
                return;
            }
            if self.end.is_none() && self.keep_flowing().await.is_err() {
                self.end = Some(Err(Cut::Stopped));
                continue;
            }
            let idle_at = self.idle_timeout.map(|timeout| quiet_since + timeout);
            let idle = async {
                match idle_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                permit = sink.reserve(), if !self.waiting.is_empty() => {
                    let (Ok(permit), Some(bytes)) = (permit, self.waiting.pop_front()) else {
                        return;
                    };
                    self.delivered += bytes.len() as u64;
                    permit.send(Ok(bytes));
                }
                // The client went away. Dropping the request tells the app.
                () = sink.closed() => return,
                kind = self.in_flight.recv(), if self.may_take_more() => {
                    quiet_since = Instant::now();
                    match kind {
                        Ok(kind) => self.message(kind),
                        Err(_) => self.end = Some(Err(Cut::Stopped)),
                    }
                }
                read = self.upload.read(), if self.end.is_none() && self.upload.wants_more() => {
                    if read.is_err() {
                        // The client broke its own body; its connection is of no use any more.
                        return;
                    }
                }
                () = idle, if self.end.is_none() => {
                    self.cut(Cut::Idle);
                }
            }
        }
    }

    fn message(&mut self, kind: ToRivet) {
        match kind {
            ToRivet::ToRivetResponseChunk(chunk) => {
                self.take(chunk.body.into());
                if self.windowed && self.received - self.credited > WINDOW_BYTES + SLACK_BYTES {
                    self.cut(Cut::WindowExceeded);
                } else if chunk.finish {
                    // From here on the app owes nothing: an abort that follows means nothing.
                    self.in_flight.settled();
                    self.end = Some(Ok(()));
                }
            }
            ToRivet::ToRivetResponseAbort(_) => {
                self.in_flight.settled();
                self.end = Some(Err(Cut::Stopped));
            }
            ToRivet::ToRivetRequestBodyWindowUpdate(update) => {
                self.upload.consumed(update.consumed_bytes);
            }
            ToRivet::ToRivetRequestBodyCancel => self.upload.cancel(),
            ToRivet::ToRivetResponseStart(_)
            | ToRivet::ToRivetWebSocketOpen(_)
            | ToRivet::ToRivetWebSocketMessage(_)
            | ToRivet::ToRivetWebSocketMessageAck(_)
            | ToRivet::ToRivetWebSocketClose(_) => {}
        }
    }

    /// Sends what may be sent to the app: pieces of the request, and room for more of the answer.
    async fn keep_flowing(&mut self) -> Result<(), super::Over> {
        while let Some(piece) = self.upload.next_piece().filter(|_| self.windowed) {
            self.in_flight.send_piece(&piece).await?;
        }
        if self.windowed && self.delivered - self.credited >= CREDIT_STEP {
            self.in_flight.send_consumed(self.delivered).await?;
            self.credited = self.delivered;
        }
        Ok(())
    }

    /// Without windows the tunnel's own bound has to do: it is emptied only as fast as it is read.
    fn may_take_more(&self) -> bool {
        self.end.is_none() && (self.windowed || self.received - self.delivered < WINDOW_BYTES)
    }

    fn take(&mut self, bytes: Bytes) {
        self.received += bytes.len() as u64;
        if !bytes.is_empty() {
            self.waiting.push_back(bytes);
        }
    }

    fn cut(&mut self, cut: Cut) {
        self.in_flight.refused(&cut.to_string());
        self.waiting.clear();
        self.end = Some(Err(cut));
    }
}
