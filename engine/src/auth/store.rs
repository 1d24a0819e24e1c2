//! Issues tokens and takes them back.
//!
//! A change is first on disk, then in the memory of the gate, then answered; changes happen one
//! after the other, so that both end up the same.

mod keys;

use std::sync::Arc;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

pub use self::keys::{Previous, SigningKeySummary};
use self::keys::{new_key, signing_key};
use super::{
    Gate, Grant, Issuer, NamespaceId, NamespaceRef, NamespaceToken, TokenId,
    issued::{Digest, KnownKey, prefix},
    jwt,
};
use crate::{
    clock::{Millis, SharedClock},
    config::Secret,
    keyspace::{
        Id, KeyRange, Order, Table,
        id::random_bytes,
        tables::{
            NamespaceTokenKind, NamespaceTokenRow, NamespaceTokens, Namespaces, RevokedTokenRow,
            RevokedTokens, SigningKeyRow, SigningKeys, TokenKey,
        },
    },
    storage::{Database, StorageError},
};

/// How far ahead the time is written down until which a key has signed: so much less often.
const USED_AHEAD: Millis = 60 * 60 * 1000;

/// A token could not be issued or taken back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TokenStoreError {
    /// There is no such token.
    #[error("The token does not exist.")]
    NotFound,
    /// The text of the token would be longer than what is read.
    #[error("the token would be too long: leave out grants, or shorten names and the subject")]
    TooLong,
    /// A stored key or token is none.
    #[error("a stored signing key or token cannot be read")]
    Corrupt,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A token of a namespace, without what opens anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSummary {
    /// Which token.
    pub id: TokenId,
    /// What people call it.
    pub name: Option<String>,
    /// When it was created.
    pub create_ts: Millis,
}

/// What a scoped token is to say.
#[derive(Debug, Clone)]
pub struct NewScopedToken {
    /// The namespace in which it is worth something.
    pub namespace: NamespaceRef,
    /// For whom it is.
    pub subject: Option<String>,
    /// Who asks for it.
    pub issuer: Issuer,
    /// How many seconds it lasts.
    pub duration: u64,
    /// What it may do.
    pub grants: Vec<Grant>,
}

/// A scoped token, which is shown this once.
#[derive(Debug)]
pub struct IssuedToken {
    /// Which token.
    pub id: TokenId,
    /// Its text.
    pub token: Secret,
    /// When it was issued: whole seconds, in milliseconds.
    pub issued_ts: Millis,
    /// When it ends.
    pub expires_ts: Millis,
}

/// Issues tokens; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct TokenStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    clock: SharedClock,
    gate: Gate,
    /// Part of every id that is made here.
    datacenter_label: u16,
    /// The key that signs. Whoever holds this may change what is stored.
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    id: Id,
    key: SigningKey,
    row: SigningKeyRow,
}

impl TokenStore {
    /// The tokens in `database`, made known to `gate`. Where nothing signs yet, a key is made.
    pub async fn open(
        database: Database,
        clock: SharedClock,
        gate: Gate,
        datacenter_label: u16,
    ) -> Result<Self, TokenStoreError> {
        let now = clock.now();
        let (first_id, first) = (Id::random(datacenter_label), new_key(now));
        let stored = database.transact(move |transaction| {
            let all = usize::MAX;
            let range = KeyRange::table::<SigningKeys>();
            let mut keys = transaction.range::<SigningKeys>(&range, Order::Ascending, all)?;
            if !keys.iter().any(|(_, row)| row.retire_ts.is_none()) {
                transaction.put::<SigningKeys>(&first_id, &first);
                keys.push((first_id, first.clone()));
            }
            let range = KeyRange::table::<NamespaceTokens>();
            let mut tokens = Vec::new();
            for (key, row) in transaction.range::<NamespaceTokens>(&range, Order::Ascending, all)? {
                let namespace = transaction.get::<Namespaces>(&key.namespace_id)?;
                tokens.extend(namespace.map(|namespace| (key, row, namespace.name)));
            }
            let range = KeyRange::table::<RevokedTokens>();
            let revoked = transaction.range::<RevokedTokens>(&range, Order::Ascending, all)?;
            Ok::<_, StorageError>((keys, tokens, revoked))
        });
        let (keys, tokens, revoked) = stored.await?;
        let mut current = None;
        for (id, row) in keys {
            let key = signing_key(&row)?;
            let until = if row.retire_ts.is_none() { Millis::MAX } else { row.used_until };
            let known = KnownKey { key: key.verifying_key(), until };
            gate.issued().change_keys(|keys| {
                keys.insert(id, known);
            });
            if row.retire_ts.is_none() {
                current = Some(Current { id, key, row });
            }
        }
        for (key, row, name) in tokens {
            let namespace = NamespaceRef { id: NamespaceId(key.namespace_id), name: name.into() };
            let token = NamespaceToken { id: TokenId(key.token_id), kind: row.kind, namespace };
            let digest = digest_of(&row)?;
            gate.issued().change(|known| known.add(digest, token));
        }
        gate.issued().change(|known| {
            for (key, row) in revoked {
                let key = (NamespaceId(key.namespace_id), TokenId(key.token_id));
                known.revoked.insert(key, row.until);
            }
        });
        let current = Mutex::new(current.ok_or(TokenStoreError::Corrupt)?);
        Ok(Self(Arc::new(Inner { database, clock, gate, datacenter_label, current })))
    }

    /// Makes a token of a namespace. Its text is shown this once; only its digest is kept.
    pub async fn create(
        &self,
        kind: NamespaceTokenKind,
        namespace: NamespaceRef,
        name: Option<String>,
    ) -> Result<(TokenSummary, Secret), TokenStoreError> {
        let inner = &self.0;
        let random = Zeroizing::new(random_bytes::<32>());
        let text = format!("{}{}", prefix(kind), URL_SAFE_NO_PAD.encode(*random));
        let digest: Digest = Sha256::digest(&text).into();
        let (id, create_ts) = (Id::random(inner.datacenter_label), inner.clock.now());
        let key = TokenKey { namespace_id: namespace.id.0, token_id: id };
        let row = NamespaceTokenRow {
            kind,
            digest: STANDARD.encode(digest),
            name: name.clone(),
            create_ts,
        };
        let _one_at_a_time = inner.current.lock().await;
        self.put::<NamespaceTokens>(key, row).await?;
        let id = TokenId(id);
        let token = NamespaceToken { id, kind, namespace };
        inner.gate.issued().change(|known| known.add(digest, token));
        Ok((TokenSummary { id, name, create_ts }, Secret::new(text)))
    }

    /// The tokens of a kind in a namespace, in no particular order.
    pub async fn list(
        &self,
        kind: NamespaceTokenKind,
        namespace: NamespaceId,
    ) -> Result<Vec<TokenSummary>, TokenStoreError> {
        let range = TokenKey::range_of_namespace(&namespace.0);
        let rows = self.0.database.transact(move |transaction| {
            transaction.range::<NamespaceTokens>(&range, Order::Ascending, usize::MAX)
        });
        let of_kind = rows.await?.into_iter().filter(|(_, row)| row.kind == kind);
        let summaries = of_kind.map(|(key, row)| TokenSummary {
            id: TokenId(key.token_id),
            name: row.name,
            create_ts: row.create_ts,
        });
        Ok(summaries.collect())
    }

    /// Takes a token of a namespace back: from the moment of the answer on it opens nothing.
    pub async fn revoke(
        &self,
        kind: NamespaceTokenKind,
        namespace: NamespaceId,
        id: TokenId,
    ) -> Result<(), TokenStoreError> {
        let _one_at_a_time = self.0.current.lock().await;
        let key = TokenKey { namespace_id: namespace.0, token_id: id.0 };
        let was_there = self.0.database.transact(move |transaction| {
            let row = transaction.get::<NamespaceTokens>(&key)?;
            let is_it = row.is_some_and(|row| row.kind == kind);
            if is_it {
                transaction.delete::<NamespaceTokens>(&key);
            }
            Ok::<_, StorageError>(is_it)
        });
        if !was_there.await? {
            return Err(TokenStoreError::NotFound);
        }
        self.0.gate.issued().change(|known| known.forget(id));
        Ok(())
    }

    /// Signs a scoped token. Nothing of it is kept.
    pub async fn issue(&self, new: NewScopedToken) -> Result<IssuedToken, TokenStoreError> {
        let inner = &self.0;
        let iat = inner.clock.now() / 1000;
        let exp = iat.saturating_add(new.duration);
        let (issued_ts, expires_ts) = (iat * 1000, exp.saturating_mul(1000));
        let id = Id::random(inner.datacenter_label);
        let issuer_token_id = match new.issuer {
            Issuer::Admin => None,
            Issuer::Secret(id) => Some(id.0),
        };
        let claims = jwt::Claims::from(jwt::Said {
            jti: id,
            namespace_id: new.namespace.id.0,
            namespace: new.namespace.name.to_string(),
            sub: new.subject,
            issuer_token_id,
            iat,
            exp,
            grants: new.grants,
        });
        let mut current = inner.current.lock().await;
        if expires_ts > current.row.used_until {
            let used_until = expires_ts.saturating_add(USED_AHEAD);
            let row = SigningKeyRow { used_until, ..current.row.clone() };
            self.put::<SigningKeys>(current.id, row.clone()).await?;
            current.row = row;
        }
        let token = jwt::sign(&claims, current.id, &current.key);
        if token.len() > jwt::MAX_BYTES {
            return Err(TokenStoreError::TooLong);
        }
        Ok(IssuedToken { id: TokenId(id), token: Secret::new(token), issued_ts, expires_ts })
    }

    /// Takes a scoped token back, whether there is one or not: nothing is known of those that were
    /// issued.
    pub async fn revoke_scoped(
        &self,
        namespace: NamespaceId,
        id: TokenId,
    ) -> Result<(), TokenStoreError> {
        let _one_at_a_time = self.0.current.lock().await;
        let now = self.0.clock.now();
        let until = self.0.database.transact(move |transaction| {
            let all = usize::MAX;
            let keys = KeyRange::table::<SigningKeys>();
            let keys = transaction.range::<SigningKeys>(&keys, Order::Ascending, all)?;
            // It was signed with one of these, and ends when the last of theirs does.
            let until = keys.iter().map(|(_, row)| row.used_until).max().unwrap_or(now);
            let rows = KeyRange::table::<RevokedTokens>();
            for (key, row) in transaction.range::<RevokedTokens>(&rows, Order::Ascending, all)? {
                if row.until <= now {
                    transaction.delete::<RevokedTokens>(&key);
                }
            }
            let key = TokenKey { namespace_id: namespace.0, token_id: id.0 };
            transaction.put::<RevokedTokens>(&key, &RevokedTokenRow { revoke_ts: now, until });
            Ok::<_, StorageError>(until)
        });
        let until = until.await?;
        self.0.gate.issued().change(|known| {
            known.revoked.retain(|_, until| *until > now);
            known.revoked.insert((namespace, id), until);
        });
        Ok(())
    }

    /// Whether tokens are asked for at all.
    pub fn is_needed(&self) -> bool {
        !self.0.gate.is_open()
    }

    async fn put<T>(&self, key: T::Key, row: T::Value) -> Result<(), StorageError>
    where
        T: Table<Key: Send + Sync, Value: Send + Sync> + 'static,
    {
        let put = self.0.database.transact(move |transaction| {
            transaction.put::<T>(&key, &row);
            Ok::<_, StorageError>(())
        });
        put.await
    }
}

fn digest_of(row: &NamespaceTokenRow) -> Result<Digest, TokenStoreError> {
    let digest = STANDARD.decode(&row.digest).map_err(|_| TokenStoreError::Corrupt)?;
    digest.try_into().map_err(|_| TokenStoreError::Corrupt)
}

#[cfg(test)]
mod tests;
