//! The pages of a SQLite database, committed in one message.

use rivet_conformance::{
    differences::chosen,
    engine::Engine,
    envoy::{
        Envoy, Options,
        sqlite::{Fence, PAGE, page, pages},
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

/// The first byte of each page that was asked for; `None` behind the end of the database.
async fn read(envoy: &Envoy, actor: &str, numbers: &[u32]) -> Vec<Option<u8>> {
    let found = envoy.get_pages(actor, numbers.iter().copied(), ours()).await.unwrap();
    numbers
        .iter()
        .map(|number| {
            let page = found.pages.iter().find(|page| page.pgno == *number).unwrap();
            page.bytes.as_ref().map(|bytes| {
                assert_eq!(bytes.len(), PAGE);
                bytes[0]
            })
        })
        .collect()
}

#[tokio::test]
async fn before_the_first_commit_there_is_no_database() {
    let (envoy, actor) = actor().await;
    let refused = envoy.get_pages(&actor, [1, 2, 3], ours()).await.unwrap_err();
    assert!(refused.starts_with("depot.database_not_found: "), "{refused}");
    // Apps look for these words.
    assert!(refused.contains("sqlite database was not found in this bucket branch"), "{refused}");
}

#[tokio::test]
async fn commits_count_the_head_from_one() {
    let (envoy, actor) = actor().await;
    assert_eq!(envoy.commit(&actor, vec![page(1, 1)], 1, Fence::at(1, 0)).await, Ok(Some(1)));
    assert_eq!(envoy.commit(&actor, vec![page(1, 2)], 1, Fence::at(1, 1)).await, Ok(Some(2)));
    let found = envoy.get_pages(&actor, [1], Fence::at(1, 2)).await.unwrap();
    assert_eq!(found.head_txid, Some(2));
    assert_eq!(found.pages[0].bytes.as_ref().unwrap()[..], [2; PAGE]);
}

#[tokio::test]
async fn pages_behind_the_end_are_absent_and_unwritten_ones_are_zero() {
    let (envoy, actor) = actor().await;
    envoy.commit(&actor, vec![page(1, 9)], 10, ours()).await.unwrap();
    let found = read(&envoy, &actor, &[1, 2, 10, 11]).await;
    assert_eq!(found, [Some(9), Some(0), Some(0), None]);
}

#[tokio::test]
async fn a_shrunken_database_that_grows_again_reads_as_zero_between() {
    let (envoy, actor) = actor().await;
    envoy.commit(&actor, pages(1..=8, 5), 8, ours()).await.unwrap();
    envoy.commit(&actor, vec![page(1, 6)], 5, ours()).await.unwrap();
    assert_eq!(read(&envoy, &actor, &[5, 6]).await, [Some(5), None]);
    envoy.commit(&actor, vec![page(8, 7)], 8, ours()).await.unwrap();
    assert_eq!(read(&envoy, &actor, &[5, 6, 7, 8]).await, [Some(5), Some(0), Some(0), Some(7)]);
}

#[tokio::test]
async fn a_wrong_head_is_fenced_off() {
    let (envoy, actor) = actor().await;
    envoy.commit(&actor, vec![page(1, 1)], 1, ours()).await.unwrap();
    for refused in [
        envoy.commit(&actor, vec![page(1, 2)], 1, Fence::at(1, 7)).await.unwrap_err(),
        envoy.get_pages(&actor, [1], Fence::at(1, 7)).await.unwrap_err(),
    ] {
        assert!(refused.starts_with("depot.head_fence_mismatch: "), "{refused}");
        assert!(
            refused
                .contains("sqlite head fence mismatch: expected head txid 7, current head txid 1"),
            "{refused}"
        );
    }
    assert_eq!(read(&envoy, &actor, &[1]).await, [Some(1)]);
}

#[tokio::test]
async fn a_wrong_generation_is_fenced_off() {
    let (envoy, actor) = actor().await;
    envoy.commit(&actor, vec![page(1, 1)], 1, ours()).await.unwrap();
    for generation in [0, 2] {
        let fence = Fence::generation(generation);
        for refused in [
            envoy.commit(&actor, vec![page(1, 2)], 1, fence).await.unwrap_err(),
            envoy.get_pages(&actor, [1], fence).await.unwrap_err(),
        ] {
            assert_eq!(refused, "core.internal_error: actor does not exist");
        }
    }
    assert_eq!(read(&envoy, &actor, &[1]).await, [Some(1)]);
}

#[tokio::test]
async fn a_generation_that_ended_cannot_write_any_more() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    envoy.commit(&actor, vec![page(1, 1)], 1, ours()).await.unwrap();
    namespace.post(&format!("/actors/{actor}/reschedule"), &serde_json::json!({})).await.ok();
    envoy.start_of(&actor, 2).await;
    namespace.connectable(&actor).await;
    assert!(envoy.commit(&actor, vec![page(1, 2)], 1, Fence::at(1, 1)).await.is_err());
    let next = Fence::at(2, 1);
    assert_eq!(envoy.commit(&actor, vec![page(1, 3)], 1, next).await, Ok(Some(2)));
}

#[tokio::test]
async fn a_generation_that_starts_can_read_and_write_before_it_runs() {
    let namespace = Namespace::new(Engine::shared().await).await;
    let envoy = namespace.envoy_with(Options::by_hand()).await;
    let actor = namespace.actor().await;
    envoy.start_of(&actor, 1).await;
    assert_eq!(envoy.commit(&actor, vec![page(1, 1)], 1, Fence::at(1, 0)).await, Ok(Some(1)));
    assert_eq!(read(&envoy, &actor, &[1]).await, [Some(1)]);
}

#[tokio::test]
async fn the_generation_has_to_be_named() {
    let (envoy, actor) = actor().await;
    let refused = envoy.get_pages(&actor, [1], Fence::default()).await.unwrap_err();
    assert_eq!(refused, "sqlite.invalid_request: sqlite get_pages missing expectedGeneration");
    let refused = envoy.commit(&actor, vec![page(1, 1)], 1, Fence::default()).await.unwrap_err();
    assert_eq!(refused, "sqlite.invalid_request: sqlite commit missing expectedGeneration");
}

#[tokio::test]
async fn the_actor_of_another_namespace_is_out_of_reach() {
    let engine = Engine::shared().await;
    let (here, there) = (Namespace::new(engine).await, Namespace::new(engine).await);
    let (owner, stranger) = (here.envoy().await, there.envoy().await);
    let actor = here.running_actor(&owner).await;
    owner.commit(&actor, vec![page(1, 1)], 1, ours()).await.unwrap();
    assert!(stranger.get_pages(&actor, [1], ours()).await.is_err());
    let written = stranger.commit(&actor, vec![page(1, 2)], 1, ours()).await;
    assert_eq!(written.is_ok(), chosen("foreign-pages", true, false), "{written:?}");
    assert_eq!(read(&owner, &actor, &[1]).await, [Some(1)]);
}

#[tokio::test]
async fn page_zero_does_not_exist() {
    let (envoy, actor) = actor().await;
    envoy.commit(&actor, vec![page(1, 1)], 1, ours()).await.unwrap();
    let refused = envoy.get_pages(&actor, [0], ours()).await.unwrap_err();
    assert_eq!(refused, "core.internal_error: get_pages does not accept page 0");
    let refused = envoy.commit(&actor, vec![page(0, 1)], 1, ours()).await.unwrap_err();
    assert_eq!(refused, "core.internal_error: sqlite commit does not accept page 0");
}

#[tokio::test]
async fn a_page_has_4096_bytes() {
    let (envoy, actor) = actor().await;
    let mut short = page(1, 1);
    short.bytes.truncate(100);
    let refused = envoy.commit(&actor, vec![short], 1, ours()).await.unwrap_err();
    assert_eq!(refused, "core.internal_error: sqlite commit page 1 had 100 bytes, expected 4096");
}

#[tokio::test]
async fn a_commit_names_a_page_once() {
    let (envoy, actor) = actor().await;
    let twice = vec![page(1, 1), page(1, 2)];
    let refused = envoy.commit(&actor, twice, 1, ours()).await.unwrap_err();
    assert_eq!(refused, "core.internal_error: sqlite commit duplicated page 1 in a single request");
}

#[tokio::test]
async fn a_commit_has_at_most_320_pages() {
    let (envoy, actor) = actor().await;
    let refused = envoy.commit(&actor, pages(1..=321, 1), 321, ours()).await.unwrap_err();
    assert_eq!(
        refused,
        "depot.commit_too_large: sqlite commit too large: actual_size_bytes=1314816, \
         max_size_bytes=1310720"
    );
    assert_eq!(envoy.commit(&actor, pages(1..=320, 1), 320, ours()).await, Ok(Some(1)));
}

#[tokio::test]
async fn empty_commits_and_reads_are_fine() {
    let (envoy, actor) = actor().await;
    assert_eq!(envoy.commit(&actor, Vec::new(), 0, ours()).await, Ok(Some(1)));
    assert_eq!(envoy.commit(&actor, vec![page(20, 1)], 10, ours()).await, Ok(Some(2)));
    let found = envoy.get_pages(&actor, [], ours()).await.unwrap();
    assert_eq!(found.head_txid, Some(2));
    assert_eq!(read(&envoy, &actor, &[1, 1, 20]).await, [Some(0), Some(0), None]);
}

#[tokio::test]
async fn pages_outlive_a_killed_engine() {
    let engine = Engine::fresh().await;
    let namespace = Namespace::new(&engine).await;
    let options = Options::default();
    let envoy = namespace.envoy_with(options.clone()).await;
    let actor = namespace.running_actor(&envoy).await;
    for head in 0..20 {
        let fill = u8::try_from(head).unwrap();
        let fence = Fence::at(1, head);
        envoy.commit(&actor, pages(1..=4, fill), 4, fence).await.unwrap();
    }
    engine.kill();
    engine.resume().await;
    let envoy = namespace.envoy_with(options).await;
    let found = envoy.get_pages(&actor, 1..=4, Fence::at(1, 20)).await.unwrap();
    assert!(found.pages[..4].iter().all(|page| page.bytes.as_ref().unwrap()[0] == 19));
}
