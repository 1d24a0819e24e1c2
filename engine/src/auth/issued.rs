//! The tokens that the engine issued, in memory: what a request's token is compared with.
//!
//! The store has the same ([`TokenStore`](super::TokenStore) keeps the two in step), so that no
//! request waits for the disk. A scoped token is checked once; the outcome is remembered under its
//! digest. What can change since (its end, its revocation, its issuer) is asked each time.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
};

use ed25519_dalek::VerifyingKey;

use super::{
    Credential, Denied, Issuer, NamespaceId, NamespaceRef, NamespaceToken, ScopedToken, TokenId,
    jwt,
};
use crate::{
    clock::Millis,
    keyspace::{Id, tables::NamespaceTokenKind},
};

/// The digest of a token.
pub(super) type Digest = [u8; 32];

/// What tokens of namespaces begin with.
pub(super) fn prefix(kind: NamespaceTokenKind) -> &'static str {
    match kind {
        NamespaceTokenKind::Secret => "sk_",
        NamespaceTokenKind::Public => "pk_",
    }
}

/// How many scoped tokens are remembered as checked. Beyond that all are forgotten, and checked
/// again.
const CHECKED_MAX: usize = 4096;

/// The issued tokens.
#[derive(Debug, Default)]
pub(super) struct Issued {
    known: RwLock<Known>,
    checked: Mutex<HashMap<Digest, Arc<ScopedToken>>>,
}

/// A key that signs or has signed.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownKey {
    pub(super) key: VerifyingKey,
    /// Nothing that it has signed here lasts longer. What does was signed by somebody who got hold
    /// of a key that was taken out of use.
    pub(super) until: Millis,
}

/// What the store knows.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Tokens of namespaces by digest.
    tokens: HashMap<Digest, Arc<NamespaceToken>>,
    /// The secret ones among them, by id: scoped tokens end with the one that issued them.
    secrets: HashSet<TokenId>,
    /// The keys that sign or have signed.
    pub(super) keys: HashMap<Id, KnownKey>,
    /// Scoped tokens that were taken back, until they would have ended.
    pub(super) revoked: HashMap<(NamespaceId, TokenId), Millis>,
}

impl Known {
    /// Makes a token of a namespace known.
    pub(super) fn add(&mut self, digest: Digest, token: NamespaceToken) {
        if token.kind == NamespaceTokenKind::Secret {
            self.secrets.insert(token.id);
        }
        self.tokens.insert(digest, Arc::new(token));
    }

    /// Forgets a token of a namespace.
    pub(super) fn forget(&mut self, id: TokenId) {
        self.secrets.remove(&id);
        self.tokens.retain(|_, token| token.id != id);
    }
}

impl Issued {
    /// Who presents this token.
    pub(super) fn recognize(
        &self,
        token: &[u8],
        digest: &Digest,
        now: Millis,
    ) -> Result<Credential, Denied> {
        if token.starts_with(jwt::BEGINNING) {
            return self.scoped(token, digest, now);
        }
        let known = self.known();
        known.tokens.get(digest).cloned().map(Credential::Namespace).ok_or(Denied::Invalid)
    }

    /// Changes what is known.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Known) -> R) -> R {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes which keys are known: every signature is checked again.
    pub(super) fn change_keys(&self, change: impl FnOnce(&mut HashMap<Id, KnownKey>)) {
        self.change(|known| {
            change(&mut known.keys);
            self.checked.lock().unwrap_or_else(PoisonError::into_inner).clear();
        });
    }

    fn scoped(&self, token: &[u8], digest: &Digest, now: Millis) -> Result<Credential, Denied> {
        let before =
            self.checked.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned();
        let token = match before {
            Some(token) => token,
            None => self.check(token, *digest)?,
        };
        if now >= token.expires_ts {
            return Err(Denied::Expired);
        }
        let known = self.known();
        if known.revoked.contains_key(&(token.namespace.id, token.id)) {
            return Err(Denied::Revoked);
        }
        match token.issuer {
            Issuer::Secret(id) if !known.secrets.contains(&id) => Err(Denied::Revoked),
            Issuer::Secret(_) | Issuer::Admin => Ok(Credential::Scoped(token)),
        }
    }

    /// Checks the signature. Only what is right is remembered: nobody can fill the memory with
    /// guesses.
    fn check(&self, token: &[u8], digest: Digest) -> Result<Arc<ScopedToken>, Denied> {
        let find = |kid: &Id| self.known().keys.get(kid).map(|known| known.key);
        let (kid, claims) = jwt::verify(token, find).ok_or(Denied::Invalid)?;
        let token = Arc::new(ScopedToken::from(claims));
        // Asked again under the lock that a rotation waits for: what is remembered below is
        // either seen by it and forgotten, or comes after it.
        let known = self.known();
        if known.keys.get(&kid).is_none_or(|known| token.expires_ts > known.until) {
            return Err(Denied::Invalid);
        }
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.len() >= CHECKED_MAX {
            checked.clear();
        }
        checked.insert(digest, Arc::clone(&token));
        Ok(token)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<jwt::Claims> for ScopedToken {
    fn from(claims: jwt::Claims) -> Self {
        let issuer = claims.issuer_token_id.map_or(Issuer::Admin, |id| Issuer::Secret(TokenId(id)));
        Self {
            id: TokenId(claims.jti),
            namespace: NamespaceRef {
                id: NamespaceId(claims.namespace_id),
                name: claims.namespace.into(),
            },
            subject: claims.sub,
            issuer,
            issued_ts: claims.iat.saturating_mul(1000),
            expires_ts: claims.exp.saturating_mul(1000),
            grants: claims.grants,
        }
    }
}
