//! Where the bytes of a blob are: a range of a file that stays where it is until it is packed.
//!
//! Nothing is copied that already lies on a disk, in an archive or in an OCI layout. The packer
//! hashes what it reads, so a file that changes meanwhile is noticed.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Seek as _, SeekFrom, Take},
};

use bundle_spec::{Sha256Digest, pack::BlobStore};
use camino::{Utf8Path, Utf8PathBuf};

use crate::error::FileError;

/// Large enough that a system call per buffer costs nothing.
const BUFFER: usize = 256 * 1024;

/// A range of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) path: Utf8PathBuf,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

impl Located {
    /// A whole file.
    pub(crate) fn file(path: &Utf8Path) -> Result<Self, FileError> {
        let meta = std::fs::metadata(path).map_err(FileError::on("read", path))?;
        if !meta.is_file() {
            let odd = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
            return Err(FileError::on("read", path)(odd));
        }
        Ok(Self { path: path.to_owned(), offset: 0, length: meta.len() })
    }

    /// Reads the range from its start.
    pub(crate) fn open(&self) -> io::Result<BufReader<Take<File>>> {
        let mut file = File::open(&self.path)?;
        if self.offset > 0 {
            file.seek(SeekFrom::Start(self.offset))?;
        }
        Ok(BufReader::with_capacity(BUFFER, file.take(self.length)))
    }

    /// The whole range, when it is at most `max` bytes long.
    pub(crate) fn read(&self, max: u64) -> Result<Vec<u8>, FileError> {
        let read = || {
            if self.length > max {
                let text = format!("it is {} bytes long, more than the {max} allowed", self.length);
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            let mut bytes = Vec::new();
            self.open()?.read_to_end(&mut bytes)?;
            if bytes.len() as u64 != self.length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(bytes)
        };
        read().map_err(FileError::on("read", &self.path))
    }
}

/// Every blob that will be in the bundle, by digest.
#[derive(Debug, Default)]
pub(crate) struct Blobs(BTreeMap<Sha256Digest, Content>);

#[derive(Debug)]
enum Content {
    Located(Located),
    /// Documents that are written here: a few kilobytes.
    Bytes(Vec<u8>),
}

impl Blobs {
    /// Adds bytes that are on a disk; `digest` was computed from them.
    pub(crate) fn add(&mut self, digest: Sha256Digest, located: Located) {
        self.0.entry(digest).or_insert(Content::Located(located));
    }

    /// Adds a document.
    pub(crate) fn add_bytes(&mut self, bytes: Vec<u8>) -> Sha256Digest {
        let digest = Sha256Digest::of(&bytes);
        self.0.entry(digest).or_insert(Content::Bytes(bytes));
        digest
    }

    /// Every digest with its length.
    pub(crate) fn sizes(&self) -> BTreeMap<Sha256Digest, u64> {
        self.0
            .iter()
            .map(|(digest, content)| match content {
                Content::Located(located) => (*digest, located.length),
                Content::Bytes(bytes) => (*digest, bytes.len() as u64),
            })
            .collect()
    }
}

impl BlobStore for Blobs {
    fn open(&self, digest: &Sha256Digest) -> io::Result<Box<dyn Read + Send>> {
        match self.0.get(digest) {
            Some(Content::Located(located)) => Ok(Box::new(located.open()?)),
            Some(Content::Bytes(bytes)) => Ok(Box::new(io::Cursor::new(bytes.clone()))),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}
