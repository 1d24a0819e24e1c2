//! The keys that sign scoped tokens: one signs, those before it verify what they have signed.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use super::{Current, TokenStore, TokenStoreError};
use crate::{
    auth::issued::KnownKey,
    clock::Millis,
    keyspace::{
        Id, KeyRange, Order,
        id::random_bytes,
        tables::{SigningKeyRow, SigningKeys},
    },
    storage::StorageError,
};

/// A key that signs or has signed, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeySummary {
    /// Which key: `kid` in the tokens' heads.
    pub id: Id,
    /// The public key, as JWKs have it: base64url without padding.
    pub public_key: String,
    /// When it was made.
    pub create_ts: Millis,
    /// When another one took its place.
    pub retire_ts: Option<Millis>,
    /// No token that it has signed lasts longer.
    pub used_until: Millis,
}

/// What becomes of the keys before a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Previous {
    /// They verify until the last token that they have signed has ended.
    Keep,
    /// They verify nothing any more: all scoped tokens end now.
    Revoke,
}

impl TokenStore {
    /// Makes a new key, which signs from now on.
    pub async fn rotate(&self, previous: Previous) -> Result<SigningKeySummary, TokenStoreError> {
        let inner = &self.0;
        let mut current = inner.current.lock().await;
        let now = inner.clock.now();
        let (id, row) = (Id::random(inner.datacenter_label), new_key(now));
        let key = signing_key(&row)?;
        let retired = SigningKeyRow { retire_ts: Some(now), ..current.row.clone() };
        let (old_id, new_row, until) = (current.id, row.clone(), retired.used_until);
        let gone = inner.database.transact(move |transaction| {
            let range = KeyRange::table::<SigningKeys>();
            let keys = transaction.range::<SigningKeys>(&range, Order::Ascending, usize::MAX)?;
            transaction.put::<SigningKeys>(&old_id, &retired);
            let over = |row: &SigningKeyRow| match previous {
                Previous::Keep => row.used_until <= now,
                Previous::Revoke => true,
            };
            let gone: Vec<Id> =
                keys.iter().filter(|(_, row)| over(row)).map(|(id, _)| *id).collect();
            for id in &gone {
                transaction.delete::<SigningKeys>(id);
            }
            transaction.put::<SigningKeys>(&id, &new_row);
            Ok::<_, StorageError>(gone)
        });
        let gone = gone.await?;
        inner.gate.issued().change_keys(|keys| {
            keys.retain(|id, _| !gone.contains(id));
            if let Some(old) = keys.get_mut(&old_id) {
                old.until = until;
            }
            keys.insert(id, KnownKey { key: key.verifying_key(), until: Millis::MAX });
        });
        let summary = summary(id, &row)?;
        *current = Current { id, key, row };
        Ok(summary)
    }

    /// The keys that sign or have signed, oldest first.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKeySummary>, TokenStoreError> {
        let range = KeyRange::table::<SigningKeys>();
        let rows = self.0.database.transact(move |transaction| {
            transaction.range::<SigningKeys>(&range, Order::Ascending, usize::MAX)
        });
        let mut keys: Vec<_> =
            rows.await?.iter().map(|(id, row)| summary(*id, row)).collect::<Result<_, _>>()?;
        keys.sort_by_key(|key| (key.create_ts, key.id));
        Ok(keys)
    }
}

/// A key that signs from `now` on.
pub(super) fn new_key(now: Millis) -> SigningKeyRow {
    let seed = Zeroizing::new(random_bytes::<32>());
    SigningKeyRow { seed: STANDARD.encode(*seed), create_ts: now, retire_ts: None, used_until: now }
}

/// The key in a row.
pub(super) fn signing_key(row: &SigningKeyRow) -> Result<SigningKey, TokenStoreError> {
    let seed = Zeroizing::new(STANDARD.decode(&row.seed).map_err(|_| TokenStoreError::Corrupt)?);
    let seed = <&[u8; 32]>::try_from(seed.as_slice()).map_err(|_| TokenStoreError::Corrupt)?;
    Ok(SigningKey::from_bytes(seed))
}

fn summary(id: Id, row: &SigningKeyRow) -> Result<SigningKeySummary, TokenStoreError> {
    let SigningKeyRow { create_ts, retire_ts, used_until, .. } = *row;
    let public_key = URL_SAFE_NO_PAD.encode(signing_key(row)?.verifying_key().as_bytes());
    Ok(SigningKeySummary { id, public_key, create_ts, retire_ts, used_until })
}
