//! Tokens that the engine issued, the keys that sign them, and what was taken back.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::keyspace::{Id, Key, KeyError, KeyRange, KeyReader, KeyWriter, Table, value::json_rows};

/// Secret and public tokens by namespace. A token that is revoked is deleted.
#[derive(Debug)]
pub struct NamespaceTokens;

/// Scoped tokens that were revoked before their end, by namespace.
#[derive(Debug)]
pub struct RevokedTokens;

/// The key of [`NamespaceTokens`] and [`RevokedTokens`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenKey {
    /// The namespace that the token is for.
    pub namespace_id: Id,
    /// The token.
    pub token_id: Id,
}

impl TokenKey {
    /// Every token of a namespace.
    pub fn range_of_namespace(namespace_id: &Id) -> KeyRange {
        KeyRange::starting_with::<NamespaceTokens>(|key| {
            key.id(namespace_id);
        })
    }
}

/// What a token of a namespace may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamespaceTokenKind {
    /// Everything in it: `sk_…`.
    Secret,
    /// Find and call its actors: `pk_…`.
    Public,
}

/// A token of a namespace. What is kept of it opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceTokenRow {
    /// What it may do.
    pub kind: NamespaceTokenKind,
    /// The SHA-256 digest of its text, in base64.
    pub digest: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it was created, in milliseconds.
    pub create_ts: u64,
}

/// The keys that sign scoped tokens, by their id.
#[derive(Debug)]
pub struct SigningKeys;

/// A key that signs or has signed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKeyRow {
    /// The 32 bytes of the private key (Ed25519, RFC 8032), in base64.
    pub seed: String,
    /// When it was made, in milliseconds.
    pub create_ts: u64,
    /// When another one took its place; `None`: it signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retire_ts: Option<u64>,
    /// No token that it has signed lasts longer than this.
    pub used_until: u64,
}

impl fmt::Debug for SigningKeyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeyRow")
            .field("create_ts", &self.create_ts)
            .field("retire_ts", &self.retire_ts)
            .field("used_until", &self.used_until)
            .finish_non_exhaustive()
    }
}

/// A scoped token that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedTokenRow {
    /// When, in milliseconds.
    pub revoke_ts: u64,
    /// By then the token has ended anyway, and the row may go.
    pub until: u64,
}

json_rows!(NamespaceTokenRow, SigningKeyRow, RevokedTokenRow);

impl Table for NamespaceTokens {
    const NAME: &'static str = "namespace tokens";
    const TAG: u8 = 0x50;
    type Key = TokenKey;
    type Value = NamespaceTokenRow;
}

impl Table for SigningKeys {
    const NAME: &'static str = "signing keys";
    const TAG: u8 = 0x51;
    type Key = Id;
    type Value = SigningKeyRow;
}

impl Table for RevokedTokens {
    const NAME: &'static str = "revoked tokens";
    const TAG: u8 = 0x52;
    type Key = TokenKey;
    type Value = RevokedTokenRow;
}

impl Key for TokenKey {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.id(&self.namespace_id).id(&self.token_id);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        Ok(Self { namespace_id: bytes.id()?, token_id: bytes.id()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::{StoredValue as _, key_bytes, parse_key};

    fn id(filler: u8) -> Id {
        let mut bytes = [filler; Id::LENGTH];
        bytes[0] = 1;
        Id::from_slice(&bytes).unwrap()
    }

    /// These bytes are on customers' disks. If this test fails, write a migration, not a fix.
    #[test]
    fn the_keys_on_disk_have_not_changed() {
        let key = TokenKey { namespace_id: id(7), token_id: id(8) };
        let both = [&id(7).as_bytes()[..], id(8).as_bytes()].concat();

        assert_eq!(key_bytes::<NamespaceTokens>(&key), [&b"\x50"[..], &both].concat());
        assert_eq!(key_bytes::<SigningKeys>(&id(7)), [&b"\x51"[..], id(7).as_bytes()].concat());
        assert_eq!(key_bytes::<RevokedTokens>(&key), [&b"\x52"[..], &both].concat());
        assert_eq!(parse_key::<RevokedTokens>(&key_bytes::<RevokedTokens>(&key)), Ok(key));
    }

    /// So are these.
    #[test]
    fn the_rows_on_disk_have_not_changed() {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let token = NamespaceTokenRow {
            kind: NamespaceTokenKind::Public,
            digest: "AA==".to_owned(),
            name: Some("web".to_owned()),
            create_ts: 5,
        };
        let key = SigningKeyRow {
            seed: "AA==".to_owned(),
            create_ts: 5,
            retire_ts: Some(6),
            used_until: 7,
        };

        assert_eq!(
            text(token.encode()),
            r#"{"kind":"public","digest":"AA==","name":"web","create_ts":5}"#
        );
        assert_eq!(
            text(key.encode()),
            r#"{"seed":"AA==","create_ts":5,"retire_ts":6,"used_until":7}"#
        );
        assert_eq!(
            text(RevokedTokenRow { revoke_ts: 5, until: 6 }.encode()),
            r#"{"revoke_ts":5,"until":6}"#
        );
    }

    #[test]
    fn the_range_of_a_namespace_holds_its_tokens_alone() {
        let range = TokenKey::range_of_namespace(&id(7));
        let of = |namespace| TokenKey { namespace_id: id(namespace), token_id: id(9) };

        assert!(range.contains(&key_bytes::<NamespaceTokens>(&of(7))));
        assert!(!range.contains(&key_bytes::<NamespaceTokens>(&of(8))));
    }

    #[test]
    fn a_private_key_is_not_printed() {
        let row = SigningKeyRow {
            seed: "c2VjcmV0".to_owned(),
            create_ts: 5,
            retire_ts: None,
            used_until: 7,
        };

        assert!(!format!("{row:?}").contains("c2VjcmV0"));
    }
}
