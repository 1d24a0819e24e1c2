//! Who presents a token, as far as the engine knows them.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Grant;
use crate::{
    clock::Millis,
    keyspace::{Id, id::IdError, tables::NamespaceTokenKind},
};

/// The id of a namespace, where it must not be mistaken for that of an actor or a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NamespaceId(pub Id);

/// The id of a token: what it is called in lists, in the audit log, and when it is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenId(pub Id);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TokenId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self)
    }
}

/// A namespace by both of its names. Neither ever changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceRef {
    /// What rows refer to.
    pub id: NamespaceId,
    /// What requests refer to.
    pub name: Arc<str>,
}

/// A token of one namespace, without an end: `sk_…` or `pk_…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceToken {
    /// Which token.
    pub id: TokenId,
    /// What it may do.
    pub kind: NamespaceTokenKind,
    /// The only namespace in which it may do that.
    pub namespace: NamespaceRef,
}

/// Who issued a scoped token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    /// The engine itself, or the bearer of an admin token.
    Admin,
    /// The bearer of this secret token: the scoped token ends with it.
    Secret(TokenId),
}

/// A signed token that says what it may do, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedToken {
    /// Which token.
    pub id: TokenId,
    /// The only namespace in which it is worth anything.
    pub namespace: NamespaceRef,
    /// For whom it was issued, in the words of the issuer.
    pub subject: Option<String>,
    /// Who issued it.
    pub issuer: Issuer,
    /// When.
    pub issued_ts: Millis,
    /// The first millisecond in which it is valid no more.
    pub expires_ts: Millis,
    /// What it may do.
    pub grants: Vec<Grant>,
}

/// Who asks; cloning it is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Anybody: this engine was told to let everybody in.
    Open,
    /// The bearer of an admin token.
    Admin,
    /// The bearer of a token of one namespace.
    Namespace(Arc<NamespaceToken>),
    /// The bearer of a scoped token.
    Scoped(Arc<ScopedToken>),
}

impl Credential {
    /// The namespace that the credential is bound to; `None`: it is bound to none.
    pub fn namespace(&self) -> Option<&NamespaceRef> {
        match self {
            Self::Open | Self::Admin => None,
            Self::Namespace(token) => Some(&token.namespace),
            Self::Scoped(token) => Some(&token.namespace),
        }
    }

    /// What kind of credential it is, for the audit log and for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Open => "anybody",
            Self::Admin => "admin",
            Self::Namespace(token) => match token.kind {
                NamespaceTokenKind::Secret => "secret",
                NamespaceTokenKind::Public => "public",
            },
            Self::Scoped(_) => "scoped",
        }
    }

    /// Which token it is, when it is one that the engine issued.
    pub fn token_id(&self) -> Option<TokenId> {
        match self {
            Self::Open | Self::Admin => None,
            Self::Namespace(token) => Some(token.id),
            Self::Scoped(token) => Some(token.id),
        }
    }

    /// For whom the token was issued, when its issuer said so.
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::Scoped(token) => token.subject.as_deref(),
            Self::Open | Self::Admin | Self::Namespace(_) => None,
        }
    }
}
