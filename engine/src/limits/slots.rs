//! Room for a number of things, whoever they belong to.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Room for so many; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Slots {
    taken: Arc<AtomicUsize>,
    max: usize,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct Slot(Arc<AtomicUsize>);

impl Slots {
    /// Room for `max`; 0 is room for any number.
    pub fn new(max: usize) -> Self {
        Self { taken: Arc::default(), max }
    }

    /// Takes one; `None`: all are taken.
    pub fn take(&self) -> Option<Slot> {
        let free = |taken| (self.max == 0 || taken < self.max).then_some(taken + 1);
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, free).ok()?;
        Some(Slot(Arc::clone(&self.taken)))
    }

    /// How many there may be; 0: any number.
    pub fn max(&self) -> usize {
        self.max
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_makes_room() {
        let slots = Slots::new(2);
        let (first, second) = (slots.take().unwrap(), slots.take().unwrap());
        assert!(slots.take().is_none());

        drop(first);

        let third = slots.take();
        assert!(third.is_some() && slots.take().is_none());
        drop((second, third));
        assert_eq!(slots.taken.load(Ordering::Acquire), 0);
    }

    #[test]
    fn nothing_is_any_number() {
        let slots = Slots::new(0);

        let all: Vec<_> = (0..1000).map_while(|_| slots.take()).collect();

        assert_eq!(all.len(), 1000);
    }

    #[test]
    fn threads_that_race_get_no_more_than_there_are() {
        let slots = Slots::new(50);
        let taken: usize = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..100).map_while(|_| slots.take()).collect::<Vec<_>>()))
                .collect();
            let held: Vec<_> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
            held.iter().map(Vec::len).sum()
        });

        assert_eq!(taken, 50);
    }
}
