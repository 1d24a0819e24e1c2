//! What can be wrong with a request about an actor, in words that clients know.

use crate::{keyspace::Id, storage::StorageError};

/// A request about an actor that was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LifecycleError {
    /// No such actor.
    #[error("The actor does not exist or was destroyed.")]
    NotFound,
    /// No such namespace.
    #[error("The namespace does not exist.")]
    NamespaceNotFound,
    /// No such datacenter.
    #[error("The provided datacenter does not exist.")]
    DatacenterNotFound,
    /// Nobody said how the pool runs.
    #[error(
        "No runner config with name '{pool}' are available in any datacenter for the namespace \
         '{namespace}'. Validate a provider is listed that matches the requested pool name."
    )]
    NoRunnerConfig {
        /// The namespace.
        namespace: String,
        /// The pool.
        pool: String,
    },
    /// Another actor has the key.
    #[error("Actor key '{key}' already in use for actor '{existing}'")]
    DuplicateKey {
        /// The key.
        key: String,
        /// Who has it.
        existing: Id,
    },
    /// A key has to say something.
    #[error("Key label cannot be empty.")]
    EmptyKey,
    /// The key is too long.
    #[error("Key label too large (max {max} bytes): {preview}")]
    KeyTooLarge {
        /// The limit, in bytes.
        max: usize,
        /// The key, or its beginning.
        preview: String,
    },
    /// It would need a start, and starts are held back.
    #[error("The engine drains: it starts no actors until it serves again.")]
    Draining,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// How long a drain takes at least, with the restart that it usually is for, in seconds.
const DRAIN_SECONDS: u64 = 5;

impl LifecycleError {
    /// After how many seconds it is worth another try.
    pub fn retry_after(&self) -> Option<u64> {
        matches!(self, Self::Draining).then_some(DRAIN_SECONDS)
    }
}
