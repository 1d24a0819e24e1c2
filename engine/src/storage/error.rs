//! What can go wrong with the store.

use std::{io, path::PathBuf, sync::Arc};

use crate::keyspace::tables::FORMAT;

/// A transaction that did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StorageError {
    /// Somebody else wrote what this transaction had read. Trying again may help.
    #[error("the transaction conflicts with another one")]
    Conflict,
    /// It conflicted again and again.
    #[error("the transaction conflicted {0} times in a row")]
    Contended(u32),
    /// The store is closed, or was closed by a failed write.
    #[error("the store is closed")]
    Closed,
    /// The disk is full, or so nearly that the rest is kept for what has to go on. Nothing was written.
    #[error("the disk is full: nothing was written; free some space, and writes are taken again")]
    Full,
    /// It could not be noted that a write is on disk.
    #[error("what is acknowledged could not be noted")]
    Noted(#[source] Arc<io::Error>),
    /// The database failed.
    #[error("the database failed")]
    Database(#[source] rocksdb::Error),
    /// A row does not decode: it was damaged, or written by something else.
    #[error("a row of table {table} cannot be decoded: {reason} (key {key})")]
    Corrupt {
        /// The table the row is in.
        table: &'static str,
        /// The row's key, in hexadecimal.
        key: String,
        /// What the decoder said.
        reason: String,
    },
}

/// The directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be created or written.
    #[error("the data directory {dir} cannot be used: create it, or give this user access to it")]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has it open.
    #[error(
        "the data directory {dir} is in use by another process ({owner}): \
         stop that one, or give this engine a directory of its own (file_system.path)"
    )]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// Who has it, as far as is known.
        owner: String,
    },
    /// It holds a database that this engine did not make.
    #[error(
        "the data directory {dir} holds a database of another engine (found {found}): \
         this engine does not read it; give it an empty directory (file_system.path)"
    )]
    Foreign {
        /// The directory.
        dir: PathBuf,
        /// The file that gives it away.
        found: &'static str,
    },
    /// A newer engine wrote it.
    #[error(
        "the data in {dir} has format {found} (written by rivet-engine {written_by}), and this \
         engine reads formats up to {FORMAT}: start that version or a newer one, \
         or restore a backup made before the upgrade"
    )]
    NewerFormat {
        /// The directory.
        dir: PathBuf,
        /// The format of the data.
        found: u32,
        /// The version that wrote it.
        written_by: String,
    },
    /// It held a store, and the database is not there any more.
    #[error(
        "the data directory {dir} held a store, and its database is gone: mount the disk that it is \
         on, or restore a backup; to start anew remove {dir}/engine.store"
    )]
    Missing {
        /// The directory.
        dir: PathBuf,
    },
    /// There is no store, and none may be made.
    #[error(
        "the data directory {dir} holds no store, and file_system.must_exist is set: mount the disk \
         that it is on, or restore a backup; for a first start take the key away"
    )]
    Absent {
        /// The directory.
        dir: PathBuf,
    },
    /// Something in the database cannot be read.
    #[error(
        "the database in {dir} is damaged and was left as it is: {reason}. Check the disk, keep a \
         copy of the directory, and restore a backup"
    )]
    Damaged {
        /// The directory.
        dir: PathBuf,
        /// What is wrong, with the file where it is known.
        reason: String,
    },
    /// Its end is missing.
    #[error(
        "acknowledged writes are missing in the database in {dir} (it ends at write {found}, and \
         write {acknowledged} was acknowledged); it was left as it is. Check the disk, keep a copy of \
         the directory, and restore a backup; to go on without these writes remove \
         {dir}/rocksdb/ACKNOWLEDGED"
    )]
    Lost {
        /// The directory.
        dir: PathBuf,
        /// The number of the last write that was acknowledged.
        acknowledged: u64,
        /// The number of the last write that is there.
        found: u64,
    },
    /// There is no room for opening it.
    #[error("the disk of {dir} is full: free some space, then start the engine again")]
    Full {
        /// The directory.
        dir: PathBuf,
        /// What RocksDB said.
        source: rocksdb::Error,
    },
    /// A restore into it was interrupted.
    #[error(
        "the data directory {dir} holds a restore that was not finished: run \
         `rivet-engine restore` again, or give the engine another directory (file_system.path)"
    )]
    Unfinished {
        /// The directory.
        dir: PathBuf,
    },
    /// The database inside does not open.
    #[error("the database in {dir} does not open")]
    Database {
        /// The directory.
        dir: PathBuf,
        /// What RocksDB said.
        source: rocksdb::Error,
    },
    /// The row that names the format does not decode.
    #[error("the format of the data in {dir} cannot be read")]
    Format {
        /// The directory.
        dir: PathBuf,
        /// What the decoder said.
        source: serde_json::Error,
    },
}

impl OpenError {
    /// A name that never changes, for `docs/durability.md` and for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Directory { .. } => "RVE-STORE-DIRECTORY",
            Self::Locked { .. } => "RVE-STORE-IN-USE",
            Self::Foreign { .. } => "RVE-STORE-FOREIGN",
            Self::NewerFormat { .. } => "RVE-STORE-NEWER",
            Self::Missing { .. } => "RVE-STORE-MISSING",
            Self::Unfinished { .. } => "RVE-STORE-UNFINISHED",
            Self::Absent { .. } => "RVE-STORE-ABSENT",
            Self::Damaged { .. } | Self::Format { .. } => "RVE-STORE-DAMAGED",
            Self::Lost { .. } => "RVE-STORE-LOST",
            Self::Full { .. } => "RVE-STORE-FULL",
            Self::Database { .. } => "RVE-STORE-UNREADABLE",
        }
    }

    /// Whether the data is not what it should be, so that starting again helps nobody.
    pub fn is_about_the_data(&self) -> bool {
        match self {
            Self::Foreign { .. }
            | Self::NewerFormat { .. }
            | Self::Missing { .. }
            | Self::Unfinished { .. }
            | Self::Absent { .. }
            | Self::Damaged { .. }
            | Self::Format { .. }
            | Self::Lost { .. } => true,
            Self::Directory { .. }
            | Self::Locked { .. }
            | Self::Full { .. }
            | Self::Database { .. } => false,
        }
    }
}

/// A directory is no database that this engine could use.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseCheckError {
    /// It does not open, or cannot be read.
    #[error("the database does not open")]
    Open(#[source] rocksdb::Error),
    /// It opens, and another program made it.
    #[error("the database does not say which format its data has")]
    NotOurs,
}
