//! What follows from what the store does.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    storage::{GroupReport, StorageObserver},
    telemetry::Metrics,
};

/// Counts what the storage does, and ends the process when it fails.
#[derive(Debug)]
pub(super) struct Observer {
    pub(super) metrics: Arc<Metrics>,
    pub(super) failed: CancellationToken,
}

impl StorageObserver for Observer {
    fn group_committed(&self, report: GroupReport) {
        self.metrics.group_committed(report);
    }

    fn refused_for_want_of_room(&self, commits: usize) {
        self.metrics.refused_for_want_of_room(commits);
    }

    fn read_failed(&self) {
        self.metrics.read_failed();
    }

    fn storage_failed(&self) {
        self.metrics.storage_failed();
        self.failed.cancel();
    }
}
