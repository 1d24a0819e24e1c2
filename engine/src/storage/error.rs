//! What can go wrong with the store.

use std::{io, path::PathBuf};

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
