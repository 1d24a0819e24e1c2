//! What is written down stays, in order, within the operator's bounds.

use camino_tempfile::Utf8TempDir;

use super::*;
use crate::{
    clock::ManualClock,
    keyspace::tables::AuditActor,
    storage::{Durability, RocksStorage},
};

struct Site {
    dir: Utf8TempDir,
    clock: Arc<ManualClock>,
    metrics: Arc<Metrics>,
}

struct Opened {
    log: AuditLog,
    stop: CancellationToken,
    writer: tokio::task::JoinHandle<()>,
}

impl Site {
    fn new() -> Self {
        let dir = camino_tempfile::tempdir().unwrap();
        Self { dir, clock: ManualClock::at(1000), metrics: Arc::new(Metrics::new().unwrap()) }
    }

    async fn open(&self, settings: AuditSettings) -> Opened {
        let path = self.dir.path().join("db");
        let metrics = Arc::clone(&self.metrics);
        let storage =
            RocksStorage::open(path.as_std_path(), Durability::Strict, metrics.clone()).unwrap();
        let database = Database::new(storage);
        let opened = AuditLog::open(database, settings, self.clock.clone(), metrics).await;
        let (log, writer) = opened.unwrap();
        let stop = CancellationToken::new();
        let writer = tokio::spawn(writer.run(stop.clone()));
        Opened { log, stop, writer }
    }
}

impl Opened {
    async fn record(&self, path: &str) {
        self.log.record(self.row(path)).await;
    }

    fn row(&self, path: &str) -> AuditRow {
        AuditRow {
            ts: self.log.now(),
            actor: AuditActor { kind: "admin".to_owned(), token_id: None, subject: None },
            address: None,
            method: "POST".to_owned(),
            path: path.to_owned(),
            namespace: None,
            created: None,
            status: 200,
            error: None,
            ray_id: "ray".to_owned(),
        }
    }

    async fn paths(&self, before: Option<u64>, limit: usize) -> Vec<(u64, String)> {
        let page = self.log.page(before, limit).await.unwrap();
        page.into_iter().map(|entry| (entry.number, entry.row.path)).collect()
    }

    async fn close(self) {
        drop(self.log);
        self.stop.cancel();
        self.writer.await.unwrap();
    }
}

fn named(entries: &[(u64, &str)]) -> Vec<(u64, String)> {
    entries.iter().map(|(number, path)| (*number, (*path).to_owned())).collect()
}

#[tokio::test]
async fn entries_are_read_newest_first_and_page_by_page() {
    let site = Site::new();
    let opened = site.open(AuditSettings::default()).await;
    for path in ["/a", "/b", "/c"] {
        opened.record(path).await;
    }

    assert_eq!(opened.paths(None, 2).await, named(&[(3, "/c"), (2, "/b")]));
    assert_eq!(opened.paths(Some(2), 2).await, named(&[(1, "/a")]));
    assert_eq!(opened.paths(Some(1), 2).await, []);
}

#[tokio::test]
async fn entries_go_on_counting_after_a_restart() {
    let site = Site::new();
    let opened = site.open(AuditSettings::default()).await;
    opened.record("/a").await;
    opened.close().await;

    let opened = site.open(AuditSettings::default()).await;
    opened.record("/b").await;

    assert_eq!(opened.paths(None, 10).await, named(&[(2, "/b"), (1, "/a")]));
}

#[tokio::test]
async fn the_oldest_entries_go_beyond_the_bound_of_their_number() {
    let site = Site::new();
    let opened = site.open(AuditSettings { max_entries: 2, ..AuditSettings::default() }).await;
    for path in ["/a", "/b", "/c"] {
        opened.record(path).await;
    }

    assert_eq!(opened.paths(None, 10).await, named(&[(3, "/c"), (2, "/b")]));
}

#[tokio::test]
async fn entries_go_that_are_older_than_the_bound_of_their_age() {
    let site = Site::new();
    let opened = site.open(AuditSettings { max_age: 500, ..AuditSettings::default() }).await;
    opened.record("/a").await;
    site.clock.set(1500);
    opened.record("/b").await;
    assert_eq!(opened.paths(None, 10).await.len(), 2);

    site.clock.set(1501);
    opened.record("/c").await;

    assert_eq!(opened.paths(None, 10).await, named(&[(3, "/c"), (2, "/b")]));
}

#[tokio::test]
async fn many_calls_at_once_are_all_written() {
    let site = Site::new();
    let opened = site.open(AuditSettings::default()).await;
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (log, row) = (opened.log.clone(), opened.row("/x"));
            tokio::spawn(async move { log.record(row).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }

    assert_eq!(opened.paths(None, 1000).await.len(), 100);
}

#[tokio::test]
async fn strangers_cannot_flush_the_log() {
    let site = Site::new();
    let opened = site.open(AuditSettings::default()).await;
    for _ in 0..200 {
        opened.log.record_stranger(opened.row("/guess")).await;
    }
    assert_eq!(opened.paths(None, 1000).await.len(), 60);

    site.clock.set(2000);
    opened.log.record_stranger(opened.row("/guess")).await;

    assert_eq!(opened.paths(None, 1000).await.len(), 61);
    let metrics = String::from_utf8(site.metrics.text().unwrap()).unwrap();
    assert!(metrics.contains("rivet_engine_audit_entries_left_out_total 140"), "{metrics}");
}
