//! How much there is of everything: looked up when somebody asks, not counted along the way.

use prometheus::{Counter, IntCounterVec, IntGauge, IntGaugeVec};

use super::{families::Families, lines, process::ProcessUsage};
use crate::storage::StorageFigures;

/// How much there is at one moment.
#[derive(Debug, Default)]
pub struct Levels {
    /// The names of all checks of readiness, and whether they hold.
    pub checks: Vec<(&'static str, bool)>,
    /// Whether the engine was asked to drain.
    pub draining: bool,
    /// Actors, by state.
    pub actors: Vec<(&'static str, u64)>,
    /// Actors that are on envoys.
    pub slots: u64,
    /// Actors whose time has come, and whose step has not begun.
    pub overdue: u64,
    /// What the store says about itself.
    pub storage: StorageFigures,
    /// What the process uses.
    pub process: ProcessUsage,
}

/// The metrics that show it.
#[derive(Debug)]
pub(super) struct LevelGauges {
    ready: IntGauge,
    checks: IntGaugeVec,
    draining: IntGauge,
    actors: IntGaugeVec,
    slots: IntGauge,
    overdue: IntGauge,
    storage: Vec<(IntGauge, OfStorage)>,
    log_lines: IntCounterVec,
    process: Vec<(IntGauge, OfProcess)>,
    cpu_seconds: Counter,
}

/// Where a gauge finds its value.
type OfStorage = fn(&StorageFigures) -> u64;
type OfProcess = fn(&ProcessUsage) -> u64;

/// A gauge: its name, what it says, and where it finds its value.
type StorageGauge = (&'static str, &'static str, OfStorage);
type ProcessGauge = (&'static str, &'static str, OfProcess);

const STORAGE: [StorageGauge; 14] = [
    ("storage_table_bytes", "Bytes in the files of the store.", |f| f.table_bytes),
    ("storage_live_bytes", "Of them, bytes of rows that are still there, estimated.", |f| {
        f.live_bytes
    }),
    ("storage_wal_bytes", "Bytes in the write-ahead log.", |f| f.wal_bytes),
    ("storage_buffer_bytes", "Bytes in memory on their way to files.", |f| f.buffer_bytes),
    ("storage_cache_bytes", "Bytes of files that are kept in memory.", |f| f.cache_bytes),
    ("storage_rows", "Rows in the store, estimated.", |f| f.rows),
    ("storage_level0_files", "Files that are not yet sorted into the others.", |f| f.level0_files),
    ("storage_compaction_pending_bytes", "Bytes that are to be rewritten, estimated.", |f| {
        f.compaction_pending_bytes
    }),
    ("storage_compactions", "Rewrites that run.", |f| f.compactions),
    ("storage_flushes", "Buffers that are being written out.", |f| f.flushes),
    ("storage_write_stopped", "1 while the store takes no writes until it has caught up.", |f| {
        f.write_stopped
    }),
    ("storage_background_errors", "Errors of rewrites since the start.", |f| f.background_errors),
    ("storage_disk_free_bytes", "Free bytes of the file system with the data.", |f| f.disk_free),
    ("storage_disk_size_bytes", "Its size in bytes.", |f| f.disk_size),
];

const PROCESS: [ProcessGauge; 4] = [
    ("process_resident_memory_bytes", "Memory in use.", |usage| usage.resident_bytes),
    ("process_open_fds", "Open files and sockets.", |usage| usage.open_files),
    ("process_max_fds", "How many of them there may be.", |usage| usage.max_files),
    ("process_threads", "Threads.", |usage| usage.threads),
];

impl LevelGauges {
    /// Their metrics: those of the engine, and those that every process has under the same name.
    pub(super) fn new(own: &mut Families, usual: &mut Families) -> Result<Self, prometheus::Error> {
        let ready = own.gauge("ready", "1 when the engine can do its work, as /ready says.")?;
        let checks = own.gauges("ready_check", "1 when this check of /ready holds.", &["check"])?;
        let draining =
            own.gauge("draining", "1 while the engine drains, as /admin/drain asked for.")?;
        let actors = own.gauges(
            "actors",
            "Actors, by state. Those that sleep are counted once a minute, and up to 100000.",
            &["state"],
        )?;
        let slots = own.gauge("envoy_slots", "Actors that are placed on envoys.")?;
        let overdue = own.gauge(
            "actor_timers_overdue",
            "Actors whose alarm or deadline has come and was not yet acted on.",
        )?;
        let mut storage = Vec::with_capacity(STORAGE.len());
        for (name, help, read) in STORAGE {
            storage.push((own.gauge(name, help)?, read));
        }
        let log_lines =
            own.counters("log_lines_total", "Log lines written, by level.", &["level"])?;
        let mut process = Vec::with_capacity(PROCESS.len());
        for (name, help, read) in PROCESS {
            process.push((usual.gauge(name, help)?, read));
        }
        let cpu_seconds = usual.fractions("process_cpu_seconds_total", "Time on a processor.")?;
        Ok(Self {
            ready,
            checks,
            draining,
            actors,
            slots,
            overdue,
            storage,
            log_lines,
            process,
            cpu_seconds,
        })
    }

    /// Shows these.
    pub(super) fn show(&self, levels: &Levels) {
        let all = levels.checks.iter().all(|(_, holds)| *holds);
        self.ready.set(i64::from(all && !levels.checks.is_empty()));
        for (check, holds) in &levels.checks {
            self.checks.with_label_values(&[check]).set(i64::from(*holds));
        }
        self.draining.set(i64::from(levels.draining));
        for (state, count) in &levels.actors {
            self.actors.with_label_values(&[state]).set(signed(*count));
        }
        self.slots.set(signed(levels.slots));
        self.overdue.set(signed(levels.overdue));
        for (gauge, read) in &self.storage {
            gauge.set(signed(read(&levels.storage)));
        }
        for (gauge, read) in &self.process {
            gauge.set(signed(read(&levels.process)));
        }
        let more = levels.process.cpu_seconds - self.cpu_seconds.get();
        if more > 0.0 {
            self.cpu_seconds.inc_by(more);
        }
        for (level, lines) in lines::written() {
            let counter = self.log_lines.with_label_values(&[level]);
            counter.inc_by(lines.saturating_sub(counter.get()));
        }
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
