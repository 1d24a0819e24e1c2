//! Requests about an actor's SQLite database: whose they are, and how they are refused.

use rivet_envoy_protocol as protocol;

/// The actor that a request names. `None`: it is no request about SQLite.
pub(super) fn actor_of(request: &protocol::ToRivet) -> Option<&str> {
    use protocol::ToRivet as In;

    Some(match request {
        In::ToRivetSqliteGetPagesRequest(request) => &request.data.actor_id,
        In::ToRivetSqliteCommitRequest(request) => &request.data.actor_id,
        In::ToRivetSqliteCommitStageBeginRequest(request) => &request.data.actor_id,
        In::ToRivetSqliteCommitStageSegmentRequest(request) => &request.data.actor_id,
        In::ToRivetSqliteCommitFinalizeRequest(request) => &request.data.actor_id,
        In::ToRivetSqliteExecRequest(request) => &request.data.actor_id,
        In::ToRivetSqliteExecuteRequest(request) => &request.data.actor_id,
        In::ToRivetSqliteExecuteBatchRequest(request) => &request.data.actor_id,
        _ => return None,
    })
}

/// What a request is called in the metrics.
pub(super) fn operation(request: &protocol::ToRivet) -> &'static str {
    use protocol::ToRivet as In;

    match request {
        In::ToRivetSqliteGetPagesRequest(_) => "sqlite_get_pages",
        In::ToRivetSqliteCommitRequest(_) => "sqlite_commit",
        In::ToRivetSqliteCommitStageBeginRequest(_) => "sqlite_stage_begin",
        In::ToRivetSqliteCommitStageSegmentRequest(_) => "sqlite_stage_segment",
        In::ToRivetSqliteCommitFinalizeRequest(_) => "sqlite_finalize",
        In::ToRivetSqliteExecRequest(_) => "sqlite_exec",
        In::ToRivetSqliteExecuteRequest(_) => "sqlite_execute",
        In::ToRivetSqliteExecuteBatchRequest(_) => "sqlite_execute_batch",
        _ => "other",
    }
}

/// The namespace that a request for remote execution names.
pub(super) fn namespace_of(request: &protocol::ToRivet) -> Option<&str> {
    use protocol::ToRivet as In;

    match request {
        In::ToRivetSqliteExecRequest(request) => Some(&request.data.namespace_id),
        In::ToRivetSqliteExecuteRequest(request) => Some(&request.data.namespace_id),
        In::ToRivetSqliteExecuteBatchRequest(request) => Some(&request.data.namespace_id),
        _ => None,
    }
}

/// The answer that refuses `request` with upstream's code for everything that is not expected.
pub(super) fn refusal(request: &protocol::ToRivet, message: &str) -> Option<protocol::ToEnvoy> {
    use protocol::{ToEnvoy as Out, ToRivet as In};

    let error = protocol::SqliteErrorResponse {
        group: "core".to_owned(),
        code: "internal_error".to_owned(),
        message: message.to_owned(),
    };
    Some(match request {
        In::ToRivetSqliteGetPagesRequest(request) => {
            Out::ToEnvoySqliteGetPagesResponse(protocol::ToEnvoySqliteGetPagesResponse {
                request_id: request.request_id,
                data: protocol::SqliteGetPagesResponse::SqliteErrorResponse(error),
            })
        }
        In::ToRivetSqliteCommitRequest(request) => {
            Out::ToEnvoySqliteCommitResponse(protocol::ToEnvoySqliteCommitResponse {
                request_id: request.request_id,
                data: protocol::SqliteCommitResponse::SqliteErrorResponse(error),
            })
        }
        In::ToRivetSqliteCommitStageBeginRequest(request) => {
            Out::ToEnvoySqliteCommitStageBeginResponse(
                protocol::ToEnvoySqliteCommitStageBeginResponse {
                    request_id: request.request_id,
                    data: protocol::SqliteCommitStageBeginResponse::SqliteErrorResponse(error),
                },
            )
        }
        In::ToRivetSqliteCommitStageSegmentRequest(request) => {
            Out::ToEnvoySqliteCommitStageSegmentResponse(
                protocol::ToEnvoySqliteCommitStageSegmentResponse {
                    request_id: request.request_id,
                    data: protocol::SqliteCommitStageSegmentResponse::SqliteErrorResponse(error),
                },
            )
        }
        In::ToRivetSqliteCommitFinalizeRequest(request) => {
            Out::ToEnvoySqliteCommitFinalizeResponse(
                protocol::ToEnvoySqliteCommitFinalizeResponse {
                    request_id: request.request_id,
                    data: protocol::SqliteCommitFinalizeResponse::SqliteErrorResponse(error),
                },
            )
        }
        In::ToRivetSqliteExecRequest(request) => {
            Out::ToEnvoySqliteExecResponse(protocol::ToEnvoySqliteExecResponse {
                request_id: request.request_id,
                data: protocol::SqliteExecResponse::SqliteErrorResponse(error),
            })
        }
        In::ToRivetSqliteExecuteRequest(request) => {
            Out::ToEnvoySqliteExecuteResponse(protocol::ToEnvoySqliteExecuteResponse {
                request_id: request.request_id,
                data: protocol::SqliteExecuteResponse::SqliteErrorResponse(error),
            })
        }
        In::ToRivetSqliteExecuteBatchRequest(request) => {
            Out::ToEnvoySqliteExecuteBatchResponse(protocol::ToEnvoySqliteExecuteBatchResponse {
                request_id: request.request_id,
                data: protocol::SqliteExecuteBatchResponse::SqliteErrorResponse(error),
            })
        }
        _ => return None,
    })
}
