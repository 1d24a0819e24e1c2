//! Rehearsing a crash: `RIVETCTL_CRASH_AFTER=<step>` and `RIVETCTL_CRASH_BEFORE=<step>` make an
//! install end itself with SIGKILL right after, or right before, that step is recorded. An
//! operator can so see, on a test host, that running the same command again finishes the work.

use rustix::process::{Signal, getpid, kill_process};

/// Ends this process if `RIVETCTL_CRASH_BEFORE` names `step`.
pub(crate) fn before(step: &str) {
    crash_if("RIVETCTL_CRASH_BEFORE", step);
}

/// Ends this process if `RIVETCTL_CRASH_AFTER` names `step`.
pub(crate) fn after(step: &str) {
    crash_if("RIVETCTL_CRASH_AFTER", step);
}

fn crash_if(variable: &str, step: &str) {
    if std::env::var(variable).is_ok_and(|named| named == step) {
        // SIGKILL cannot be caught, so nothing below this line runs.
        let _ = kill_process(getpid(), Signal::KILL);
    }
}
