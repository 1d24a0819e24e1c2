//! Commits too large for one message: begun, staged in segments, finalized.

use rivet_conformance::{
    engine::Engine,
    envoy::{
        Envoy,
        sqlite::{Fence, page, pages},
    },
    namespace::Namespace,
};

async fn actor() -> (Envoy, String) {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    (envoy, actor)
}

fn ours() -> Fence {
    Fence::generation(1)
}

async fn first_byte(envoy: &Envoy, actor: &str, pgno: u32) -> Option<u8> {
    let found = envoy.get_pages(actor, [pgno], ours()).await.unwrap();
    let page = found.pages.into_iter().find(|page| page.pgno == pgno).unwrap();
    page.bytes.map(|bytes| bytes[0])
}

#[tokio::test]
async fn a_staged_commit_shows_when_it_is_finalized_and_not_before() {
    let (envoy, actor) = actor().await;
    envoy.commit(&actor, vec![page(1, 1)], 1, Fence::at(1, 0)).await.unwrap();
    let txid = envoy.stage_begin(&actor, Fence::at(1, 1)).await.unwrap();
    assert_eq!(txid, 2);
    envoy.stage_segment(&actor, 1, txid, 0, pages(1..=319, 2)).await.unwrap();
    envoy.stage_segment(&actor, 1, txid, 320, pages(320..=639, 3)).await.unwrap();
    assert_eq!(first_byte(&envoy, &actor, 1).await, Some(1));
    assert_eq!(first_byte(&envoy, &actor, 320).await, None);
    assert_eq!(envoy.stage_finalize(&actor, 1, txid, 639, &[0, 320]).await, Ok(Some(2)));
    assert_eq!(first_byte(&envoy, &actor, 1).await, Some(2));
    assert_eq!(first_byte(&envoy, &actor, 639).await, Some(3));
    assert_eq!(first_byte(&envoy, &actor, 640).await, None);
}

#[tokio::test]
async fn beginning_is_fenced() {
    let (envoy, actor) = actor().await;
    let refused = envoy.stage_begin(&actor, Fence::at(1, 5)).await.unwrap_err();
    assert!(refused.starts_with("depot.head_fence_mismatch: "), "{refused}");
    let refused = envoy.stage_begin(&actor, Fence::default()).await.unwrap_err();
    assert_eq!(refused, "sqlite.invalid_request: sqlite staged commit missing expectedGeneration");
    let refused = envoy.stage_begin(&actor, Fence::generation(9)).await.unwrap_err();
    assert_eq!(refused, "core.internal_error: actor does not exist");
}

#[tokio::test]
async fn a_new_beginning_discards_what_was_staged() {
    let (envoy, actor) = actor().await;
    let first = envoy.stage_begin(&actor, ours()).await.unwrap();
    envoy.stage_segment(&actor, 1, first, 0, pages(1..=10, 1)).await.unwrap();
    let second = envoy.stage_begin(&actor, ours()).await.unwrap();
    assert_eq!(first, second);
    let refused = envoy.stage_finalize(&actor, 1, second, 10, &[0]).await.unwrap_err();
    assert!(refused.starts_with("depot.stage_not_found: "), "{refused}");
}

#[tokio::test]
async fn segments_start_at_the_edge_of_a_shard() {
    let (envoy, actor) = actor().await;
    let txid = envoy.stage_begin(&actor, ours()).await.unwrap();
    for first in [1, 5, 65] {
        let refused =
            envoy.stage_segment(&actor, 1, txid, first, pages(first..=first, 1)).await.unwrap_err();
        assert!(refused.starts_with("depot.stage_segment_invalid: "), "{refused}");
        assert!(refused.contains(&format!("first page {first} is not shard-aligned")), "{refused}");
    }
}

#[tokio::test]
async fn a_segment_spans_five_shards_and_overlaps_no_other() {
    let (envoy, actor) = actor().await;
    let txid = envoy.stage_begin(&actor, ours()).await.unwrap();
    for (first, numbers, reason) in [
        (640, vec![640, 960], "page 960 sits past the segment's 5-shard span"),
        (640, vec![600], "page 600 sits below the segment start 640"),
        (640, vec![], "segment has no pages"),
    ] {
        let dirty = numbers.into_iter().map(|pgno| page(pgno, 1)).collect();
        let refused = envoy.stage_segment(&actor, 1, txid, first, dirty).await.unwrap_err();
        assert!(refused.starts_with("depot.stage_segment_invalid: "), "{refused}");
        assert!(refused.contains(reason), "{refused}");
    }
    envoy.stage_segment(&actor, 1, txid, 0, pages(1..=63, 1)).await.unwrap();
    let refused = envoy.stage_segment(&actor, 1, txid, 64, pages(64..=64, 1)).await.unwrap_err();
    assert!(refused.contains("segment 64 overlaps the span of the segment at 0"), "{refused}");
}

#[tokio::test]
async fn a_segment_of_another_transaction_is_fenced_off() {
    let (envoy, actor) = actor().await;
    let txid = envoy.stage_begin(&actor, ours()).await.unwrap();
    let refused = envoy.stage_segment(&actor, 1, txid + 5, 0, pages(1..=1, 1)).await.unwrap_err();
    assert!(refused.starts_with("depot.head_fence_mismatch: "), "{refused}");
}

#[tokio::test]
async fn what_is_finalized_has_to_be_what_was_staged() {
    let (envoy, actor) = actor().await;
    let txid = envoy.stage_begin(&actor, ours()).await.unwrap();
    envoy.stage_segment(&actor, 1, txid, 0, pages(1..=10, 1)).await.unwrap();
    envoy.stage_segment(&actor, 1, txid, 320, pages(320..=330, 1)).await.unwrap();
    let refused = envoy.stage_finalize(&actor, 1, txid, 700, &[0, 320, 640]).await.unwrap_err();
    assert!(refused.starts_with("depot.stage_not_found: "), "{refused}");
    assert!(
        refused.contains(&format!("no staged segment at page 640 for txid {txid}")),
        "{refused}"
    );
    let refused = envoy.stage_finalize(&actor, 1, txid, 700, &[0]).await.unwrap_err();
    assert!(refused.contains("finalize claimed 1 segments but 2 were staged"), "{refused}");
}

#[tokio::test]
async fn finalizing_twice_is_fenced_off() {
    let (envoy, actor) = actor().await;
    let txid = envoy.stage_begin(&actor, ours()).await.unwrap();
    envoy.stage_segment(&actor, 1, txid, 0, pages(1..=10, 1)).await.unwrap();
    envoy.stage_finalize(&actor, 1, txid, 10, &[0]).await.unwrap();
    let refused = envoy.stage_finalize(&actor, 1, txid, 10, &[0]).await.unwrap_err();
    assert!(refused.starts_with("depot.head_fence_mismatch: "), "{refused}");
}

#[tokio::test]
async fn a_commit_between_invalidates_what_is_staged() {
    let (envoy, actor) = actor().await;
    let txid = envoy.stage_begin(&actor, ours()).await.unwrap();
    envoy.stage_segment(&actor, 1, txid, 0, pages(1..=10, 5)).await.unwrap();
    envoy.commit(&actor, vec![page(1, 1)], 1, ours()).await.unwrap();
    let refused = envoy.stage_finalize(&actor, 1, txid, 10, &[0]).await.unwrap_err();
    assert!(refused.starts_with("depot.head_fence_mismatch: "), "{refused}");
    assert_eq!(first_byte(&envoy, &actor, 1).await, Some(1));
}

#[tokio::test]
async fn a_commit_of_no_segment_is_legal() {
    let (envoy, actor) = actor().await;
    let txid = envoy.stage_begin(&actor, ours()).await.unwrap();
    assert_eq!(envoy.stage_finalize(&actor, 1, txid, 700, &[]).await, Ok(Some(txid)));
    assert_eq!(first_byte(&envoy, &actor, 700).await, Some(0));
}

#[tokio::test]
async fn thousands_of_pages_are_committed_at_once() {
    let (envoy, actor) = actor().await;
    let txid = envoy.stage_begin(&actor, ours()).await.unwrap();
    let mut segments = Vec::new();
    for segment in 0..16_u32 {
        let first = segment * 320;
        let fill = u8::try_from(segment).unwrap() + 1;
        let dirty = pages(first.max(1)..=first + 319, fill);
        envoy.stage_segment(&actor, 1, txid, first, dirty).await.unwrap();
        segments.push(first);
    }
    envoy.stage_finalize(&actor, 1, txid, 16 * 320 - 1, &segments).await.unwrap();
    let found = envoy.get_pages(&actor, (1..=16).map(|n| n * 320 - 1), ours()).await.unwrap();
    for segment in 0..16_u32 {
        let pgno = (segment + 1) * 320 - 1;
        let page = found.pages.iter().find(|page| page.pgno == pgno).unwrap();
        assert_eq!(page.bytes.as_ref().unwrap()[0], u8::try_from(segment).unwrap() + 1);
    }
}
