//! The keys of what runs in the background, and of what the engine reports.

use super::{
    Key, Kind, Preset, Unit,
    kind::{BYTES, COUNT, MILLIS, SECONDS, number},
};

const NO_WORKFLOWS: &str = "this engine has no workflow workers";
const OTHER_SQLITE: &str = "databases are stored in another way here, and need no such work";
const LOGS_TO_STDOUT: &str = "log lines go to standard output; collect them there";
const NO_PROFILES: &str = "this engine sends data nowhere";
const ONE_CACHE: &str = "what is cached is decided by the engine";
const NO_CHANNEL: &str = "one process needs no channel to others";

pub(super) const KEYS: &[Key] = &[
    Key::upstream(
        "runtime.guard_shutdown_duration",
        number(Unit::Seconds, 86_400),
        Preset::Number(30),
        "how long running requests have to finish when the process is asked to stop (upstream: 600)",
    ),
    Key::upstream(
        "runtime.force_shutdown_duration",
        SECONDS,
        Preset::Nothing,
        "when upstream ends whatever still runs",
    )
    .without_effect("runtime.guard_shutdown_duration is the only deadline"),
    Key::upstream(
        "runtime.allow_version_rollback",
        Kind::Bool,
        Preset::Nothing,
        "whether an older version may open newer data",
    )
    .without_effect("data of a newer version is always refused"),
    Key::upstream(
        "runtime.worker_cpu_max",
        COUNT,
        Preset::Nothing,
        "the processor share of workflow workers",
    )
    .without_effect(NO_WORKFLOWS),
    Key::upstream(
        "runtime.worker_load_shedding_curve",
        Kind::Any,
        Preset::Nothing,
        "when workers take less",
    )
    .without_effect(NO_WORKFLOWS),
    Key::upstream(
        "runtime.worker_load_shedding_beta",
        Kind::Fraction,
        Preset::Nothing,
        "when workers take less",
    )
    .without_effect(NO_WORKFLOWS),
    Key::upstream(
        "runtime.worker_shutdown_duration",
        SECONDS,
        Preset::Nothing,
        "how long workers may take to stop",
    )
    .without_effect(NO_WORKFLOWS),
    Key::upstream(
        "runtime.worker_poll_interval_ms",
        MILLIS,
        Preset::Nothing,
        "how often workers look for work",
    )
    .without_effect(NO_WORKFLOWS),
    Key::upstream(
        "runtime.worker_max_wake_keys_per_workflow_name_per_pull",
        Kind::Any,
        Preset::Nothing,
        "how much workers take at once",
    )
    .without_effect(NO_WORKFLOWS),
    Key::upstream(
        "runtime.worker_max_deduped_workflows_per_pull",
        COUNT,
        Preset::Nothing,
        "how much workers take at once",
    )
    .without_effect(NO_WORKFLOWS),
    Key::upstream(
        "runtime.worker_max_workflows_per_pull",
        COUNT,
        Preset::Nothing,
        "how much workers take at once",
    )
    .without_effect(NO_WORKFLOWS),
    Key::upstream(
        "runtime.worker_max_wake_condition_clears_per_pull",
        COUNT,
        Preset::Nothing,
        "how much workers take at once",
    )
    .without_effect(NO_WORKFLOWS),
    Key::upstream(
        "runtime.worker_max_concurrent_workflows",
        Kind::Any,
        Preset::Nothing,
        "how much workers do at once",
    )
    .without_effect(NO_WORKFLOWS),
    Key::upstream(
        "runtime.gasoline_prune_eligibility_duration",
        SECONDS,
        Preset::Nothing,
        "when old workflows are removed",
    )
    .without_effect(NO_WORKFLOWS),
    Key::upstream(
        "runtime.gasoline_prune_interval_duration",
        SECONDS,
        Preset::Nothing,
        "how often old workflows are removed",
    )
    .without_effect(NO_WORKFLOWS),
    Key::upstream(
        "runtime.gasoline_loop_history_iteration_retention_count",
        Kind::Any,
        Preset::Nothing,
        "how much of a workflow is kept",
    )
    .without_effect(NO_WORKFLOWS),
    Key::upstream(
        "runtime.udb_throttle_bytes_per_second",
        Kind::Any,
        Preset::Nothing,
        "how fast upstream's background work reads and writes",
    )
    .without_effect(NO_WORKFLOWS),
    Key::upstream(
        "sqlite.max_storage_bytes",
        BYTES,
        Preset::Number(10 << 30),
        "the most that one actor may keep in its database",
    ),
    Key::upstream(
        "sqlite.actor_read_bytes_per_second",
        BYTES,
        Preset::Nothing,
        "how fast one actor may read",
    )
    .without_effect("the speed of actors is not limited"),
    Key::upstream(
        "sqlite.actor_write_bytes_per_second",
        BYTES,
        Preset::Nothing,
        "how fast one actor may write",
    )
    .without_effect("the speed of actors is not limited"),
    Key::upstream(
        "sqlite.unstable_disable_commit_size_cap",
        Kind::Bool,
        Preset::Nothing,
        "commits of any size",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.unstable_disable_compaction",
        Kind::Bool,
        Preset::Nothing,
        "no compaction",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.compaction_write_bytes_per_second",
        BYTES,
        Preset::Nothing,
        "the pace of compaction",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.compaction_read_bytes_per_second",
        BYTES,
        Preset::Nothing,
        "the pace of compaction",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.compaction_hot_fold_direct_to_shard",
        Kind::Bool,
        Preset::Nothing,
        "how compaction works",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.compaction_admission_percent",
        Kind::Fraction,
        Preset::Nothing,
        "how compaction works",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.compaction_stage_throttle_budget_multiplier",
        Kind::Fraction,
        Preset::Nothing,
        "the pace of compaction",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.compaction_stage_throttle_admit_soft_util",
        Kind::Fraction,
        Preset::Nothing,
        "the pace of compaction",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.compaction_stage_throttle_backoff_ms",
        MILLIS,
        Preset::Nothing,
        "the pace of compaction",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.compaction_install_throttle_budget_multiplier",
        Kind::Fraction,
        Preset::Nothing,
        "the pace of compaction",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.compaction_install_throttle_admit_soft_util",
        Kind::Fraction,
        Preset::Nothing,
        "the pace of compaction",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.compaction_reclaim_throttle_budget_multiplier",
        Kind::Fraction,
        Preset::Nothing,
        "the pace of compaction",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.compaction_reclaim_throttle_admit_soft_util",
        Kind::Fraction,
        Preset::Nothing,
        "the pace of compaction",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.compaction_max_hot_drain_span_txids",
        COUNT,
        Preset::Nothing,
        "how compaction works",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.manager_idle_poll_interval_ms",
        MILLIS,
        Preset::Nothing,
        "how often compaction looks for work",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.manager_reclaim_interval_ms",
        MILLIS,
        Preset::Nothing,
        "how often compaction looks for work",
    )
    .without_effect(OTHER_SQLITE),
    Key::upstream(
        "sqlite.pitr.interval_ms",
        MILLIS,
        Preset::Nothing,
        "how often a point to return to is kept",
    )
    .without_effect("no earlier states of databases are kept; back the engine up"),
    Key::upstream(
        "sqlite.pitr.retention_ms",
        MILLIS,
        Preset::Nothing,
        "how long points to return to are kept",
    )
    .without_effect("no earlier states of databases are kept; back the engine up"),
    Key::upstream(
        "features.guard_gateway_v3.mode",
        Kind::Words(&["on", "off", "opportunistic"]),
        Preset::Text("on"),
        "whether bodies are streamed",
    )
    .always("bodies are always streamed"),
    Key::upstream(
        "features.guard_gateway_v3.percentage",
        number(Unit::Count, 100),
        Preset::Number(100),
        "for which share of requests",
    )
    .always("bodies are always streamed"),
    Key::upstream(
        "telemetry.enabled",
        Kind::Bool,
        Preset::Bool(false),
        "whether errors are reported to the authors",
    )
    .always("this engine reports to nobody"),
    Key::upstream("cache.enabled", Kind::Bool, Preset::Nothing, "whether upstream caches")
        .without_effect(ONE_CACHE),
    Key::upstream(
        "cache.driver",
        Kind::Words(&["in_memory"]),
        Preset::Nothing,
        "what upstream caches with",
    )
    .without_effect(ONE_CACHE),
    Key::upstream(
        "memory.channel",
        Kind::Text,
        Preset::Nothing,
        "the name of upstream's channel within the process",
    )
    .needless(NO_CHANNEL),
    Key::upstream(
        "memory.disable_memory_optimization",
        Kind::Bool,
        Preset::Nothing,
        "whether messages go around that channel",
    )
    .without_effect(NO_CHANNEL),
    Key::upstream(
        "logs.redirect_logs_dir",
        Kind::Path,
        Preset::Nothing,
        "a directory for log files",
    )
    .without_effect(LOGS_TO_STDOUT),
    Key::upstream("pyroscope.server_url", Kind::Text, Preset::Nothing, "where profiles are sent")
        .without_effect(NO_PROFILES),
    Key::upstream("pyroscope.sample_rate", COUNT, Preset::Nothing, "how often profiles are taken")
        .without_effect(NO_PROFILES),
];
