//! Commits in parts: nothing is seen before the end, everything after it.

use super::*;
use crate::{
    actor_data::{pages, stage::MAX_BYTES},
    keyspace::{
        KeyRange, Order,
        tables::{PageRow, SqliteHeads, StagedPages, StagedSegments},
    },
};

const INVALID: &str = "depot.stage_segment_invalid: transaction failed: StageSegmentInvalid: ";

impl World {
    async fn staged_rows(&self) -> (usize, usize) {
        self.database
            .transact(|transaction| {
                let pages = transaction.range::<StagedPages>(
                    &KeyRange::table::<StagedPages>(),
                    Order::Ascending,
                    usize::MAX,
                )?;
                let segments = transaction.range::<StagedSegments>(
                    &KeyRange::table::<StagedSegments>(),
                    Order::Ascending,
                    usize::MAX,
                )?;
                Ok::<_, StorageError>((pages.len(), segments.len()))
            })
            .await
            .unwrap()
    }

    async fn folded(&self, fence: &Fence) {
        let actor = fence.actor;
        loop {
            let head = self
                .database
                .transact(move |transaction| transaction.get::<SqliteHeads>(&actor))
                .await
                .map_err(|error: StorageError| error)
                .unwrap();
            if head.is_none_or(|head| head.layer.is_none()) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test]
async fn a_staged_commit_is_seen_at_its_end_and_as_a_whole() {
    let world = World::new();
    let actor = world.actor().await;
    world.commit(&actor, &[(1, 1), (2, 2), (400, 4)], 400, None).await.unwrap();

    let txid = world.begin(&actor, Some(1)).await.unwrap();
    assert_eq!(txid, 2);
    world.segment(&actor, txid, 0, run(2, 319, 9)).await.unwrap();
    world.segment(&actor, txid, 320, run(320, 639, 9)).await.unwrap();
    let before = world.pages(&actor, &[1, 2, 3, 400, 640]).await;
    let finalized = world.finalize(&actor, txid, 640, &[0, 320]).await;
    let after = world.pages(&actor, &[1, 2, 3, 400, 639, 640, 641]).await;
    world.folded(&actor).await;
    let folded = world.pages(&actor, &[1, 2, 3, 400, 639, 640, 641]).await;

    assert_eq!(before, Ok((vec![Some(1), Some(2), Some(0), Some(4), None], 1)));
    assert_eq!(finalized, Ok(2));
    let nine = Some(9);
    assert_eq!(after, Ok((vec![Some(1), nine, nine, nine, nine, Some(0), None], 2)));
    assert_eq!(folded, after);
    assert_eq!(world.staged_rows().await, (0, 0));
}

#[tokio::test]
async fn pages_may_come_in_any_order_within_a_segment() {
    let world = World::new();
    let actor = world.actor().await;
    let txid = world.begin(&actor, Some(0)).await.unwrap();

    world.segment(&actor, txid, 0, vec![page(3, 3), page(1, 1)]).await.unwrap();
    world.finalize(&actor, txid, 3, &[0]).await.unwrap();

    assert_eq!(world.pages(&actor, &[1, 2, 3]).await, Ok((vec![Some(1), Some(0), Some(3)], 1)));
}

#[tokio::test]
async fn commits_in_a_row_lie_over_each_other_in_their_order() {
    let world = World::new();
    let actor = world.actor().await;
    for round in 1..=3_u8 {
        let txid = world.begin(&actor, None).await.unwrap();
        world.segment(&actor, txid, 0, run(1, 319, round)).await.unwrap();
        world.segment(&actor, txid, 320, run(320, 639, round)).await.unwrap();
        // The one before may not be folded in yet.
        world.finalize(&actor, txid, 639, &[0, 320]).await.unwrap();
        world.commit(&actor, &[(u32::from(round), 100 + round)], 639, None).await.unwrap();
    }

    let expected = Ok((vec![Some(3), Some(3), Some(103), Some(3)], 6));
    assert_eq!(world.pages(&actor, &[1, 2, 3, 639]).await, expected);
    world.folded(&actor).await;
    assert_eq!(world.pages(&actor, &[1, 2, 3, 639]).await, expected);
}

#[tokio::test]
async fn pages_above_the_new_size_are_dropped_from_both_tables() {
    let world = World::new();
    let actor = world.actor().await;
    let base: Vec<_> = (1..=300).map(|pgno| (pgno, 1)).collect();
    world.commit(&actor, &base, 300, None).await.unwrap();

    let txid = world.begin(&actor, None).await.unwrap();
    world.segment(&actor, txid, 0, run(1, 319, 2)).await.unwrap();
    world.finalize(&actor, txid, 200, &[0]).await.unwrap();
    world.commit(&actor, &[], 150, None).await.unwrap();
    world.commit(&actor, &[], 320, None).await.unwrap();
    world.folded(&actor).await;

    let pages = world.pages(&actor, &[150, 151, 200, 201, 300, 319]).await.unwrap().0;
    assert_eq!(pages, [Some(2), Some(0), Some(0), Some(0), Some(0), Some(0)]);
}

#[tokio::test]
async fn a_commit_or_another_begin_makes_a_stage_void() {
    let world = World::new();
    let actor = world.actor().await;
    let txid = world.begin(&actor, None).await.unwrap();
    world.segment(&actor, txid, 0, run(1, 10, 5)).await.unwrap();

    world.commit(&actor, &[(1, 1)], 1, None).await.unwrap();
    assert_eq!(world.staged_rows().await, (0, 0));
    assert_eq!(
        world.finalize(&actor, txid, 10, &[0]).await,
        error(
            "depot.head_fence_mismatch: transaction failed: sqlite head fence mismatch: expected \
             head txid 0, current head txid 1"
        )
    );

    let txid = world.begin(&actor, None).await.unwrap();
    world.segment(&actor, txid, 0, run(1, 10, 6)).await.unwrap();
    assert_eq!(world.begin(&actor, None).await, Ok(txid));
    assert_eq!(world.staged_rows().await, (0, 0));
    assert_eq!(
        world.finalize(&actor, txid, 10, &[0]).await,
        error(
            "depot.stage_not_found: transaction failed: StageNotFound: no staged segment at page \
             0 for txid 2"
        )
    );
}

#[tokio::test]
async fn the_end_of_a_generation_drops_its_stage() {
    let world = World::new();
    let actor = world.actor().await;
    let txid = world.begin(&actor, None).await.unwrap();
    world.segment(&actor, txid, 0, run(1, 10, 5)).await.unwrap();

    world.data.close(actor.actor).await;

    assert_eq!(world.staged_rows().await, (0, 0));
    assert_eq!(
        world.finalize(&actor, txid, 10, &[0]).await,
        error(&format!("{INVALID}no staged commit is open at txid 1"))
    );
}

#[tokio::test]
async fn a_stage_survives_a_restart() {
    let world = World::new();
    let actor = world.actor().await;
    let txid = world.begin(&actor, None).await.unwrap();
    world.segment(&actor, txid, 0, run(1, 10, 5)).await.unwrap();

    let world = world.reopen().await;

    assert_eq!(world.finalize(&actor, txid, 10, &[0]).await, Ok(1));
    assert_eq!(world.pages(&actor, &[10]).await, Ok((vec![Some(5)], 1)));
}

#[tokio::test]
async fn segments_that_break_a_rule_are_refused_with_its_name() {
    let world = World::new();
    let actor = world.actor().await;
    let txid = world.begin(&actor, None).await.unwrap();
    let refused = async |first: u32, pages: Vec<protocol::SqliteDirtyPage>, text: &str| {
        assert_eq!(world.segment(&actor, txid, first, pages).await, error(text), "{first}");
    };
    let encode = "core.internal_error: transaction failed: encode staged commit segment 0: ";

    refused(5, vec![page(5, 1)], &format!("{INVALID}first page 5 is not shard-aligned")).await;
    refused(0, vec![], &format!("{INVALID}segment has no pages")).await;
    refused(5, vec![], &format!("{INVALID}segment has no pages")).await;
    let past = format!("{INVALID}page 320 sits past the segment's 5-shard span");
    refused(0, run(1, 400, 1), &past).await;
    let below = format!("{INVALID}page 1279 sits below the segment start 1280");
    refused(1280, vec![page(1279, 1)], &below).await;
    let zero = format!("{encode}page number must be greater than zero");
    refused(0, vec![page(0, 1), page(1, 1)], &zero).await;
    let twice = format!("{encode}page numbers must be unique and strictly increasing");
    refused(0, vec![page(1, 1), page(1, 1)], &twice).await;
    let short = protocol::SqliteDirtyPage { pgno: 1, bytes: vec![0; 100] };
    refused(0, vec![short], &format!("{encode}page 1 had 100 bytes, expected 4096")).await;

    world.segment(&actor, txid, 64, run(64, 70, 1)).await.unwrap();
    for first in [0, 64, 128, 320] {
        let overlaps = format!("{INVALID}segment {first} overlaps the span of the segment at 64");
        refused(first, vec![page(first + 1, 1)], &overlaps).await;
    }
    world.segment(&actor, txid, 384, run(384, 384, 1)).await.unwrap();
    world.segment(&actor, txid, u32::MAX - 63, vec![page(u32::MAX, 1)]).await.unwrap();
    assert_eq!(
        world.segment(&actor, 5, 1280, vec![page(1280, 1)]).await,
        error(
            "depot.head_fence_mismatch: transaction failed: sqlite head fence mismatch: expected \
             head txid 4, current head txid 0"
        )
    );
    assert!(world.segment(&actor, 0, 1280, vec![page(1280, 1)]).await.is_err());
    assert!(world.segment(&actor, u64::MAX, 1280, vec![page(1280, 1)]).await.is_err());
}

#[tokio::test]
async fn a_segment_needs_a_begin() {
    let world = World::new();
    let actor = world.actor().await;

    assert_eq!(
        world.segment(&actor, 1, 0, run(1, 1, 1)).await,
        error(
            "depot.stage_not_found: transaction failed: StageNotFound: no staged segment at page \
             0 for txid 1"
        )
    );
}

#[tokio::test]
async fn the_end_has_to_name_exactly_what_has_arrived() {
    let world = World::new();
    let actor = world.actor().await;
    let txid = world.begin(&actor, None).await.unwrap();
    for first in [0, 320, 960] {
        world.segment(&actor, txid, first, vec![page(first + 1, 1)]).await.unwrap();
    }
    let refused = async |claimed: &[u32], text: &str| {
        assert_eq!(world.finalize(&actor, txid, 1000, claimed).await, error(text), "{claimed:?}");
    };
    let claimed =
        |count: usize| format!("{INVALID}finalize claimed {count} segments but 3 were staged");

    refused(
        &[0, 320, 640, 960],
        "depot.stage_not_found: transaction failed: StageNotFound: no staged segment at page 640 \
         for txid 1",
    )
    .await;
    refused(&[0], &claimed(1)).await;
    refused(&[], &claimed(0)).await;
    refused(&[0, 0, 320], &claimed(3)).await;
    refused(&[320, 0, 960], &claimed(3)).await;
    refused(&vec![0; 1_000_000], &claimed(1_000_000)).await;
    assert_eq!(world.finalize(&actor, txid, 1000, &[0, 320, 960]).await, Ok(1));
}

#[tokio::test]
async fn a_commit_without_segments_is_one() {
    let world = World::new();
    let actor = world.actor().await;
    world.commit(&actor, &[(1, 1)], 1, None).await.unwrap();
    let txid = world.begin(&actor, None).await.unwrap();

    assert_eq!(world.finalize(&actor, txid, 7, &[]).await, Ok(2));
    assert_eq!(world.pages(&actor, &[1, 7, 8]).await, Ok((vec![Some(1), Some(0), None], 2)));
}

#[tokio::test]
async fn a_staged_commit_has_128_mib_at_most() {
    let world = World::new();
    let actor = world.actor().await;
    let txid = world.begin(&actor, None).await.unwrap();
    let most = u32::try_from(MAX_BYTES / PAGE_SIZE as u64).unwrap();
    let firsts: Vec<u32> = (0..most).step_by(320).collect();
    let mut sent = 0;
    for first in &firsts {
        let last = (first + 319).min(most);
        let pages = run((*first).max(1), last, 1);
        sent += u32::try_from(pages.len()).unwrap();
        world.segment(&actor, txid, *first, pages).await.unwrap();
    }
    assert_eq!(sent, most);

    let beyond = most.next_multiple_of(320) + 320;
    assert_eq!(
        world.segment(&actor, txid, beyond, vec![page(beyond, 1)]).await,
        error(
            "depot.commit_too_large: transaction failed: CommitTooLarge: raw dirty pages were \
             134221824 bytes, limit is 134217728 bytes"
        )
    );
    assert_eq!(world.finalize(&actor, txid, most, &firsts).await, Ok(1));
    assert_eq!(world.pages(&actor, &[1, most]).await, Ok((vec![Some(1), Some(1)], 1)));
}

#[tokio::test]
async fn a_staged_commit_beyond_the_quota_is_refused() {
    let limits = DataLimits { sqlite_bytes: 100 * PAGE_SIZE as u64, ..DataLimits::default() };
    let world = World::with_limits(limits);
    let actor = world.actor().await;
    let txid = world.begin(&actor, None).await.unwrap();
    world.segment(&actor, txid, 0, run(1, 101, 1)).await.unwrap();

    let refused = world.finalize(&actor, txid, 101, &[0]).await.unwrap_err().0;

    assert!(refused.starts_with("depot.quota_exceeded: "), "{refused}");
    assert_eq!(world.finalize(&actor, txid, 100, &[0]).await, Ok(1));
}

/// A layer of 319 pages over a database of 319: more than one step folds.
async fn with_layer() -> (World, Fence) {
    let world = World::new();
    let actor = world.actor().await;
    // Nothing folds in the background.
    world.data.folding().insert(actor.actor);
    let base: Vec<_> = (1..=319).map(|pgno| (pgno, 1)).collect();
    world.commit(&actor, &base, 319, None).await.unwrap();
    let txid = world.begin(&actor, None).await.unwrap();
    world.segment(&actor, txid, 0, run(1, 319, 2)).await.unwrap();
    world.finalize(&actor, txid, 319, &[0]).await.unwrap();
    (world, actor)
}

/// Runs `outer`, and within its first attempt `inner` as a whole. Says how often `outer` ran.
fn meet(
    database: &Database,
    outer: impl Fn(&mut Transaction<'_>) -> Result<(), StorageError>,
    inner: impl Fn(&mut Transaction<'_>) -> Result<(), StorageError>,
) -> usize {
    let attempts = std::cell::Cell::new(0);
    database
        .transact_blocking(|transaction| {
            outer(transaction)?;
            attempts.set(attempts.get() + 1);
            if attempts.get() == 1 { database.transact_blocking(&inner) } else { Ok(()) }
        })
        .map_err(|error: StorageError| error)
        .unwrap();
    attempts.get()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_commit_and_a_fold_that_meet_one_starts_again() {
    for fold_first in [true, false] {
        let (world, fence) = with_layer().await;
        let (actor, database) = (fence.actor, world.database.clone());
        let attempts = tokio::task::spawn_blocking(move || {
            let fold =
                |transaction: &mut Transaction<'_>| pages::fold(transaction, actor).map(|_| ());
            let shrink_and_write = |transaction: &mut Transaction<'_>| {
                let head = transaction.get::<SqliteHeads>(&actor)?;
                let rows = [(7, PageRow(vec![9; PAGE_SIZE]))];
                pages::write(transaction, actor, head, &rows, 50).map(|_| ())
            };
            if fold_first {
                meet(&database, shrink_and_write, fold)
            } else {
                meet(&database, fold, shrink_and_write)
            }
        })
        .await
        .unwrap();
        world.data.fold(fence.actor).await.unwrap();
        world.commit(&fence, &[], 319, None).await.unwrap();

        let read = world.pages(&fence, &[7, 8, 50, 51, 319]).await.unwrap().0;
        assert_eq!(read, [Some(9), Some(2), Some(2), Some(0), Some(0)], "{fold_first}");
        assert_eq!(attempts, 2);
    }
}
