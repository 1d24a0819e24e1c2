//! How many checkpoints of the data are kept on the engine's own disk.

use super::{ConfigError, merge::Merged, values::number};
use crate::clock::Millis;

const DAY: Millis = 24 * 60 * 60 * 1000;

/// The bounds of what is kept: beyond either, the oldest checkpoints go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointSettings {
    /// How many are kept. At least one: the newest.
    pub max_count: usize,
    /// How old one gets, in milliseconds.
    pub max_age: Millis,
}

impl Default for CheckpointSettings {
    fn default() -> Self {
        Self { max_count: 5, max_age: 7 * DAY }
    }
}

pub(super) fn checkpoints(merged: &mut Merged) -> Result<CheckpointSettings, ConfigError> {
    let default = CheckpointSettings::default();
    let max_count = number(merged, "checkpoints.max_count", 1000)?;
    Ok(CheckpointSettings {
        max_count: max_count
            .and_then(|count| usize::try_from(count).ok())
            .map_or(default.max_count, |count| count.max(1)),
        max_age: number(merged, "checkpoints.max_age_days", 36_500)?
            .map_or(default.max_age, |days| days * DAY),
    })
}
