//! What is refused, in words that envoys already know: some of them tell cases apart by the text.

use rivet_envoy_protocol as protocol;

use crate::storage::StorageError;

/// A request that was not carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// A request of this kind has to say which generation asks.
    #[error("sqlite {0} missing expectedGeneration")]
    MissingGeneration(&'static str),
    /// More pages than one answer may have.
    #[error("sqlite get_pages requested {0} pages, exceeding limit {max}", max = super::pages::MAX_READ)]
    TooManyPages(usize),
    /// The actor is not there, or not the envoy's, or in another generation.
    #[error("actor does not exist")]
    ActorNotFound,
    /// Pages begin at 1.
    #[error("{0} does not accept page 0")]
    PageZero(&'static str),
    /// A page twice.
    #[error("sqlite commit duplicated page {0} in a single request")]
    DuplicatePage(u32),
    /// A page of another size.
    #[error("sqlite commit page {pgno} had {actual} bytes, expected {expected}",
        expected = crate::keyspace::tables::PAGE_SIZE)]
    PageSize {
        /// The page.
        pgno: u32,
        /// How many bytes it has.
        actual: usize,
    },
    /// A segment whose pages are none.
    #[error("transaction failed: encode staged commit segment {first_pgno}: {reason}")]
    SegmentPages {
        /// The segment.
        first_pgno: u32,
        /// What is wrong with them.
        reason: String,
    },
    /// Nothing was committed yet.
    #[error("transaction failed: sqlite database was not found in this bucket branch")]
    DatabaseNotFound,
    /// Somebody has committed since the one who asks looked.
    #[error(
        "transaction failed: sqlite head fence mismatch: expected head txid {expected}, \
         current head txid {current}"
    )]
    HeadMismatch {
        /// The head that the request knows.
        expected: u64,
        /// The head there is.
        current: u64,
    },
    /// Too many pages for one message.
    #[error("sqlite commit too large: actual_size_bytes={actual}, max_size_bytes={max}")]
    CommitTooLarge {
        /// The bytes of the pages.
        actual: usize,
        /// How many they may have.
        max: usize,
    },
    /// Too many pages for one commit.
    #[error(
        "transaction failed: CommitTooLarge: raw dirty pages were {actual} bytes, limit is {max} bytes"
    )]
    StageTooLarge {
        /// The bytes of the pages.
        actual: u64,
        /// How many they may have.
        max: u64,
    },
    /// A segment that does not fit to the others, or to the rules.
    #[error("transaction failed: StageSegmentInvalid: {0}")]
    StageSegmentInvalid(String),
    /// A segment that did not arrive.
    #[error(
        "transaction failed: StageNotFound: no staged segment at page {first_pgno} for txid {txid}"
    )]
    StageNotFound {
        /// The segment.
        first_pgno: u32,
        /// The commit.
        txid: u64,
    },
    /// The database would become larger than it may be.
    #[error(
        "transaction failed: SqliteStorageQuotaExceeded: not enough space left in depot \
         ({remaining} bytes remaining, current payload is {payload} bytes)"
    )]
    SqliteQuota {
        /// How much it may still grow.
        remaining: u64,
        /// How much it would.
        payload: u64,
    },
    /// A staged commit lies over the pages, and has to be folded in first. Never answered.
    #[error("a staged commit is not folded in yet")]
    Unfolded,
    /// SQL that failed.
    #[error("{0}")]
    Sql(String),
    /// A key-value request that breaks a rule.
    #[error("{0}")]
    Kv(String),
    /// The store failed.
    #[error("transaction failed{}", reason(.0))]
    Storage(#[from] StorageError),
}

impl Refusal {
    /// The group and the code of the error.
    fn name(&self) -> (&'static str, &'static str) {
        match self {
            Self::MissingGeneration(_) | Self::TooManyPages(_) => ("sqlite", "invalid_request"),
            Self::DatabaseNotFound => ("depot", "database_not_found"),
            Self::HeadMismatch { .. } => ("depot", "head_fence_mismatch"),
            Self::CommitTooLarge { .. } | Self::StageTooLarge { .. } => {
                ("depot", "commit_too_large")
            }
            Self::StageSegmentInvalid(_) => ("depot", "stage_segment_invalid"),
            Self::StageNotFound { .. } => ("depot", "stage_not_found"),
            Self::Storage(StorageError::Full) => ("core", "disk_full"),
            Self::SqliteQuota { .. } => ("depot", "quota_exceeded"),
            Self::ActorNotFound
            | Self::PageZero(_)
            | Self::DuplicatePage(_)
            | Self::PageSize { .. }
            | Self::SegmentPages { .. }
            | Self::Unfolded
            | Self::Sql(_)
            | Self::Kv(_)
            | Self::Storage(_) => ("core", "internal_error"),
        }
    }

    /// Tells the operator what the envoy is not told.
    fn note(&self) {
        // That the disk is full is said once, by the store.
        if let Self::Storage(error) = self
            && !matches!(error, StorageError::Full)
        {
            tracing::error!(%error, "the data of an actor could not be read or written");
        }
    }

    /// The answer to a request about SQLite.
    pub(super) fn into_sqlite(self) -> protocol::SqliteErrorResponse {
        self.note();
        let (group, code) = self.name();
        protocol::SqliteErrorResponse {
            group: group.to_owned(),
            code: code.to_owned(),
            message: self.to_string(),
        }
    }

    /// The answer to a request about key-value entries.
    pub(super) fn into_kv(self) -> protocol::KvResponseData {
        self.note();
        let message = self.to_string();
        protocol::KvResponseData::KvErrorResponse(protocol::KvErrorResponse { message })
    }
}

/// What an envoy may know of why the store failed.
fn reason(error: &StorageError) -> &'static str {
    if matches!(error, StorageError::Full) { ": the disk is full" } else { "" }
}
