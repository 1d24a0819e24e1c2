//! How much the audit log keeps.

use super::{ConfigError, merge::Merged, values::number};
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

pub(super) fn audit(merged: &mut Merged) -> Result<AuditSettings, ConfigError> {
    let default = AuditSettings::default();
    Ok(AuditSettings {
        max_entries: number(merged, "audit.max_entries", 100_000_000)?
            .unwrap_or(default.max_entries),
        max_age: number(merged, "audit.max_age_days", 36_500)?
            .map_or(default.max_age, |days| days * DAY),
    })
}
