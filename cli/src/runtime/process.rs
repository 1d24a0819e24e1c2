//! Processes by identity rather than by number: a process id alone may have been given to somebody
//! else since it was written down.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::RuntimeError;

/// How often a process that should end is looked at.
const POLL: Duration = Duration::from_millis(50);

/// One process of one boot of this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProcessIdentity {
    /// Its number.
    pub(crate) pid: u32,
    /// When it started, in ticks since boot.
    started: u64,
    /// Which boot that was.
    boot: String,
}

impl ProcessIdentity {
    /// The running process with this number.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        Some(Self { pid, started: start_ticks(pid)?, boot: boot_id() })
    }

    /// This process.
    pub(crate) fn own() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&self) -> bool {
        self.boot == boot_id() && start_ticks(self.pid) == Some(self.started)
    }

    /// Asks it to end, waits, and ends it by force when it does not.
    pub(crate) fn stop(&self, patience: Duration) -> Result<(), RuntimeError> {
        for (signal, patience) in [(Signal::TERM, patience), (Signal::KILL, Duration::from_secs(5))]
        {
            let started = Instant::now();
            self.signal(signal);
            while started.elapsed() < patience {
                if !self.is_alive() {
                    return Ok(());
                }
                std::thread::sleep(POLL);
            }
        }
        Err(RuntimeError::WillNotStop { pid: self.pid, seconds: patience.as_secs() + 5 })
    }

    /// Sends a signal, if it still is the same process.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| self.is_alive()) {
            // It may end on its own between the check and here; then there is nothing to tell.
            let _ = kill_process(pid, signal);
        }
    }
}

/// Field 22 of `/proc/<pid>/stat`; none for a process that ended, reaped or not.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in field 2 may hold spaces and parentheses: count from the last one.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn boot_id() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.map(|id| id.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_was_given_to_another_process_is_not_taken_for_the_first() {
        let own = ProcessIdentity::own().unwrap();
        assert!(own.is_alive());

        assert!(!ProcessIdentity { started: own.started + 1, ..own.clone() }.is_alive());
        assert!(!ProcessIdentity { boot: "another".into(), ..own }.is_alive());
    }

    #[test]
    fn a_process_that_does_not_listen_is_ended_by_force() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "trap '' TERM; while :; do sleep 0.05; done"])
            .spawn()
            .unwrap();
        let identity = ProcessIdentity::of(child.id()).unwrap();

        identity.stop(Duration::from_millis(200)).unwrap();

        assert!(!child.wait().unwrap().success());
    }
}
