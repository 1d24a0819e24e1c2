//! Messages that the app has not confirmed: kept so that they reach the generation that comes
//! after the one that they were sent to.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

/// How many messages may wait: more would make indexes ambiguous.
const MAX_MESSAGES: usize = 65_535;

/// How many generations may get the same messages and end without confirming any: a message that
/// ends its actor must not do so for ever.
const MAX_DELIVERIES: u32 = 4;

/// What a message takes besides its data.
const MESSAGE_BYTES: u64 = 64;

/// A message of the client, under its index.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) index: u16,
    pub(super) data: Bytes,
    pub(super) binary: bool,
}

/// Too much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LimitReached;

/// What was not confirmed, oldest first.
#[derive(Debug)]
pub(super) struct Pending {
    messages: VecDeque<(Instant, Kept)>,
    bytes: u64,
    max_bytes: u64,
    /// How many generations got what waits.
    deliveries: u32,
}

impl Pending {
    /// Nothing yet.
    pub(super) fn new(max_bytes: u64) -> Self {
        Self { messages: VecDeque::new(), bytes: 0, max_bytes, deliveries: 0 }
    }

    /// Keeps a message.
    pub(super) fn keep(&mut self, kept: Kept) -> Result<(), LimitReached> {
        let size = size(&kept);
        if self.messages.len() >= MAX_MESSAGES || self.bytes + size > self.max_bytes {
            return Err(LimitReached);
        }
        self.bytes += size;
        self.messages.push_back((Instant::now(), kept));
        Ok(())
    }

    /// The app has processed everything up to and including `index`.
    pub(super) fn confirmed(&mut self, index: u16) {
        while let Some((_, first)) = self.messages.front() {
            // Indexes wrap: what is less than half a circle behind is older.
            if index.wrapping_sub(first.index) > u16::MAX / 2 {
                return;
            }
            self.bytes = self.bytes.saturating_sub(size(first));
            self.messages.pop_front();
            self.deliveries = 0;
        }
        // A burst leaves its room behind; most sockets are silent most of the time.
        self.messages.shrink_to(16);
    }

    /// Everything that the next generation has to get. It has the whole time to confirm it.
    pub(super) fn again(&mut self) -> Result<Vec<Kept>, LimitReached> {
        if !self.messages.is_empty() {
            self.deliveries += 1;
        }
        if self.deliveries > MAX_DELIVERIES {
            return Err(LimitReached);
        }
        let now = Instant::now();
        self.messages.iter_mut().for_each(|(sent, _)| *sent = now);
        Ok(self.messages.iter().map(|(_, kept)| kept.clone()).collect())
    }

    /// When the oldest message has waited for `timeout`.
    pub(super) fn overdue_at(&self, timeout: Duration) -> Option<Instant> {
        self.messages.front().map(|(sent, _)| *sent + timeout)
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn size(kept: &Kept) -> u64 {
    kept.data.len() as u64 + MESSAGE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(index: u16) -> Kept {
        Kept { index, data: Bytes::from_static(b"0123456789"), binary: true }
    }

    fn indexes(pending: &mut Pending) -> Vec<u16> {
        pending.again().unwrap().iter().map(|kept| kept.index).collect()
    }

    #[tokio::test]
    async fn confirming_one_confirms_all_before_it_across_the_wrap() {
        let mut pending = Pending::new(1 << 20);
        for index in [65_534, 65_535, 0, 1] {
            pending.keep(kept(index)).unwrap();
        }

        pending.confirmed(65_533);
        assert_eq!(indexes(&mut pending), [65_534, 65_535, 0, 1]);
        pending.confirmed(0);
        assert_eq!(indexes(&mut pending), [1]);
        // Once more: it changes nothing.
        pending.confirmed(65_535);
        assert_eq!(indexes(&mut pending), [1]);
        pending.confirmed(1);
        assert_eq!(pending.bytes(), 0);
        assert_eq!(pending.overdue_at(Duration::ZERO), None);
    }

    #[tokio::test]
    async fn what_waits_is_bounded_in_bytes_and_in_number() {
        let mut small = Pending::new(150);
        small.keep(kept(1)).unwrap();
        small.keep(kept(2)).unwrap();
        assert_eq!(small.keep(kept(3)), Err(LimitReached));

        let mut many = Pending::new(u64::MAX);
        for index in 0..u16::MAX {
            many.keep(kept(index)).unwrap();
        }
        assert_eq!(many.keep(kept(0)), Err(LimitReached));
    }

    #[tokio::test]
    async fn a_message_that_every_generation_dies_of_is_given_up() {
        let mut pending = Pending::new(1 << 20);
        pending.keep(kept(1)).unwrap();
        pending.keep(kept(2)).unwrap();

        for _ in 0..MAX_DELIVERIES {
            pending.again().unwrap();
        }
        assert_eq!(pending.again().unwrap_err(), LimitReached);

        pending.confirmed(1);
        pending.again().unwrap();
    }

    #[tokio::test]
    async fn the_next_generation_has_the_whole_time_again() {
        let mut pending = Pending::new(1 << 20);
        pending.keep(kept(1)).unwrap();
        let first = pending.overdue_at(Duration::from_secs(30)).unwrap();

        tokio::time::sleep(Duration::from_millis(20)).await;
        pending.again().unwrap();

        let next = pending.overdue_at(Duration::from_secs(30)).unwrap();
        assert!(next - first >= Duration::from_millis(20));
    }
}
