//! How much the audit log keeps.

use super::values::Values;
use crate::clock::Millis;

const DAY: Millis = 24 * 60 * 60 * 1000;

/// The bounds of the audit log: beyond either, the oldest entries go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditSettings {
    /// How many entries are kept.
    pub max_entries: u64,
    /// How old an entry gets, in milliseconds.
    pub max_age: Millis,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self { max_entries: 100_000, max_age: 365 * DAY }
    }
}

pub(super) fn audit(values: &Values) -> AuditSettings {
    AuditSettings {
        max_entries: values.number("audit.max_entries"),
        max_age: values.number::<u64>("audit.max_age_days") * DAY,
    }
}
