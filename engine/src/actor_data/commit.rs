//! The page protocol: an actor's SQLite reads pages from here, and commits those it has changed.

use std::collections::HashSet;

use rivet_envoy_protocol as protocol;

use super::{Access, ActorData, Fence, Refusal, pages, stage};
use crate::{
    keyspace::{
        Id,
        tables::{PAGE_SIZE, PageRow, SqliteHeadRow, SqliteHeads},
    },
    storage::Transaction,
};

/// How many pages one commit may bring; more of them are staged.
pub(super) const MAX_COMMIT: usize = 320;

impl ActorData {
    /// Reads pages.
    pub async fn get_pages(
        &self,
        fence: Fence,
        request: protocol::SqliteGetPagesRequest,
    ) -> protocol::SqliteGetPagesResponse {
        use protocol::SqliteGetPagesResponse as Response;
        match self.try_get_pages(fence, request).await {
            Ok(found) => Response::SqliteGetPagesOk(found),
            Err(refusal) => Response::SqliteErrorResponse(refusal.into_sqlite()),
        }
    }

    /// Writes pages. They are on disk when the answer comes.
    pub async fn commit(
        &self,
        fence: Fence,
        request: protocol::SqliteCommitRequest,
    ) -> protocol::SqliteCommitResponse {
        use protocol::SqliteCommitResponse as Response;
        match self.try_commit(fence, request).await {
            Ok(head) => {
                Response::SqliteCommitOk(protocol::SqliteCommitOk { head_txid: Some(head.txid) })
            }
            Err(refusal) => Response::SqliteErrorResponse(refusal.into_sqlite()),
        }
    }

    async fn try_get_pages(
        &self,
        fence: Fence,
        request: protocol::SqliteGetPagesRequest,
    ) -> Result<protocol::SqliteGetPagesOk, Refusal> {
        if fence.generation.is_none() {
            return Err(Refusal::MissingGeneration("get_pages"));
        }
        if request.pgnos.len() > pages::MAX_READ {
            return Err(Refusal::TooManyPages(request.pgnos.len()));
        }
        let actor = fence.actor;
        let (found, head) = self
            .transact(fence, move |_, transaction, fence| read(transaction, fence.actor, &request))
            .await?;
        if head.layer.is_some() {
            self.fold_in_background(actor);
        }
        Ok(protocol::SqliteGetPagesOk { pages: found, head_txid: Some(head.txid) })
    }

    async fn try_commit(
        &self,
        fence: Fence,
        request: protocol::SqliteCommitRequest,
    ) -> Result<SqliteHeadRow, Refusal> {
        if fence.generation.is_none() {
            return Err(Refusal::MissingGeneration("commit"));
        }
        let actor = fence.actor;
        let head = self
            .transact(fence, {
                let checked = check_pages(&request.dirty_pages);
                let pages = rows(request.dirty_pages);
                let (size_pages, expected) = (request.db_size_pages, request.expected_head_txid);
                move |access, transaction, fence| {
                    checked?;
                    write(access, transaction, fence.actor, expected, &pages, size_pages)
                }
            })
            .await?;
        if head.layer.is_some() {
            self.fold_in_background(actor);
        }
        Ok(head)
    }

    /// Moves the pages of a large commit to their place, while the actor goes on.
    pub(super) fn fold_in_background(&self, actor: Id) {
        if !self.folding().insert(actor) {
            return;
        }
        let data = self.clone();
        tokio::spawn(async move {
            let folded = data.fold(actor).await;
            data.folding().remove(&actor);
            if let Err(error) = folded {
                // The next request of the actor tries again.
                tracing::warn!(%actor, %error, "a large commit could not be moved to its place");
            }
        });
    }

    pub(super) async fn fold(&self, actor: Id) -> Result<(), Refusal> {
        let step = move |transaction: &mut Transaction<'_>| {
            pages::fold(transaction, actor).map_err(Refusal::from)
        };
        while self.database().transact(step).await? {}
        Ok(())
    }
}

fn read(
    transaction: &mut Transaction<'_>,
    actor: Id,
    request: &protocol::SqliteGetPagesRequest,
) -> Result<(Vec<protocol::SqliteFetchedPage>, SqliteHeadRow), Refusal> {
    if request.pgnos.contains(&0) {
        return Err(Refusal::PageZero("get_pages"));
    }
    let Some(head) = transaction.get::<SqliteHeads>(&actor)? else {
        return Err(Refusal::DatabaseNotFound);
    };
    check_head(Some(head), request.expected_head_txid)?;
    let found = pages::read(transaction, actor, &head, &request.pgnos)?;
    let page = |pgno: &u32| protocol::SqliteFetchedPage {
        pgno: *pgno,
        bytes: (*pgno <= head.size_pages)
            .then(|| found.get(pgno).cloned().unwrap_or_else(|| vec![0; PAGE_SIZE])),
    };
    Ok((request.pgnos.iter().map(page).collect(), head))
}

/// One commit, all checks but those of the pages themselves included.
pub(super) fn write(
    access: &Access,
    transaction: &mut Transaction<'_>,
    actor: Id,
    expected_head: Option<u64>,
    pages: &[(u32, PageRow)],
    size_pages: u32,
) -> Result<SqliteHeadRow, Refusal> {
    if pages.len() > MAX_COMMIT {
        return Err(Refusal::CommitTooLarge {
            actual: pages.len() * PAGE_SIZE,
            max: MAX_COMMIT * PAGE_SIZE,
        });
    }
    let head = transaction.get::<SqliteHeads>(&actor)?;
    check_head(head, expected_head)?;
    pages::check_size(head, size_pages, access.limits.sqlite_bytes)?;
    stage::discard(transaction, &actor)?;
    Ok(pages::write(transaction, actor, head, pages, size_pages)?)
}

/// Refuses the request of somebody who has missed a commit.
pub(super) fn check_head(
    head: Option<SqliteHeadRow>,
    expected: Option<u64>,
) -> Result<(), Refusal> {
    let current = head.map_or(0, |head| head.txid);
    match expected {
        Some(expected) if expected != current => Err(Refusal::HeadMismatch { expected, current }),
        _ => Ok(()),
    }
}

fn check_pages(pages: &[protocol::SqliteDirtyPage]) -> Result<(), PageFault> {
    let mut seen = HashSet::new();
    for page in pages {
        if page.pgno == 0 {
            return Err(PageFault::Zero);
        }
        if !seen.insert(page.pgno) {
            return Err(PageFault::Duplicate(page.pgno));
        }
        if page.bytes.len() != PAGE_SIZE {
            return Err(PageFault::Size { pgno: page.pgno, actual: page.bytes.len() });
        }
    }
    Ok(())
}

pub(super) fn rows(pages: Vec<protocol::SqliteDirtyPage>) -> Vec<(u32, PageRow)> {
    pages.into_iter().map(|page| (page.pgno, PageRow(page.bytes))).collect()
}

/// What is wrong with the pages of a commit: found once, told in each attempt, and only to one who
/// may touch the actor.
#[derive(Debug, Clone, Copy)]
enum PageFault {
    Zero,
    Duplicate(u32),
    Size { pgno: u32, actual: usize },
}

impl From<PageFault> for Refusal {
    fn from(fault: PageFault) -> Self {
        match fault {
            PageFault::Zero => Self::PageZero("sqlite commit"),
            PageFault::Duplicate(pgno) => Self::DuplicatePage(pgno),
            PageFault::Size { pgno, actual } => Self::PageSize { pgno, actual },
        }
    }
}
