//! Why a request may not pass.

/// Why a request may not pass. The words are those that clients of upstream know, where it has any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// There is no token.
    NotProvided,
    /// There is one, and it opens nothing (any more).
    Invalid,
    /// It was signed here, and its time is over.
    Expired,
    /// It was signed here, and taken back.
    Revoked,
    /// It is valid, and not for this.
    NotPermitted,
    /// Too many wrong tokens came from the same address.
    TooMany {
        /// Whole seconds until the next attempt is answered otherwise.
        retry_after: u64,
    },
}

impl Denied {
    /// The reason as clients read it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotProvided => "Token not provided",
            Self::Invalid => "Invalid token",
            Self::Expired => "Token expired",
            Self::Revoked => "Token revoked",
            Self::NotPermitted => "Not permitted with this token",
            Self::TooMany { .. } => "Too many invalid tokens",
        }
    }

    /// The reason as a label of a metric.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::NotProvided => "not_provided",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::NotPermitted => "not_permitted",
            Self::TooMany { .. } => "rate_limited",
        }
    }

    /// Whether somebody tried a token that is none.
    pub(super) fn is_attempt(self) -> bool {
        matches!(self, Self::Invalid | Self::Expired | Self::Revoked)
    }
}
