//! The only writer: takes all commits that wait, writes them with one sync, answers everybody.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use rocksdb::{DB, WriteBatch, WriteOptions};
use tokio::sync::oneshot;

use super::{acknowledged::Acknowledged, opening::is_no_space, recent::RecentWrites, space::Space};
use crate::storage::{
    GroupReport, ReadSet, StorageError, StorageObserver, Write, WriteSet, watches::Watches,
};

/// How many commits share one sync, and how many bytes: beyond that the first would wait too long.
const GROUP: usize = 512;
const GROUP_BYTES: usize = 8 << 20;

/// A commit that wants to be written.
#[derive(Debug)]
pub(super) struct Request {
    /// The number of the last commit that it has seen.
    pub(super) version: u64,
    /// What it has read.
    pub(super) reads: ReadSet,
    /// What it writes.
    pub(super) writes: WriteSet,
    /// Who waits for the outcome.
    pub(super) answer: oneshot::Sender<Result<(), StorageError>>,
}

/// What the writer works with.
pub(super) struct Parts {
    pub(super) db: Arc<DB>,
    /// Where it is noted how far acknowledged commits go. `None`: commits are not synced.
    pub(super) acknowledged: Option<Acknowledged>,
    pub(super) space: Space,
    pub(super) committed: Arc<AtomicU64>,
    pub(super) watches: Watches,
    pub(super) observer: Arc<dyn StorageObserver>,
}

/// The writer's state.
pub(super) struct Committer {
    parts: Parts,
    options: WriteOptions,
    recent: RecentWrites,
    /// The last write found the disk full.
    full: bool,
    /// After a failed write nobody knows what is on disk: nothing is acknowledged any more.
    failed: bool,
}

impl Committer {
    pub(super) fn new(parts: Parts) -> Self {
        let mut options = WriteOptions::default();
        options.set_sync(parts.acknowledged.is_some());
        let recent = RecentWrites::default();
        Self { parts, options, recent, full: false, failed: false }
    }

    pub(super) fn run(mut self, requests: &mpsc::Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let mut bytes = first.bytes();
            let mut group = vec![first];
            // Whoever queued up during the last sync goes together now.
            while group.len() < GROUP && bytes < GROUP_BYTES {
                let Ok(next) = requests.try_recv() else { break };
                bytes += next.bytes();
                group.push(next);
            }
            self.commit(group);
        }
    }

    fn commit(&mut self, group: Vec<Request>) {
        let mut version = self.parts.committed.load(Ordering::Acquire);
        let mut batch = WriteBatch::default();
        let mut accepted = Vec::with_capacity(group.len());
        let mut refused = Vec::new();
        let mut full = Vec::new();
        let room = self.parts.space.look();
        for request in group {
            if self.failed {
                request.answer(Err(StorageError::Closed));
            } else if !room.admits(request.writes.purpose) {
                full.push(request);
            } else if self.recent.allow(request.version, &request.reads) {
                version += 1;
                for (key, _) in &request.writes.tracked {
                    self.recent.add(version, key);
                }
                request.add_to(&mut batch);
                accepted.push(request);
            } else {
                refused.push(request);
            }
        }
        let conflicts = refused.len();
        let started = Instant::now();
        if !accepted.is_empty() {
            match self.parts.db.write_opt(batch, &self.options) {
                Ok(()) => self.written(accepted, version, conflicts, started.elapsed()),
                // Nothing of it was written: the database accepts no more until it has room itself.
                Err(error) if is_no_space(&error) => {
                    if !self.full {
                        tracing::error!(%error, "RVE-STORE-FULL: the disk is full: writes are refused");
                    }
                    self.full = true;
                    // They are remembered as written, so those who come now have to be younger.
                    self.parts.committed.store(version, Ordering::Release);
                    full.extend(accepted);
                }
                Err(error) => self.fail(accepted, conflicts, &StorageError::Database(error)),
            }
        } else if conflicts > 0 {
            let duration = Duration::ZERO;
            let report = GroupReport { committed: 0, conflicts, failed: 0, duration };
            self.parts.observer.group_committed(report);
        }
        self.refuse_for_want_of_room(full);
        // Answered last, so that the next attempt sees the commit that it lost against.
        for request in refused {
            request.answer(Err(StorageError::Conflict));
        }
    }

    fn refuse_for_want_of_room(&self, full: Vec<Request>) {
        if !full.is_empty() {
            self.parts.observer.refused_for_want_of_room(full.len());
        }
        for request in full {
            request.answer(Err(StorageError::Full));
        }
    }

    /// The group is on disk: notes it, and answers.
    fn written(
        &mut self,
        accepted: Vec<Request>,
        version: u64,
        conflicts: usize,
        duration: Duration,
    ) {
        if std::mem::take(&mut self.full) {
            tracing::info!("the disk has room again: writes are taken");
        }
        let number = self.parts.db.latest_sequence_number();
        let noted = self.parts.acknowledged.as_ref().map_or(Ok(()), |file| file.note(number));
        match noted {
            Ok(()) => self.acknowledge(accepted, version, conflicts, duration),
            Err(error) => self.fail(accepted, conflicts, &StorageError::Noted(Arc::new(error))),
        }
    }

    fn acknowledge(
        &self,
        accepted: Vec<Request>,
        version: u64,
        conflicts: usize,
        duration: Duration,
    ) {
        self.parts.committed.store(version, Ordering::Release);
        let written = accepted.iter().flat_map(|request| &request.writes.tracked);
        self.parts.watches.wake(written.map(|(key, _)| key.as_slice()));
        // Counted before it is answered: whoever has an answer finds it in the metrics.
        let committed = accepted.len();
        self.parts.observer.group_committed(GroupReport {
            committed,
            conflicts,
            failed: 0,
            duration,
        });
        for request in accepted {
            request.answer(Ok(()));
        }
    }

    fn fail(&mut self, accepted: Vec<Request>, conflicts: usize, error: &StorageError) {
        let reason = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(%error, reason, "RVE-STORE-WRITE: a write failed: the store accepts nothing more");
        self.failed = true;
        let (failed, duration) = (accepted.len(), Duration::ZERO);
        self.parts.observer.group_committed(GroupReport {
            committed: 0,
            conflicts,
            failed,
            duration,
        });
        for request in accepted {
            request.answer(Err(error.clone()));
        }
        self.parts.observer.storage_failed();
    }
}

impl Request {
    fn bytes(&self) -> usize {
        let size = |(key, value): &Write| key.len() + value.as_ref().map_or(0, Vec::len);
        self.writes.tracked.iter().chain(&self.writes.untracked).map(size).sum()
    }

    fn add_to(&self, batch: &mut WriteBatch) {
        // First, because a batch is carried out in its order.
        for range in &self.writes.erased {
            batch.delete_range(&range.start, &range.end);
        }
        for (key, value) in self.writes.tracked.iter().chain(&self.writes.untracked) {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
    }

    fn answer(self, outcome: Result<(), StorageError>) {
        // Whoever asked may have gone; what was written stays written.
        let _ = self.answer.send(outcome);
    }
}
