//! How many wrong tokens an address may try.
//!
//! A right token always passes, whoever else is behind the same address: guessing 128 random bits is
//! hopeless at any rate, and locking a whole office out is not. What is limited is what failing costs.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use crate::clock::Millis;

/// How many addresses are remembered. Beyond that the least busy one is forgotten.
const ADDRESSES_MAX: usize = 4096;

const MINUTE: Millis = 60_000;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The address at the other end of a connection.
    pub fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The address itself.
    pub fn ip(self) -> IpAddr {
        self.0
    }

    /// Who is counted as one: an IPv6 host chooses among 2⁶⁴ addresses as it likes.
    pub fn group(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                IpAddr::V6(network.into())
            }
        }
    }
}

/// The wrong tokens of the last minute. Each address has an allowance that fills up steadily.
#[derive(Debug)]
pub(super) struct Failures {
    /// How long one failure weighs; `None`: nothing is limited.
    interval: Option<Millis>,
    /// Until when the failures of an address weigh.
    weigh_until: Mutex<HashMap<IpAddr, Millis>>,
}

impl Failures {
    /// Allows `per_minute` failures, at once or one after the other; 0 allows any number.
    pub(super) fn new(per_minute: u32) -> Self {
        let interval = (per_minute > 0).then(|| (MINUTE / Millis::from(per_minute)).max(1));
        Self { interval, weigh_until: Mutex::default() }
    }

    /// Notes a failure. Answers the seconds to wait when there were too many.
    pub(super) fn note(&self, address: ClientAddress, now: Millis) -> Option<u64> {
        let interval = self.interval?;
        let group = address.group();
        let mut known = self.weigh_until.lock().unwrap_or_else(PoisonError::into_inner);
        let until = known.get(&group).copied().unwrap_or(0).max(now) + interval;
        let beyond = until.saturating_sub(now + MINUTE);
        if beyond > 0 {
            return Some(beyond.div_ceil(1000));
        }
        if known.len() >= ADDRESSES_MAX && !known.contains_key(&group) {
            known.retain(|_, until| *until > now);
            if known.len() >= ADDRESSES_MAX {
                let least = known.iter().min_by_key(|(_, until)| **until).map(|(group, _)| *group);
                least.and_then(|least| known.remove(&least));
            }
        }
        known.insert(group, until);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> ClientAddress {
        ClientAddress::new(text.parse().unwrap())
    }

    #[test]
    fn an_address_may_fail_so_often_a_minute_and_again_when_time_has_passed() {
        let failures = Failures::new(6);
        let note = |now| failures.note(from("10.0.0.1"), now);

        assert!((0..6).all(|_| note(0).is_none()));
        assert_eq!(note(0), Some(10));
        assert_eq!(note(9_000), Some(1));
        assert_eq!(note(10_000), None);
        assert_eq!(note(10_000), Some(10));
        assert_eq!(failures.note(from("10.0.0.2"), 0), None);
    }

    #[test]
    fn addresses_of_one_ipv6_network_and_both_forms_of_ipv4_count_as_one() {
        let failures = Failures::new(1);

        assert_eq!(failures.note(from("2001:db8::1"), 0), None);
        assert!(failures.note(from("2001:db8::ffff:1"), 0).is_some());
        assert_eq!(failures.note(from("2001:db8:0:1::1"), 0), None);
        assert_eq!(failures.note(from("10.0.0.1"), 0), None);
        assert!(failures.note(from("::ffff:10.0.0.1"), 0).is_some());
    }

    #[test]
    fn the_memory_of_addresses_is_bounded_and_keeps_the_busiest() {
        let failures = Failures::new(2);
        let busy = from("192.0.2.1");
        assert!((0..2).all(|_| failures.note(busy, 0).is_none()));

        for number in 0..2 * u32::try_from(ADDRESSES_MAX).unwrap() {
            let address = std::net::Ipv4Addr::from(0x0A00_0000 + number);
            failures.note(ClientAddress::new(address.into()), 0);
        }

        assert_eq!(failures.weigh_until.lock().unwrap().len(), ADDRESSES_MAX);
        assert!(failures.note(busy, 0).is_some());
    }

    #[test]
    fn nothing_is_limited_when_the_operator_says_so() {
        let failures = Failures::new(0);

        assert!((0..10_000).all(|_| failures.note(from("10.0.0.1"), 0).is_none()));
    }
}
