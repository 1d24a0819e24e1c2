//! The content-addressed cache that all bundles of a host share: what a Docker daemon or npm had
//! to send once is not sent again.
//!
//! A file's name is its digest and it appears by rename, so a half-written one never has a name.
//! Nobody trusts it for that: the packer hashes every byte it takes out.

use std::{
    fs::File,
    io::{self, Read, Write},
};

use bundle_spec::Sha256Digest;
use camino::{Utf8Path, Utf8PathBuf};
use camino_tempfile::NamedUtf8TempFile;
use sha2::{Digest as _, Sha256};

use super::located::Located;
use crate::error::FileError;

/// A cache directory.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    directory: Utf8PathBuf,
}

impl Cache {
    /// Opens (and makes) the cache in `directory`, or in the user's cache directory.
    pub(crate) fn open(directory: Option<Utf8PathBuf>) -> Result<Self, FileError> {
        let directory = directory.or_else(default_directory).ok_or_else(|| {
            let unset =
                io::Error::new(io::ErrorKind::NotFound, "neither HOME nor XDG_CACHE_HOME is set");
            FileError::on("find", "the cache directory (use --cache DIR)")(unset)
        })?;
        let cache = Self { directory };
        for directory in [cache.blobs(), cache.notes()] {
            std::fs::create_dir_all(&directory).map_err(FileError::on("create", &directory))?;
        }
        Ok(cache)
    }

    /// The blob, when the cache has it.
    pub(crate) fn get(&self, digest: &Sha256Digest) -> Option<Located> {
        Located::file(&self.blobs().join(digest.to_hex())).ok()
    }

    /// Stores everything that `source` yields; `seen` is told of every piece.
    pub(crate) fn put(
        &self,
        source: &mut dyn Read,
        seen: &mut dyn FnMut(u64),
    ) -> Result<(Sha256Digest, Located), FileError> {
        let mut entry = self.entry()?;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = source.read(&mut buffer).map_err(FileError::on("read", "the source"))?;
            if read == 0 {
                return entry.finish();
            }
            entry.write_all(&buffer[..read]).map_err(FileError::on("write to", &self.directory))?;
            seen(read as u64);
        }
    }

    /// Starts a blob whose bytes come piece by piece.
    pub(crate) fn entry(&self) -> Result<Entry, FileError> {
        let directory = self.blobs();
        let file = camino_tempfile::Builder::new()
            .prefix(".partial-")
            .tempfile_in(&directory)
            .map_err(FileError::on("write to", &directory))?;
        Ok(Entry { file, hasher: Sha256::new(), length: 0, directory })
    }

    /// A remembered fact, for example which digest an npm package had.
    pub(crate) fn note(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.notes().join(note_file(name))).ok()
    }

    /// Remembers a fact.
    pub(crate) fn remember(&self, name: &str, fact: &str) -> Result<(), FileError> {
        let path = self.notes().join(note_file(name));
        let write = || {
            let mut file = NamedUtf8TempFile::new_in(self.notes())?;
            file.write_all(fact.as_bytes())?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(FileError::on("write", &path))
    }

    /// A directory for somebody else's program to write to; removed when dropped.
    pub(crate) fn scratch(&self) -> Result<camino_tempfile::Utf8TempDir, FileError> {
        camino_tempfile::tempdir_in(&self.directory)
            .map_err(FileError::on("write to", &self.directory))
    }

    fn blobs(&self) -> Utf8PathBuf {
        self.directory.join("blobs/sha256")
    }

    fn notes(&self) -> Utf8PathBuf {
        self.directory.join("notes")
    }
}

/// A blob on its way into the cache. Dropped unfinished, it leaves nothing.
#[derive(Debug)]
pub(crate) struct Entry {
    file: NamedUtf8TempFile,
    hasher: Sha256,
    length: u64,
    directory: Utf8PathBuf,
}

impl Write for Entry {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Entry {
    /// Gives the blob its name.
    pub(crate) fn finish(self) -> Result<(Sha256Digest, Located), FileError> {
        let digest = Sha256Digest::from_bytes(self.hasher.finalize().into());
        let path = self.directory.join(digest.to_hex());
        self.file
            .persist(&path)
            .map_err(|error| FileError::on("write", &path)(error.error))
            .map(|_: File| ())?;
        Ok((digest, Located { path, offset: 0, length: self.length }))
    }
}

fn default_directory() -> Option<Utf8PathBuf> {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| value.starts_with('/'));
    let base = variable("XDG_CACHE_HOME")
        .map(Utf8PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Utf8Path::new(&home).join(".cache")))?;
    Some(base.join("rivetctl"))
}

/// A fact's name holds slashes and at signs; its file name is its digest.
fn note_file(name: &str) -> String {
    Sha256Digest::of(name.as_bytes()).to_hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (camino_tempfile::Utf8TempDir, Cache) {
        let directory = camino_tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(directory.path().join("cache"))).unwrap();
        (directory, cache)
    }

    #[test]
    fn a_blob_is_found_by_what_it_holds() {
        let (_directory, cache) = cache();
        let (digest, located) = cache.put(&mut &b"some layer"[..], &mut |_| ()).unwrap();

        assert_eq!(digest, Sha256Digest::of(b"some layer"));
        assert_eq!(cache.get(&digest), Some(located.clone()));
        assert_eq!(located.read(100).unwrap(), b"some layer");
    }

    #[test]
    fn an_unfinished_blob_leaves_nothing() {
        let (_directory, cache) = cache();
        let mut entry = cache.entry().unwrap();
        entry.write_all(b"half").unwrap();
        drop(entry);

        assert_eq!(std::fs::read_dir(cache.blobs()).unwrap().count(), 0);
    }

    #[test]
    fn facts_are_kept_by_name() {
        let (_directory, cache) = cache();
        cache.remember("npm:@a/b@1", "x").unwrap();
        assert_eq!(cache.note("npm:@a/b@1").as_deref(), Some("x"));
        assert_eq!(cache.note("npm:@a/b@2"), None);
    }
}
