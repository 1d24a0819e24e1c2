//! One finished run of a program.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Exit status and everything that was printed.
#[derive(Debug)]
pub struct Run {
    /// Exit status; negative when a signal ended it.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Runs `command` to its end without any input.
    pub fn of(command: &mut Command) -> Self {
        let output = command.stdin(Stdio::null()).output().unwrap();
        Self::from_output(&output)
    }

    fn from_output(output: &Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        let status =
            output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or(i32::MAX));
        Self {
            status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Insists on success.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 0, "{}{}", self.stdout, self.stderr);
        self
    }

    /// Insists on a refusal with this exit status and code.
    #[track_caller]
    pub fn refused(self, status: i32, code: &str) -> Self {
        assert_eq!(self.status, status, "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.contains(&format!("error[{code}]")), "{}", self.stderr);
        self
    }

    /// The `result` of the JSON document that `--json` printed.
    #[track_caller]
    pub fn result(&self) -> Value {
        let document: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr));
        document["result"].clone()
    }
}
