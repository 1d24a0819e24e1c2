//! Comparing versions of rivetctl: the one place where a version has an order.

use crate::{manifest::rules::parse_triple, text::Version};

/// Whether `found` is `needed` or newer. A pre-release or build of a version counts as it.
pub(super) fn is_at_least(found: &Version, needed: &Version) -> bool {
    let core = found.as_str().split(['-', '+']).next().unwrap_or_default();
    match (parse_triple(core), parse_triple(needed.as_str())) {
        (Some(found), Some(needed)) => found >= needed,
        // What cannot be compared is not known to be enough.
        _ => false,
    }
}
