//! A directory that is gone when its owner is, even when the test program is killed.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// Reads until its input ends, which is when the owner drops it or dies.
const CLEANER: &str = r#"cat >/dev/null; sleep 1; umount -l "$1/data" 2>/dev/null; rm -rf "$1""#;

/// A directory. Set `RIVET_CONFORMANCE_KEEP` to look at it afterwards.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    cleaner: Option<Child>,
}

impl Home {
    /// A new, empty one.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            env::temp_dir().join(format!("rivet-conformance-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        let cleaner = env::var_os("RIVET_CONFORMANCE_KEEP").is_none().then(|| {
            let mut command = Command::new("sh");
            command.args(["-c", CLEANER, "sh"]).arg(&path).stdin(Stdio::piped());
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        });
        Self { path, cleaner }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Closing its input is all; it cleans up on its own.
        if let Some(cleaner) = &mut self.cleaner {
            drop(cleaner.stdin.take());
        }
    }
}
