//! Work in lanes: in order within one, side by side otherwise, bounded in bytes altogether.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many bytes of work may wait. The largest message is 32 MiB.
const ROOM: usize = 64 << 20;

/// Lanes by key.
pub(super) struct Lanes<K, W> {
    lanes: Arc<Mutex<HashMap<K, VecDeque<W>>>>,
    room: Arc<Semaphore>,
}

/// The room that one message takes until all the work that it brought is done.
pub(super) type Room = Arc<OwnedSemaphorePermit>;

impl<K, W> fmt::Debug for Lanes<K, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes").finish_non_exhaustive()
    }
}

impl<K, W> Default for Lanes<K, W> {
    fn default() -> Self {
        Self { lanes: Arc::default(), room: Arc::new(Semaphore::new(ROOM)) }
    }
}

impl<K: Copy + Eq + Hash + Send + 'static, W: Send + 'static> Lanes<K, W> {
    /// Waits for room for a message of `bytes`.
    pub(super) async fn room(&self, bytes: usize) -> Option<Room> {
        let bytes = u32::try_from(bytes.clamp(1, ROOM)).ok()?;
        Arc::clone(&self.room).acquire_many_owned(bytes).await.ok().map(Arc::new)
    }

    /// Adds work to a lane. The first work of an empty lane starts `run` for all that comes.
    pub(super) fn add<F, R>(&self, key: K, work: W, run: F)
    where
        F: Fn(W) -> R + Send + 'static,
        R: Future<Output = ()> + Send,
    {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get_mut(&key) {
            lane.push_back(work);
            return;
        }
        lanes.insert(key, VecDeque::new());
        drop(lanes);
        let lanes = Arc::clone(&self.lanes);
        tokio::spawn(async move {
            let mut next = Some(work);
            while let Some(work) = next {
                run(work).await;
                next = take_next(&lanes, &key);
            }
        });
    }
}

/// The lane's next work. An empty lane is closed.
fn take_next<K: Eq + Hash, W>(lanes: &Mutex<HashMap<K, VecDeque<W>>>, key: &K) -> Option<W> {
    let mut lanes = lanes.lock().unwrap_or_else(PoisonError::into_inner);
    let next = lanes.get_mut(key).and_then(VecDeque::pop_front);
    if next.is_none() {
        lanes.remove(key);
    }
    next
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_lane_keeps_its_order_and_a_stuck_one_holds_up_nobody() {
        let lanes = Lanes::<u8, u32>::default();
        let (done, mut finished) = mpsc::unbounded_channel();
        lanes.add(0, 0, |_| std::future::pending());
        for work in 0..100 {
            let done = done.clone();
            lanes.add(1, work, move |work| {
                let done = done.clone();
                async move { done.send(work).unwrap() }
            });
        }

        for work in 0..100 {
            assert_eq!(finished.recv().await, Some(work));
        }
    }

    #[tokio::test]
    async fn room_that_is_taken_has_to_be_given_back() {
        let lanes = Lanes::<u8, u32>::default();
        let all = lanes.room(usize::MAX).await.unwrap();

        assert!(futures_util::FutureExt::now_or_never(lanes.room(1)).is_none());
        drop(all);
        assert!(lanes.room(1).await.is_some());
    }
}
