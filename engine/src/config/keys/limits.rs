//! The keys of the block `limits`: how much may be there at once, and how long it may take.

use super::{
    Key, Preset,
    kind::{BYTES, COUNT_32, Unit, number},
};

const MILLIS_32: super::Kind = number(Unit::Millis, u32::MAX as u64);

pub(super) const KEYS: &[Key] = &[
    Key::ours(
        "limits.max_connections",
        COUNT_32,
        Preset::Number(65_536),
        "connections to the API port ([limits.md](limits.md) has this and all other limits); fewer where the system lets the process open fewer files; `0`: any number",
    ),
    Key::ours(
        "limits.max_connections_per_address",
        COUNT_32,
        Preset::Number(32_768),
        "of them, those of one address, or of one IPv6 network of 64 bits; `0`: any number",
    ),
    Key::ours(
        "limits.max_head_bytes",
        number(Unit::Bytes, u32::MAX as u64),
        Preset::Number(128 << 10),
        "the largest head of a request; at least 8192",
    ),
    Key::ours(
        "limits.head_timeout_ms",
        MILLIS_32,
        Preset::Number(75_000),
        "how long a connection may take to send the head of its next request",
    ),
    Key::ours(
        "limits.body_timeout_ms",
        MILLIS_32,
        Preset::Number(30_000),
        "how long a client may let a body wait for its next piece; for all of a body that is read whole",
    ),
    Key::ours(
        "limits.max_requests_per_actor",
        COUNT_32,
        Preset::Number(4_096),
        "requests to one actor that are in flight; `0`: any number",
    ),
    Key::ours(
        "limits.max_requests_per_namespace",
        COUNT_32,
        Preset::Number(16_384),
        "requests to the actors of one namespace that are in flight; `0`: any number",
    ),
    Key::ours(
        "limits.max_sockets_per_actor",
        COUNT_32,
        Preset::Number(16_384),
        "sockets to one actor; `0`: any number",
    ),
    Key::ours(
        "limits.max_sockets_per_namespace",
        COUNT_32,
        Preset::Number(32_768),
        "sockets to the actors of one namespace; `0`: any number",
    ),
    Key::ours(
        "limits.max_envoys_per_namespace",
        COUNT_32,
        Preset::Number(4_096),
        "envoys that one namespace may have connected; `0`: any number",
    ),
    Key::ours(
        "limits.max_kv_bytes_per_actor",
        BYTES,
        Preset::Number(10 << 30),
        "the most that the key-value entries of one actor may take",
    ),
];
