//! Opening: first looking, without changing anything, whether all is there that has to be.
//!
//! `RocksDB` itself opens whatever it can: without its `CURRENT` file it starts anew in the midst of
//! the old files, and a log or a manifest that ends too early is taken for one that was short.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rocksdb::{DB, DBRecoveryMode, ErrorKind, Options, WriteOptions};

use super::{
    super::{Durability, OpenError},
    acknowledged,
    log_check::{self, LogState},
};
use crate::keyspace::{
    key_bytes,
    tables::{FORMAT, FormatRow, Meta, MetaKey},
};

/// Says that the directory holds a store, whatever else is missing in it.
pub(super) const MARK: &str = "engine.store";

const MARK_TEXT: &str = "This directory holds the data of a rivet-engine. While this file is here, \
                         the engine does not start on it without its database.\n";

/// Opens the database of the data directory `dir`, or makes one where there never was any.
pub(super) fn open(
    dir: &Path,
    durability: Durability,
    may_create: bool,
    options: &mut Options,
) -> Result<DB, OpenError> {
    let database = database_dir(dir);
    let unusable = |source| OpenError::Directory { dir: dir.to_owned(), source };
    let failed = |error| refusal(dir, error);
    let db = if holds_data(&database).map_err(unusable)? {
        options.create_if_missing(false);
        options.set_wal_recovery_mode(recovery(dir, &database)?);
        let is_blank = look(dir, &database, durability, options)?;
        let db = DB::open(options, &database).map_err(failed)?;
        if is_blank {
            write_format(&db).map_err(failed)?;
        }
        db
    } else {
        if dir.join(MARK).exists() {
            return Err(OpenError::Missing { dir: dir.to_owned() });
        }
        if !may_create {
            return Err(OpenError::Absent { dir: dir.to_owned() });
        }
        options.create_if_missing(true);
        let db = DB::open(options, &database).map_err(failed)?;
        write_format(&db).map_err(failed)?;
        db
    };
    mark(dir).map_err(unusable)?;
    Ok(db)
}

/// Where in a data directory the database is.
pub(crate) fn database_dir(dir: &Path) -> PathBuf {
    dir.join("rocksdb")
}

/// Whether anything in `database` may hold rows. What a first start leaves that was cut short does not.
fn holds_data(database: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(database) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let has = |end: &str| name.ends_with(end);
        let is_filled_log = has(".log") && entry.metadata()?.len() > 0;
        if name == "CURRENT" || name == acknowledged::FILE || has(".sst") || is_filled_log {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How the log is to be read: to its end, or up to a write that was torn and never acknowledged.
fn recovery(dir: &Path, database: &Path) -> Result<DBRecoveryMode, OpenError> {
    let unusable = |source| OpenError::Directory { dir: dir.to_owned(), source };
    match log_check::check(database).map_err(unusable)? {
        LogState::Whole => Ok(DBRecoveryMode::TolerateCorruptedTailRecords),
        LogState::TornEnd { file, offset } => {
            tracing::warn!(
                file = %file.display(),
                offset,
                "the last write was cut short before it was acknowledged, and is dropped"
            );
            Ok(DBRecoveryMode::PointInTime)
        }
        LogState::Damaged { file, offset } => {
            let reason = format!("{} cannot be read from byte {offset} on", file.display());
            Err(OpenError::Damaged { dir: dir.to_owned(), reason })
        }
    }
}

/// Refuses a database in which something is missing, or that a newer engine wrote. Says whether nothing
/// was ever written to it, as when the first start was cut short.
fn look(
    dir: &Path,
    database: &Path,
    durability: Durability,
    options: &Options,
) -> Result<bool, OpenError> {
    let db = DB::open_for_read_only(options, database, false).map_err(|e| refusal(dir, e))?;
    let found = db.latest_sequence_number();
    if found == 0 && !dir.join(MARK).exists() {
        return Ok(true);
    }
    check_format(&db, dir)?;
    if durability == Durability::Relaxed {
        return Ok(false);
    }
    let unreadable = |source: io::Error| OpenError::Damaged {
        dir: dir.to_owned(),
        reason: format!("{}: {source}", database.join(acknowledged::FILE).display()),
    };
    match acknowledged::read(database).map_err(unreadable)? {
        Some(acknowledged) if found < acknowledged => {
            Err(OpenError::Lost { dir: dir.to_owned(), acknowledged, found })
        }
        _ => Ok(false),
    }
}

/// Refuses data of a newer engine, and data that does not say whose it is.
fn check_format(db: &DB, dir: &Path) -> Result<(), OpenError> {
    let key = key_bytes::<Meta>(&MetaKey::Format);
    let row = db.get(&key).map_err(|error| refusal(dir, error))?;
    let row = row.ok_or_else(|| OpenError::Damaged {
        dir: dir.to_owned(),
        reason: "the row that names the format is missing".to_owned(),
    })?;
    let row: FormatRow = serde_json::from_slice(&row)
        .map_err(|source| OpenError::Format { dir: dir.to_owned(), source })?;
    if row.format > FORMAT {
        let (dir, found, written_by) = (dir.to_owned(), row.format, row.written_by);
        return Err(OpenError::NewerFormat { dir, found, written_by });
    }
    Ok(())
}

/// Writes down the format of a new database.
fn write_format(db: &DB) -> Result<(), rocksdb::Error> {
    let row = FormatRow { format: FORMAT, written_by: env!("CARGO_PKG_VERSION").to_owned() };
    let row = serde_json::to_vec(&row).expect("a format row is plain data");
    let mut durably = WriteOptions::default();
    durably.set_sync(true);
    db.put_opt(key_bytes::<Meta>(&MetaKey::Format), row, &durably)
}

/// Writes the mark, so that a power loss does not undo it.
fn mark(dir: &Path) -> io::Result<()> {
    let path = dir.join(MARK);
    if path.exists() {
        return Ok(());
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(MARK_TEXT.as_bytes())?;
    file.sync_all()?;
    File::open(dir)?.sync_all()
}

/// What an error of `RocksDB` at the start means.
fn refusal(dir: &Path, source: rocksdb::Error) -> OpenError {
    let (dir, text) = (dir.to_owned(), source.to_string());
    if is_no_space(&source) {
        return OpenError::Full { dir, source };
    }
    let is_missing_file = text.contains("No such file or directory");
    match source.kind() {
        ErrorKind::IOError if !is_missing_file => OpenError::Database { dir, source },
        _ => OpenError::Damaged { dir, reason: text },
    }
}

/// Whether the disk was full.
pub(super) fn is_no_space(error: &rocksdb::Error) -> bool {
    error.kind() == ErrorKind::IOError && error.as_ref().contains("No space left on device")
}
