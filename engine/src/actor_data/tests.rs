//! What actors' data promises, tested on a real directory.

mod fences;
mod kv;
mod model;
mod pages;
mod purges;
mod remote_sql;
mod sql_client;
mod sql_limits;
mod staged;

use std::sync::Arc;

use camino_tempfile::Utf8TempDir;
use rivet_envoy_protocol as protocol;

use super::{ActorData, DataLimits, Fence, Tenancy};
use crate::{
    clock::ManualClock,
    keyspace::{Id, Table, ValueError, tables::PAGE_SIZE},
    storage::{
        Database, Durability, GroupReport, RocksStorage, StorageError, StorageObserver, Transaction,
    },
};

#[derive(Debug)]
struct Deaf;

impl StorageObserver for Deaf {
    fn group_committed(&self, _: GroupReport) {}

    fn refused_for_want_of_room(&self, _: usize) {}

    fn read_failed(&self) {}

    fn storage_failed(&self) {}
}

/// Who runs an actor: in the engine, a field of the actor's row.
#[derive(Debug)]
struct Tenants;

#[derive(Debug, Clone, PartialEq, Eq)]
struct TenantRow {
    envoy_key: String,
    generation: u64,
}

impl Table for Tenants {
    const NAME: &'static str = "tenants";
    const TAG: u8 = 0xFC;
    type Key = Id;
    type Value = TenantRow;
}

impl crate::keyspace::StoredValue for TenantRow {
    fn encode(&self) -> Vec<u8> {
        [&self.generation.to_be_bytes(), self.envoy_key.as_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, ValueError> {
        let (generation, envoy_key) = bytes.split_first_chunk().unwrap();
        Ok(Self {
            envoy_key: String::from_utf8(envoy_key.to_owned()).unwrap(),
            generation: u64::from_be_bytes(*generation),
        })
    }
}

#[derive(Debug)]
struct RowTenancy;

impl Tenancy for RowTenancy {
    fn check(
        &self,
        transaction: &mut Transaction<'_>,
        fence: &Fence,
    ) -> Result<bool, StorageError> {
        let Some(row) = transaction.get::<Tenants>(&fence.actor)? else { return Ok(false) };
        let current = fence.generation.is_none_or(|generation| generation == row.generation);
        Ok(row.envoy_key == fence.envoy_key && current)
    }
}

/// A store with actors in it.
struct World {
    data: ActorData,
    database: Database,
    clock: Arc<ManualClock>,
    limits: DataLimits,
    dir: Utf8TempDir,
}

const ENVOY: &str = "envoy";

impl World {
    fn new() -> Self {
        Self::with_limits(DataLimits::default())
    }

    fn with_limits(limits: DataLimits) -> Self {
        Self::in_dir(camino_tempfile::tempdir().unwrap(), limits)
    }

    fn in_dir(dir: Utf8TempDir, limits: DataLimits) -> Self {
        let storage =
            RocksStorage::open(dir.path().as_std_path(), Durability::Relaxed, Arc::new(Deaf))
                .unwrap();
        let (database, clock) = (Database::new(storage), ManualClock::at(1000));
        let data = ActorData::new(
            database.clone(),
            Arc::clone(&clock) as Arc<_>,
            limits,
            Arc::new(RowTenancy),
        );
        Self { data, database, clock, limits, dir }
    }

    /// The engine stops and starts again.
    async fn reopen(self) -> Self {
        let Self { data, database, limits, dir, .. } = self;
        // Folding goes on in the background, and holds the store until it is done.
        while !data.folding().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        let weak = Arc::downgrade(&data.0);
        drop((data, database));
        while weak.upgrade().is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        Self::in_dir(dir, limits)
    }

    /// Stops, and leaves the directory.
    fn close(self) -> Utf8TempDir {
        self.dir
    }

    /// A new actor in its first generation.
    async fn actor(&self) -> Fence {
        let fence = Fence {
            namespace_id: Id::random(1),
            envoy_key: ENVOY.to_owned(),
            actor: Id::random(1),
            generation: Some(1),
        };
        self.place(&fence).await;
        fence
    }

    /// Makes `fence` the one that holds.
    async fn place(&self, fence: &Fence) {
        let row = TenantRow {
            envoy_key: fence.envoy_key.clone(),
            generation: fence.generation.unwrap_or_default(),
        };
        let actor = fence.actor;
        self.database
            .transact(move |transaction| {
                transaction.put::<Tenants>(&actor, &row);
                Ok::<_, StorageError>(())
            })
            .await
            .unwrap();
    }

    async fn commit(
        &self,
        fence: &Fence,
        pages: &[(u32, u8)],
        size: u32,
        head: Option<u64>,
    ) -> Result<u64, Error> {
        use protocol::SqliteCommitResponse as Response;
        let request = protocol::SqliteCommitRequest {
            actor_id: fence.actor.to_string(),
            dirty_pages: pages.iter().map(|(pgno, fill)| page(*pgno, *fill)).collect(),
            db_size_pages: size,
            now_ms: 0,
            expected_generation: fence.generation,
            expected_head_txid: head,
        };
        match self.data.commit(fence.clone(), request).await {
            Response::SqliteCommitOk(ok) => Ok(ok.head_txid.unwrap()),
            Response::SqliteErrorResponse(error) => Err(error.into()),
        }
    }

    /// The first byte of each page, and the head.
    async fn pages(&self, fence: &Fence, pgnos: &[u32]) -> Result<(Vec<Option<u8>>, u64), Error> {
        self.pages_at(fence, pgnos, None).await
    }

    async fn pages_at(
        &self,
        fence: &Fence,
        pgnos: &[u32],
        head: Option<u64>,
    ) -> Result<(Vec<Option<u8>>, u64), Error> {
        use protocol::SqliteGetPagesResponse as Response;
        let request = protocol::SqliteGetPagesRequest {
            actor_id: fence.actor.to_string(),
            pgnos: pgnos.to_vec(),
            expected_generation: fence.generation,
            expected_head_txid: head,
        };
        match self.data.get_pages(fence.clone(), request).await {
            Response::SqliteGetPagesOk(ok) => {
                assert_eq!(ok.pages.iter().map(|page| page.pgno).collect::<Vec<_>>(), pgnos);
                let first = ok.pages.into_iter().map(|page| {
                    page.bytes.map(|bytes| {
                        assert_eq!(bytes, vec![bytes[0]; PAGE_SIZE]);
                        bytes[0]
                    })
                });
                Ok((first.collect(), ok.head_txid.unwrap()))
            }
            Response::SqliteErrorResponse(error) => Err(error.into()),
        }
    }

    async fn begin(&self, fence: &Fence, head: Option<u64>) -> Result<u64, Error> {
        use protocol::SqliteCommitStageBeginResponse as Response;
        let request = protocol::SqliteCommitStageBeginRequest {
            actor_id: fence.actor.to_string(),
            expected_generation: fence.generation,
            expected_head_txid: head,
        };
        match self.data.stage_begin(fence.clone(), request).await {
            Response::SqliteCommitStageBeginOk(ok) => Ok(ok.txid),
            Response::SqliteErrorResponse(error) => Err(error.into()),
        }
    }

    async fn segment(
        &self,
        fence: &Fence,
        txid: u64,
        first: u32,
        pages: Vec<protocol::SqliteDirtyPage>,
    ) -> Result<(), Error> {
        use protocol::SqliteCommitStageSegmentResponse as Response;
        let request = protocol::SqliteCommitStageSegmentRequest {
            actor_id: fence.actor.to_string(),
            expected_generation: fence.generation,
            txid,
            first_pgno: first,
            dirty_pages: pages,
        };
        match self.data.stage_segment(fence.clone(), request).await {
            Response::SqliteCommitStageSegmentOk(_) => Ok(()),
            Response::SqliteErrorResponse(error) => Err(error.into()),
        }
    }

    async fn finalize(
        &self,
        fence: &Fence,
        txid: u64,
        size: u32,
        segments: &[u32],
    ) -> Result<u64, Error> {
        use protocol::SqliteCommitFinalizeResponse as Response;
        let request = protocol::SqliteCommitFinalizeRequest {
            actor_id: fence.actor.to_string(),
            expected_generation: fence.generation,
            txid,
            new_db_size_pages: size,
            now_ms: 0,
            segment_first_pgnos: segments.to_vec(),
        };
        match self.data.finalize(fence.clone(), request).await {
            Response::SqliteCommitFinalizeOk(ok) => Ok(ok.head_txid.unwrap()),
            Response::SqliteErrorResponse(error) => Err(error.into()),
        }
    }
}

fn page(pgno: u32, fill: u8) -> protocol::SqliteDirtyPage {
    protocol::SqliteDirtyPage { pgno, bytes: vec![fill; PAGE_SIZE] }
}

/// The pages from `first` to `last`.
fn run(first: u32, last: u32, fill: u8) -> Vec<protocol::SqliteDirtyPage> {
    (first..=last).map(|pgno| page(pgno, fill)).collect()
}

/// `group.code: message`.
#[derive(Debug, PartialEq, Eq)]
struct Error(String);

impl From<protocol::SqliteErrorResponse> for Error {
    fn from(error: protocol::SqliteErrorResponse) -> Self {
        Self(format!("{}.{}: {}", error.group, error.code, error.message))
    }
}

fn error<T>(text: &str) -> Result<T, Error> {
    Err(Error(text.to_owned()))
}
