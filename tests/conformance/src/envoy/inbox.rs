//! Everything that the engine sent to an envoy, in order. Nothing is taken out, so that a test may
//! look at the same message more than once, and cannot miss one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::{protocol::ToEnvoy, socket::Closed, wait::within};

/// What was received.
#[derive(Debug, Default)]
pub struct Inbox {
    received: Mutex<Received>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Received {
    messages: Vec<ToEnvoy>,
    frames: Vec<Bytes>,
    closed: Option<Closed>,
}

impl Inbox {
    pub(crate) fn push(&self, message: ToEnvoy, frame: Bytes) {
        let mut received = self.lock();
        received.messages.push(message);
        received.frames.push(frame);
        drop(received);
        self.changed.notify_waiters();
    }

    pub(crate) fn close(&self, closed: Closed) {
        self.lock().closed.get_or_insert(closed);
        self.changed.notify_waiters();
    }

    /// Waits for the first message that `pick` takes, from the beginning of the connection.
    pub async fn first<T>(&self, what: &str, pick: impl FnMut(&ToEnvoy) -> Option<T>) -> T {
        self.first_after(0, what, pick).await
    }

    /// Waits for the first message behind the first `count` that `pick` takes.
    pub async fn first_after<T>(
        &self,
        count: usize,
        what: &str,
        mut pick: impl FnMut(&ToEnvoy) -> Option<T>,
    ) -> T {
        let mut next = count;
        let find = async {
            loop {
                let changed = self.changed.notified();
                {
                    let received = self.lock();
                    while let Some(message) = received.messages.get(next) {
                        next += 1;
                        if let Some(found) = pick(message) {
                            return found;
                        }
                    }
                    if let Some(closed) = &received.closed {
                        panic!("{what}: the connection is closed: {closed:?}");
                    }
                }
                changed.await;
            }
        };
        within(what, find).await
    }

    /// All messages so far that `pick` takes.
    pub fn all<T>(&self, pick: impl FnMut(&ToEnvoy) -> Option<T>) -> Vec<T> {
        self.lock().messages.iter().filter_map(pick).collect()
    }

    /// How many messages came so far.
    pub fn len(&self) -> usize {
        self.lock().messages.len()
    }

    /// Whether none came so far.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of all messages so far that `pick` takes.
    pub fn frames(&self, pick: impl Fn(&ToEnvoy) -> bool) -> Vec<Bytes> {
        let received = self.lock();
        let both = received.messages.iter().zip(&received.frames);
        both.filter(|(message, _)| pick(message)).map(|(_, frame)| frame.clone()).collect()
    }

    pub(crate) async fn closed(&self) -> Closed {
        loop {
            let changed = self.changed.notified();
            if let Some(closed) = self.close_seen() {
                return closed;
            }
            changed.await;
        }
    }

    pub(crate) fn close_seen(&self) -> Option<Closed> {
        self.lock().closed.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
