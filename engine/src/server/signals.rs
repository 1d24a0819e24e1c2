//! What the system asks of the process: SIGTERM and SIGINT stop it, once more at once; SIGHUP re-reads
//! the tokens.

use std::{io, sync::Arc};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};
use tokio_util::sync::CancellationToken;

/// The signals that are listened to.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    stop: CancellationToken,
    at_once: CancellationToken,
    reload: Arc<Notify>,
}

impl Signals {
    /// Listens; `stop` is cancelled by the first signal that asks for it, `at_once` by the second.
    pub(super) fn listen(stop: CancellationToken, at_once: CancellationToken) -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            stop,
            at_once,
            reload: Arc::default(),
        })
    }

    /// Is notified when the tokens are to be re-read.
    pub(super) fn reload(&self) -> Arc<Notify> {
        Arc::clone(&self.reload)
    }

    /// Hands signals on, for as long as the process runs.
    pub(super) async fn run(mut self) {
        loop {
            let name = tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
                _ = self.hang_up.recv() => {
                    self.reload.notify_one();
                    continue;
                }
            };
            if self.stop.is_cancelled() {
                tracing::warn!(signal = name, "stopping at once");
                self.at_once.cancel();
            } else {
                tracing::info!(signal = name, "stopping: running requests are finished first");
                self.stop.cancel();
            }
        }
    }
}
