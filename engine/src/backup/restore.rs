//! Brings the data of an archive back, into a directory that has none.
//!
//! The files go into a directory beside the place of the database, which becomes the database by a
//! rename, when every byte was checked, the database opens, and everything is on disk. An engine does
//! not start on a directory in which that has not happened yet.

use std::{
    fs::{self, DirBuilder, File as Handle, OpenOptions},
    io::{self, Read, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{File, Manifest, Receiver, RestoreError, read};
use crate::storage::{DirectoryLock, LOCK_FILE, UNFINISHED, check_database, database_dir};

/// What is left free on a disk, in bytes: the engine needs room to start.
const RESERVE: u64 = 64 << 20;

/// Checks `archive`, and makes `dir` a data directory with what is in it. `dir` must be empty, or not
/// there; what an interrupted restore has left in it is replaced.
pub fn restore(archive: impl Read, dir: &Path) -> Result<Manifest, RestoreError> {
    let _lock = DirectoryLock::take_for_restore(dir)?;
    refuse_content(dir)?;
    let unfinished = dir.join(UNFINISHED);
    let unwritten = |path: &Path| {
        let path = path.to_owned();
        move |source| RestoreError::Unwritten { path, source }
    };
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(unwritten(&unfinished))?;
    }
    DirBuilder::new().mode(0o700).create(&unfinished).map_err(unwritten(&unfinished))?;
    let restored = fill(archive, dir, &unfinished);
    if restored.is_err() {
        // The reason why it failed is worth more than that cleaning up failed, too: the engine does
        // not start on what is left.
        let _ = fs::remove_dir_all(&unfinished);
    }
    restored
}

fn fill(archive: impl Read, dir: &Path, unfinished: &Path) -> Result<Manifest, RestoreError> {
    let mut unpacking = Unpacking { dir: dir.to_owned(), into: unfinished.to_owned(), file: None };
    let manifest = read(archive, &mut unpacking)?;
    let unwritten = |path: &Path| {
        let path = path.to_owned();
        move |source| RestoreError::Unwritten { path, source }
    };
    let found = check_database(unfinished)?.format;
    if found != manifest.data_format {
        return Err(RestoreError::OtherFormat { stated: manifest.data_format, found });
    }
    sync(unfinished).map_err(unwritten(unfinished))?;
    fs::rename(unfinished, database_dir(dir)).map_err(unwritten(unfinished))?;
    sync(dir).map_err(unwritten(dir))?;
    Ok(manifest)
}

/// Refuses a directory with anything in it but what this module leaves there itself.
fn refuse_content(dir: &Path) -> Result<(), RestoreError> {
    let unwritten = |source| RestoreError::Unwritten { path: dir.to_owned(), source };
    for entry in fs::read_dir(dir).map_err(unwritten)? {
        let name = entry.map_err(unwritten)?.file_name();
        // A volume that was just made has the last one.
        if name != LOCK_FILE && name != UNFINISHED && name != "lost+found" {
            let found = name.to_string_lossy().escape_debug().to_string();
            return Err(RestoreError::NotEmpty { dir: dir.to_owned(), found });
        }
    }
    Ok(())
}

fn sync(dir: &Path) -> io::Result<()> {
    Handle::open(dir)?.sync_all()
}

/// Writes files, each to the disk before the next one begins.
struct Unpacking {
    dir: PathBuf,
    into: PathBuf,
    file: Option<(Handle, PathBuf)>,
}

impl Unpacking {
    fn with_file(
        &mut self,
        act: impl FnOnce(&mut Handle) -> io::Result<()>,
    ) -> Result<(), RestoreError> {
        match &mut self.file {
            None => Ok(()),
            Some((file, path)) => {
                act(file).map_err(|source| RestoreError::Unwritten { path: path.clone(), source })
            }
        }
    }
}

impl Receiver for Unpacking {
    type Error = RestoreError;

    fn begin(&mut self, manifest: &Manifest) -> Result<(), RestoreError> {
        let unwritten = |source: rustix::io::Errno| RestoreError::Unwritten {
            path: self.dir.clone(),
            source: source.into(),
        };
        let disk = rustix::fs::statvfs(&self.dir).map_err(unwritten)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let needed = manifest.data_bytes().saturating_add(RESERVE);
        if free < needed {
            return Err(RestoreError::NoRoom { dir: self.dir.clone(), free, needed });
        }
        Ok(())
    }

    fn file(&mut self, file: &File) -> Result<(), RestoreError> {
        let path = self.into.join(file.name.as_str());
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let opened =
            opened.map_err(|source| RestoreError::Unwritten { path: path.clone(), source })?;
        self.file = Some((opened, path));
        Ok(())
    }

    fn piece(&mut self, piece: &[u8]) -> Result<(), RestoreError> {
        self.with_file(|file| file.write_all(piece))
    }

    fn end_of_file(&mut self) -> Result<(), RestoreError> {
        self.with_file(|file| file.sync_all())
    }
}

#[cfg(test)]
mod tests;
