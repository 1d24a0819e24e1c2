//! How tests run SQL through the engine, and read its answers.

use protocol::{SqliteBindParam as Param, SqliteColumnValue as Value};

use super::*;

/// Columns, rows as text, changes and the last row id.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Executed {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<String>,
    pub(super) changes: i64,
    pub(super) last_insert_row_id: Option<i64>,
}

fn shown(value: Value) -> String {
    match value {
        Value::SqliteValueNull => "null".to_owned(),
        Value::SqliteValueInteger(integer) => integer.value.to_string(),
        Value::SqliteValueFloat(float) => format!("{:?}", f64::from_be_bytes(float.value)),
        Value::SqliteValueText(text) => format!("'{}'", text.value),
        Value::SqliteValueBlob(blob) => format!("{:?}", blob.value),
    }
}

fn rows(rows: Vec<Vec<Value>>) -> Vec<String> {
    rows.into_iter().map(|row| row.into_iter().map(shown).collect::<Vec<_>>().join(" ")).collect()
}

impl From<protocol::SqliteExecuteResult> for Executed {
    fn from(result: protocol::SqliteExecuteResult) -> Self {
        Self {
            columns: result.columns,
            rows: rows(result.rows),
            changes: result.changes,
            last_insert_row_id: result.last_insert_row_id,
        }
    }
}

pub(super) fn text(value: &str) -> Param {
    Param::SqliteValueText(protocol::SqliteValueText { value: value.to_owned() })
}

pub(super) fn integer(value: i64) -> Param {
    Param::SqliteValueInteger(protocol::SqliteValueInteger { value })
}

impl World {
    pub(super) async fn exec(
        &self,
        fence: &Fence,
        sql: &str,
    ) -> Result<(Vec<String>, Vec<String>), Error> {
        use protocol::SqliteExecResponse as Response;
        let request = protocol::SqliteExecRequest {
            namespace_id: "default".to_owned(),
            actor_id: fence.actor.to_string(),
            generation: fence.generation.unwrap(),
            sql: sql.to_owned(),
        };
        match self.data.exec(fence.clone(), request).await {
            Response::SqliteExecOk(ok) => Ok((ok.result.columns, rows(ok.result.rows))),
            Response::SqliteErrorResponse(error) => Err(error.into()),
        }
    }

    pub(super) async fn execute(
        &self,
        fence: &Fence,
        sql: &str,
        params: Option<Vec<Param>>,
    ) -> Result<Executed, Error> {
        use protocol::SqliteExecuteResponse as Response;
        let request = protocol::SqliteExecuteRequest {
            namespace_id: "default".to_owned(),
            actor_id: fence.actor.to_string(),
            generation: fence.generation.unwrap(),
            sql: sql.to_owned(),
            params,
        };
        match self.data.execute(fence.clone(), request).await {
            Response::SqliteExecuteOk(ok) => Ok(ok.result.into()),
            Response::SqliteErrorResponse(error) => Err(error.into()),
        }
    }

    pub(super) async fn batch(
        &self,
        fence: &Fence,
        statements: &[&str],
    ) -> Result<Vec<Executed>, Error> {
        let statements = statements
            .iter()
            .map(|sql| protocol::SqliteBatchStatement { sql: (*sql).to_owned(), params: None })
            .collect();
        self.batch_of(fence, statements).await
    }

    pub(super) async fn batch_of(
        &self,
        fence: &Fence,
        statements: Vec<protocol::SqliteBatchStatement>,
    ) -> Result<Vec<Executed>, Error> {
        use protocol::SqliteExecuteBatchResponse as Response;
        let request = protocol::SqliteExecuteBatchRequest {
            namespace_id: "default".to_owned(),
            actor_id: fence.actor.to_string(),
            generation: fence.generation.unwrap(),
            statements,
        };
        match self.data.execute_batch(fence.clone(), request).await {
            Response::SqliteExecuteBatchOk(ok) => {
                Ok(ok.results.into_iter().map(Executed::from).collect())
            }
            Response::SqliteErrorResponse(error) => Err(error.into()),
        }
    }

    /// The first column of every row.
    pub(super) async fn select(&self, fence: &Fence, sql: &str) -> Vec<String> {
        self.execute(fence, sql, None).await.unwrap().rows
    }
}

pub(super) fn sql_error<T>(text: &str) -> Result<T, Error> {
    Err(Error(format!("core.internal_error: {text}")))
}
