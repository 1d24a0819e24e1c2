//! Who may touch an actor's data: the current generation on its envoy, and nobody else.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

const GONE: &str = "core.internal_error: actor does not exist";

fn next_generation(fence: &Fence) -> Fence {
    Fence { generation: fence.generation.map(|generation| generation + 1), ..fence.clone() }
}

#[tokio::test]
async fn every_request_about_pages_needs_the_current_generation() {
    let world = World::new();
    let old = world.actor().await;
    world.commit(&old, &[(1, 1)], 1, None).await.unwrap();
    let current = next_generation(&old);
    let txid = world.begin(&old, None).await.unwrap();
    world.place(&current).await;

    for fence in [&old, &next_generation(&current)] {
        assert_eq!(world.pages(fence, &[1]).await, error(GONE));
        assert_eq!(world.pages(fence, &[0]).await, error(GONE));
        assert_eq!(world.commit(fence, &[(1, 2)], 1, None).await, error(GONE));
        assert_eq!(world.commit(fence, &[(0, 2)], 1, None).await, error(GONE));
        assert_eq!(world.begin(fence, None).await, error(GONE));
        assert_eq!(world.segment(fence, txid, 0, run(1, 2, 1)).await, error(GONE));
        assert_eq!(world.finalize(fence, txid, 1, &[]).await, error(GONE));
    }
    assert_eq!(world.pages(&current, &[1]).await, Ok((vec![Some(1)], 1)));
}

#[tokio::test]
async fn a_request_about_pages_has_to_say_its_generation() {
    let world = World::new();
    let fence = Fence { generation: None, ..world.actor().await };
    let missing =
        |what: &str| format!("sqlite.invalid_request: sqlite {what} missing expectedGeneration");

    assert_eq!(world.pages(&fence, &[1]).await, error(&missing("get_pages")));
    assert_eq!(world.commit(&fence, &[(1, 1)], 1, None).await, error(&missing("commit")));
    assert_eq!(world.begin(&fence, None).await, error(&missing("staged commit")));
    assert_eq!(world.segment(&fence, 1, 0, run(1, 2, 1)).await, error(&missing("staged commit")));
    assert_eq!(world.finalize(&fence, 1, 0, &[]).await, error(&missing("staged commit")));
}

#[tokio::test]
async fn another_envoy_touches_nothing() {
    let world = World::new();
    let actor = world.actor().await;
    let other = Fence { envoy_key: "another".to_owned(), ..actor.clone() };
    let unknown = Fence { actor: Id::random(1), ..actor.clone() };

    for fence in [other, unknown] {
        assert_eq!(world.pages(&fence, &[1]).await, error(GONE));
        assert_eq!(world.commit(&fence, &[(1, 1)], 1, None).await, error(GONE));
        for request in [
            protocol::KvRequestData::KvDropRequest,
            protocol::KvRequestData::KvGetRequest(protocol::KvGetRequest { keys: vec![] }),
        ] {
            assert_eq!(
                world.data.kv(fence.clone(), request).await,
                protocol::KvResponseData::KvErrorResponse(protocol::KvErrorResponse {
                    message: "actor does not exist".to_owned()
                })
            );
        }
    }
}

/// Answers as the row says, and lets the actor move on right after it was looked at.
#[derive(Debug)]
struct Overtaken {
    database: Database,
    next: Fence,
    moved: AtomicBool,
}

impl Tenancy for Overtaken {
    fn check(
        &self,
        transaction: &mut Transaction<'_>,
        fence: &Fence,
    ) -> Result<bool, StorageError> {
        let held = RowTenancy.check(transaction, fence)?;
        if !self.moved.swap(true, Ordering::SeqCst) {
            let row = TenantRow {
                envoy_key: self.next.envoy_key.clone(),
                generation: self.next.generation.unwrap(),
            };
            self.database.transact_blocking(|transaction| {
                transaction.put::<Tenants>(&self.next.actor, &row);
                Ok::<_, StorageError>(())
            })?;
        }
        Ok(held)
    }
}

impl World {
    /// The same data, where the actor moves on in the middle of the next request.
    fn overtaken(&self, next: &Fence) -> Self {
        let tenancy = Overtaken {
            database: self.database.clone(),
            next: next.clone(),
            moved: AtomicBool::new(false),
        };
        Self {
            data: ActorData::new(
                self.database.clone(),
                Arc::clone(&self.clock) as Arc<_>,
                self.limits,
                Arc::new(tenancy),
            ),
            database: self.database.clone(),
            clock: Arc::clone(&self.clock),
            limits: self.limits,
            dir: camino_tempfile::tempdir().unwrap(),
        }
    }
}

#[tokio::test]
async fn a_generation_that_ends_during_a_write_has_not_written() {
    let world = World::new();
    let old = world.actor().await;
    let current = next_generation(&old);
    let other_envoy = Fence { envoy_key: "another".to_owned(), ..current.clone() };
    world.commit(&old, &[(1, 1)], 1, None).await.unwrap();

    assert_eq!(world.overtaken(&current).commit(&old, &[(1, 2)], 1, None).await, error(GONE));
    world.place(&old).await;
    assert_eq!(world.overtaken(&current).begin(&old, None).await, error(GONE));
    world.place(&old).await;
    let txid = world.begin(&old, None).await.unwrap();
    let overtaken = world.overtaken(&current);
    assert_eq!(overtaken.segment(&old, txid, 0, run(1, 2, 3)).await, error(GONE));
    world.place(&old).await;
    world.segment(&old, txid, 0, run(1, 2, 3)).await.unwrap();
    assert_eq!(world.overtaken(&current).finalize(&old, txid, 2, &[0]).await, error(GONE));
    world.place(&old).await;
    let drop = protocol::KvRequestData::KvDropRequest;
    let put = protocol::KvRequestData::KvPutRequest(protocol::KvPutRequest {
        keys: vec![b"k".to_vec()],
        values: vec![b"v".to_vec()],
    });
    world.data.kv(old.clone(), put.clone()).await;
    for request in [put, drop] {
        world.place(&old).await;
        assert_eq!(
            world.overtaken(&other_envoy).data.kv(old.clone(), request).await,
            protocol::KvResponseData::KvErrorResponse(protocol::KvErrorResponse {
                message: "actor does not exist".to_owned()
            })
        );
    }

    world.place(&current).await;
    assert_eq!(world.pages(&current, &[1, 2]).await, Ok((vec![Some(1), None], 1)));
    let kept = world.data.kv_get(current.actor, b"k").await.unwrap();
    assert_eq!(kept, Some((b"v".to_vec(), 1000)));
}

/// The old generation commits as fast as it can while the actor moves on. Whatever it was told is
/// committed is before the move, and nothing of it comes after.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_old_generation_cannot_commit_however_close_the_race() {
    for _ in 0..20 {
        let world = Arc::new(World::new());
        let old = world.actor().await;
        let current = next_generation(&old);
        let writers: Vec<_> = (0..4_u8)
            .map(|writer| {
                let (world, old) = (Arc::clone(&world), old.clone());
                tokio::spawn(async move {
                    let mut highest = 0;
                    while let Ok(head) = world.commit(&old, &[(1, writer)], 1, None).await {
                        highest = highest.max(head);
                    }
                    highest
                })
            })
            .collect();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;

        world.place(&current).await;
        let head_at_move = world.commit(&current, &[(1, 100)], 1, None).await.unwrap();
        let mut acknowledged = 0;
        for writer in writers {
            acknowledged = acknowledged.max(writer.await.unwrap());
        }

        assert!(acknowledged < head_at_move);
        assert_eq!(world.pages(&current, &[1]).await, Ok((vec![Some(100)], head_at_move)));
    }
}
