//! What the directory refuses, in words that clients already know.

use crate::{outbound::Blocked, storage::StorageError};

/// A request that the directory did not carry out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DirectoryError {
    /// No such namespace.
    #[error("The namespace does not exist.")]
    NamespaceNotFound,
    /// The name is taken.
    #[error("Namespace name must be unique.")]
    NamespaceNameNotUnique,
    /// The names do not name a namespace.
    #[error("Failed to create namespace: {0}")]
    InvalidNamespace(#[from] InvalidNamespace),
    /// No such datacenter.
    #[error("The provided datacenter does not exist.")]
    DatacenterNotFound,
    /// The runner config cannot work.
    #[error("Invalid runner config: {0}")]
    InvalidRunnerConfig(#[from] InvalidRunnerConfig),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why a namespace cannot have these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNamespace {
    /// The name is empty.
    #[error("name too short")]
    NameTooShort,
    /// The name is longer than 64 characters.
    #[error("name too long")]
    NameTooLong,
    /// The name is not of the allowed characters.
    #[error("invalid name")]
    Name,
    /// The display name is empty.
    #[error("display name too short")]
    DisplayNameTooShort,
    /// The display name is longer than 128 characters.
    #[error("display name too long")]
    DisplayNameTooLong,
    /// The display name has spaces where none belong, or control characters.
    #[error("invalid display name")]
    DisplayName,
}

/// Why a runner config cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRunnerConfig {
    /// The URL does not parse.
    #[error("invalid serverless url: {0}")]
    Url(#[from] url::ParseError),
    /// The URL leads where the engine does not connect to.
    #[error("invalid serverless url: {0}")]
    Destination(#[from] Blocked),
    /// Too many headers.
    #[error("too many headers (max {0})")]
    TooManyHeaders(usize),
    /// A header's name is too long.
    #[error("invalid header name: too long (max {0})")]
    HeaderNameTooLong(usize),
    /// A header's name is none.
    #[error("invalid header name: invalid HTTP header name")]
    HeaderName,
    /// A header's value is too long.
    #[error("invalid header value: too long (max {0})")]
    HeaderValueTooLong(usize),
    /// A header's value is none.
    #[error("invalid header value: failed to parse header value")]
    HeaderValue,
    /// A request that holds no actor.
    #[error("`slots_per_runner` cannot be 0")]
    NoSlots,
    /// Actors would be asked to leave before their request began.
    #[error("`drain_grace_period` must be less than `request_lifespan` ({drain}s >= {lifespan}s)")]
    DrainBeyondLifespan {
        /// The grace period, in seconds.
        drain: u32,
        /// The lifespan, in seconds.
        lifespan: u32,
    },
    /// Actors would be given longer to leave than they may take to stop.
    #[error(
        "`drain_grace_period` cannot be greater than `actor_stop_threshold` \
         ({drain_ms}ms > {threshold_ms}ms). If `drain_grace_period` was omitted, the default is \
         1800s."
    )]
    DrainBeyondStop {
        /// The grace period, in milliseconds.
        drain_ms: u64,
        /// The threshold, in milliseconds.
        threshold_ms: u64,
    },
}
