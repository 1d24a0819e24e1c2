//! Processes that end with the test program, however that ends.
//!
//! Tests share an engine through a static, which is never dropped, and a test program may be killed.
//! So a shell stands between: when its input ends, it kills the process group that it started.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::wait::DEADLINE;

/// `$1` is the log; the rest is the command. Prints the process id, and exits as the command does.
const SUPERVISE: &str = r#"
log=$1; shift
exec 3<&0
setsid "$@" 3<&- </dev/null >>"$log" 2>&1 &
pid=$!
echo "$pid"
{ cat <&3 >/dev/null; kill -s KILL -- "-$pid"; } >/dev/null 2>&1 &
guard=$!
wait "$pid"
status=$?
kill "$guard" 2>/dev/null
exit "$status"
"#;

/// A running process and all that it started itself.
#[derive(Debug)]
pub struct Supervised {
    shell: Child,
    pid: u32,
}

impl Supervised {
    /// Starts `command` with exactly its own environment; what it says goes to `log`.
    pub fn start(command: &Command, log: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", SUPERVISE, "sh"]).arg(log).arg(command.get_program());
        shell.args(command.get_args()).env_clear();
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        if let Some(directory) = command.get_current_dir() {
            shell.current_dir(directory);
        }
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut shell = shell.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { shell, pid: line.trim().parse().unwrap() }
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, when it has.
    pub fn ended(&mut self) -> Option<i32> {
        self.shell.try_wait().unwrap().map(|status| status.code().unwrap_or(-1))
    }

    /// Ends it at once, as a crash would, with all that it started.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            let _ = kill_process_group(self.id(), Signal::KILL);
            self.shell.wait().unwrap();
        }
    }

    /// Asks it to end, and waits until it has.
    pub async fn terminate(&mut self) -> i32 {
        let _ = kill_process(self.id(), Signal::TERM);
        let start = std::time::Instant::now();
        loop {
            if let Some(code) = self.ended() {
                return code;
            }
            assert!(start.elapsed() < DEADLINE, "process {} does not end", self.pid);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn id(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.pid).unwrap()).unwrap()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.kill();
    }
}
