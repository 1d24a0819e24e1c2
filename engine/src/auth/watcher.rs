//! Keeps the gate's tokens those of the token file, while the process runs.
//!
//! The file is looked at every second, because not every file system (and no secret mounted into a
//! container) tells when it changes. New content that is no token file changes nothing.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
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

/// Re-reads the token file.
#[derive(Debug)]
pub struct TokenFileWatcher {
    path: PathBuf,
    gate: Gate,
    /// The state of the file when its tokens were taken over.
    taken: Option<Stamp>,
    /// The last failure that was logged: once is enough.
    reported: Option<String>,
}

impl TokenFileWatcher {
    /// Reads the file for the first time; without its tokens the engine does not start.
    pub(super) fn start(path: PathBuf, gate: Gate) -> Result<Self, TokenFileError> {
        // The stamp first: a change between the two is then seen in the next round.
        let taken = Stamp::of(&path)?;
        gate.replace_tokens(file::read(&path, AcceptedToken::new)?);
        Ok(Self { path, gate, taken: Some(taken), reported: None })
    }

    /// Looks at the file every second, and at once when `reload` says so, until `stop`.
    pub async fn run(mut self, stop: CancellationToken, reload: &tokio::sync::Notify) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = reload.notified() => self.taken = None,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            self.look();
        }
    }

    /// Takes the file's tokens over when it has changed.
    pub(super) fn look(&mut self) {
        let stamp = Stamp::of(&self.path);
        if let (Ok(stamp), Some(taken)) = (&stamp, &self.taken)
            && stamp == taken
        {
            return;
        }
        match stamp.map_err(TokenFileError::from).and_then(|stamp| {
            let tokens = file::read(&self.path, AcceptedToken::new)?;
            Ok((stamp, tokens))
        }) {
            Ok((stamp, tokens)) => {
                let count = tokens.len();
                self.gate.replace_tokens(tokens);
                self.taken = Some(stamp);
                self.reported = None;
                self.gate.metrics().tokens_reloaded("taken");
                tracing::info!(path = %self.path.display(), tokens = count, "token file re-read");
            }
            Err(error) => self.keep(&error),
        }
    }

    fn keep(&mut self, error: &TokenFileError) {
        let reason = error.to_string();
        if self.reported.as_ref() != Some(&reason) {
            self.gate.metrics().tokens_reloaded("refused");
            tracing::error!(
                path = %self.path.display(),
                error = %reason,
                "the token file changed and cannot be used: the tokens before it stay valid"
            );
            self.reported = Some(reason);
        }
    }
}
