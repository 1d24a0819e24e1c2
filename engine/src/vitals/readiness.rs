//! Whether the engine can do its work: found out, not assumed.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::SharedClock,
    keyspace::tables::{NamespaceNames, ProbeRow, Probes},
    lifecycle::Draining,
    storage::{Database, StorageError},
};

/// For how long a finding holds: however many ask, the disk is written to this seldom.
const HOLDS: Duration = Duration::from_secs(2);

/// A disk that takes longer than this for one row is not one to serve requests from.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something that has to be so before requests are sent here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Actors are started: neither was the process asked to stop, nor the engine to drain.
    Draining,
    /// A row can be written, and is on disk.
    Storage,
    /// The namespace `default` is there.
    DefaultNamespace,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Draining, Self::Storage, Self::DefaultNamespace];

    /// Its name in answers and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Storage => "storage",
            Self::DefaultNamespace => "default_namespace",
        }
    }
}

/// Finds out whether the engine is ready; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    clock: SharedClock,
    stop: CancellationToken,
    draining: Draining,
    /// What was found last, and when. Whoever asks meanwhile waits for it.
    last: Mutex<Option<(Instant, Vec<Check>)>>,
}

impl Readiness {
    /// The readiness of an engine that keeps its data in `database`, until `stop` is cancelled and as
    /// long as it is not `draining`.
    pub fn new(
        database: Database,
        clock: SharedClock,
        stop: CancellationToken,
        draining: Draining,
    ) -> Self {
        Self(Arc::new(Inner { database, clock, stop, draining, last: Mutex::default() }))
    }

    /// The checks that fail: none, when the engine is ready.
    pub async fn failed(&self) -> Vec<Check> {
        // Known without a look, and a disk that is closing has nothing to add.
        if self.0.stop.is_cancelled() {
            return vec![Check::Draining];
        }
        let mut failed = self.found().await;
        // Of an engine that drains one still wants to know whether its disk is well.
        if self.0.draining.is_on() {
            failed.insert(0, Check::Draining);
        }
        failed
    }

    /// What a look has found that holds still.
    async fn found(&self) -> Vec<Check> {
        let mut last = self.0.last.lock().await;
        if let Some((at, found)) = &*last
            && at.elapsed() < HOLDS
        {
            return found.clone();
        }
        let found = self.0.look().await;
        *last = Some((Instant::now(), found.clone()));
        found
    }
}

impl Inner {
    async fn look(&self) -> Vec<Check> {
        let found = match timeout(PATIENCE, self.write()).await {
            Ok(Ok(true)) => vec![],
            Ok(Ok(false)) => vec![Check::DefaultNamespace],
            Ok(Err(error)) => {
                tracing::error!(%error, "not ready: a row could not be written");
                vec![Check::Storage]
            }
            Err(_) => {
                tracing::error!(?PATIENCE, "not ready: a row was not on disk in time");
                vec![Check::Storage]
            }
        };
        if found.contains(&Check::DefaultNamespace) {
            tracing::error!("not ready: there is no namespace `default`");
        }
        found
    }

    /// Writes a row of its own, and says whether the default namespace is there.
    async fn write(&self) -> Result<bool, StorageError> {
        let ts = self.clock.now();
        self.database
            .transact(move |transaction| {
                transaction.put::<Probes>(&(), &ProbeRow { ts });
                Ok(transaction.get::<NamespaceNames>(&"default".to_owned())?.is_some())
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;
    use crate::{
        clock::SystemClock,
        keyspace::{Id, KeyRange, Order},
        storage::{
            Attempt, Durability, GroupReport, Pending, ReadSet, RocksStorage, Row, Storage,
            StorageFigures, StorageObserver, Watch, WriteSet,
        },
    };

    #[derive(Debug, Default)]
    struct Commits(AtomicUsize);

    impl StorageObserver for Commits {
        fn group_committed(&self, report: GroupReport) {
            self.0.fetch_add(report.committed, Ordering::SeqCst);
        }

        fn refused_for_want_of_room(&self, _commits: usize) {}

        fn read_failed(&self) {}

        fn storage_failed(&self) {}
    }

    /// A store that can be read, and takes no writes any more: this becomes of them.
    #[derive(Debug)]
    struct Broken(RocksStorage, fn() -> Pending);

    #[derive(Debug)]
    struct BrokenAttempt<'s>(Box<dyn Attempt + 's>, fn() -> Pending);

    impl Storage for Broken {
        fn begin(&self) -> Box<dyn Attempt + '_> {
            Box::new(BrokenAttempt(self.0.begin(), self.1))
        }

        fn bytes(&self) -> Result<u64, StorageError> {
            self.0.bytes()
        }

        fn figures(&self) -> StorageFigures {
            self.0.figures()
        }

        fn watch(&self, key: &[u8]) -> Watch {
            self.0.watch(key)
        }

        fn checkpoint(&self, dir: &Path) -> Result<u64, StorageError> {
            self.0.checkpoint(dir)
        }

        fn compact(&self) -> Result<(), StorageError> {
            self.0.compact()
        }

        fn end_maintenance(&self) {
            self.0.end_maintenance();
        }
    }

    impl Attempt for BrokenAttempt<'_> {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
            self.0.get(key)
        }

        fn range(
            &self,
            range: &KeyRange,
            order: Order,
            n: usize,
        ) -> Result<Vec<Row>, StorageError> {
            self.0.range(range, order, n)
        }

        fn keys(&self, range: &KeyRange, limit: usize) -> Result<Vec<Vec<u8>>, StorageError> {
            self.0.keys(range, limit)
        }

        fn commit(self: Box<Self>, _: ReadSet, _: WriteSet) -> Pending {
            (self.1)()
        }
    }

    struct Site {
        readiness: Readiness,
        database: Database,
        stop: CancellationToken,
        commits: Arc<Commits>,
        _dir: camino_tempfile::Utf8TempDir,
    }

    fn site(broken: Option<fn() -> Pending>) -> Site {
        let dir = camino_tempfile::tempdir().unwrap();
        let (commits, stop) = (Arc::new(Commits::default()), CancellationToken::new());
        let path = dir.path().as_std_path();
        let storage = RocksStorage::open(path, Durability::Strict, commits.clone()).unwrap();
        let database = match broken {
            Some(commit) => Database::new(Broken(storage, commit)),
            None => Database::new(storage),
        };
        let clock = Arc::new(SystemClock);
        let readiness = Readiness::new(database.clone(), clock, stop.clone(), Draining::default());
        Site { readiness, database, stop, commits, _dir: dir }
    }

    async fn with_namespace() -> Site {
        let site = site(None);
        let made = site.database.transact(|transaction| {
            transaction.put::<NamespaceNames>(&"default".to_owned(), &Id::random(1));
            Ok::<_, StorageError>(())
        });
        made.await.unwrap();
        site
    }

    #[tokio::test]
    async fn an_engine_with_a_store_and_its_namespace_is_ready() {
        assert_eq!(with_namespace().await.readiness.failed().await, []);
    }

    #[tokio::test]
    async fn an_engine_without_its_namespace_is_not() {
        assert_eq!(site(None).readiness.failed().await, [Check::DefaultNamespace]);
    }

    #[tokio::test]
    async fn an_engine_whose_store_takes_no_writes_is_not() {
        assert_eq!(site(Some(Pending::lost)).readiness.failed().await, [Check::Storage]);
    }

    /// As with a disk of the network that is gone: nothing fails, and nothing ends.
    #[tokio::test]
    async fn an_engine_whose_store_does_not_answer_is_not_and_says_so() {
        assert_eq!(site(Some(Pending::forever)).readiness.failed().await, [Check::Storage]);
    }

    #[tokio::test]
    async fn an_engine_that_stops_is_not_whatever_was_found_before() {
        let site = with_namespace().await;
        assert_eq!(site.readiness.failed().await, []);

        site.stop.cancel();

        assert_eq!(site.readiness.failed().await, [Check::Draining]);
    }

    #[tokio::test]
    async fn however_many_ask_at_once_one_row_is_written() {
        let site = with_namespace().await;
        let before = site.commits.0.load(Ordering::SeqCst);

        let asked = (0..100).map(|_| site.readiness.failed());
        futures_util::future::join_all(asked).await;

        assert_eq!(site.commits.0.load(Ordering::SeqCst), before + 1);
    }
}
