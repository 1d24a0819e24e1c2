//! The times that an operator sets. All in milliseconds.

/// How long an actor may take for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// From its start command to its word that it runs.
    pub start_threshold: u64,
    /// From its stop command to its word that it stopped.
    pub stop_threshold: u64,
    /// Attempts to place actors of normal pools.
    pub retry: RetryRules,
    /// Attempts to place actors of serverless pools.
    pub serverless_retry: RetryRules,
    /// After this time of failing attempts an actor sleeps until somebody asks for it.
    pub give_up: u64,
}

/// How attempts to place an actor follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryRules {
    /// The first wait.
    pub base: u64,
    /// How often the wait doubles.
    pub max_exponent: u32,
    /// After this time without a failure the wait begins anew.
    pub reset: u64,
}

impl Default for Rules {
    /// Upstream's values.
    fn default() -> Self {
        let retry = RetryRules { base: 2_000, max_exponent: 8, reset: 600_000 };
        Self {
            start_threshold: 30_000,
            stop_threshold: 1_800_000,
            retry,
            serverless_retry: retry,
            give_up: 300_000,
        }
    }
}
