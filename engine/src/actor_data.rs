//! What actors keep: the part that the layers above agree on.

use std::sync::Arc;

use rivet_envoy_protocol as protocol;

use crate::{
    clock::SharedClock,
    keyspace::Id,
    storage::{Database, StorageError, Transaction},
};

/// Who asks for an actor's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The envoy's namespace.
    pub namespace_id: Id,
    /// The envoy.
    pub envoy_key: String,
    /// The actor.
    pub actor: Id,
    /// The generation that asks.
    pub generation: Option<u64>,
}

/// Knows who may touch an actor's data.
pub trait Tenancy: std::fmt::Debug + Send + Sync + 'static {
    /// Whether `fence` holds at this moment.
    fn check(&self, transaction: &mut Transaction<'_>, fence: &Fence)
    -> Result<bool, StorageError>;
}

/// Bounds.
#[derive(Debug, Clone, Copy, Default)]
pub struct DataLimits {}

/// The data of all actors.
#[derive(Debug, Clone)]
pub struct ActorData {}

/// Notes that the actor's data is to be removed.
pub fn schedule_purge(_: &mut Transaction<'_>, _: Id) {}

#[expect(missing_docs, clippy::unused_async, reason = "the interface only")]
impl ActorData {
    pub fn new(_: Database, _: SharedClock, _: DataLimits, _: Arc<dyn Tenancy>) -> Self {
        Self {}
    }
    pub async fn kv_get(&self, _: Id, _: &[u8]) -> Result<Option<(Vec<u8>, u64)>, StorageError> {
        Ok(None)
    }
    pub async fn close(&self, _: Id) {}
    pub async fn purge_some(&self) -> Result<bool, StorageError> {
        Ok(false)
    }
    pub async fn kv(&self, _: Fence, _: protocol::KvRequestData) -> protocol::KvResponseData {
        protocol::KvResponseData::KvPutResponse
    }
    pub async fn get_pages(
        &self,
        _: Fence,
        _: protocol::SqliteGetPagesRequest,
    ) -> protocol::SqliteGetPagesResponse {
        protocol::SqliteGetPagesResponse::SqliteErrorResponse(none())
    }
    pub async fn commit(
        &self,
        _: Fence,
        _: protocol::SqliteCommitRequest,
    ) -> protocol::SqliteCommitResponse {
        protocol::SqliteCommitResponse::SqliteErrorResponse(none())
    }
    pub async fn stage_begin(
        &self,
        _: Fence,
        _: protocol::SqliteCommitStageBeginRequest,
    ) -> protocol::SqliteCommitStageBeginResponse {
        protocol::SqliteCommitStageBeginResponse::SqliteErrorResponse(none())
    }
    pub async fn stage_segment(
        &self,
        _: Fence,
        _: protocol::SqliteCommitStageSegmentRequest,
    ) -> protocol::SqliteCommitStageSegmentResponse {
        protocol::SqliteCommitStageSegmentResponse::SqliteErrorResponse(none())
    }
    pub async fn finalize(
        &self,
        _: Fence,
        _: protocol::SqliteCommitFinalizeRequest,
    ) -> protocol::SqliteCommitFinalizeResponse {
        protocol::SqliteCommitFinalizeResponse::SqliteErrorResponse(none())
    }
    pub async fn exec(
        &self,
        _: Fence,
        _: protocol::SqliteExecRequest,
    ) -> protocol::SqliteExecResponse {
        protocol::SqliteExecResponse::SqliteErrorResponse(none())
    }
    pub async fn execute(
        &self,
        _: Fence,
        _: protocol::SqliteExecuteRequest,
    ) -> protocol::SqliteExecuteResponse {
        protocol::SqliteExecuteResponse::SqliteErrorResponse(none())
    }
    pub async fn execute_batch(
        &self,
        _: Fence,
        _: protocol::SqliteExecuteBatchRequest,
    ) -> protocol::SqliteExecuteBatchResponse {
        protocol::SqliteExecuteBatchResponse::SqliteErrorResponse(none())
    }
}

fn none() -> protocol::SqliteErrorResponse {
    protocol::SqliteErrorResponse {
        group: "core".to_owned(),
        code: "internal_error".to_owned(),
        message: "no storage".to_owned(),
    }
}
