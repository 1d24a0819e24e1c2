//! What ours does otherwise than upstream, on purpose. `docs/compatibility.md` tells users the same list,
//! and a test keeps the two equal. Without an entry here, a test expects the same of both engines.

use crate::program::{Flavor, flavor};

/// A difference on purpose.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    /// By which tests name it.
    pub id: &'static str,
    /// What upstream's engine does.
    pub upstream: &'static str,
    /// What ours does.
    pub ours: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// What to expect of the engine under test where the two differ.
pub fn chosen<T>(id: &str, upstream: T, ours: T) -> T {
    assert!(DIFFERENCES.iter().any(|difference| difference.id == id), "{id} is not in the list");
    match flavor() {
        Flavor::Upstream => upstream,
        Flavor::Ours => ours,
    }
}

/// All of them.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        id: "version",
        upstream: "`version` is upstream's",
        ours: "`version` is this engine's own",
        reason: "an operator has to see what runs; no client compares it",
    },
    Difference {
        id: "bad-cursor",
        upstream: "a `cursor` that cannot be read is answered 500 `core.internal_error`",
        ours: "400 `api.bad_request`",
        reason: "the mistake is the caller's",
    },
    Difference {
        id: "get-or-create-race",
        upstream: "some of several that create the same key at once may get `actor.destroyed_during_creation`",
        ours: "all of them get the one actor",
        reason: "get-or-create is there to be raced",
    },
    Difference {
        id: "pending-start",
        upstream: "an actor that waits for an envoy waits for its timer even when one connects",
        ours: "it starts when an envoy of its pool connects",
        reason: "nobody gains by the wait, which grows to minutes",
    },
];
