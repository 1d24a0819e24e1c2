//! How many checkpoints of the data are kept on the engine's own disk.

use super::values::Values;
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

pub(super) fn checkpoints(values: &Values) -> CheckpointSettings {
    let (max_count, max_age_days): (usize, Millis) =
        (values.number("checkpoints.max_count"), values.number("checkpoints.max_age_days"));
    CheckpointSettings { max_count: max_count.max(1), max_age: max_age_days * DAY }
}
