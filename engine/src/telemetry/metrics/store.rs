//! What is counted of the store.

use prometheus::{Histogram, IntCounter, IntCounterVec};

use super::Metrics;
use crate::{
    storage::{GroupReport, StorageObserver},
    telemetry::families::Families,
};

const COMMITS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Its counters.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) commits: IntCounterVec,
    group_commits: Histogram,
    pub(super) sync_seconds: Histogram,
    commit_seconds: Histogram,
    failures: IntCounter,
    read_failures: IntCounter,
}

impl Store {
    pub(super) fn new(own: &mut Families) -> Result<Self, prometheus::Error> {
        Ok(Self {
            commits: own.counters(
                "storage_commits_total",
                "Commits of the store, by outcome.",
                &["outcome"],
            )?,
            group_commits: own.histogram(
                "storage_group_commits",
                "Commits that shared one write.",
                COMMITS,
            )?,
            sync_seconds: own.seconds(
                "storage_write_duration_seconds",
                "Time of one write to the store, including its sync.",
            )?,
            commit_seconds: own.seconds(
                "storage_commit_duration_seconds",
                "Time of the commit of a group that waited longest: in the queue, and for its write.",
            )?,
            failures: own
                .counter("storage_failures_total", "Writes that failed: each ends the process.")?,
            read_failures: own.counter(
                "storage_read_failures_total",
                "Reads of the store that failed: its data or the disk is damaged.",
            )?,
        })
    }
}

impl StorageObserver for Metrics {
    fn group_committed(&self, report: GroupReport) {
        let outcomes = [
            ("committed", report.committed),
            ("conflict", report.conflicts),
            ("failed", report.failed),
        ];
        for (outcome, commits) in outcomes {
            let commits = u64::try_from(commits).unwrap_or(u64::MAX);
            self.store.commits.with_label_values(&[outcome]).inc_by(commits);
        }
        if let Ok(commits) = u32::try_from(report.committed)
            && commits > 0
        {
            self.store.group_commits.observe(f64::from(commits));
            self.store.sync_seconds.observe(report.duration.as_secs_f64());
            self.store.commit_seconds.observe(report.waited.as_secs_f64());
        }
    }

    fn refused_for_want_of_room(&self, commits: usize) {
        let commits = u64::try_from(commits).unwrap_or(u64::MAX);
        self.store.commits.with_label_values(&["full"]).inc_by(commits);
    }

    fn read_failed(&self) {
        self.store.read_failures.inc();
    }

    fn storage_failed(&self) {
        self.store.failures.inc();
    }
}
