//! Which engine is under test, and whose it is.

use std::{env, path::PathBuf};

/// Whose engine is under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// The published one that the tests are proven against.
    Upstream,
    /// The one in this repository.
    Ours,
}

/// Whose engine is under test: `RIVET_CONFORMANCE_FLAVOUR=upstream`, or ours.
pub fn flavor() -> Flavor {
    match env::var("RIVET_CONFORMANCE_FLAVOUR").as_deref() {
        Ok("upstream") => Flavor::Upstream,
        Ok("ours") | Err(_) => Flavor::Ours,
        Ok(other) => panic!("RIVET_CONFORMANCE_FLAVOUR is {other}, not upstream or ours"),
    }
}

/// The program under test: `RIVET_CONFORMANCE_ENGINE`, or what the workspace builds.
pub fn engine() -> PathBuf {
    let path = env::var_os("RIVET_CONFORMANCE_ENGINE")
        .map_or_else(|| beside_this_test().join("rivet-engine"), PathBuf::from);
    assert!(
        path.exists(),
        "{} is missing: build the workspace, or name an engine in RIVET_CONFORMANCE_ENGINE",
        path.display()
    );
    path
}

/// `target/<triple>/<profile>/deps/<this test>`, two levels up.
fn beside_this_test() -> PathBuf {
    let mut directory = env::current_exe().unwrap();
    directory.pop();
    directory.pop();
    directory
}
