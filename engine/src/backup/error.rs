//! What can go wrong with checkpoints, archives, and bringing data back.

use std::{io, path::PathBuf};

use super::{CheckpointId, FileName};
use crate::{
    keyspace::tables::{FORMAT, OLDEST_FORMAT},
    storage::{DatabaseCheckError, OpenError, StorageError},
};

/// A checkpoint that was not made, not found, or not deleted.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// No such checkpoint.
    #[error("The checkpoint does not exist.")]
    NotFound,
    /// One is being made.
    #[error("A checkpoint is being made at this moment. Try again when it is done.")]
    Busy,
    /// Somebody downloads it.
    #[error("The checkpoint is being downloaded. Try again when that is done.")]
    InUse,
    /// The process ends.
    #[error("The engine is stopping.")]
    Stopping,
    /// A file of it has another name than files of a database have.
    #[error("The database has a file with an unexpected name: {0}.")]
    Name(String),
    /// A file of it is damaged: it is no longer what it was when the checkpoint was made.
    #[error("The file {file} of checkpoint {id} has changed since it was made.")]
    Damaged {
        /// The checkpoint.
        id: CheckpointId,
        /// The file.
        file: FileName,
    },
    /// The disk failed, or is full.
    #[error("The checkpoint could not be written or read: {0}.")]
    Io(#[from] io::Error),
    /// The store failed.
    #[error("The database could not be copied.")]
    Storage(#[from] StorageError),
}

/// A file that is no archive of a checkpoint, or not the one that was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be read.
    #[error("the archive cannot be read: {0}")]
    Unreadable(String),
    /// It begins like something else.
    #[error("this is no archive of a checkpoint")]
    NotAnArchive,
    /// It ends too early.
    #[error("the archive ends too early: {0} is not whole")]
    Truncated(String),
    /// Something comes after its end.
    #[error("the archive has more in it than its manifest says")]
    Trailing,
    /// Another entry, another size, or other attributes than the manifest asks for.
    #[error("the entry for {0} is not what the manifest says")]
    Entry(String),
    /// The content is not what the manifest says.
    #[error("{0} is damaged: its SHA-256 is not the one in the manifest")]
    Damaged(String),
    /// The manifest is none.
    #[error("the manifest of the archive is not valid: {0}")]
    Manifest(String),
    /// The manifest has a form that this engine does not know.
    #[error("the archive has the form {found:?}, which this version does not read")]
    Form {
        /// What it says.
        found: String,
    },
    /// The data has a layout that this engine does not read.
    #[error(
        "the data in the archive has format {found} (written by rivet-engine {written_by}), and \
         this engine reads formats {OLDEST_FORMAT} to {FORMAT}: restore with that version"
    )]
    DataFormat {
        /// The layout.
        found: u32,
        /// The version that wrote it.
        written_by: String,
    },
}

/// Data that was not brought back. Nothing of it is in use.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The archive is not good.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The archive cannot be opened.
    #[error("{path} cannot be opened")]
    Unopened {
        /// The archive.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory cannot be used.
    #[error(transparent)]
    Directory(#[from] OpenError),
    /// There is something in the directory.
    #[error(
        "{dir} is not empty (there is {found} in it): restore into an empty or new directory, and \
         keep the old one until the engine runs on the restored data"
    )]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
        /// What was found first.
        found: String,
    },
    /// The disk has too little room.
    #[error("{dir} has {free} bytes free, and the data needs {needed}")]
    NoRoom {
        /// The directory.
        dir: PathBuf,
        /// What is free.
        free: u64,
        /// What is needed.
        needed: u64,
    },
    /// The disk failed.
    #[error("{path} cannot be written")]
    Unwritten {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// All files are what the manifest says, and they are no database.
    #[error("what the archive holds cannot be used")]
    Unusable(#[from] DatabaseCheckError),
    /// The database has another layout than the manifest says.
    #[error("the archive says that its data has format {stated}, and the data says {found}")]
    OtherFormat {
        /// What the manifest says.
        stated: u32,
        /// What the data says.
        found: u32,
    },
}
