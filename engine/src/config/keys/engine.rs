//! The keys of the engine as a whole: who is let in, where it listens, what it keeps.

use super::{
    Key, Kind, Preset, Unit,
    kind::{PORT, number},
};

const ONE_DATACENTER: &str = "there is one datacenter, which calls no other";
const BEHIND_A_PROXY: &str =
    "every host name is answered; limit them in the proxy in front of the engine";

pub(super) const KEYS: &[Key] = &[
    Key::upstream(
        "auth.admin_token",
        Kind::Secret,
        Preset::Nothing,
        "a token that is valid as long as the process runs",
    ),
    Key::ours(
        "auth.admin_token_file",
        Kind::Path,
        Preset::Nothing,
        "a file of tokens, re-read while the process runs; see Tokens",
    ),
    Key::ours(
        "auth.insecure_allow_unauthenticated",
        Kind::Bool,
        Preset::Nothing,
        "`true`: everybody is let in. Only without tokens. `false`: nobody is, not even where only this host reaches the engine",
    ),
    Key::ours(
        "auth.gateway",
        Kind::Words(&["token", "open"]),
        Preset::Text("token"),
        "`token`: requests to actors need a token too, in any place where clients put it. `open`: they need none, as with the upstream engine",
    ),
    // Beyond a thousand a second, nothing is limited any more.
    Key::ours(
        "auth.failures_per_minute",
        number(Unit::Count, 60_000),
        Preset::Number(100),
        "how many wrong tokens an address may present in a minute before it is answered 429; `0`: any number",
    ),
    Key::ours(
        "audit.max_entries",
        number(Unit::Count, 100_000_000),
        Preset::Number(100_000),
        "how many entries the audit log keeps; beyond that the oldest go",
    ),
    Key::ours(
        "audit.max_age_days",
        number(Unit::Days, 36_500),
        Preset::Number(365),
        "how old an entry of the audit log gets",
    ),
    Key::ours(
        "checkpoints.max_count",
        number(Unit::Count, 1_000),
        Preset::Number(5),
        "how many checkpoints are kept beside the data; beyond that the oldest go, never the newest",
    ),
    Key::ours(
        "checkpoints.max_age_days",
        number(Unit::Days, 36_500),
        Preset::Number(7),
        "how old a checkpoint gets, unless it is the newest",
    ),
    Key::upstream(
        "file_system.path",
        Kind::Path,
        Preset::Derived(
            "`$XDG_DATA_HOME/rivet-engine/db`, else `$HOME/.local/share/rivet-engine/db`, else `./data/db`",
        ),
        "the data directory; created for this user alone",
    ),
    Key::ours(
        "file_system.durability",
        Kind::Words(&["strict", "relaxed"]),
        Preset::Text("strict"),
        "`strict`: an answered write was synced to the disk. `relaxed`: it survives the end of the process, not the loss of power",
    ),
    Key::ours(
        "file_system.min_free_bytes",
        number(Unit::Bytes, u64::MAX >> 8),
        Preset::Number(64 << 20),
        "how much of the disk stays free: below it, writes that add data are refused, below half of it all; `0`: none are ([durability.md](durability.md))",
    ),
    Key::ours(
        "file_system.must_exist",
        Kind::Bool,
        Preset::Bool(false),
        "`true`: without a store in the data directory the engine does not start. For data on a disk that may not be mounted",
    ),
    Key::upstream(
        "api_peer.host",
        Kind::Address,
        Preset::Text("::"),
        "where `/health` and `/ready` listen, for probes",
    ),
    Key::upstream("api_peer.port", PORT, Preset::Number(6421), "its port"),
    Key::upstream(
        "metrics.host",
        Kind::Address,
        Preset::Text("::"),
        "where [metrics](metrics.md) are read, on any path",
    ),
    Key::upstream("metrics.port", PORT, Preset::Number(6430), "its port"),
    Key::upstream(
        "topology.datacenter_label",
        number(Unit::Count, u16::MAX as u64),
        Preset::Number(1),
        "the number of this datacenter; part of every id",
    ),
    Key::upstream(
        "topology.datacenters",
        Kind::Datacenters,
        Preset::Derived("one: `default`"),
        "the one datacenter, as a list (`[{name, datacenter_label, public_url}]`) or a table (`{NAME: {…}}`)",
    ),
    Key::upstream(
        "topology.datacenters.*.name",
        Kind::Text,
        Preset::Derived("its name in the table"),
        "how it is called",
    ),
    Key::upstream(
        "topology.datacenters.*.datacenter_label",
        number(Unit::Count, u16::MAX as u64),
        Preset::Derived("`topology.datacenter_label`"),
        "its number; where both are set, the same",
    ),
    Key::upstream(
        "topology.datacenters.*.public_url",
        Kind::Url,
        Preset::Text("http://127.0.0.1:6420/"),
        "where apps and clients reach the API; what `/datacenters` answers",
    ),
    Key::upstream(
        "topology.datacenters.*.is_leader",
        Kind::Bool,
        Preset::Bool(true),
        "which datacenter leads",
    )
    .always("the only datacenter leads"),
    Key::upstream(
        "topology.datacenters.*.peer_url",
        Kind::Url,
        Preset::Nothing,
        "where other datacenters reach it; upstream demands it",
    )
    .needless(ONE_DATACENTER),
    Key::upstream(
        "topology.datacenters.*.proxy_url",
        Kind::Url,
        Preset::Nothing,
        "where other datacenters send requests for its actors",
    )
    .without_effect(ONE_DATACENTER),
    Key::upstream(
        "topology.datacenters.*.valid_hosts",
        Kind::Texts,
        Preset::Nothing,
        "which host names it answers",
    )
    .without_effect(BEHIND_A_PROXY),
    Key::upstream(
        "outbound.allow_loopback",
        Kind::Bool,
        Preset::Bool(true),
        "addresses of this host (`127.0.0.0/8`, `::1`) may be called",
    ),
    Key::upstream(
        "outbound.allow_private_networks",
        Kind::Bool,
        Preset::Bool(true),
        "private addresses (`10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16`, `fc00::/7`) may be called",
    ),
    Key::upstream(
        "outbound.allow_insecure_scheme",
        Kind::Bool,
        Preset::Bool(true),
        "`http` may be spoken, not `https` alone",
    ),
    Key::upstream(
        "outbound.allow_cidrs",
        Kind::Networks,
        Preset::EmptyList,
        "networks that may be called whatever they are for",
    ),
    Key::upstream(
        "outbound.deny_cidrs",
        Kind::Networks,
        Preset::EmptyList,
        "networks that are never called; it counts more than everything else",
    ),
    Key::upstream(
        "outbound.allow_hosts",
        Kind::Texts,
        Preset::EmptyList,
        "hosts that may be called wherever they are",
    ),
    Key::upstream(
        "outbound.max_redirects",
        number(Unit::Count, 100),
        Preset::Number(4),
        "how many redirects are followed, on the same host",
    ),
];
