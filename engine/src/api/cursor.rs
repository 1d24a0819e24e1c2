//! Where the next page of a list begins that is sorted by age, newest first.

use std::{fmt, str::FromStr};

use crate::clock::Millis;

/// The last entry of a page: when it was created, and which it was where that matters.
///
/// Upstream's cursors are the time alone, so that entries of the same millisecond are lost between
/// two pages. Ours add the entry when a page ends among such; both forms are understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor<T> {
    pub(super) create_ts: Millis,
    pub(super) last: Option<T>,
}

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub(super) struct NoCursor;

impl<T: FromStr> FromStr for Cursor<T> {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (create_ts, last) = match text.split_once('-') {
            None => (text, None),
            Some((create_ts, last)) => (create_ts, Some(last.parse().map_err(|_| NoCursor)?)),
        };
        Ok(Self { create_ts: create_ts.parse().map_err(|_| NoCursor)?, last })
    }
}

impl<T: fmt::Display> fmt::Display for Cursor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.last {
            None => write!(f, "{}", self.create_ts),
            Some(last) => write!(f, "{}-{last}", self.create_ts),
        }
    }
}
