//! Writes that are either wholly there after a crash or not there at all.
//!
//! A file is written under another name in the same directory, synced, renamed over its target,
//! and the directory is synced too: without the last step the name itself may be lost.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
};

use camino::{Utf8Path, Utf8PathBuf};

use crate::error::FileError;

/// Mode of everything that holds or leads to a secret.
pub(crate) const PRIVATE_FILE: u32 = 0o600;
/// Mode of files that containers of another user read.
pub(crate) const READABLE_FILE: u32 = 0o644;
/// Mode of programs.
pub(crate) const PROGRAM: u32 = 0o755;
/// Mode of our own directories.
pub(crate) const PRIVATE_DIR: u32 = 0o700;
/// Mode of directories that are mounted into containers of another user.
pub(crate) const READABLE_DIR: u32 = 0o755;

/// Writes `bytes` to `path` with `mode`.
pub(crate) fn write(path: &Utf8Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    write_from(path, mode, |file| file.write_all(bytes))
}

/// Lets `fill` write the content of `path`; nothing appears under that name unless it succeeds.
pub(crate) fn write_from(
    path: &Utf8Path,
    mode: u32,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), FileError> {
    let temporary = temporary_name(path);
    let _ = fs::remove_file(&temporary); // Left by a run that was killed.
    let written = (|| {
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(&temporary)?;
        fill(&mut file)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_parent(path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(FileError::on("write", path))
}

/// Makes `path` (its parent exists) and gives it `mode`; an existing directory keeps its content.
pub(crate) fn create_dir(path: &Utf8Path, mode: u32) -> Result<(), FileError> {
    let made = match fs::DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other,
    };
    made.and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .and_then(|()| sync_parent(path))
        .map_err(FileError::on("create directory", path))
}

/// Points the symbolic link `link` at `target`, replacing it in one step.
pub(crate) fn switch_link(link: &Utf8Path, target: &Utf8Path) -> Result<(), FileError> {
    let temporary = temporary_name(link);
    let _ = fs::remove_file(&temporary);
    std::os::unix::fs::symlink(target, &temporary)
        .and_then(|()| fs::rename(&temporary, link))
        .and_then(|()| sync_parent(link))
        .map_err(FileError::on("switch", link))
}

/// Removes a file; one that is not there is as good as removed.
pub(crate) fn remove_file(path: &Utf8Path) -> Result<(), FileError> {
    absent_is_fine(fs::remove_file(path)).map_err(FileError::on("remove", path))
}

/// Removes a directory with everything in it; one that is not there is as good as removed.
pub(crate) fn remove_dir(path: &Utf8Path) -> Result<(), FileError> {
    absent_is_fine(fs::remove_dir_all(path)).map_err(FileError::on("remove", path))
}

/// Reads a file, or nothing when there is none.
pub(crate) fn read_if_there(path: &Utf8Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::on("read", path)(error)),
    }
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn temporary_name(path: &Utf8Path) -> Utf8PathBuf {
    path.with_file_name(format!(".{}.new", path.file_name().unwrap_or("file")))
}

fn sync_parent(path: &Utf8Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_content() {
        let dir = camino_tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        write(&path, b"old", PRIVATE_FILE).unwrap();

        let failed = write_from(&path, PRIVATE_FILE, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("pulled plug"))
        });

        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_secret_is_never_readable_by_others_not_even_for_a_moment() {
        let dir = camino_tempfile::tempdir().unwrap();
        let path = dir.path().join("token");

        write_from(&path, PRIVATE_FILE, |file| {
            assert_eq!(file.metadata()?.permissions().mode() & 0o777, 0o600);
            file.write_all(b"secret")
        })
        .unwrap();

        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
