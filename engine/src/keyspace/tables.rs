//! Every table there is, in one place. Tags and encodings: never change, never reuse.
//!
//! | tag | table | key | value |
//! |---|---|---|---|
//! | `00` | [`Meta`] | what the row says | [`FormatRow`] |
//! | `0F` | [`Probes`] | nothing | [`ProbeRow`] |
//! | `10` | [`Namespaces`] | namespace id | [`NamespaceRow`] |
//! | `11` | [`NamespaceNames`] | name | namespace id |
//! | `12` | [`NamespaceAges`] | time of creation | namespace id |
//! | `20` | [`RunnerConfigs`] | namespace id, pool, datacenter | [`RunnerConfigRow`] |
//! | `30` | [`Actors`] | actor id | [`ActorRow`] |
//! | `31` | [`ActorInputs`] | actor id | [`ActorInputRow`] |
//! | `32` | [`ActorKeys`] | namespace id, name, key | actor id |
//! | `33` | [`LiveActors`] | namespace id, name, time of creation, actor id | [`Present`] |
//! | `34` | [`DestroyedActors`] | namespace id, name, time of creation, actor id | [`Present`] |
//! | `35` | [`ActorNames`] | namespace id, name | [`ActorNameRow`] |
//! | `36` | [`EnvoyActors`] | namespace id, envoy key, actor id | [`EnvoyActorRow`] |
//! | `37` | [`EnvoyCommands`] | namespace id, envoy key, actor id, generation, index | [`CommandRow`] |
//! | `38` | [`ActorTimers`] | time, actor id | [`Present`] |
//! | `40` | [`KvUsages`] | actor id | [`KvUsageRow`] |
//! | `41` | [`KvEntries`] | actor id, key | [`KvEntryRow`]: bytes, guarded by `40` |
//! | `42` | [`SqliteHeads`] | actor id | [`SqliteHeadRow`] |
//! | `43` | [`SqlitePages`] | actor id, page number | [`PageRow`]: bytes, guarded by `42` |
//! | `44` | [`SqliteStages`] | actor id | [`SqliteStageRow`] |
//! | `45` | [`StagedSegments`] | actor id, txid, first page | [`SegmentRow`], guarded by `44` |
//! | `46` | [`StagedPages`] | actor id, txid, page number | [`PageRow`], guarded by `44`, then `42` |
//! | `47` | [`ActorPurges`] | actor id | [`PurgeRow`] |
//! | `50` | [`NamespaceTokens`] | namespace id, token id | [`NamespaceTokenRow`] |
//! | `51` | [`SigningKeys`] | key id | [`SigningKeyRow`] |
//! | `52` | [`RevokedTokens`] | namespace id, token id | [`RevokedTokenRow`] |
//! | `53` | [`AuditEntries`] | number | [`AuditRow`] |

mod actor_data;
mod actors;
mod audit;
mod probes;
mod runner_configs;
mod tokens;

use serde::{Deserialize, Serialize};

pub use self::{
    actor_data::{
        ActorPurges, KvEntries, KvEntryKey, KvEntryRow, KvUsageRow, KvUsages, PAGE_SIZE, PageKey,
        PageRow, PurgeRow, SegmentKey, SegmentRow, SqliteHeadRow, SqliteHeads, SqlitePages,
        SqliteStageRow, SqliteStages, StagedPageKey, StagedPages, StagedSegments,
    },
    actors::{
        ActorAgeKey, ActorError, ActorInputRow, ActorInputs, ActorKeyKey, ActorKeys, ActorNameKey,
        ActorNameRow, ActorNames, ActorRow, ActorState, ActorTimerKey, ActorTimers, Actors,
        CommandRow, CrashPolicy, DestroyedActors, EnvoyActorKey, EnvoyActorRow, EnvoyActors,
        EnvoyCommandKey, EnvoyCommands, LiveActors, PoolError, Present, Retries, StopReason,
    },
    audit::{AuditActor, AuditEntries, AuditRow},
    probes::{ProbeRow, Probes},
    runner_configs::{
        Eviction, RunnerConfigKey, RunnerConfigRow, RunnerConfigs, RunnerKind, ServerlessRow,
    },
    tokens::{
        NamespaceTokenKind, NamespaceTokenRow, NamespaceTokens, RevokedTokenRow, RevokedTokens,
        SigningKeyRow, SigningKeys, TokenKey,
    },
};
use super::{Id, Key, KeyError, KeyReader, KeyWriter, Table, value::json_rows};

/// The layout of the data that this engine writes. A newer one is refused when it is found.
pub const FORMAT: u32 = 1;

/// The oldest layout that this engine reads.
pub const OLDEST_FORMAT: u32 = 1;

/// Tag and name of every table, in the order of their keys.
pub fn all() -> Vec<(u8, &'static str)> {
    fn table<T: Table>() -> (u8, &'static str) {
        (T::TAG, T::NAME)
    }
    vec![
        table::<Meta>(),
        table::<Probes>(),
        table::<Namespaces>(),
        table::<NamespaceNames>(),
        table::<NamespaceAges>(),
        table::<RunnerConfigs>(),
        table::<Actors>(),
        table::<ActorInputs>(),
        table::<ActorKeys>(),
        table::<LiveActors>(),
        table::<DestroyedActors>(),
        table::<ActorNames>(),
        table::<EnvoyActors>(),
        table::<EnvoyCommands>(),
        table::<ActorTimers>(),
        table::<KvUsages>(),
        table::<KvEntries>(),
        table::<SqliteHeads>(),
        table::<SqlitePages>(),
        table::<SqliteStages>(),
        table::<StagedSegments>(),
        table::<StagedPages>(),
        table::<ActorPurges>(),
        table::<NamespaceTokens>(),
        table::<SigningKeys>(),
        table::<RevokedTokens>(),
        table::<AuditEntries>(),
    ]
}

/// What the store says about itself.
#[derive(Debug)]
pub struct Meta;

/// The key of [`Meta`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetaKey {
    /// The layout of the data.
    Format,
}

/// Which layout the data has, and who wrote it so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatRow {
    /// The number of the layout.
    pub format: u32,
    /// The version of the engine that created the directory or brought it to this layout.
    pub written_by: String,
}

/// Namespaces by id.
#[derive(Debug)]
pub struct Namespaces;

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceRow {
    /// The name that requests use.
    pub name: String,
    /// The name that people read.
    pub display_name: String,
    /// When it was created, in milliseconds. No two namespaces share it.
    pub create_ts: u64,
}

/// Which namespace has a name: keeps names unique.
#[derive(Debug)]
pub struct NamespaceNames;

/// Namespaces by age: the order in which they are listed.
#[derive(Debug)]
pub struct NamespaceAges;

json_rows!(FormatRow, NamespaceRow, RunnerConfigRow, Id);

impl Table for Meta {
    const NAME: &'static str = "meta";
    const TAG: u8 = 0x00;
    type Key = MetaKey;
    type Value = FormatRow;
}

impl Table for Namespaces {
    const NAME: &'static str = "namespaces";
    const TAG: u8 = 0x10;
    type Key = Id;
    type Value = NamespaceRow;
}

impl Table for NamespaceNames {
    const NAME: &'static str = "namespace names";
    const TAG: u8 = 0x11;
    type Key = String;
    type Value = Id;
}

impl Table for NamespaceAges {
    const NAME: &'static str = "namespace ages";
    const TAG: u8 = 0x12;
    type Key = u64;
    type Value = Id;
}

impl Key for MetaKey {
    fn write(&self, bytes: &mut KeyWriter) {
        match self {
            Self::Format => bytes.text("format"),
        };
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        match bytes.text()?.as_str() {
            "format" => Ok(Self::Format),
            _ => Err(KeyError),
        }
    }
}

impl Key for Id {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.id(self);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        bytes.id()
    }
}

impl Key for String {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.text(self);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        bytes.text()
    }
}

impl Key for u64 {
    fn write(&self, bytes: &mut KeyWriter) {
        bytes.number(*self);
    }

    fn read(bytes: &mut KeyReader<'_>) -> Result<Self, KeyError> {
        bytes.number()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keyspace::{KeyRange, key_bytes, parse_key};

    /// Text over a tiny alphabet collides, shares prefixes and holds zero bytes far more often.
    fn text() -> impl Strategy<Value = String> {
        "[\0\u{1}a\u{ff}]{0,4}"
    }

    fn id() -> impl Strategy<Value = Id> {
        any::<[u8; 18]>().prop_map(|tail| {
            let mut bytes = [1; Id::LENGTH];
            bytes[1..].copy_from_slice(&tail);
            Id::from_slice(&bytes).unwrap()
        })
    }

    fn runner_config_key() -> impl Strategy<Value = RunnerConfigKey> {
        (id(), text(), text()).prop_map(|(namespace_id, pool, datacenter)| RunnerConfigKey {
            namespace_id,
            pool,
            datacenter,
        })
    }

    proptest! {
        #[test]
        fn byte_order_of_names_is_their_order(a in text(), b in text()) {
            let (in_bytes_a, in_bytes_b) =
                (key_bytes::<NamespaceNames>(&a), key_bytes::<NamespaceNames>(&b));
            prop_assert_eq!(a.cmp(&b), in_bytes_a.cmp(&in_bytes_b));
            prop_assert_eq!(parse_key::<NamespaceNames>(&in_bytes_a), Ok(a));
        }

        #[test]
        fn byte_order_of_ages_is_their_order(a in any::<u64>(), b in any::<u64>()) {
            let (in_bytes_a, in_bytes_b) =
                (key_bytes::<NamespaceAges>(&a), key_bytes::<NamespaceAges>(&b));
            prop_assert_eq!(a.cmp(&b), in_bytes_a.cmp(&in_bytes_b));
            prop_assert_eq!(parse_key::<NamespaceAges>(&in_bytes_a), Ok(a));
        }

        #[test]
        fn byte_order_of_runner_configs_is_their_order(
            a in runner_config_key(),
            mut b in runner_config_key(),
            same_namespace in any::<bool>(),
        ) {
            if same_namespace {
                b.namespace_id = a.namespace_id;
            }
            let (in_bytes_a, in_bytes_b) =
                (key_bytes::<RunnerConfigs>(&a), key_bytes::<RunnerConfigs>(&b));
            prop_assert_eq!(a.cmp(&b), in_bytes_a.cmp(&in_bytes_b));
            prop_assert_eq!(parse_key::<RunnerConfigs>(&in_bytes_a), Ok(a));
        }

        #[test]
        fn a_pools_range_holds_its_configs_and_no_others(
            a in runner_config_key(),
            mut b in runner_config_key(),
        ) {
            b.namespace_id = a.namespace_id;
            let range = RunnerConfigKey::range_of_pool(&a.namespace_id, &a.pool);

            prop_assert!(range.contains(&key_bytes::<RunnerConfigs>(&a)));
            prop_assert_eq!(range.contains(&key_bytes::<RunnerConfigs>(&b)), a.pool == b.pool);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in any::<Vec<u8>>()) {
            let _ = parse_key::<RunnerConfigs>(&bytes);
            let _ = parse_key::<NamespaceNames>(&bytes);
            let _ = parse_key::<Meta>(&bytes);
        }
    }

    #[test]
    fn tables_do_not_overlap() {
        let ranges = [
            KeyRange::table::<Meta>(),
            KeyRange::table::<Namespaces>(),
            KeyRange::table::<NamespaceNames>(),
            KeyRange::table::<NamespaceAges>(),
            KeyRange::table::<RunnerConfigs>(),
        ];

        assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start));
    }

    /// The table at the top of this file is what a new one is first written into.
    #[test]
    fn all_tables_are_known_by_tag_and_name() {
        let documented: Vec<_> = include_str!("tables.rs")
            .lines()
            .filter_map(|line| u8::from_str_radix(line.strip_prefix("//! | `")?.get(..2)?, 16).ok())
            .collect();

        let tags: Vec<_> = all().into_iter().map(|(tag, _)| tag).collect();

        assert_eq!(tags, documented);
        assert!(tags.is_sorted_by(|one, next| one < next));
    }

    /// These bytes are on customers' disks. If this test fails, write a migration, not a fix.
    #[test]
    fn the_keys_on_disk_have_not_changed() {
        let mut bytes = [7; Id::LENGTH];
        bytes[0] = 1;
        let id = Id::from_slice(&bytes).unwrap();
        let config = RunnerConfigKey {
            namespace_id: id,
            pool: "a\0b".to_owned(),
            datacenter: "default".to_owned(),
        };

        assert_eq!(key_bytes::<Meta>(&MetaKey::Format), b"\x00format\0\0");
        assert_eq!(key_bytes::<Namespaces>(&id), [&b"\x10"[..], &bytes].concat());
        assert_eq!(key_bytes::<NamespaceNames>(&"default".to_owned()), b"\x11default\0\0");
        assert_eq!(key_bytes::<NamespaceAges>(&0x0102), b"\x12\0\0\0\0\0\0\x01\x02");
        assert_eq!(
            key_bytes::<RunnerConfigs>(&config),
            [&b"\x20"[..], &bytes, b"a\0\xFFb\0\0default\0\0"].concat()
        );
    }

    /// So are these.
    #[test]
    fn the_rows_on_disk_have_not_changed() {
        let format = FormatRow { format: 1, written_by: "0.1.0".to_owned() };
        let namespace = NamespaceRow {
            name: "default".to_owned(),
            display_name: "Default".to_owned(),
            create_ts: 5,
        };

        assert_eq!(serde_json::to_string(&format).unwrap(), r#"{"format":1,"written_by":"0.1.0"}"#);
        assert_eq!(
            serde_json::to_string(&namespace).unwrap(),
            r#"{"name":"default","display_name":"Default","create_ts":5}"#
        );
    }
}
