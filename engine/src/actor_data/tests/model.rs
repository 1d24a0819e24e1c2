//! Whatever is done to a database, it reads as a plain list of pages would.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Commit {
        pages: Vec<(u32, u8)>,
        size: u32,
    },
    /// Segments of a staged commit, by their number.
    Staged {
        segments: Vec<(u32, u8)>,
        size: u32,
        finish: bool,
    },
    Close,
    Restart,
}

/// Around the bounds of shards and segments, and dense enough to collide.
fn pgno() -> impl Strategy<Value = u32> {
    prop_oneof![1..12_u32, 60..70_u32, 318..324_u32, 638..644_u32]
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![0..12_u32, 60..70_u32, 300..330_u32, 600..700_u32];
    let pages = proptest::collection::btree_map(pgno(), 1..=255_u8, 0..6)
        .prop_map(|pages| pages.into_iter().collect::<Vec<_>>());
    let segments = proptest::collection::btree_map(0..3_u32, 1..=255_u8, 0..3)
        .prop_map(|segments| segments.into_iter().collect::<Vec<_>>());
    prop_oneof![
        6 => (pages, size.clone()).prop_map(|(pages, size)| Step::Commit { pages, size }),
        4 => (segments, size, proptest::bool::weighted(0.8))
            .prop_map(|(segments, size, finish)| Step::Staged { segments, size, finish }),
        1 => Just(Step::Close),
        1 => Just(Step::Restart),
    ]
}

#[derive(Debug, Default)]
struct Model {
    pages: BTreeMap<u32, u8>,
    size: u32,
    head: u64,
}

impl Model {
    fn commit(&mut self, pages: impl IntoIterator<Item = (u32, u8)>, size: u32) {
        self.pages.extend(pages);
        self.pages.retain(|pgno, _| *pgno <= size);
        self.size = size;
        self.head += 1;
    }

    fn page(&self, pgno: u32) -> Option<u8> {
        (pgno <= self.size).then(|| self.pages.get(&pgno).copied().unwrap_or(0))
    }
}

async fn carry_out(mut world: World, actor: &Fence, model: &mut Model, step: Step) -> World {
    match step {
        Step::Commit { pages, size } => {
            let head = world.commit(actor, &pages, size, Some(model.head)).await;
            model.commit(pages, size);
            assert_eq!(head, Ok(model.head));
        }
        Step::Staged { segments, size, finish } => {
            let txid = world.begin(actor, Some(model.head)).await.unwrap();
            let mut written = Vec::new();
            for (number, fill) in &segments {
                let first = number * 320;
                let (from, to) = (first.max(1), first + 319);
                world.segment(actor, txid, first, run(from, to, *fill)).await.unwrap();
                written.extend((from..=to).map(|pgno| (pgno, *fill)));
            }
            if finish {
                let firsts: Vec<u32> = segments.iter().map(|(number, _)| number * 320).collect();
                let head = world.finalize(actor, txid, size, &firsts).await;
                model.commit(written, size);
                assert_eq!(head, Ok(model.head));
            }
        }
        Step::Close => world.data.close(actor.actor).await,
        Step::Restart => world = world.reopen().await,
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_database_reads_as_its_model(steps in proptest::collection::vec(step(), 1..14)) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut world = World::new();
            let actor = world.actor().await;
            let mut model = Model::default();
            let asked: Vec<u32> = (1..75).chain(298..332).chain(598..704).collect();
            for step in steps {
                world = carry_out(world, &actor, &mut model, step).await;
                if model.head > 0 {
                    let expected: Vec<_> = asked.iter().map(|pgno| model.page(*pgno)).collect();
                    let read = world.pages_at(&actor, &asked, Some(model.head)).await.unwrap();
                    assert_eq!(read, (expected, model.head));
                }
            }
            drop(world.reopen().await);
        });
    }
}
