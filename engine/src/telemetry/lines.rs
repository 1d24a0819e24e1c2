//! Counts log lines: a rising number of warnings is worth an alert before anybody reads them.

use std::sync::atomic::{AtomicU64, Ordering};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{Layer, layer::Context};

/// The levels, and how many lines of each were written. Of the process, as its output is.
static LINES: [(Level, &str, AtomicU64); 5] = [
    (Level::ERROR, "error", AtomicU64::new(0)),
    (Level::WARN, "warn", AtomicU64::new(0)),
    (Level::INFO, "info", AtomicU64::new(0)),
    (Level::DEBUG, "debug", AtomicU64::new(0)),
    (Level::TRACE, "trace", AtomicU64::new(0)),
];

/// How many lines of each level this process has written.
pub(super) fn written() -> impl Iterator<Item = (&'static str, u64)> {
    LINES.iter().map(|(_, name, lines)| (*name, lines.load(Ordering::Relaxed)))
}

/// Counts what passes the filter that it stands behind.
#[derive(Debug)]
pub(super) struct CountLines;

impl<S: Subscriber> Layer<S> for CountLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = event.metadata().level();
        if let Some((.., lines)) = LINES.iter().find(|(of, ..)| of == level) {
            lines.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn each_line_is_counted_under_its_level() {
        let count = |name| written().find(|(of, _)| *of == name).map_or(0, |(_, lines)| lines);
        let before = count("warn");

        tracing::subscriber::with_default(tracing_subscriber::registry().with(CountLines), || {
            tracing::warn!("one");
            tracing::warn!("two");
        });

        assert!(count("warn") >= before + 2);
    }
}
