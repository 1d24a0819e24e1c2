//! The data directory: made private, recognised, and open in one process at a time.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use super::OpenError;

pub(crate) const LOCK_FILE: &str = "engine.lock";

/// A file that every RocksDB directory has: at the top level it means somebody else's database.
const FOREIGN: &str = "CURRENT";

/// Where a restore puts the database until it is whole.
pub(crate) const UNFINISHED: &str = "rocksdb.restoring";

/// The right to use a directory. The system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Creates `dir` where it is missing, and takes the right to use the data in it.
    pub(super) fn take(dir: &Path) -> Result<Self, OpenError> {
        let lock = Self::take_for_restore(dir)?;
        if dir.join(UNFINISHED).exists() {
            return Err(OpenError::Unfinished { dir: dir.to_owned() });
        }
        Ok(lock)
    }

    /// Creates `dir` where it is missing, and takes the right to put data into it.
    pub(crate) fn take_for_restore(dir: &Path) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Directory { dir: dir.to_owned(), source };
        create(dir).map_err(unusable)?;
        if dir.join(FOREIGN).exists() {
            return Err(OpenError::Foreign { dir: dir.to_owned(), found: FOREIGN });
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(dir.join(LOCK_FILE))
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = owner(&mut file);
                return Err(OpenError::Locked { dir: dir.to_owned(), owner });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        note_owner(&mut file).map_err(unusable)?;
        Ok(Self { _file: file })
    }
}

/// Creates `dir` for this user alone, and makes sure that a power loss does not undo it.
fn create(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    match fs::canonicalize(dir)?.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn note_owner(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {}", std::process::id())
}

fn owner(file: &mut File) -> String {
    let mut text = String::new();
    let known = file.take(64).read_to_string(&mut text).is_ok() && !text.trim().is_empty();
    if known { text.trim().escape_default().to_string() } else { "unknown".to_owned() }
}
