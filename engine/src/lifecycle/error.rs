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
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
