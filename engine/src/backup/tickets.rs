//! Tickets: a download for somebody who cannot send a header, once and soon.
//!
//! A browser saves a file of any size only from an address, and a token has no place in one. So
//! whoever has a token asks for a ticket, which is good for one checkpoint, one time, within a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::CheckpointId;
use crate::{
    clock::{Millis, SharedClock},
    config::Secret,
    keyspace::id::random_bytes,
};

/// How long a ticket is good, in milliseconds.
const LIFE: Millis = 60_000;

/// How many are good at once. Beyond that the oldest go.
const TICKETS_MAX: usize = 64;

/// A ticket that was issued.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// What is shown for the download.
    pub text: Secret,
    /// The first millisecond in which it is good no more.
    pub expires_ts: Millis,
}

/// The tickets that are good; cloning it is cheap. They are kept as digests.
#[derive(Debug, Clone)]
pub struct Tickets {
    clock: SharedClock,
    good: Arc<Mutex<Good>>,
}

/// By the digest of a ticket: what it is for, and when it ends.
type Good = HashMap<[u8; 32], (CheckpointId, Millis)>;

impl Tickets {
    /// None, as yet.
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, good: Arc::default() }
    }

    /// Issues a ticket for a checkpoint.
    pub fn issue(&self, id: CheckpointId) -> Ticket {
        let text = Secret::new(URL_SAFE_NO_PAD.encode(random_bytes::<32>()));
        let now = self.clock.now();
        let expires_ts = now + LIFE;
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        good.retain(|_, (_, expires_ts)| now < *expires_ts);
        while good.len() >= TICKETS_MAX {
            let oldest = good.iter().min_by_key(|(_, (_, expires_ts))| *expires_ts);
            let Some(oldest) = oldest.map(|(digest, _)| *digest) else { break };
            good.remove(&oldest);
        }
        good.insert(Sha256::digest(text.expose()).into(), (id, expires_ts));
        Ticket { text, expires_ts }
    }

    /// Which checkpoint `ticket` is for. From here on it is good no more.
    pub fn redeem(&self, ticket: &str) -> Option<CheckpointId> {
        let digest: [u8; 32] = Sha256::digest(ticket).into();
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, expires_ts) = good.remove(&digest)?;
        (self.clock.now() < expires_ts).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn tickets() -> (Arc<ManualClock>, Tickets) {
        let clock = ManualClock::at(0);
        (Arc::clone(&clock), Tickets::new(clock))
    }

    #[test]
    fn a_ticket_is_good_for_its_checkpoint_once() {
        let (_, tickets) = tickets();
        let id = CheckpointId::new(0);
        let ticket = tickets.issue(id.clone());

        assert_eq!(tickets.redeem("another"), None);
        assert_eq!(tickets.redeem(ticket.text.expose()), Some(id));
        assert_eq!(tickets.redeem(ticket.text.expose()), None);
    }

    #[test]
    fn a_ticket_is_good_for_a_minute() {
        let (clock, tickets) = tickets();
        let [early, late] = [(), ()].map(|()| tickets.issue(CheckpointId::new(0)));

        clock.set(LIFE - 1);
        assert!(tickets.redeem(early.text.expose()).is_some());
        clock.set(LIFE);
        assert_eq!(tickets.redeem(late.text.expose()), None);
    }

    #[test]
    fn many_tickets_take_no_more_memory_than_some() {
        let (_, tickets) = tickets();
        let issued: Vec<_> =
            (0..TICKETS_MAX * 2).map(|_| tickets.issue(CheckpointId::new(0))).collect();

        let good = issued.iter().filter(|ticket| tickets.redeem(ticket.text.expose()).is_some());

        assert_eq!(good.count(), TICKETS_MAX);
    }
}
