//! What the storage promises, tested on a real directory.

mod damage;
mod failing;

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use camino_tempfile::Utf8TempDir;
use proptest::prelude::*;
use rocksdb::statistics::Ticker;

use super::*;
use crate::{
    keyspace::tables::{FORMAT, FormatRow, Meta, MetaKey, NamespaceAges, NamespaceNames},
    keyspace::{Id, Table, key_bytes},
    storage::{Database, GroupReport, Transaction},
};

#[derive(Debug, Default)]
struct Groups(Mutex<Vec<GroupReport>>);

impl StorageObserver for Groups {
    fn group_committed(&self, report: GroupReport) {
        self.0.lock().unwrap().push(report);
    }

    fn refused_for_want_of_room(&self, _: usize) {}

    fn read_failed(&self) {}

    fn storage_failed(&self) {}
}

fn open(dir: &Utf8TempDir) -> RocksStorage {
    RocksStorage::open(dir.path().as_std_path(), Durability::Strict, Arc::<Groups>::default())
        .unwrap()
}

fn put(number: u64) -> impl Fn(&mut Transaction<'_>) -> Result<(), StorageError> {
    move |transaction| {
        transaction.put::<NamespaceAges>(&number, &Id::random(1));
        Ok(())
    }
}

async fn count(database: &Database) -> usize {
    let all = KeyRange::table::<NamespaceAges>();
    database
        .transact(move |transaction| {
            transaction.range::<NamespaceAges>(&all, Order::Ascending, usize::MAX)
        })
        .await
        .map_err(|error: StorageError| error)
        .unwrap()
        .len()
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let dir = camino_tempfile::tempdir().unwrap();
    let database = Database::new(open(&dir));
    database.transact(put(7)).await.unwrap();
    drop(database);

    let database = Database::new(open(&dir));

    assert_eq!(count(&database).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_increments_lose_no_update() {
    let dir = camino_tempfile::tempdir().unwrap();
    let database = Database::new(open(&dir));
    let name = "counter".to_owned();
    let increment = move |transaction: &mut Transaction<'_>| -> Result<(), StorageError> {
        // The row is an id; its last bytes are the counter.
        let mut bytes = match transaction.get::<NamespaceNames>(&name)? {
            Some(id) => *id.as_bytes(),
            None => [1; Id::LENGTH],
        };
        bytes[18] += 1;
        let id = Id::from_slice(&bytes).expect("the version is unchanged");
        transaction.put::<NamespaceNames>(&name, &id);
        Ok(())
    };

    let tasks: Vec<_> = (0..40)
        .map(|_| {
            tokio::spawn({
                let (database, increment) = (database.clone(), increment.clone());
                async move { database.transact(increment).await }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }

    let name = "counter".to_owned();
    let id = database
        .transact(move |transaction| transaction.get::<NamespaceNames>(&name))
        .await
        .map_err(|error: StorageError| error)
        .unwrap()
        .unwrap();
    assert_eq!(id.as_bytes()[18], 41);
}

#[tokio::test]
async fn a_row_that_appears_in_a_range_that_was_read_is_a_conflict() {
    let dir = camino_tempfile::tempdir().unwrap();
    let storage = open(&dir);
    let range = KeyRange::table::<NamespaceAges>();
    let mut slow = Transaction::new(storage.begin());
    let seen = slow.range::<NamespaceAges>(&range, Order::Ascending, 10).unwrap();
    assert!(seen.is_empty());

    let mut fast = Transaction::new(storage.begin());
    fast.put::<NamespaceAges>(&5, &Id::random(1));
    fast.commit().unwrap().wait().await.unwrap();
    slow.put::<NamespaceNames>(&"x".to_owned(), &Id::random(1));

    assert!(matches!(slow.commit().unwrap().wait().await, Err(StorageError::Conflict)));
}

#[tokio::test]
async fn a_row_beyond_where_a_limited_read_stopped_is_no_conflict() {
    let dir = camino_tempfile::tempdir().unwrap();
    let storage = open(&dir);
    let mut first = Transaction::new(storage.begin());
    first.put::<NamespaceAges>(&5, &Id::random(1));
    first.commit().unwrap().wait().await.unwrap();
    let range = KeyRange::table::<NamespaceAges>();
    let mut slow = Transaction::new(storage.begin());
    slow.range::<NamespaceAges>(&range, Order::Ascending, 1).unwrap();

    let mut fast = Transaction::new(storage.begin());
    fast.put::<NamespaceAges>(&6, &Id::random(1));
    fast.commit().unwrap().wait().await.unwrap();
    slow.put::<NamespaceNames>(&"x".to_owned(), &Id::random(1));

    slow.commit().unwrap().wait().await.unwrap();
}

#[tokio::test]
async fn a_transaction_reads_the_moment_at_which_it_began() {
    let dir = camino_tempfile::tempdir().unwrap();
    let storage = open(&dir);
    let mut early = Transaction::new(storage.begin());

    let mut later = Transaction::new(storage.begin());
    later.put::<NamespaceAges>(&5, &Id::random(1));
    later.commit().unwrap().wait().await.unwrap();

    assert!(early.get::<NamespaceAges>(&5).unwrap().is_none());
}

/// Commits that wait together: the committer starts after all of them are in the queue.
fn commit_together(dir: &Utf8TempDir, durability: Durability, commits: u64) -> (u64, usize) {
    let mut options = options();
    options.create_if_missing(true);
    options.enable_statistics();
    let db = Arc::new(DB::open(&options, dir.path()).unwrap());
    let groups = Arc::<Groups>::default();
    let acknowledged = (durability == Durability::Strict)
        .then(|| Acknowledged::open(dir.path().as_std_path(), 0).unwrap());
    let committer = Committer::new(committer::Parts {
        db,
        acknowledged,
        space: Space::new(dir.path().into(), 0),
        committed: Arc::default(),
        watches: Watches::default(),
        observer: Arc::clone(&groups) as Arc<dyn StorageObserver>,
    });
    let (queue, requests) = mpsc::sync_channel(QUEUE);
    let answers: Vec<_> = (0..commits)
        .map(|number| {
            let (answer, pending) = oneshot::channel();
            let tracked = vec![(number.to_be_bytes().to_vec(), Some(vec![1]))];
            let writes = WriteSet { tracked, ..WriteSet::default() };
            let (reads, begun) = (ReadSet::default(), std::time::Instant::now());
            queue.send(Request { version: 0, reads, writes, answer, begun }).unwrap();
            pending
        })
        .collect();
    drop(queue);

    committer.run(&requests);

    assert!(answers.into_iter().all(|answer| answer.blocking_recv().unwrap().is_ok()));
    let groups = groups.0.lock().unwrap().len();
    (options.get_ticker_count(Ticker::WalFileSynced), groups)
}

#[test]
fn commits_that_wait_together_share_one_sync() {
    let dir = camino_tempfile::tempdir().unwrap();

    let (syncs, groups) = commit_together(&dir, Durability::Strict, 100);

    assert_eq!((syncs, groups), (1, 1));
}

#[test]
fn relaxed_commits_are_not_synced() {
    let dir = camino_tempfile::tempdir().unwrap();

    let (syncs, _) = commit_together(&dir, Durability::Relaxed, 100);

    assert_eq!(syncs, 0);
}

#[tokio::test]
async fn every_acknowledged_commit_was_synced() {
    let dir = camino_tempfile::tempdir().unwrap();
    let mut options = options();
    options.enable_statistics();
    let storage = RocksStorage::open_with(
        dir.path().as_std_path(),
        Durability::Strict.into(),
        Arc::<Groups>::default(),
        &mut options,
    )
    .unwrap();
    let before = options.get_ticker_count(Ticker::WalFileSynced);
    let database = Database::new(storage);

    for number in 0..5 {
        database.transact(put(number)).await.unwrap();
    }

    assert_eq!(options.get_ticker_count(Ticker::WalFileSynced) - before, 5);
}

#[tokio::test]
async fn a_watch_wakes_when_its_key_is_written_and_not_before() {
    let dir = camino_tempfile::tempdir().unwrap();
    let database = Database::new(open(&dir));
    let mut watch = Box::pin(database.watch::<NamespaceAges>(&5).changed());

    database.transact(put(6)).await.unwrap();
    let too_early = tokio::time::timeout(Duration::from_millis(20), &mut watch).await;
    database.transact(put(5)).await.unwrap();

    assert!(too_early.is_err());
    watch.await.unwrap();
}

#[tokio::test]
async fn closing_the_store_ends_every_watch() {
    let dir = camino_tempfile::tempdir().unwrap();
    let database = Database::new(open(&dir));
    let watch = database.watch::<NamespaceAges>(&5);

    drop(database);

    assert!(matches!(watch.changed().await, Err(StorageError::Closed)));
}

#[test]
fn a_second_engine_on_the_directory_is_refused_with_the_owners_name() {
    let dir = camino_tempfile::tempdir().unwrap();
    let _first = open(&dir);

    let second =
        RocksStorage::open(dir.path().as_std_path(), Durability::Strict, Arc::<Groups>::default());

    let error = second.unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }));
    assert!(error.to_string().contains(&format!("process {}", std::process::id())));
}

#[test]
fn data_of_a_newer_engine_is_refused() {
    let dir = camino_tempfile::tempdir().unwrap();
    drop(open(&dir));
    let db = DB::open(&options(), database_dir(dir.path().as_std_path())).unwrap();
    let row = FormatRow { format: FORMAT + 1, written_by: "9.0.0".to_owned() };
    db.put(key_bytes::<Meta>(&MetaKey::Format), serde_json::to_vec(&row).unwrap()).unwrap();
    drop(db);

    let error =
        RocksStorage::open(dir.path().as_std_path(), Durability::Strict, Arc::<Groups>::default())
            .unwrap_err();

    assert!(matches!(error, OpenError::NewerFormat { .. }));
    assert!(error.to_string().contains("9.0.0"));
}

#[test]
fn another_engines_database_is_refused_and_left_alone() {
    let dir = camino_tempfile::tempdir().unwrap();
    let mut creating = options();
    creating.create_if_missing(true);
    drop(DB::open(&creating, dir.path()).unwrap());

    let error =
        RocksStorage::open(dir.path().as_std_path(), Durability::Strict, Arc::<Groups>::default())
            .unwrap_err();

    assert!(matches!(error, OpenError::Foreign { .. }));
    assert!(!dir.path().join("engine.lock").exists());
}

/// A table whose rows the storage does not watch over.
#[derive(Debug)]
struct Untracked;

impl Table for Untracked {
    const NAME: &'static str = "untracked";
    const TAG: u8 = 0xFD;
    type Key = u64;
    type Value = Id;
    const TRACKED: bool = false;
}

/// The rows of [`Untracked`] from `from` up to and without `to`.
fn between(from: u64, to: u64) -> KeyRange {
    KeyRange { start: key_bytes::<Untracked>(&from), end: key_bytes::<Untracked>(&to) }
}

#[tokio::test]
async fn rows_of_an_untracked_table_do_not_conflict() {
    let dir = camino_tempfile::tempdir().unwrap();
    let storage = open(&dir);
    let mut slow = Transaction::new(storage.begin());
    slow.get::<Untracked>(&5).unwrap();
    slow.range::<Untracked>(&between(0, 9), Order::Ascending, 10).unwrap();

    let mut fast = Transaction::new(storage.begin());
    fast.put::<Untracked>(&5, &Id::random(1));
    fast.commit().unwrap().wait().await.unwrap();
    slow.put::<NamespaceNames>(&"x".to_owned(), &Id::random(1));

    slow.commit().unwrap().wait().await.unwrap();
}

#[tokio::test]
async fn a_tracked_row_guards_the_untracked_ones() {
    let dir = camino_tempfile::tempdir().unwrap();
    let storage = open(&dir);
    let guard = "guard".to_owned();
    let mut slow = Transaction::new(storage.begin());
    slow.get::<NamespaceNames>(&guard).unwrap();
    slow.get::<Untracked>(&5).unwrap();

    let mut fast = Transaction::new(storage.begin());
    fast.put::<NamespaceNames>(&guard, &Id::random(1));
    fast.put::<Untracked>(&5, &Id::random(1));
    fast.commit().unwrap().wait().await.unwrap();
    slow.put::<Untracked>(&6, &Id::random(1));

    assert!(matches!(slow.commit().unwrap().wait().await, Err(StorageError::Conflict)));
}

#[derive(Debug, Clone)]
enum Step {
    Put(u64),
    Delete(u64),
    Erase(u64, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..12_u64;
    let step = prop_oneof![
        4 => key.clone().prop_map(Step::Put),
        2 => key.clone().prop_map(Step::Delete),
        1 => (key.clone(), key).prop_map(|(from, to)| Step::Erase(from, to)),
    ];
    proptest::collection::vec(step, 0..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Reads within a transaction see stored rows and own writes as one ordered table.
    #[test]
    fn own_writes_and_stored_rows_read_as_one_table(
        stored in steps(),
        own in steps(),
        limit in 0..14_usize,
        descending in any::<bool>(),
        start in 0..12_u64,
    ) {
        let dir = camino_tempfile::tempdir().unwrap();
        let storage = open(&dir);
        let mut model = BTreeMap::new();
        let id = Id::random(1);
        let mut run = |transaction: &mut Transaction<'_>, steps: &[Step]| {
            for step in steps {
                match step {
                    Step::Put(key) => {
                        transaction.put::<Untracked>(key, &id);
                        model.insert(*key, id);
                    }
                    Step::Delete(key) => {
                        transaction.delete::<Untracked>(key);
                        model.remove(key);
                    }
                    Step::Erase(from, to) => {
                        transaction.erase::<Untracked>(between(*from, *to)).unwrap();
                        model.retain(|key, _| !(from..to).contains(&key));
                    }
                }
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let commit = |transaction: Transaction<'_>| {
            if let Some(pending) = transaction.commit() {
                runtime.block_on(pending.wait()).unwrap();
            }
        };
        let mut first = Transaction::new(storage.begin());
        run(&mut first, &stored);
        commit(first);
        let mut second = Transaction::new(storage.begin());
        run(&mut second, &own);

        let order = if descending { Order::Descending } else { Order::Ascending };
        let range = KeyRange::table::<Untracked>().after::<Untracked>(&start);
        let found = second.range::<Untracked>(&range, order, limit).unwrap();

        let after = model.range(start + 1..).map(|(key, id)| (*key, *id));
        let expected: Vec<_> = match order {
            Order::Ascending => after.take(limit).collect(),
            Order::Descending => after.rev().take(limit).collect(),
        };
        prop_assert_eq!(found, expected);
        let one_by_one = |transaction: &mut Transaction<'_>| {
            (0..12).filter(|key| transaction.get::<Untracked>(key).unwrap().is_some()).collect::<Vec<u64>>()
        };
        let all: Vec<u64> = model.keys().copied().collect();
        prop_assert_eq!(one_by_one(&mut second), all.clone());

        // What is on disk is what the transaction saw.
        commit(second);
        prop_assert_eq!(one_by_one(&mut Transaction::new(storage.begin())), all);
    }
}
