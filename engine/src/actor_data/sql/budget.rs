//! How much memory all connections together may take for pages.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A number of pages that is shared out.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicUsize,
}

/// A share of a budget. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    pages: usize,
}

impl Budget {
    pub(super) fn new(pages: usize) -> Self {
        Self { left: AtomicUsize::new(pages) }
    }
}

impl Share {
    /// A share of no pages.
    pub(super) fn of(budget: &Arc<Budget>) -> Self {
        Self { budget: Arc::clone(budget), pages: 0 }
    }

    /// Makes it a share of `pages`. Says whether there were as many left.
    pub(super) fn resize(&mut self, pages: usize) -> bool {
        if let Some(more) = pages.checked_sub(self.pages) {
            let taken =
                self.budget.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    left.checked_sub(more)
                });
            if taken.is_err() {
                return false;
            }
        } else {
            self.budget.left.fetch_add(self.pages - pages, Ordering::Relaxed);
        }
        self.pages = pages;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_exceed_the_whole_and_come_back() {
        let budget = Arc::new(Budget::new(10));
        let (mut a, mut b) = (Share::of(&budget), Share::of(&budget));

        assert!(a.resize(6));
        assert!(!b.resize(5));
        assert!(b.resize(4));
        assert!(a.resize(2));
        assert!(b.resize(8));
        drop(b);
        assert!(a.resize(10));
        assert!(!a.resize(11));
    }
}
