//! Progress over bytes: a bar with rate and remaining time on a terminal, plain lines elsewhere.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

/// Between two plain lines: often enough for a CI log, rare enough to read.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// Progress of one piece of work. Finished when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    label: String,
    total: u64,
    done: u64,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines { started: Instant, last: Instant },
    Nothing,
}

impl Progress {
    pub(super) fn start(label: &str, total: u64, terminal: bool, quiet: bool) -> Self {
        let shown = match (quiet, terminal) {
            (true, _) => Shown::Nothing,
            (false, true) => Shown::Bar(bar(label, total)),
            (false, false) => Shown::Lines { started: Instant::now(), last: Instant::now() },
        };
        Self { label: label.to_owned(), total, done: 0, shown }
    }

    /// `bytes` more are done.
    pub(crate) fn advance(&mut self, bytes: u64) {
        self.done += bytes;
        match &mut self.shown {
            Shown::Bar(bar) => bar.set_position(self.done),
            Shown::Lines { started, last } if last.elapsed() >= PLAIN_INTERVAL => {
                *last = Instant::now();
                let line = plain_line(&self.label, self.done, self.total, started.elapsed());
                let _ = writeln!(std::io::stderr(), "{line}");
            }
            Shown::Lines { .. } | Shown::Nothing => (),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        match &self.shown {
            Shown::Bar(bar) => bar.finish_and_clear(),
            Shown::Lines { started, .. } if started.elapsed() >= PLAIN_INTERVAL => {
                let line = plain_line(&self.label, self.done, self.total, started.elapsed());
                let _ = writeln!(std::io::stderr(), "{line}");
            }
            Shown::Lines { .. } | Shown::Nothing => (),
        }
    }
}

fn bar(label: &str, total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{msg} [{bar:30}] {bytes}/{total_bytes} {binary_bytes_per_sec} {eta} left",
    )
    .expect("the template is a constant")
    .progress_chars("=> ");
    ProgressBar::new(total).with_style(style).with_message(label.to_owned())
}

fn plain_line(label: &str, done: u64, total: u64, elapsed: Duration) -> String {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = done.saturating_mul(1000) / millis;
    let left = total.saturating_sub(done).checked_div(rate);
    let left = left.map_or_else(String::new, |seconds| format!(", {seconds} s left"));
    format!("{label}: {} of {}, {}/s{left}", HumanBytes(done), HumanBytes(total), HumanBytes(rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_says_bytes_rate_and_time_left() {
        let line = plain_line("verifying", 1 << 20, 3 << 20, Duration::from_secs(1));
        assert_eq!(line, "verifying: 1.00 MiB of 3.00 MiB, 1.00 MiB/s, 2 s left");
    }
}
