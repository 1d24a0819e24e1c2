//! Values between the wire and SQLite.

use rivet_envoy_protocol as protocol;
use rusqlite::{Row, ToSql, types::ToSqlOutput, types::ValueRef};

use crate::actor_data::Refusal;

/// How many bytes the values of one statement may have.
const MAX_PARAMS: usize = 128 << 10;

/// How many bytes an answer may have: 32 MiB, which are a million rows of one number.
const MAX_ANSWER: usize = 32 << 20;

/// What a value takes beside its bytes.
const VALUE_OVERHEAD: usize = 16;

/// Refuses values that are too many bytes.
pub(super) fn check_params(params: &[protocol::SqliteBindParam]) -> Result<(), Refusal> {
    use protocol::SqliteBindParam as Param;

    let bytes: usize = params
        .iter()
        .map(|param| match param {
            Param::SqliteValueText(text) => text.value.len(),
            Param::SqliteValueBlob(blob) => blob.value.len(),
            Param::SqliteValueInteger(_) | Param::SqliteValueFloat(_) => 8,
            Param::SqliteValueNull => 0,
        })
        .sum();
    if bytes > MAX_PARAMS {
        return Err(Refusal::Sql(format!(
            "remote sqlite bind params had {bytes} bytes, exceeding limit {MAX_PARAMS}"
        )));
    }
    Ok(())
}

/// A value from the wire.
pub(super) struct Param<'p>(pub(super) &'p protocol::SqliteBindParam);

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use protocol::SqliteBindParam as Param;

        Ok(ToSqlOutput::Borrowed(match self.0 {
            Param::SqliteValueNull => ValueRef::Null,
            Param::SqliteValueInteger(integer) => ValueRef::Integer(integer.value),
            Param::SqliteValueFloat(float) => ValueRef::Real(f64::from_be_bytes(float.value)),
            Param::SqliteValueText(text) => ValueRef::Text(text.value.as_bytes()),
            Param::SqliteValueBlob(blob) => ValueRef::Blob(&blob.value),
        }))
    }
}

/// The rows of an answer, as many as it may have.
#[derive(Debug, Default)]
pub(super) struct Answer {
    bytes: usize,
}

impl Answer {
    /// A row for the wire.
    pub(super) fn row(
        &mut self,
        row: &Row<'_>,
        columns: usize,
    ) -> Result<Vec<protocol::SqliteColumnValue>, Refusal> {
        // The list itself: rows without columns do not exist, but many with one do.
        self.add(VALUE_OVERHEAD)?;
        (0..columns)
            .map(|column| {
                let value = row.get_ref(column).map_err(|error| Refusal::Sql(error.to_string()))?;
                self.add(VALUE_OVERHEAD + length(value))?;
                Ok(column_value(value))
            })
            .collect()
    }

    fn add(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.bytes += bytes;
        if self.bytes > MAX_ANSWER {
            return Err(Refusal::Sql(format!(
                "the rows would have more than {MAX_ANSWER} bytes: select fewer of them"
            )));
        }
        Ok(())
    }
}

fn length(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 0,
    }
}

fn column_value(value: ValueRef<'_>) -> protocol::SqliteColumnValue {
    use protocol::SqliteColumnValue as Value;

    match value {
        ValueRef::Null => Value::SqliteValueNull,
        ValueRef::Integer(value) => {
            Value::SqliteValueInteger(protocol::SqliteValueInteger { value })
        }
        ValueRef::Real(value) => {
            Value::SqliteValueFloat(protocol::SqliteValueFloat { value: value.to_be_bytes() })
        }
        ValueRef::Text(text) => Value::SqliteValueText(protocol::SqliteValueText {
            value: String::from_utf8_lossy(text).into_owned(),
        }),
        ValueRef::Blob(blob) => {
            Value::SqliteValueBlob(protocol::SqliteValueBlob { value: blob.to_owned() })
        }
    }
}
