//! Keeps the gate's tokens those of the token file, while the process runs.
//!
//! The file is looked at every second, because not every file system (and no secret mounted into a
//! container) tells when it changes; and whoever has changed it can have it read at once. New content
//! that is no token file changes nothing.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{AcceptedToken, Gate, TokenFileError, file};

const INTERVAL: Duration = Duration::from_secs(1);

/// What changes when a file does, whether it is replaced or written in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

/// The token file, and which state of it is in force; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct TokenFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    gate: Gate,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    /// The state of the file when its tokens were taken over.
    taken: Option<Stamp>,
    /// The last failure that was logged: once is enough, whoever reads the file.
    reported: Option<String>,
}

impl TokenFile {
    /// Reads the file for the first time; without its tokens the engine does not start.
    pub(super) fn start(path: PathBuf, gate: Gate) -> Result<Self, TokenFileError> {
        // The stamp first: a change between the two is then seen in the next round.
        let taken = Stamp::of(&path)?;
        gate.replace_tokens(file::read(&path, AcceptedToken::new)?);
        let seen = Mutex::new(Seen { taken: Some(taken), reported: None });
        Ok(Self(Arc::new(Inner { path, gate, seen })))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Looks at the file every second, and reads it at once when `reload` says so, until `stop`.
    pub async fn watch(self, stop: CancellationToken, reload: &tokio::sync::Notify) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = reload.notified() => self.seen().taken = None,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            self.look();
        }
    }

    /// Takes the file's tokens over when it has changed.
    pub(super) fn look(&self) {
        let mut seen = self.seen();
        if let (Ok(stamp), Some(taken)) = (Stamp::of(&self.0.path), seen.taken)
            && stamp == taken
        {
            return;
        }
        // What is wrong with it has been logged, and there is nobody to tell.
        let _ = self.take(&mut seen);
    }

    /// Takes the file's tokens over now, whether it seems to have changed or not. It waits for the
    /// disk.
    pub fn read(&self) -> Result<(), TokenFileError> {
        self.take(&mut self.seen())
    }

    fn take(&self, seen: &mut Seen) -> Result<(), TokenFileError> {
        let Inner { path, gate, .. } = &*self.0;
        let read = Stamp::of(path).map_err(TokenFileError::from).and_then(|stamp| {
            let tokens = file::read(path, AcceptedToken::new)?;
            Ok((stamp, tokens))
        });
        let (stamp, tokens) = read.inspect_err(|error| self.keep(seen, error))?;
        let count = tokens.len();
        gate.replace_tokens(tokens);
        seen.reported = None;
        // Of one change there is one report, whoever comes first.
        if seen.taken.replace(stamp) != Some(stamp) {
            gate.metrics().tokens_reloaded("taken");
            tracing::info!(path = %path.display(), tokens = count, "token file re-read");
        }
        Ok(())
    }

    fn keep(&self, seen: &mut Seen, error: &TokenFileError) {
        let reason = error.to_string();
        if seen.reported.as_ref() != Some(&reason) {
            self.0.gate.metrics().tokens_reloaded("refused");
            tracing::error!(
                path = %self.0.path.display(),
                error = %reason,
                "the token file changed and cannot be used: the tokens before it stay valid"
            );
            seen.reported = Some(reason);
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // What is in it is true after every assignment.
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
