//! Pages: what is read after what was committed, and which requests are refused how.

use super::*;
use crate::actor_data::commit::MAX_COMMIT;

#[tokio::test]
async fn nothing_is_found_before_the_first_commit() {
    let world = World::new();
    let actor = world.actor().await;

    // The app knows the case by this text.
    let not_found = "depot.database_not_found: transaction failed: sqlite database was not found \
                     in this bucket branch";
    assert_eq!(world.pages(&actor, &[1, 2]).await, error(not_found));
    assert_eq!(world.pages_at(&actor, &[1], Some(0)).await, error(not_found));
}

#[tokio::test]
async fn pages_come_back_in_the_order_asked_for() {
    let world = World::new();
    let actor = world.actor().await;
    assert_eq!(world.commit(&actor, &[(1, 11), (2, 12), (5, 15)], 6, Some(0)).await, Ok(1));

    let (pages, head) = world.pages(&actor, &[5, 1, 3, 6, 7, 1, u32::MAX]).await.unwrap();

    // Never written: zeroes up to the size, nothing beyond.
    assert_eq!(pages, [Some(15), Some(11), Some(0), Some(0), None, Some(11), None]);
    assert_eq!(head, 1);
    assert_eq!(world.pages(&actor, &[]).await, Ok((vec![], 1)));
}

#[tokio::test]
async fn each_commit_makes_the_head_one_higher_and_stays() {
    let world = World::new();
    let actor = world.actor().await;

    assert_eq!(world.commit(&actor, &[(1, 1)], 1, Some(0)).await, Ok(1));
    assert_eq!(world.commit(&actor, &[(1, 2)], 1, Some(1)).await, Ok(2));
    assert_eq!(world.commit(&actor, &[], 1, None).await, Ok(3));

    let world = world.reopen().await;
    assert_eq!(world.pages(&actor, &[1]).await, Ok((vec![Some(2)], 3)));
}

#[tokio::test]
async fn a_head_that_is_not_the_current_one_is_refused() {
    let world = World::new();
    let actor = world.actor().await;
    let mismatch = |expected: u64, current: u64| {
        format!(
            "depot.head_fence_mismatch: transaction failed: sqlite head fence mismatch: expected \
             head txid {expected}, current head txid {current}"
        )
    };

    assert_eq!(world.commit(&actor, &[(1, 1)], 1, Some(5)).await, error(&mismatch(5, 0)));
    world.commit(&actor, &[(1, 1)], 1, Some(0)).await.unwrap();
    assert_eq!(world.commit(&actor, &[(1, 2)], 1, Some(0)).await, error(&mismatch(0, 1)));
    assert_eq!(world.pages_at(&actor, &[1], Some(7)).await, error(&mismatch(7, 1)));
    assert_eq!(world.pages(&actor, &[1]).await, Ok((vec![Some(1)], 1)));
}

#[tokio::test]
async fn what_was_cut_off_reads_as_zeroes_when_the_database_grows_again() {
    let world = World::new();
    let actor = world.actor().await;
    let many: Vec<_> = (1..=8).map(|pgno| (pgno, 7)).collect();
    world.commit(&actor, &many, 8, None).await.unwrap();

    world.commit(&actor, &[(1, 1)], 5, None).await.unwrap();
    let shrunk = world.pages(&actor, &[4, 5, 6, 7, 8]).await.unwrap().0;
    world.commit(&actor, &[(8, 8)], 8, None).await.unwrap();
    let grown = world.pages(&actor, &[4, 5, 6, 7, 8]).await.unwrap().0;

    assert_eq!(shrunk, [Some(7), Some(7), None, None, None]);
    assert_eq!(grown, [Some(7), Some(7), Some(0), Some(0), Some(8)]);
}

#[tokio::test]
async fn pages_above_the_size_are_taken_and_not_kept() {
    let world = World::new();
    let actor = world.actor().await;

    world.commit(&actor, &[(1, 1), (20, 9)], 10, None).await.unwrap();
    assert_eq!(world.pages(&actor, &[20]).await.unwrap().0, [None]);
    world.commit(&actor, &[], 30, None).await.unwrap();
    assert_eq!(world.pages(&actor, &[1, 20]).await.unwrap().0, [Some(1), Some(0)]);
    world.commit(&actor, &[], 0, None).await.unwrap();
    assert_eq!(world.pages(&actor, &[1]).await.unwrap().0, [None]);
}

#[tokio::test]
async fn pages_that_are_none_are_refused() {
    let world = World::new();
    let actor = world.actor().await;
    let commit = async |pages: Vec<protocol::SqliteDirtyPage>| {
        let request = protocol::SqliteCommitRequest {
            actor_id: actor.actor.to_string(),
            dirty_pages: pages,
            db_size_pages: 9,
            now_ms: 0,
            expected_generation: Some(1),
            // The pages are looked at before the head is.
            expected_head_txid: Some(99),
        };
        match world.data.commit(actor.clone(), request).await {
            protocol::SqliteCommitResponse::SqliteCommitOk(_) => panic!("taken"),
            protocol::SqliteCommitResponse::SqliteErrorResponse(error) => Error::from(error).0,
        }
    };

    assert_eq!(
        commit(vec![page(0, 1), page(0, 1)]).await,
        "core.internal_error: sqlite commit does not accept page 0"
    );
    assert_eq!(
        commit(vec![page(1, 1), page(1, 2)]).await,
        "core.internal_error: sqlite commit duplicated page 1 in a single request"
    );
    for length in [0, 100, PAGE_SIZE + 1, 8192] {
        assert_eq!(
            commit(vec![protocol::SqliteDirtyPage { pgno: 1, bytes: vec![0; length] }]).await,
            format!("core.internal_error: sqlite commit page 1 had {length} bytes, expected 4096")
        );
    }
    assert_eq!(
        commit(run(1, 321, 1)).await,
        "depot.commit_too_large: sqlite commit too large: actual_size_bytes=1314816, \
         max_size_bytes=1310720"
    );
    assert_eq!(
        world.pages(&actor, &[0]).await,
        error("core.internal_error: get_pages does not accept page 0")
    );
}

#[tokio::test]
async fn a_commit_of_320_pages_is_taken() {
    let world = World::new();
    let actor = world.actor().await;
    let pages: Vec<_> = (1..=u32::try_from(MAX_COMMIT).unwrap()).map(|pgno| (pgno, 3)).collect();

    assert_eq!(world.commit(&actor, &pages, 320, None).await, Ok(1));
}

#[tokio::test]
async fn an_answer_has_8192_pages_at_most() {
    let world = World::new();
    let actor = world.actor().await;
    world.commit(&actor, &[(1, 1)], 10_000, None).await.unwrap();
    let first = |count: u32| (1..=count).collect::<Vec<_>>();

    assert_eq!(world.pages(&actor, &first(8192)).await.unwrap().0.len(), 8192);
    assert_eq!(
        world.pages(&actor, &first(8193)).await,
        error(
            "sqlite.invalid_request: sqlite get_pages requested 8193 pages, exceeding limit 8192"
        )
    );
}

#[tokio::test]
async fn a_database_may_not_grow_beyond_its_quota_but_may_shrink() {
    let limits = DataLimits { sqlite_bytes: 10 * PAGE_SIZE as u64, ..DataLimits::default() };
    let world = World::with_limits(limits);
    let actor = world.actor().await;
    world.commit(&actor, &[(1, 1)], 8, None).await.unwrap();

    assert_eq!(
        world.commit(&actor, &[(12, 1)], 12, None).await,
        error(
            "depot.quota_exceeded: transaction failed: SqliteStorageQuotaExceeded: not enough \
             space left in depot (8192 bytes remaining, current payload is 16384 bytes)"
        )
    );
    assert!(world.commit(&actor, &[], u32::MAX, None).await.is_err());
    assert_eq!(world.commit(&actor, &[(10, 1)], 10, None).await, Ok(2));

    let smaller = DataLimits { sqlite_bytes: PAGE_SIZE as u64, ..limits };
    let world = World::in_dir(world.reopen().await.close(), smaller);
    assert_eq!(world.commit(&actor, &[(1, 2)], 10, None).await, Ok(3));
    assert_eq!(world.commit(&actor, &[(1, 2)], 5, None).await, Ok(4));
    assert!(world.commit(&actor, &[(1, 2)], 6, None).await.is_err());
}

#[tokio::test]
async fn the_highest_page_number_there_is_can_be_kept() {
    let world = World::with_limits(DataLimits { sqlite_bytes: u64::MAX, ..DataLimits::default() });
    let actor = world.actor().await;

    world.commit(&actor, &[(1, 1), (u32::MAX, 9)], u32::MAX, None).await.unwrap();

    let pages = world.pages(&actor, &[1, u32::MAX - 1, u32::MAX]).await.unwrap().0;
    assert_eq!(pages, [Some(1), Some(0), Some(9)]);
    world.commit(&actor, &[], u32::MAX - 1, None).await.unwrap();
    assert_eq!(world.pages(&actor, &[u32::MAX]).await.unwrap().0, [None]);
}
