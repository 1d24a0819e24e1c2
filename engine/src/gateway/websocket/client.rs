//! The client's end of a socket: what it says, whether it is still there, and no longer wait for it
//! than it is worth.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes, error::ProtocolError};

use crate::websocket::{self, Socket};

/// How often a silent client is asked whether it is there.
const BEAT: Duration = Duration::from_secs(30);

/// A client that was silent for so many beats is gone.
const MAX_SILENT_BEATS: u32 = 3;

/// A client that takes nothing for so long is gone.
const SEND_TIMEOUT: Duration = Duration::from_mins(1);

/// What a client does.
#[derive(Debug)]
pub(super) enum Said {
    /// It sends something.
    Message {
        /// What.
        data: Bytes,
        /// Whether it is anything but text.
        binary: bool,
    },
    /// It closes the socket.
    Close {
        /// With this code.
        code: Option<u16>,
        /// With these words.
        reason: Option<String>,
    },
    /// It breaks the rules, and is told so with this code.
    Wrong(u16),
    /// It is gone.
    Gone,
}

/// It is gone, or takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreachable;

/// A client's end of a socket.
#[derive(Debug)]
pub(super) struct Client {
    socket: Socket,
    beat: Interval,
    silent_beats: u32,
}

impl Client {
    pub(super) fn new(socket: Socket) -> Self {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first beat comes at once and says nothing.
        beat.reset();
        Self { socket, beat, silent_beats: 0 }
    }

    /// What it does next. May be dropped before it is done: nothing is lost.
    pub(super) async fn next(&mut self) -> Said {
        loop {
            let message = tokio::select! {
                message = self.socket.next() => message,
                _ = self.beat.tick() => {
                    self.silent_beats += 1;
                    let silent = self.silent_beats > MAX_SILENT_BEATS;
                    if silent || self.put(Message::Ping(Bytes::new())).await.is_err() {
                        return Said::Gone;
                    }
                    continue;
                }
            };
            self.silent_beats = 0;
            return match message {
                Some(Ok(Message::Text(text))) => Said::Message { data: text.into(), binary: false },
                Some(Ok(Message::Binary(data))) => Said::Message { data, binary: true },
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.as_ref().map(|frame| frame.code.into());
                    let reason = frame.map(|frame| frame.reason.as_str().to_owned());
                    Said::Close { code, reason: reason.filter(|reason| !reason.is_empty()) }
                }
                // Pings are answered below us.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Err(Error::Capacity(_))) => Said::Wrong(1009),
                Some(Err(Error::Utf8(_))) => Said::Wrong(1007),
                Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => {
                    Said::Gone
                }
                Some(Err(Error::Protocol(_))) => Said::Wrong(1002),
                Some(Err(_)) | None => Said::Gone,
            };
        }
    }

    /// Gives it a message. `None`: the text is none.
    pub(super) async fn put_message(
        &mut self,
        data: Vec<u8>,
        binary: bool,
    ) -> Option<Result<(), Unreachable>> {
        let data = Bytes::from(data);
        let message = if binary {
            Message::Binary(data)
        } else {
            Message::Text(Utf8Bytes::try_from(data).ok()?)
        };
        let put = timeout(SEND_TIMEOUT, self.socket.feed(message)).await;
        Some(put.ok().and_then(Result::ok).ok_or(Unreachable))
    }

    /// Sends what was given.
    pub(super) async fn flush(&mut self) -> Result<(), Unreachable> {
        let flushed = timeout(SEND_TIMEOUT, self.socket.flush()).await;
        flushed.ok().and_then(Result::ok).ok_or(Unreachable)
    }

    /// Closes the socket.
    pub(super) async fn close(mut self, code: u16, reason: &str) {
        websocket::close(&mut self.socket, code, reason).await;
    }

    /// Lets the client see that its own close has arrived.
    pub(super) async fn closed(mut self) {
        websocket::closed(&mut self.socket).await;
    }

    async fn put(&mut self, message: Message) -> Result<(), Unreachable> {
        let sent = timeout(SEND_TIMEOUT, self.socket.send(message)).await;
        sent.ok().and_then(Result::ok).ok_or(Unreachable)
    }
}
