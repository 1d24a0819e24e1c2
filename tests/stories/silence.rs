//! Checking a bundle touches nothing: no file is written, no socket is opened, on a host that has
//! neither a network nor a place to write.

use std::{fs, process::Command};

use rivetctl_e2e::{bin, corpus::Good, run::Run};

/// Calls that change a file system or reach for the network.
const TOLD: [&str; 19] = [
    "socket",
    "creat",
    "mkdir",
    "mkdirat",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "truncate",
    "ftruncate",
    "chmod",
    "fchmod",
    "fchmodat",
];

#[test]
fn verify_writes_no_file_and_opens_no_socket() {
    let good = Good::pack();
    let scratch = camino_tempfile::tempdir().unwrap();
    let (bundle, log) = (scratch.path().join("good.rvb"), scratch.path().join("calls"));
    fs::write(&bundle, good.bytes()).unwrap();

    Run::of(
        Command::new("unshare")
            .args(["--net", "strace", "--follow-forks", "--trace=%file,%network,%desc"])
            .args(["--output", log.as_str()])
            .arg(bin::path("rivetctl"))
            .args(["verify", bundle.as_str()])
            .args(["--root-fingerprint", &good.fingerprint().to_string()]),
    )
    .ok();

    let calls = fs::read_to_string(&log).unwrap();
    assert!(calls.contains(bundle.as_str()), "the log does not show the program at work");
    let told: Vec<&str> = calls.lines().filter(|call| is_told(call)).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// Whether a call reaches for the network or changes a file. A line is `PID  NAME(ARGUMENTS) = RESULT`.
fn is_told(line: &str) -> bool {
    let call = line.split_once(' ').map_or(line, |(_, call)| call.trim_start());
    let name = call.split('(').next().unwrap_or(call);
    let to_write = ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| call.contains(flag));
    TOLD.contains(&name) || (name.starts_with("open") && to_write)
}
