//! Rows as bytes, and back.

/// What a table keeps under a key.
pub trait StoredValue: Sized {
    /// The bytes of the row. Written to disk: an engine of tomorrow has to read them.
    fn encode(&self) -> Vec<u8>;

    /// Reads what [`StoredValue::encode`] wrote.
    fn decode(bytes: &[u8]) -> Result<Self, ValueError>;
}

/// Stored bytes are not what the rows of their table look like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(pub String);

/// Makes rows out of plain data: they are kept as JSON, which survives fields that come and go.
macro_rules! json_rows {
    ($($row:ty),+ $(,)?) => {$(
        impl $crate::keyspace::StoredValue for $row {
            fn encode(&self) -> Vec<u8> {
                serde_json::to_vec(self).expect("rows have string keys and finite numbers")
            }

            fn decode(bytes: &[u8]) -> Result<Self, $crate::keyspace::ValueError> {
                serde_json::from_slice(bytes)
                    .map_err(|error| $crate::keyspace::ValueError(error.to_string()))
            }
        }
    )+};
}

pub(super) use json_rows;
