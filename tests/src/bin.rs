//! Where the programs under test come from, and with which environment they run.
//!
//! `scripts/test` builds them and says where they are; without it they are looked for beside the
//! running test, where `cargo build --release --workspace` puts them.

use std::{env, path::PathBuf, process::Command};

/// A command that runs `rivetctl` with none of the caller's environment.
pub fn rivetctl() -> Command {
    bare(path("rivetctl"))
}

/// A command that runs `program` with nothing of the caller's environment but the path.
pub fn bare(program: impl Into<PathBuf>) -> Command {
    let mut command = Command::new(program.into());
    command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
    command
}

/// The file of one of our programs.
pub fn path(name: &str) -> PathBuf {
    let directory =
        env::var_os("RIVETCTL_TEST_BIN_DIR").map_or_else(beside_this_test, PathBuf::from);
    let path = directory.join(name);
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --release --workspace`",
        path.display()
    );
    path
}

/// A host that `scripts/test` has made, by the variable that names it.
pub(crate) fn host(variable: &str) -> PathBuf {
    let dir = env::var_os(variable).map(PathBuf::from);
    dir.unwrap_or_else(|| {
        panic!("{variable} is not set: run scripts/test, which makes the hosts that stories need")
    })
}

/// `target/<triple>/<profile>/deps/<this test>`, two levels up.
fn beside_this_test() -> PathBuf {
    let mut directory = env::current_exe().unwrap();
    directory.pop();
    directory.pop();
    directory
}
