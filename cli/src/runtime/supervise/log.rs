//! A log file that is moved aside when it has grown, so that it cannot fill the disk.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
};

use camino::{Utf8Path, Utf8PathBuf};

/// Size at which the file is moved aside.
const ROTATE_AT: u64 = 10 << 20;

/// How many old files are kept.
const KEPT: u32 = 4;

/// The file and its size.
#[derive(Debug)]
pub(super) struct RotatingLog {
    path: Utf8PathBuf,
    file: File,
    size: u64,
    limit: u64,
}

impl RotatingLog {
    /// Opens `path` for appending.
    pub(super) fn open(path: &Utf8Path) -> io::Result<Self> {
        Self::with_limit(path, ROTATE_AT)
    }

    fn with_limit(path: &Utf8Path, limit: u64) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, size, limit })
    }

    /// Appends one line (with its break). A line is never split over two files.
    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.size >= self.limit {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.size += line.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..KEPT).rev() {
            let _ = fs::rename(self.numbered(number), self.numbered(number + 1));
        }
        fs::rename(&self.path, self.numbered(1))?;
        *self = Self::with_limit(&self.path, self.limit)?;
        Ok(())
    }

    fn numbered(&self, number: u32) -> Utf8PathBuf {
        format!("{}.{number}", self.path).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_never_takes_more_than_a_fixed_number_of_files() {
        let dir = camino_tempfile::tempdir().unwrap();
        let path = dir.path().join("engine.log");
        let mut log = RotatingLog::with_limit(&path, 100).unwrap();

        for _ in 0..200 {
            log.write(b"thirty characters of something\n").unwrap();
        }

        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), KEPT as usize + 1);
        assert!(fs::metadata(&path).unwrap().len() <= 131);
    }
}
