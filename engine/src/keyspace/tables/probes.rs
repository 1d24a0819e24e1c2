//! A row that means nothing: that it could be written says that the store takes writes.

use serde::{Deserialize, Serialize};

use crate::keyspace::{Key, KeyError, KeyReader, KeyWriter, Table, value::json_rows};

/// The one row that is written to find out whether rows can be written.
#[derive(Debug)]
pub struct Probes;

/// When that was done last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeRow {
    /// In milliseconds.
    pub ts: u64,
}

json_rows!(ProbeRow);

impl Table for Probes {
    const NAME: &'static str = "probes";
    const TAG: u8 = 0x0F;
    type Key = ();
    type Value = ProbeRow;
}

impl Key for () {
    fn write(&self, _: &mut KeyWriter) {}

    fn read(_: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::{KeyRange, StoredValue as _, key_bytes, parse_key, tables::Namespaces};

    /// These bytes are on customers' disks. If this test fails, write a migration, not a fix.
    #[test]
    fn the_row_on_disk_has_not_changed() {
        assert_eq!(key_bytes::<Probes>(&()), b"\x0F");
        assert_eq!(parse_key::<Probes>(b"\x0F"), Ok(()));
        assert_eq!(ProbeRow { ts: 5 }.encode(), br#"{"ts":5}"#);
        assert!(KeyRange::table::<Probes>().end <= KeyRange::table::<Namespaces>().start);
    }
}
