//! What the kernel says about this process.

use std::{fs, io};

/// What the process uses.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProcessUsage {
    /// Memory that is in use, in bytes.
    pub resident_bytes: u64,
    /// Open files, sockets among them.
    pub open_files: u64,
    /// How many of them there may be.
    pub max_files: u64,
    /// Threads.
    pub threads: u64,
    /// Time on a processor, in seconds.
    pub cpu_seconds: f64,
}

/// How long a tick of the kernel's accounts is, in seconds: it counts a hundred a second on every
/// machine that Linux runs on, whatever its clock does.
const TICK: f64 = 0.01;

impl ProcessUsage {
    /// What this process uses now.
    pub fn now() -> io::Result<Self> {
        let read = |file: &str| fs::read_to_string(format!("/proc/self/{file}"));
        let (resident_bytes, threads) = status(&read("status")?);
        Ok(Self {
            resident_bytes,
            threads,
            // Looking opens one more.
            open_files: fs::read_dir("/proc/self/fd")?.count().saturating_sub(1) as u64,
            max_files: limit(&read("limits")?),
            cpu_seconds: cpu_seconds(&read("stat")?),
        })
    }
}

/// Resident bytes and threads.
fn status(text: &str) -> (u64, u64) {
    let number = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name))?;
        value.split_whitespace().next()?.parse::<u64>().ok()
    };
    (number("VmRSS:").unwrap_or(0) * 1024, number("Threads:").unwrap_or(0))
}

fn limit(text: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    soft.and_then(|soft| soft.parse().ok()).unwrap_or(0)
}

/// The fields behind the name, which may hold anything: user time is the 12th, system time the 13th.
fn cpu_seconds(text: &str) -> f64 {
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * TICK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_read() {
        let (resident, threads) = status("Name:\tx\nVmRSS:\t  2048 kB\nThreads:\t7\n");
        assert_eq!((resident, threads), (2 << 20, 7));
        assert_eq!(limit("Limit  Soft\nMax open files   1024   4096   files\n"), 1024);
        let stat = "7 (a) b) S 1 7 7 0 -1 4 9 0 0 0 150 50 0 0 20 0 4 0 1 2 3";
        assert!((cpu_seconds(stat) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn this_process_uses_something() {
        let usage = ProcessUsage::now().unwrap();

        assert!(usage.resident_bytes > 1 << 20 && usage.threads > 0, "{usage:?}");
        assert!(usage.open_files > 0 && usage.max_files >= usage.open_files, "{usage:?}");
    }
}
