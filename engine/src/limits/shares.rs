//! Room for a number of things for each of many owners.
//!
//! The counts are spread over parts with a lock each, held for one look-up: owners that are busy at
//! the same time hardly ever meet. An owner of nothing takes no memory.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher as _, Hash, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A power of two, many times the threads there are.
const PARTS: usize = 64;

/// Room for so many for each owner; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Shares<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    parts: Vec<Mutex<HashMap<K, usize>>>,
    hasher: RandomState,
    max: usize,
}

/// One thing of an owner, until it is dropped.
#[derive(Debug)]
pub struct Share<K: Copy + Eq + Hash> {
    shares: Shares<K>,
    owner: K,
}

impl<K: Copy + Eq + Hash> Shares<K> {
    /// Room for `max` for each owner; 0 is room for any number.
    pub fn new(max: usize) -> Self {
        let parts = (0..PARTS).map(|_| Mutex::default()).collect();
        Self(Arc::new(Inner { parts, hasher: RandomState::new(), max }))
    }

    /// Takes one for `owner`; `None`: it has as many as it may.
    pub fn take(&self, owner: K) -> Option<Share<K>> {
        let max = self.0.max;
        match self.part(&owner).entry(owner) {
            Entry::Vacant(none) => {
                none.insert(1);
            }
            Entry::Occupied(some) if max > 0 && *some.get() >= max => return None,
            Entry::Occupied(mut some) => *some.get_mut() += 1,
        }
        Some(Share { shares: self.clone(), owner })
    }

    /// How many an owner may have; 0: any number.
    pub fn max(&self) -> usize {
        self.0.max
    }

    /// How many `owner` has.
    pub fn of(&self, owner: &K) -> usize {
        self.part(owner).get(owner).copied().unwrap_or_default()
    }

    /// How many there are, of all owners.
    pub fn total(&self) -> usize {
        self.0.parts.iter().map(|part| lock(part).values().sum::<usize>()).sum()
    }

    /// How many owners have something.
    pub fn owners(&self) -> usize {
        self.0.parts.iter().map(|part| lock(part).len()).sum()
    }

    fn part(&self, owner: &K) -> MutexGuard<'_, HashMap<K, usize>> {
        let hash = self.0.hasher.hash_one(owner);
        let index = usize::try_from(hash % PARTS as u64).unwrap_or_default();
        lock(&self.0.parts[index])
    }
}

impl<K: Copy + Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut some) = self.shares.part(&self.owner).entry(self.owner) {
            *some.get_mut() -= 1;
            if *some.get() == 0 {
                some.remove();
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A map of numbers is whole after every call.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_owner_has_is_not_counted_for_another() {
        let shares = Shares::new(2);
        let held = [shares.take(1).unwrap(), shares.take(1).unwrap()];

        assert!(shares.take(1).is_none());
        let other = shares.take(2).unwrap();
        assert_eq!((shares.of(&1), shares.of(&2), shares.total()), (2, 1, 3));
        drop((held, other));
        assert_eq!((shares.of(&1), shares.total()), (0, 0));
        assert!(shares.take(1).is_some());
    }

    #[test]
    fn an_owner_of_nothing_is_forgotten() {
        let shares = Shares::new(0);
        let held: Vec<_> = (0..1000).map(|owner| shares.take(owner / 2).unwrap()).collect();
        assert_eq!(shares.owners(), 500);

        drop(held);

        assert_eq!(shares.owners(), 0);
    }
}
