//! The keys of upstream's databases and brokers, which this engine does without.

use super::{
    Key, Kind, Preset,
    kind::{BYTES, COUNT, PORT},
};

const ONE_NODE: &str =
    "it stores its data in RocksDB on one node; remove the key and set file_system.path";
const NO_BROKER: &str = "it is one process and needs no message broker; remove the block";
const NO_EXPORT: &str = "it sends data nowhere; remove the block and collect its logs and metrics";

// What stands where nobody knows what it is may be a password, and is not shown.
pub(super) const KEYS: &[Key] = &[
    Key::upstream("postgres", Kind::Secret, Preset::Nothing, "PostgreSQL for the data")
        .refused("postgres", ONE_NODE),
    Key::upstream(
        "postgres.url",
        Kind::Secret,
        Preset::Nothing,
        "where PostgreSQL is, with its password",
    )
    .refused("postgres", ONE_NODE),
    Key::upstream(
        "postgres.ssl.root_cert_path",
        Kind::Path,
        Preset::Nothing,
        "whom the connection trusts",
    )
    .refused("postgres", ONE_NODE),
    Key::upstream(
        "postgres.ssl.client_cert_path",
        Kind::Path,
        Preset::Nothing,
        "a certificate to show",
    )
    .refused("postgres", ONE_NODE),
    Key::upstream("postgres.ssl.client_key_path", Kind::Path, Preset::Nothing, "its key")
        .refused("postgres", ONE_NODE),
    Key::upstream("postgres.*", Kind::Secret, Preset::Nothing, "anything else of it")
        .refused("postgres", ONE_NODE),
    Key::upstream("postgres_notify", Kind::Secret, Preset::Nothing, "PostgreSQL as message broker")
        .refused("postgres_notify", NO_BROKER),
    Key::upstream(
        "postgres_notify.url",
        Kind::Secret,
        Preset::Nothing,
        "where it is, with its password",
    )
    .refused("postgres_notify", NO_BROKER),
    Key::upstream("postgres_notify.*", Kind::Secret, Preset::Nothing, "anything else of it")
        .refused("postgres_notify", NO_BROKER),
    Key::upstream(
        "foundationdb",
        Kind::Secret,
        Preset::Nothing,
        "FoundationDB for the data (not in upstream 2.3.19)",
    )
    .refused("foundationdb", ONE_NODE),
    Key::upstream("nats", Kind::Secret, Preset::Nothing, "NATS as message broker")
        .refused("nats", NO_BROKER),
    Key::upstream("nats.addresses", Kind::Texts, Preset::Nothing, "where NATS is")
        .refused("nats", NO_BROKER),
    Key::upstream("nats.port", PORT, Preset::Nothing, "its port").refused("nats", NO_BROKER),
    Key::upstream("nats.username", Kind::Text, Preset::Nothing, "who connects")
        .refused("nats", NO_BROKER),
    Key::upstream("nats.password", Kind::Secret, Preset::Nothing, "with which password")
        .refused("nats", NO_BROKER),
    Key::upstream("nats.client_capacity", COUNT, Preset::Nothing, "how much may wait")
        .refused("nats", NO_BROKER),
    Key::upstream("nats.subscription_capacity", BYTES, Preset::Nothing, "how much may wait")
        .refused("nats", NO_BROKER),
    Key::upstream(
        "nats.disable_memory_optimization",
        Kind::Bool,
        Preset::Nothing,
        "whether messages to this process take that way, too",
    )
    .refused("nats", NO_BROKER),
    Key::upstream("nats.*", Kind::Secret, Preset::Nothing, "anything else of it")
        .refused("nats", NO_BROKER),
    Key::upstream("clickhouse", Kind::Secret, Preset::Nothing, "ClickHouse for analytics")
        .refused("clickhouse", NO_EXPORT),
    Key::upstream("clickhouse.http_url", Kind::Secret, Preset::Nothing, "where ClickHouse is")
        .refused("clickhouse", NO_EXPORT),
    Key::upstream("clickhouse.native_url", Kind::Secret, Preset::Nothing, "where ClickHouse is")
        .refused("clickhouse", NO_EXPORT),
    Key::upstream("clickhouse.username", Kind::Text, Preset::Nothing, "who connects")
        .refused("clickhouse", NO_EXPORT),
    Key::upstream("clickhouse.password", Kind::Secret, Preset::Nothing, "with which password")
        .refused("clickhouse", NO_EXPORT),
    Key::upstream("clickhouse.secure", Kind::Bool, Preset::Nothing, "whether by TLS")
        .refused("clickhouse", NO_EXPORT),
    Key::upstream("clickhouse.*", Kind::Secret, Preset::Nothing, "anything else of it")
        .refused("clickhouse", NO_EXPORT),
    Key::upstream("clickhouse.*.*", Kind::Secret, Preset::Nothing, "anything else of it")
        .refused("clickhouse", NO_EXPORT),
];
