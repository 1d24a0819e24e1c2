//! Runs transactions: off the threads that serve requests, and again when they conflict.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{Pending, Purpose, Storage, StorageError, StorageFigures, Transaction, Watch};
use crate::keyspace::{Table, key_bytes};

/// How often a transaction may lose against others before its caller hears of it.
const ATTEMPTS: u32 = 64;

/// A handle to the store; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Database {
    storage: Arc<dyn Storage>,
    purpose: Purpose,
}

impl Database {
    /// The database kept in `storage`.
    pub fn new(storage: impl Storage) -> Self {
        Self { storage: Arc::new(storage), purpose: Purpose::Growth }
    }

    /// The same database for those who keep things going, or remove some: when the disk is nearly
    /// full they may use half of what is left.
    #[must_use]
    pub fn for_upkeep(&self) -> Self {
        Self { purpose: Purpose::Upkeep, ..self.clone() }
    }

    /// Runs `work` and writes what it wrote, atomically. What it returns is true once this
    /// returns: its writes are on disk.
    ///
    /// `work` runs again from the start when another transaction was faster, so it must have no
    /// effects but its writes.
    pub async fn transact<R, E, W>(&self, work: W) -> Result<R, E>
    where
        W: Fn(&mut Transaction<'_>) -> Result<R, E> + Send + Sync + 'static,
        R: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let work = Arc::new(work);
        for lost in 0..ATTEMPTS {
            if lost > 8 {
                // A crowd on one row: stepping back lets those in front finish.
                tokio::time::sleep(Duration::from_millis(u64::from(lost))).await;
            }
            let (database, work) = (self.clone(), Arc::clone(&work));
            let (result, pending) = blocking(move || database.attempt(&*work)).await?;
            match pending {
                None => return Ok(result),
                Some(pending) => match pending.wait().await {
                    Ok(()) => return Ok(result),
                    Err(StorageError::Conflict) => {}
                    Err(error) => return Err(error.into()),
                },
            }
        }
        Err(StorageError::Contended(ATTEMPTS).into())
    }

    /// [`Database::transact`] for a thread that may wait for the disk.
    pub fn transact_blocking<R, E: From<StorageError>>(
        &self,
        work: impl Fn(&mut Transaction<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        for lost in 0..ATTEMPTS {
            if lost > 8 {
                std::thread::sleep(Duration::from_millis(u64::from(lost)));
            }
            let (result, pending) = self.attempt(&work)?;
            match pending.map(Pending::wait_blocking) {
                None | Some(Ok(())) => return Ok(result),
                Some(Err(StorageError::Conflict)) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
        Err(StorageError::Contended(ATTEMPTS).into())
    }

    /// How many bytes the data takes.
    pub fn bytes(&self) -> Result<u64, StorageError> {
        self.storage.bytes()
    }

    /// [`Storage::figures`], off the threads that serve requests.
    pub async fn figures(&self) -> StorageFigures {
        let storage = Arc::clone(&self.storage);
        blocking(move || storage.figures()).await
    }

    /// [`Storage::checkpoint`], off the threads that serve requests.
    pub async fn checkpoint(&self, dir: PathBuf) -> Result<u64, StorageError> {
        let storage = Arc::clone(&self.storage);
        blocking(move || storage.checkpoint(&dir)).await
    }

    /// [`Storage::compact`], off the threads that serve requests.
    pub async fn compact(&self) -> Result<(), StorageError> {
        let storage = Arc::clone(&self.storage);
        blocking(move || storage.compact()).await
    }

    /// [`Storage::end_maintenance`].
    pub fn end_maintenance(&self) {
        self.storage.end_maintenance();
    }

    /// Waits for the next commit that writes the row of `key`.
    pub fn watch<T: Table>(&self, key: &T::Key) -> Watch {
        self.storage.watch(&key_bytes::<T>(key))
    }

    fn attempt<R, E>(
        &self,
        work: &dyn Fn(&mut Transaction<'_>) -> Result<R, E>,
    ) -> Result<(R, Option<Pending>), E> {
        let mut transaction = Transaction::new(self.storage.begin());
        let result = work(&mut transaction)?;
        Ok((result, transaction.commit_for(self.purpose)))
    }
}

/// Runs `work`, which may wait for the disk, where waiting holds up nobody else.
async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(ended) => std::panic::resume_unwind(ended.into_panic()),
    }
}
