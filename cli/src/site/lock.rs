//! Who may work on an install: one process at a time, known by its id.
//!
//! The lock is the kernel's (`flock`), so that it dies with its holder; the id in the file only
//! names the holder in a message.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
};

use camino::Utf8Path;
use rustix::fs::{FlockOperation, flock};

use super::{SiteError, durable};
use crate::error::FileError;

/// Held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Takes our name out of the file, so that a free lock looks like one.
    fn drop(&mut self) {
        // Who cannot write it any more leaves a number behind that names nobody: it only shows up
        // in a message while somebody else holds the lock.
        let _ = self.file.set_len(0);
    }
}

impl Lock {
    /// Takes the lock at `path` or says at once who has it; `what` completes "is working on …".
    pub(crate) fn take(path: &Utf8Path, what: &str) -> Result<Self, SiteError> {
        let mut file = open(path)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut pid = String::new();
            let _ = (&mut file).take(32).read_to_string(&mut pid);
            let pid = pid.trim();
            let pid = if pid.is_empty() { "unknown" } else { pid }.to_owned();
            return Err(SiteError::Busy { what: what.to_owned(), pid });
        }
        // The file may have been removed, with its install, between opening and locking it.
        let inode = |found: std::fs::Metadata| (found.dev(), found.ino());
        let ours = file.metadata().map(inode).map_err(FileError::on("read", path))?;
        if std::fs::metadata(path).map(inode).ok() != Some(ours) {
            return Err(SiteError::Busy {
                what: what.to_owned(),
                pid: "that has just ended".to_owned(),
            });
        }
        sign(&mut file).map_err(FileError::on("write", path))?;
        Ok(Self { file })
    }

    /// Waits for the lock at `path`: for work that takes no longer than a write.
    pub(crate) fn wait(path: &Utf8Path) -> Result<Self, SiteError> {
        let file = open(path)?;
        flock(&file, FlockOperation::LockExclusive)
            .map_err(|error| FileError::on("lock", path)(error.into()))?;
        Ok(Self { file })
    }
}

fn open(path: &Utf8Path) -> Result<File, SiteError> {
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(durable::PRIVATE_FILE)
        .open(path);
    Ok(opened.map_err(FileError::on("open", path))?)
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let dir = camino_tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = Lock::take(&path, "install a").unwrap();

        let second = Lock::take(&path, "install a");

        let ours = std::process::id().to_string();
        assert!(matches!(second, Err(SiteError::Busy { pid, .. }) if pid == ours));
        drop(first);
        assert!(Lock::take(&path, "install a").is_ok());
    }
}
