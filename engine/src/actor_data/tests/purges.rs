//! The end of an actor's data.

use super::*;
use crate::{
    actor_data::schedule_purge,
    keyspace::{KeyRange, Order, tables},
};

impl World {
    async fn schedule(&self, fences: &[&Fence]) {
        let actors: Vec<Id> = fences.iter().map(|fence| fence.actor).collect();
        self.database
            .transact(move |transaction| {
                for actor in &actors {
                    schedule_purge(transaction, *actor);
                    transaction.delete::<Tenants>(actor);
                }
                Ok::<_, StorageError>(())
            })
            .await
            .unwrap();
    }

    /// How many rows each table has.
    async fn rows(&self) -> [usize; 8] {
        fn count<T: Table>(transaction: &mut Transaction<'_>) -> Result<usize, StorageError> {
            let all = KeyRange::table::<T>();
            Ok(transaction.range::<T>(&all, Order::Ascending, usize::MAX)?.len())
        }
        self.database
            .transact(|transaction| {
                Ok::<_, StorageError>([
                    count::<tables::KvUsages>(transaction)?,
                    count::<tables::KvEntries>(transaction)?,
                    count::<tables::SqliteHeads>(transaction)?,
                    count::<tables::SqlitePages>(transaction)?,
                    count::<tables::SqliteStages>(transaction)?,
                    count::<tables::StagedSegments>(transaction)?,
                    count::<tables::StagedPages>(transaction)?,
                    count::<tables::ActorPurges>(transaction)?,
                ])
            })
            .await
            .unwrap()
    }

    /// Something in every table.
    async fn fill(&self, fence: &Fence) {
        let put = protocol::KvRequestData::KvPutRequest(protocol::KvPutRequest {
            keys: vec![b"a".to_vec(), vec![0xFF; 10]],
            values: vec![b"1".to_vec(), b"2".to_vec()],
        });
        let answer = self.data.kv(fence.clone(), put).await;
        assert_eq!(answer, protocol::KvResponseData::KvPutResponse);
        self.commit(fence, &[(1, 1), (2, 2)], 2, None).await.unwrap();
        let txid = self.begin(fence, None).await.unwrap();
        self.segment(fence, txid, 0, run(1, 5, 1)).await.unwrap();
    }
}

#[tokio::test]
async fn a_purge_removes_everything_of_an_actor_and_nothing_of_another() {
    let world = World::new();
    let (gone, stays) = (world.actor().await, world.actor().await);
    world.fill(&stays).await;
    let one = world.rows().await;
    world.fill(&gone).await;

    world.schedule(&[&gone]).await;
    assert!(world.data.purge_some().await.unwrap());

    assert_eq!(world.rows().await, one);
    assert_eq!(world.pages(&stays, &[1, 2]).await, Ok((vec![Some(1), Some(2)], 1)));
    assert!(!world.data.purge_some().await.unwrap());
}

#[tokio::test]
async fn what_was_noted_is_purged_after_a_restart() {
    let world = World::new();
    let gone = world.actor().await;
    world.fill(&gone).await;
    world.schedule(&[&gone]).await;

    let world = world.reopen().await;
    while world.data.purge_some().await.unwrap() {}

    assert_eq!(world.rows().await, [0; 8]);
}

#[tokio::test]
async fn many_actors_and_many_rows_are_purged_in_steps() {
    let world = World::new();
    let mut fences = Vec::new();
    for _ in 0..40 {
        let fence = world.actor().await;
        let pages: Vec<_> = (1..=20).map(|pgno| (pgno, 1)).collect();
        world.commit(&fence, &pages, 20, None).await.unwrap();
        fences.push(fence);
    }
    world.schedule(&fences.iter().collect::<Vec<_>>()).await;

    let mut steps = 0;
    while world.data.purge_some().await.unwrap() {
        steps += 1;
    }

    assert_eq!(steps, 3);
    assert_eq!(world.rows().await, [0; 8]);
}

#[tokio::test]
async fn a_purge_ends_the_folding_of_what_it_removes() {
    let world = World::new();
    let gone = world.actor().await;
    let txid = world.begin(&gone, None).await.unwrap();
    for first in (0..6400).step_by(320) {
        world.segment(&gone, txid, first, run(first.max(1), first + 319, 1)).await.unwrap();
    }
    let firsts: Vec<u32> = (0..6400).step_by(320).collect();
    world.finalize(&gone, txid, 6399, &firsts).await.unwrap();

    world.schedule(&[&gone]).await;
    while world.data.purge_some().await.unwrap() {}
    let world = world.reopen().await;

    assert_eq!(world.rows().await, [0; 8]);
}
