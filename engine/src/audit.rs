//! Who did what to the engine, and with which result: an append-only log in the store.
//!
//! A call is answered when its entry is on disk. One task writes all entries, many at once when many
//! come at once, and lets the oldest go beyond the operator's bounds; nothing else deletes or changes
//! one. Calls of strangers are written down too, but only so many a minute, so that nobody without a
//! token can fill the disk or flush the log.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Millis, SharedClock},
    config::AuditSettings,
    keyspace::{
        KeyRange, Order, key_bytes,
        tables::{AuditEntries, AuditRow},
    },
    storage::{Database, StorageError},
    telemetry::Metrics,
};

/// How many entries wait to be written. Whoever comes then waits for room.
const QUEUE: usize = 1024;

/// How many entries are written at once.
const BATCH: usize = 256;

/// How many calls of strangers are written down in a minute.
const STRANGERS_PER_MINUTE: Millis = 60;

const MINUTE: Millis = 60_000;

/// An entry and who waits for it.
type Job = (AuditRow, oneshot::Sender<()>);

/// The log; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct AuditLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    clock: SharedClock,
    metrics: Arc<Metrics>,
    queue: mpsc::Sender<Job>,
    /// Until when the calls of strangers weigh that were written down.
    strangers: Mutex<Millis>,
}

/// Writes what is recorded. Without it nothing is.
#[derive(Debug)]
pub struct AuditWriter {
    database: Database,
    settings: AuditSettings,
    queue: mpsc::Receiver<Job>,
    next: u64,
}

/// An entry, and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number: later entries have larger ones.
    pub number: u64,
    /// What it says.
    pub row: AuditRow,
}

impl AuditLog {
    /// The log in `database`, and who writes it.
    pub async fn open(
        database: Database,
        settings: AuditSettings,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, AuditWriter), StorageError> {
        let newest = database.transact(|transaction| {
            let all = KeyRange::table::<AuditEntries>();
            transaction.range::<AuditEntries>(&all, Order::Descending, 1)
        });
        let next = newest.await?.first().map_or(1, |(number, _)| number + 1);
        let (sender, queue) = mpsc::channel(QUEUE);
        let log = Inner {
            database: database.clone(),
            clock,
            metrics,
            queue: sender,
            strangers: Mutex::default(),
        };
        Ok((Self(Arc::new(log)), AuditWriter { database, settings, queue, next }))
    }

    /// The time of an entry that is written now.
    pub fn now(&self) -> Millis {
        self.0.clock.now()
    }

    /// Writes an entry, and waits until it is on disk.
    pub async fn record(&self, row: AuditRow) {
        let (written, done) = oneshot::channel();
        let sent = self.0.queue.send((row, written)).await;
        if sent.is_err() || done.await.is_err() {
            // The store has failed, which ends the process, or the process ends anyway.
            tracing::error!("an entry of the audit log was not written");
        }
    }

    /// Writes down a call of somebody without a valid token, unless there were many of late.
    pub async fn record_stranger(&self, row: AuditRow) {
        if self.has_room_for_a_stranger() {
            self.record(row).await;
        } else {
            self.0.metrics.audit_entry_left_out();
        }
    }

    /// Up to `limit` entries, newest first, older than the one with the number `before`.
    pub async fn page(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let mut range = KeyRange::table::<AuditEntries>();
        if let Some(before) = before {
            range.end = range.end.min(key_bytes::<AuditEntries>(&before));
        }
        let rows = self.0.database.transact(move |transaction| {
            transaction.range::<AuditEntries>(&range, Order::Descending, limit)
        });
        Ok(rows.await?.into_iter().map(|(number, row)| AuditEntry { number, row }).collect())
    }

    fn has_room_for_a_stranger(&self) -> bool {
        let now = self.now();
        let mut weigh_until = self.0.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        let until = (*weigh_until).max(now) + MINUTE / STRANGERS_PER_MINUTE;
        if until > now + MINUTE {
            return false;
        }
        *weigh_until = until;
        true
    }
}

impl AuditWriter {
    /// Writes entries until `stop` is cancelled, and then those that wait.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let received = stop.run_until_cancelled(self.queue.recv_many(&mut batch, BATCH)).await;
            if received.is_none() {
                self.queue.close();
                while self.queue.recv_many(&mut batch, BATCH).await > 0 {
                    self.write(&mut batch).await;
                }
                return;
            }
            if received == Some(0) {
                return;
            }
            self.write(&mut batch).await;
        }
    }

    async fn write(&mut self, batch: &mut Vec<Job>) {
        let (rows, waiting): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        let (first, count) = (self.next, rows.len());
        self.next += u64::try_from(count).unwrap_or(u64::MAX);
        let (settings, newest) = (self.settings, self.next - 1);
        let written = self.database.transact(move |transaction| {
            for (number, row) in (first..).zip(&rows) {
                transaction.put::<AuditEntries>(&number, row);
            }
            let now = rows.iter().map(|row| row.ts).max().unwrap_or(0);
            // A few more than come in, so that bounds that were narrowed are met by and by.
            let all = KeyRange::table::<AuditEntries>();
            let oldest = transaction.range::<AuditEntries>(&all, Order::Ascending, count + 64)?;
            for (number, row) in oldest {
                if is_over(&settings, number, newest, row.ts, now) {
                    transaction.delete::<AuditEntries>(&number);
                }
            }
            Ok::<_, StorageError>(())
        });
        match written.await {
            Ok(()) => {
                for waiting in waiting {
                    // Whoever does not wait any more was told nothing wrong.
                    let _ = waiting.send(());
                }
            }
            Err(error) => tracing::error!(%error, entries = count, "the audit log failed"),
        }
    }
}

/// Whether an entry is beyond the operator's bounds.
fn is_over(settings: &AuditSettings, number: u64, newest: u64, ts: Millis, now: Millis) -> bool {
    newest - number >= settings.max_entries || ts.saturating_add(settings.max_age) < now
}

#[cfg(test)]
mod tests;
