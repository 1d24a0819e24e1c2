//! The file below a connection: the pages of a database, and those that a commit will write.
//!
//! SQLite writes the pages of a transaction when it commits, then syncs: the sync is the commit.
//! Until then they are kept here. A transaction too large for SQLite's cache writes earlier, and
//! rolls back by writing the old pages again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::budget::{Budget, Share};
use crate::{
    actor_data::{
        Access, Fence, Refusal,
        commit::{self, MAX_COMMIT},
        pages, stage,
    },
    keyspace::tables::{PAGE_SIZE, PageRow, SqliteHeadRow, SqliteHeads},
    storage::StorageError,
};

/// A file that a connection and its file system share.
#[derive(Debug, Clone)]
pub(super) struct SharedFile(Arc<Mutex<PageFile>>);

/// The state of the file.
#[derive(Debug)]
pub(super) struct PageFile {
    access: Arc<Access>,
    fence: Fence,
    /// The database as this connection knows it.
    head: Option<SqliteHeadRow>,
    size_pages: u32,
    dirty: BTreeMap<u32, Vec<u8>>,
    share: Share,
    /// Why an access failed, where SQLite would only say that it did.
    failure: Option<Refusal>,
    /// An access failed, so that what the connection has in its cache may not be what is stored.
    /// Nothing is written any more.
    broken: bool,
    /// The connection is ready for others.
    set_up: bool,
}

/// An access that did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The store failed, or refused.
    Failed,
    /// There is no room.
    Full,
}

impl SharedFile {
    pub(super) fn lock(&self) -> MutexGuard<'_, PageFile> {
        // A panic in here would end the process: SQLite calls it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why an access failed since the last call.
    pub(super) fn take_failure(&self) -> Option<Refusal> {
        self.lock().failure.take()
    }

    pub(super) fn is_broken(&self) -> bool {
        self.lock().broken
    }

    /// Writes nothing any more.
    pub(super) fn give_up(&self) {
        self.lock().broken = true;
    }

    /// Commits what SQLite leaves for later: it shortens the file after the commit that made it
    /// shorter.
    pub(super) fn finish(&self) {
        let mut file = self.lock();
        let shorter = file.head.is_some_and(|head| file.size_pages < head.size_pages);
        if shorter
            && file.dirty.is_empty()
            && !file.broken
            && let Err(refusal) = file.commit()
        {
            // The next commit does it.
            tracing::debug!(actor = %file.fence.actor, %refusal, "a database was not shortened");
        }
    }
}

impl PageFile {
    /// The database of `fence.actor` as it is.
    pub(super) fn open(
        access: &Arc<Access>,
        fence: &Fence,
        budget: &Arc<Budget>,
    ) -> Result<SharedFile, Refusal> {
        let actor = fence.actor;
        let head = access
            .transact_blocking(fence, |transaction| Ok(transaction.get::<SqliteHeads>(&actor)?))?;
        Ok(SharedFile(Arc::new(Mutex::new(Self {
            access: Arc::clone(access),
            fence: fence.clone(),
            head,
            size_pages: head.map_or(0, |head| head.size_pages),
            dirty: BTreeMap::new(),
            share: Share::of(budget),
            failure: None,
            broken: false,
            set_up: false,
        }))))
    }

    /// Notes that the connection is ready for others.
    pub(super) fn set_up(&mut self) {
        self.set_up = true;
    }

    /// Whether it is.
    pub(super) fn is_set_up(&self) -> bool {
        self.set_up
    }

    /// How long the file is.
    pub(super) fn len(&self) -> usize {
        self.size_pages as usize * PAGE_SIZE
    }

    /// Reads bytes, and says how many there were.
    pub(super) fn read(&mut self, offset: usize, bytes: &mut [u8]) -> Result<usize, Fault> {
        let end = offset.saturating_add(bytes.len()).min(self.len());
        let mut at = offset;
        while at < end {
            let (pgno, within) = place(at)?;
            let count = (PAGE_SIZE - within).min(end - at);
            let page = self.page(pgno)?;
            let to = &mut bytes[at - offset..][..count];
            match page {
                Some(page) => to.copy_from_slice(&page[within..][..count]),
                None => to.fill(0),
            }
            at += count;
        }
        Ok(end.saturating_sub(offset))
    }

    /// Keeps bytes for the next commit.
    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), Fault> {
        let mut at = offset;
        let mut left = bytes;
        while !left.is_empty() {
            let (pgno, within) = place(at)?;
            let (now, later) = left.split_at((PAGE_SIZE - within).min(left.len()));
            let page = if now.len() == PAGE_SIZE {
                now.to_owned()
            } else {
                let mut page = self.page(pgno)?.unwrap_or_else(|| vec![0; PAGE_SIZE]);
                page[within..][..now.len()].copy_from_slice(now);
                page
            };
            self.keep(pgno, page)?;
            at += now.len();
            left = later;
        }
        Ok(())
    }

    /// Makes the file shorter, or longer.
    pub(super) fn truncate(&mut self, len: usize) -> Result<(), Fault> {
        self.check()?;
        self.size_pages = u32::try_from(len.div_ceil(PAGE_SIZE)).map_err(|_| self.full())?;
        let size_pages = self.size_pages;
        self.dirty.retain(|pgno, _| *pgno <= size_pages);
        self.share.resize(self.dirty.len());
        Ok(())
    }

    /// Commits what was written.
    pub(super) fn sync(&mut self) -> Result<(), Fault> {
        self.check()?;
        let changed = self.head.map_or(0, |head| head.size_pages) != self.size_pages;
        if self.dirty.is_empty() && !changed {
            return Ok(());
        }
        self.commit().map_err(|refusal| match refusal {
            Refusal::SqliteQuota { .. } | Refusal::StageTooLarge { .. } => self.full(),
            refusal => self.fail(refusal),
        })
    }

    fn keep(&mut self, pgno: u32, page: Vec<u8>) -> Result<(), Fault> {
        self.check()?;
        if !self.dirty.contains_key(&pgno) {
            let pages = self.dirty.len() + 1;
            if pages > stage::MAX_PAGES || !self.share.resize(pages) {
                return Err(self.full());
            }
        }
        self.dirty.insert(pgno, page);
        self.size_pages = self.size_pages.max(pgno);
        Ok(())
    }

    /// A page as a reader sees it. `None`: zeroes.
    fn page(&mut self, pgno: u32) -> Result<Option<Vec<u8>>, Fault> {
        if let Some(page) = self.dirty.get(&pgno) {
            return Ok(Some(page.clone()));
        }
        let Some(head) = self.head else { return Ok(None) };
        if pgno > self.size_pages {
            return Ok(None);
        }
        let actor = self.fence.actor;
        let read = self.access.database.transact_blocking(|transaction| {
            let current = transaction.get::<SqliteHeads>(&actor)?;
            commit::check_head(current, Some(head.txid))?;
            // As it is now: its pages may have been moved to their place meanwhile.
            let Some(current) = current else { return Ok(None) };
            let mut found = pages::read(transaction, actor, &current, &[pgno])?;
            Ok::<_, Refusal>(found.remove(&pgno))
        });
        read.map_err(|refusal| self.fail(refusal))
    }

    /// A transaction that failed is not written, nor is what SQLite writes to undo it.
    fn check(&self) -> Result<(), Fault> {
        if self.broken { Err(Fault::Failed) } else { Ok(()) }
    }

    fn full(&mut self) -> Fault {
        self.broken = true;
        Fault::Full
    }

    fn fail(&mut self, refusal: Refusal) -> Fault {
        self.broken = true;
        self.failure.get_or_insert(refusal);
        Fault::Failed
    }

    fn commit(&mut self) -> Result<(), Refusal> {
        let rows: Vec<(u32, PageRow)> =
            self.dirty.iter().map(|(pgno, page)| (*pgno, PageRow(page.clone()))).collect();
        let head = if rows.len() <= MAX_COMMIT {
            self.commit_at_once(&rows)?
        } else {
            self.commit_in_parts(&rows)?
        };
        self.head = Some(head);
        self.dirty.clear();
        self.share.resize(0);
        Ok(())
    }

    fn commit_at_once(&self, rows: &[(u32, PageRow)]) -> Result<SqliteHeadRow, Refusal> {
        let (actor, expected) = (self.fence.actor, self.txid());
        self.access.transact_blocking(&self.fence, |transaction| {
            commit::write(&self.access, transaction, actor, Some(expected), rows, self.size_pages)
        })
    }

    fn commit_in_parts(&self, rows: &[(u32, PageRow)]) -> Result<SqliteHeadRow, Refusal> {
        let (actor, expected) = (self.fence.actor, self.txid());
        let txid = self.access.transact_blocking(&self.fence, |transaction| {
            stage::begin(transaction, actor, Some(expected))
        })?;
        for part in rows.chunks(MAX_COMMIT) {
            self.access.transact_blocking(&self.fence, |transaction| {
                let Some(stage) = stage::open_stage(transaction, actor, txid)? else {
                    return Err(Refusal::StageNotFound { first_pgno: part[0].0, txid });
                };
                stage::add_pages(transaction, actor, stage, part)
            })?;
        }
        loop {
            let published = self.access.transact_blocking(&self.fence, |transaction| {
                stage::finish(&self.access, transaction, actor, txid, self.size_pages)
            });
            match published {
                Err(Refusal::Unfolded) => self.fold()?,
                published => return published,
            }
        }
    }

    fn fold(&self) -> Result<(), StorageError> {
        let actor = self.fence.actor;
        let database = &self.access.database;
        while database.transact_blocking(|transaction| pages::fold(transaction, actor))? {}
        Ok(())
    }

    fn txid(&self) -> u64 {
        self.head.map_or(0, |head| head.txid)
    }
}

/// The page of a byte, and where in it the byte is.
fn place(offset: usize) -> Result<(u32, usize), Fault> {
    let pgno = u32::try_from(offset / PAGE_SIZE + 1).map_err(|_| Fault::Full)?;
    Ok((pgno, offset % PAGE_SIZE))
}
