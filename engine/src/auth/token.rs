//! A token that is let in: its digest, and until when.

use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::ZeroizeOnDrop;

use crate::clock::Millis;

/// Shorter ones can be guessed, or are somebody's default.
const MIN_LENGTH: usize = 16;
const MAX_LENGTH: usize = 512;

/// The text cannot be a token. It is not in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Too short or too long.
    #[error("a token has {MIN_LENGTH} to {MAX_LENGTH} characters, this one has {0}")]
    Length(usize),
    /// Characters that do not survive an HTTP header.
    #[error("a token is made of A-Z a-z 0-9 - . _ ~ + / and =")]
    Characters,
}

/// A token that is let in.
#[derive(Clone, ZeroizeOnDrop)]
pub struct AcceptedToken {
    digest: [u8; 32],
    #[zeroize(skip)]
    not_after: Option<Millis>,
}

/// What is told of an admin token that is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AcceptedAdmin {
    /// The first 16 hexadecimal digits of its SHA-256: enough to tell tokens apart, and nothing to
    /// find one from.
    pub fingerprint: String,
    /// The last millisecond in which it is accepted; `None`: it has no end.
    pub not_after_ts: Option<Millis>,
    /// Whether the caller presented it.
    pub is_yours: bool,
}

impl std::fmt::Debug for AcceptedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcceptedToken").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

impl AcceptedToken {
    /// Accepts `token` up to and including `not_after`.
    pub fn new(token: &str, not_after: Option<Millis>) -> Result<Self, TokenError> {
        if !(MIN_LENGTH..=MAX_LENGTH).contains(&token.len()) {
            return Err(TokenError::Length(token.chars().count()));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if !token.bytes().all(allowed) {
            return Err(TokenError::Characters);
        }
        Ok(Self { digest: Sha256::digest(token).into(), not_after })
    }

    /// What may be said of it to those who ask with tokens of these digests.
    pub(super) fn described(&self, theirs: &[[u8; 32]]) -> AcceptedAdmin {
        let beginning = self.digest.first_chunk().expect("a digest has 32 bytes");
        let fingerprint = format!("{:016x}", u64::from_be_bytes(*beginning));
        let is_yours = theirs.iter().any(|digest| self.digest.ct_eq(digest).into());
        AcceptedAdmin { fingerprint, not_after_ts: self.not_after, is_yours }
    }

    /// Whether it is valid at `now`.
    pub fn is_valid_at(&self, now: Millis) -> bool {
        self.not_after.is_none_or(|not_after| now <= not_after)
    }
}

/// Whether one of `tokens` is the one with this digest.
///
/// All of them are compared, as digests and in constant time, so that the time says nothing about
/// how much of a guess was right, or which token it was.
pub(super) fn any_accepts<'t>(
    tokens: impl Iterator<Item = &'t AcceptedToken>,
    digest: &[u8; 32],
    now: Millis,
) -> bool {
    let found = tokens.fold(Choice::from(0), |found, token| {
        found | (token.digest.ct_eq(digest) & Choice::from(u8::from(token.is_valid_at(now))))
    });
    found.into()
}
