//! An actor's SQLite database: its pages, and statements that the engine runs.

use super::Envoy;
use crate::{
    protocol::{
        SqliteBatchStatement, SqliteBindParam, SqliteCommitFinalizeRequest,
        SqliteCommitFinalizeResponse, SqliteCommitRequest, SqliteCommitResponse,
        SqliteCommitStageBeginRequest, SqliteCommitStageBeginResponse,
        SqliteCommitStageSegmentRequest, SqliteCommitStageSegmentResponse, SqliteDirtyPage,
        SqliteErrorResponse, SqliteExecRequest, SqliteExecResponse, SqliteExecuteBatchRequest,
        SqliteExecuteBatchResponse, SqliteExecuteRequest, SqliteExecuteResponse,
        SqliteExecuteResult, SqliteGetPagesOk, SqliteGetPagesRequest, SqliteGetPagesResponse,
        SqliteQueryResult, ToEnvoy, ToRivet, ToRivetSqliteCommitFinalizeRequest,
        ToRivetSqliteCommitRequest, ToRivetSqliteCommitStageBeginRequest,
        ToRivetSqliteCommitStageSegmentRequest, ToRivetSqliteExecRequest,
        ToRivetSqliteExecuteBatchRequest, ToRivetSqliteExecuteRequest,
        ToRivetSqliteGetPagesRequest,
    },
    wait::now_ms,
};

/// The size of a page.
pub const PAGE: usize = 4096;

/// A page that holds this byte everywhere.
pub fn page(pgno: u32, fill: u8) -> SqliteDirtyPage {
    SqliteDirtyPage { pgno, bytes: vec![fill; PAGE] }
}

/// Pages in a row.
pub fn pages(numbers: std::ops::RangeInclusive<u32>, fill: u8) -> Vec<SqliteDirtyPage> {
    numbers.map(|pgno| page(pgno, fill)).collect()
}

/// The text of a refusal: `group.code: message`.
fn refusal(error: &SqliteErrorResponse) -> String {
    format!("{}.{}: {}", error.group, error.code, error.message)
}

/// Sends `$request` and takes the answer apart: `Ok` as `$ok` says, or the refusal's text.
macro_rules! exchange {
    ($envoy:expr, $request:ident { $($wrapper:tt)* }, $answer:ident, $response:ident, $accepted:ident, $ok:expr) => {{
        let data = $($wrapper)*;
        let answer = $envoy
            .ask(
                concat!("an answer to ", stringify!($request)),
                |request_id| ToRivet::$request($request { request_id, data }),
                |message| match message {
                    ToEnvoy::$answer(answer) => Some((answer.request_id, answer.data.clone())),
                    _ => None,
                },
            )
            .await;
        match answer {
            $response::$accepted(accepted) => Ok($ok(accepted)),
            $response::SqliteErrorResponse(error) => Err(refusal(&error)),
        }
    }};
}

/// What a commit says of the database that it expects.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fence {
    /// The actor's generation.
    pub generation: Option<u64>,
    /// The newest transaction.
    pub head: Option<u64>,
}

impl Fence {
    /// This generation, and any head.
    pub fn generation(generation: u32) -> Self {
        Self { generation: Some(u64::from(generation)), head: None }
    }

    /// This generation and this head.
    pub fn at(generation: u32, head: u64) -> Self {
        Self { generation: Some(u64::from(generation)), head: Some(head) }
    }
}

impl Envoy {
    /// Reads pages.
    pub async fn get_pages(
        &self,
        actor: &str,
        pgnos: impl IntoIterator<Item = u32>,
        fence: Fence,
    ) -> Result<SqliteGetPagesOk, String> {
        exchange!(
            self,
            ToRivetSqliteGetPagesRequest {
                SqliteGetPagesRequest {
                    actor_id: actor.to_owned(),
                    pgnos: pgnos.into_iter().collect(),
                    expected_generation: fence.generation,
                    expected_head_txid: fence.head,
                }
            },
            ToEnvoySqliteGetPagesResponse,
            SqliteGetPagesResponse,
            SqliteGetPagesOk,
            |found| found
        )
    }

    /// Writes pages in one message. The answer is the new head.
    pub async fn commit(
        &self,
        actor: &str,
        dirty_pages: Vec<SqliteDirtyPage>,
        db_size_pages: u32,
        fence: Fence,
    ) -> Result<Option<u64>, String> {
        exchange!(
            self,
            ToRivetSqliteCommitRequest {
                SqliteCommitRequest {
                    actor_id: actor.to_owned(),
                    dirty_pages,
                    db_size_pages,
                    now_ms: now_ms(),
                    expected_generation: fence.generation,
                    expected_head_txid: fence.head,
                }
            },
            ToEnvoySqliteCommitResponse,
            SqliteCommitResponse,
            SqliteCommitOk,
            |done: crate::protocol::SqliteCommitOk| done.head_txid
        )
    }

    /// Begins a commit in pieces. The answer is its transaction.
    pub async fn stage_begin(&self, actor: &str, fence: Fence) -> Result<u64, String> {
        exchange!(
            self,
            ToRivetSqliteCommitStageBeginRequest {
                SqliteCommitStageBeginRequest {
                    actor_id: actor.to_owned(),
                    expected_generation: fence.generation,
                    expected_head_txid: fence.head,
                }
            },
            ToEnvoySqliteCommitStageBeginResponse,
            SqliteCommitStageBeginResponse,
            SqliteCommitStageBeginOk,
            |begun: crate::protocol::SqliteCommitStageBeginOk| begun.txid
        )
    }

    /// Stages one piece of a commit.
    pub async fn stage_segment(
        &self,
        actor: &str,
        generation: u32,
        txid: u64,
        first_pgno: u32,
        dirty_pages: Vec<SqliteDirtyPage>,
    ) -> Result<u64, String> {
        exchange!(
            self,
            ToRivetSqliteCommitStageSegmentRequest {
                SqliteCommitStageSegmentRequest {
                    actor_id: actor.to_owned(),
                    expected_generation: Some(u64::from(generation)),
                    txid,
                    first_pgno,
                    dirty_pages,
                }
            },
            ToEnvoySqliteCommitStageSegmentResponse,
            SqliteCommitStageSegmentResponse,
            SqliteCommitStageSegmentOk,
            |staged: crate::protocol::SqliteCommitStageSegmentOk| staged.staged_bytes
        )
    }

    /// Publishes a commit in pieces. The answer is the new head.
    pub async fn stage_finalize(
        &self,
        actor: &str,
        generation: u32,
        txid: u64,
        new_db_size_pages: u32,
        segments: &[u32],
    ) -> Result<Option<u64>, String> {
        exchange!(
            self,
            ToRivetSqliteCommitFinalizeRequest {
                SqliteCommitFinalizeRequest {
                    actor_id: actor.to_owned(),
                    expected_generation: Some(u64::from(generation)),
                    txid,
                    new_db_size_pages,
                    now_ms: now_ms(),
                    segment_first_pgnos: segments.to_vec(),
                }
            },
            ToEnvoySqliteCommitFinalizeResponse,
            SqliteCommitFinalizeResponse,
            SqliteCommitFinalizeOk,
            |done: crate::protocol::SqliteCommitFinalizeOk| done.head_txid
        )
    }

    /// Has the engine run a script.
    pub async fn exec(
        &self,
        actor: &str,
        generation: u64,
        sql: &str,
    ) -> Result<SqliteQueryResult, String> {
        self.exec_in(self.namespace(), actor, generation, sql).await
    }

    /// The same under the name of some namespace.
    pub async fn exec_in(
        &self,
        namespace: &str,
        actor: &str,
        generation: u64,
        sql: &str,
    ) -> Result<SqliteQueryResult, String> {
        exchange!(
            self,
            ToRivetSqliteExecRequest {
                SqliteExecRequest {
                    namespace_id: namespace.to_owned(),
                    actor_id: actor.to_owned(),
                    generation,
                    sql: sql.to_owned(),
                }
            },
            ToEnvoySqliteExecResponse,
            SqliteExecResponse,
            SqliteExecOk,
            |done: crate::protocol::SqliteExecOk| done.result
        )
    }

    /// Has the engine run one statement.
    pub async fn execute(
        &self,
        actor: &str,
        generation: u64,
        sql: &str,
        params: Option<Vec<SqliteBindParam>>,
    ) -> Result<SqliteExecuteResult, String> {
        exchange!(
            self,
            ToRivetSqliteExecuteRequest {
                SqliteExecuteRequest {
                    namespace_id: self.namespace().to_owned(),
                    actor_id: actor.to_owned(),
                    generation,
                    sql: sql.to_owned(),
                    params,
                }
            },
            ToEnvoySqliteExecuteResponse,
            SqliteExecuteResponse,
            SqliteExecuteOk,
            |done: crate::protocol::SqliteExecuteOk| done.result
        )
    }

    /// Has the engine run statements as one transaction.
    pub async fn execute_batch(
        &self,
        actor: &str,
        generation: u64,
        statements: &[&str],
    ) -> Result<Vec<SqliteExecuteResult>, String> {
        let statement = |sql: &&str| SqliteBatchStatement { sql: (*sql).to_owned(), params: None };
        exchange!(
            self,
            ToRivetSqliteExecuteBatchRequest {
                SqliteExecuteBatchRequest {
                    namespace_id: self.namespace().to_owned(),
                    actor_id: actor.to_owned(),
                    generation,
                    statements: statements.iter().map(statement).collect(),
                }
            },
            ToEnvoySqliteExecuteBatchResponse,
            SqliteExecuteBatchResponse,
            SqliteExecuteBatchOk,
            |done: crate::protocol::SqliteExecuteBatchOk| done.results
        )
    }
}
