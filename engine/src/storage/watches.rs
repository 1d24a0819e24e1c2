//! Who waits for which key to be written.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::StorageError;

/// Everybody who waits.
#[derive(Debug, Clone, Default)]
pub(super) struct Watches(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    next_id: u64,
    by_key: HashMap<Vec<u8>, HashMap<u64, oneshot::Sender<()>>>,
}

/// A wait for the next commit that writes one key. Dropping it ends the wait.
///
/// It says "look", not what there is to see: take the watch first, then read, then wait.
#[derive(Debug)]
pub struct Watch {
    watches: Watches,
    key: Vec<u8>,
    id: u64,
    changed: oneshot::Receiver<()>,
}

impl Watch {
    /// Waits for the commit.
    pub async fn changed(mut self) -> Result<(), StorageError> {
        (&mut self.changed).await.map_err(|_| StorageError::Closed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut waiting = self.watches.lock();
        if let Some(waiters) = waiting.by_key.get_mut(&self.key) {
            waiters.remove(&self.id);
            if waiters.is_empty() {
                waiting.by_key.remove(&self.key);
            }
        }
    }
}

impl Watches {
    pub(super) fn add(&self, key: &[u8]) -> Watch {
        let (sender, changed) = oneshot::channel();
        let mut waiting = self.lock();
        let id = waiting.next_id;
        waiting.next_id += 1;
        waiting.by_key.entry(key.to_owned()).or_default().insert(id, sender);
        drop(waiting);
        Watch { watches: self.clone(), key: key.to_owned(), id, changed }
    }

    /// Wakes everybody who waits for one of `keys`.
    pub(super) fn wake<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) {
        let mut waiting = self.lock();
        if waiting.by_key.is_empty() {
            return;
        }
        for key in keys {
            for (_, sender) in waiting.by_key.remove(key).into_iter().flatten() {
                // Whoever has stopped waiting does not mind.
                let _ = sender.send(());
            }
        }
    }

    /// Ends every wait: there will be no more commits.
    pub(super) fn close(&self) {
        self.lock().by_key.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in here can panic half way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
