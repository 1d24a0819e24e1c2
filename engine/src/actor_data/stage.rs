//! Commits that are too large for one message: begun, sent in segments, published at once.
//!
//! A segment spans five shards of 64 pages, and segments come in ascending order. Nothing of them
//! is read before the end, and whatever else is committed meanwhile makes them void.

use rivet_envoy_protocol as protocol;

use super::{
    Access, ActorData, Fence, Refusal,
    commit::{check_head, rows},
    pages,
};
use crate::{
    keyspace::{
        Id,
        tables::{
            PAGE_SIZE, PageRow, SegmentKey, SegmentRow, SqliteHeadRow, SqliteHeads, SqliteStageRow,
            SqliteStages, StagedPageKey, StagedPages, StagedSegments,
        },
    },
    storage::{StorageError, Transaction},
};

/// Segments begin at multiples of this.
const SHARD: u32 = 64;

/// How many pages a segment spans.
const SPAN: u32 = 5 * SHARD;

/// How many pages one commit may have, and their bytes: 128 MiB.
pub(super) const MAX_PAGES: usize = 32_768;
pub(super) const MAX_BYTES: u64 = (MAX_PAGES * PAGE_SIZE) as u64;

const KIND: &str = "staged commit";

impl ActorData {
    /// Begins a large commit. One that was begun before is void.
    pub async fn stage_begin(
        &self,
        fence: Fence,
        request: protocol::SqliteCommitStageBeginRequest,
    ) -> protocol::SqliteCommitStageBeginResponse {
        use protocol::SqliteCommitStageBeginResponse as Response;
        let begun = async {
            require_generation(&fence)?;
            let expected = request.expected_head_txid;
            self.transact(fence, move |_, transaction, fence| {
                begin(transaction, fence.actor, expected)
            })
            .await
        };
        match begun.await {
            Ok(txid) => {
                Response::SqliteCommitStageBeginOk(protocol::SqliteCommitStageBeginOk { txid })
            }
            Err(refusal) => Response::SqliteErrorResponse(refusal.into_sqlite()),
        }
    }

    /// Takes a part of a large commit.
    pub async fn stage_segment(
        &self,
        fence: Fence,
        request: protocol::SqliteCommitStageSegmentRequest,
    ) -> protocol::SqliteCommitStageSegmentResponse {
        use protocol::SqliteCommitStageSegmentResponse as Response;
        let staged_bytes = (request.dirty_pages.len() * PAGE_SIZE) as u64;
        let staged = async {
            require_generation(&fence)?;
            let (txid, first_pgno) = (request.txid, request.first_pgno);
            let mut pages = rows(request.dirty_pages);
            pages.sort_by_key(|(pgno, _)| *pgno);
            self.transact(fence, move |_, transaction, fence| {
                add_segment(transaction, fence.actor, txid, first_pgno, &pages)
            })
            .await
        };
        match staged.await {
            Ok(()) => Response::SqliteCommitStageSegmentOk(protocol::SqliteCommitStageSegmentOk {
                staged_bytes,
            }),
            Err(refusal) => Response::SqliteErrorResponse(refusal.into_sqlite()),
        }
    }

    /// Publishes a large commit. It is on disk when the answer comes.
    pub async fn finalize(
        &self,
        fence: Fence,
        request: protocol::SqliteCommitFinalizeRequest,
    ) -> protocol::SqliteCommitFinalizeResponse {
        use protocol::SqliteCommitFinalizeResponse as Response;
        match self.try_finalize(fence, request).await {
            Ok(head_txid) => Response::SqliteCommitFinalizeOk(protocol::SqliteCommitFinalizeOk {
                head_txid: Some(head_txid),
            }),
            Err(refusal) => Response::SqliteErrorResponse(refusal.into_sqlite()),
        }
    }

    async fn try_finalize(
        &self,
        fence: Fence,
        request: protocol::SqliteCommitFinalizeRequest,
    ) -> Result<u64, Refusal> {
        require_generation(&fence)?;
        let (actor, request) = (fence.actor, std::sync::Arc::new(request));
        loop {
            let published = self
                .transact(fence.clone(), {
                    let request = std::sync::Arc::clone(&request);
                    move |access, transaction, fence| {
                        check_segments(transaction, fence.actor, &request)?;
                        let size_pages = request.new_db_size_pages;
                        finish(access, transaction, fence.actor, request.txid, size_pages)
                    }
                })
                .await;
            match published {
                Err(Refusal::Unfolded) => self.fold(actor).await?,
                Err(refusal) => return Err(refusal),
                Ok(head) => {
                    self.fold_in_background(actor);
                    return Ok(head.txid);
                }
            }
        }
    }
}

fn require_generation(fence: &Fence) -> Result<(), Refusal> {
    fence.generation.map(|_| ()).ok_or(Refusal::MissingGeneration(KIND))
}

/// Begins a commit, and returns its number.
pub(super) fn begin(
    transaction: &mut Transaction<'_>,
    actor: Id,
    expected_head: Option<u64>,
) -> Result<u64, Refusal> {
    let head = transaction.get::<SqliteHeads>(&actor)?;
    check_head(head, expected_head)?;
    discard(transaction, &actor)?;
    let txid = head.map_or(0, |head| head.txid) + 1;
    let stage = SqliteStageRow { txid, segments: 0, pages: 0, last_segment: None };
    transaction.put::<SqliteStages>(&actor, &stage);
    Ok(txid)
}

/// Adds pages to the commit `stage`.
pub(super) fn add_pages(
    transaction: &mut Transaction<'_>,
    actor: Id,
    mut stage: SqliteStageRow,
    pages: &[(u32, PageRow)],
) -> Result<(), Refusal> {
    let SqliteStageRow { txid, .. } = stage;
    stage.pages += pages.len() as u64;
    let actual = stage.pages * PAGE_SIZE as u64;
    if actual > MAX_BYTES {
        return Err(Refusal::StageTooLarge { actual, max: MAX_BYTES });
    }
    for (pgno, row) in pages {
        transaction.put::<StagedPages>(&StagedPageKey { actor, txid, pgno: *pgno }, row);
    }
    transaction.put::<SqliteStages>(&actor, &stage);
    Ok(())
}

/// Publishes the commit `txid`.
pub(super) fn finish(
    access: &Access,
    transaction: &mut Transaction<'_>,
    actor: Id,
    txid: u64,
    size_pages: u32,
) -> Result<SqliteHeadRow, Refusal> {
    let head = transaction.get::<SqliteHeads>(&actor)?;
    check_next(head, txid)?;
    pages::check_size(head, size_pages, access.limits.sqlite_bytes)?;
    let head = pages::publish(transaction, actor, head, txid, size_pages)?;
    transaction.delete::<SqliteStages>(&actor);
    transaction.erase::<StagedSegments>(SegmentKey::range_of_actor(&actor))?;
    Ok(head)
}

/// Removes the unfinished commit of an actor, if there is one.
pub(super) fn discard(transaction: &mut Transaction<'_>, actor: &Id) -> Result<(), StorageError> {
    if let Some(stage) = transaction.get::<SqliteStages>(actor)? {
        transaction.delete::<SqliteStages>(actor);
        transaction.erase::<StagedSegments>(SegmentKey::range_of_actor(actor))?;
        transaction.erase::<StagedPages>(StagedPageKey::range_of_commit(actor, stage.txid))?;
    }
    Ok(())
}

/// The unfinished commit `txid`, if there is one that nothing has made void.
pub(super) fn open_stage(
    transaction: &mut Transaction<'_>,
    actor: Id,
    txid: u64,
) -> Result<Option<SqliteStageRow>, Refusal> {
    let head = transaction.get::<SqliteHeads>(&actor)?;
    check_next(head, txid)?;
    Ok(transaction.get::<SqliteStages>(&actor)?.filter(|stage| stage.txid == txid))
}

fn check_next(head: Option<SqliteHeadRow>, txid: u64) -> Result<(), Refusal> {
    let expected = txid.saturating_sub(1);
    if txid == 0 {
        // It names no commit, so that the head before it is not there either.
        let current = head.map_or(0, |head| head.txid);
        return Err(Refusal::HeadMismatch { expected, current });
    }
    check_head(head, Some(expected))
}

fn add_segment(
    transaction: &mut Transaction<'_>,
    actor: Id,
    txid: u64,
    first_pgno: u32,
    pages: &[(u32, PageRow)],
) -> Result<(), Refusal> {
    let stage = open_stage(transaction, actor, txid)?;
    check_shape(first_pgno, pages)?;
    let Some(mut stage) = stage else {
        return Err(Refusal::StageNotFound { first_pgno, txid });
    };
    if let Some(last) = stage.last_segment
        && u64::from(first_pgno) < u64::from(last) + u64::from(SPAN)
    {
        return Err(Refusal::StageSegmentInvalid(format!(
            "segment {first_pgno} overlaps the span of the segment at {last}"
        )));
    }
    check_segment_pages(first_pgno, pages)?;
    stage.segments += 1;
    stage.last_segment = Some(first_pgno);
    add_pages(transaction, actor, stage, pages)?;
    transaction.put::<StagedSegments>(&SegmentKey { actor, txid, first_pgno }, &SegmentRow {});
    Ok(())
}

/// The rules for where a segment begins and ends. `pages` are sorted.
fn check_shape(first_pgno: u32, pages: &[(u32, PageRow)]) -> Result<(), Refusal> {
    let invalid = |reason: String| Err(Refusal::StageSegmentInvalid(reason));
    let (Some((lowest, _)), Some((highest, _))) = (pages.first(), pages.last()) else {
        return invalid("segment has no pages".to_owned());
    };
    if !first_pgno.is_multiple_of(SHARD) {
        return invalid(format!("first page {first_pgno} is not shard-aligned"));
    }
    if *lowest < first_pgno {
        return invalid(format!("page {lowest} sits below the segment start {first_pgno}"));
    }
    if *highest - first_pgno >= SPAN {
        let past = pages.iter().find(|(pgno, _)| *pgno - first_pgno >= SPAN);
        let page = past.map_or(*highest, |(pgno, _)| *pgno);
        return invalid(format!("page {page} sits past the segment's 5-shard span"));
    }
    Ok(())
}

fn check_segment_pages(first_pgno: u32, pages: &[(u32, PageRow)]) -> Result<(), Refusal> {
    let refused =
        |reason: &str| Err(Refusal::SegmentPages { first_pgno, reason: reason.to_owned() });
    if pages.iter().any(|(pgno, _)| *pgno == 0) {
        return refused("page number must be greater than zero");
    }
    if pages.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return refused("page numbers must be unique and strictly increasing");
    }
    match pages.iter().find(|(_, row)| row.0.len() != PAGE_SIZE) {
        None => Ok(()),
        Some((pgno, row)) => {
            refused(&format!("page {pgno} had {} bytes, expected {PAGE_SIZE}", row.0.len()))
        }
    }
}

/// Whether the one who finishes means exactly what has arrived: an answer that was lost must not
/// end in a commit with a hole in it.
fn check_segments(
    transaction: &mut Transaction<'_>,
    actor: Id,
    request: &protocol::SqliteCommitFinalizeRequest,
) -> Result<(), Refusal> {
    let (txid, claimed) = (request.txid, &request.segment_first_pgnos);
    let Some(stage) = open_stage(transaction, actor, txid)? else {
        return Err(Refusal::StageSegmentInvalid(format!(
            "no staged commit is open at txid {txid}"
        )));
    };
    // One more than there are is enough to find one that is missing or named twice.
    for first_pgno in claimed.iter().take(stage.segments as usize + 1) {
        let key = SegmentKey { actor, txid, first_pgno: *first_pgno };
        if transaction.get::<StagedSegments>(&key)?.is_none() {
            return Err(Refusal::StageNotFound { first_pgno: *first_pgno, txid });
        }
    }
    let ascending = claimed.windows(2).all(|pair| pair[0] < pair[1]);
    if !ascending || claimed.len() != stage.segments as usize {
        return Err(Refusal::StageSegmentInvalid(format!(
            "finalize claimed {} segments but {} were staged",
            claimed.len(),
            stage.segments
        )));
    }
    Ok(())
}
