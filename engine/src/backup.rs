//! Backups: a copy of the store as it was at one moment, as one file that proves itself, and back.
//!
//! A checkpoint is a directory in the data directory, below `checkpoints/`: `rocksdb/` with the
//! database's files (linked, not copied) and [`Manifest`] with the SHA-256 of each. Its archive is a
//! plain tar of both. An archive has exactly one form: what [`read`] accepts is what [`Archive`]
//! writes, byte for byte, so that no changed byte goes unnoticed and nothing else is ever unpacked.
//!
//! | entry | content |
//! |---|---|
//! | `manifest.json` | the [`Manifest`] |
//! | `manifest.sha256` | its SHA-256, in the form that `sha256sum -c` takes |
//! | `rocksdb/NAME` | the files of the database, in the order of their names |

mod archive;
mod checkpoints;
mod error;
mod manifest;
mod read;
mod restore;
mod tar;
mod tickets;

pub use self::{
    archive::{Archive, Gone, Opened},
    checkpoints::Checkpoints,
    error::{ArchiveError, BackupError, RestoreError},
    manifest::{CheckpointId, File, FileName, Manifest, Sha256Hex},
    read::{Receiver, read, verify},
    restore::restore,
    tickets::{Ticket, Tickets},
};
