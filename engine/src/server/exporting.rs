//! The task that sends traces and metrics, where somebody wants that.

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{telemetry::otel::Exporter, vitals::Vitals};

/// An exporter at work, or none.
#[derive(Debug)]
pub(super) struct Exporting {
    task: Option<JoinHandle<()>>,
    end: CancellationToken,
}

impl Exporting {
    /// Has `exporter` send what is traced, and what `vitals` show.
    pub(super) fn begin(exporter: Option<Exporter>, vitals: &Vitals) -> Self {
        let end = CancellationToken::new();
        let task = exporter.map(|exporter| {
            let (vitals, end) = (vitals.clone(), end.clone());
            let gather = move || {
                let vitals = vitals.clone();
                async move { vitals.gather().await }
            };
            tokio::spawn(exporter.run(gather, end))
        });
        Self { task, end }
    }

    /// Waits until the last of it is sent, for as long as the exporter takes for that.
    pub(super) async fn finish(self) {
        self.end.cancel();
        if let Some(task) = self.task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the exporter ended early: please report this");
        }
    }
}
