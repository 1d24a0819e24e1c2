//! The file system that SQLite sees: one database, which is somebody's pages, and temporary files
//! in memory. Nothing of the host is in it.
//!
//! SQLite calls from C: a panic in here would end the process.

use std::{
    borrow::Cow,
    collections::HashMap,
    ffi::CString,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use sqlite_plugin::{
    flags::{AccessFlags, LockLevel, OpenKind, OpenOpts},
    vars,
    vfs::{Pragma, PragmaErr, RegisterOpts, SqliteErr, Vfs, VfsHandle, VfsResult, register_static},
};

use super::{
    budget::{Budget, Share},
    file::{Fault, SharedFile},
};
use crate::keyspace::tables::PAGE_SIZE;

/// What SQLite knows it by.
pub(super) const NAME: &str = "actor-pages";

/// How SQLite is told that it journals.
pub(super) const JOURNAL_MODE: &str = "delete";

/// Databases that a connection is about to open, by the name that it will use. SQLite has one
/// list of file systems for the whole process, so this is one too.
static ANNOUNCED: LazyLock<Mutex<HashMap<String, SharedFile>>> = LazyLock::new(Mutex::default);

static REGISTERED: LazyLock<Result<(), SqliteErr>> = LazyLock::new(|| {
    let name = CString::new(NAME).map_err(|_| vars::SQLITE_INTERNAL)?;
    register_static(name, ActorPages, RegisterOpts { make_default: false }).map(|_| ())
});

static NEXT: AtomicU64 = AtomicU64::new(0);

/// How much memory all temporary files together may take: 128 MiB.
static TEMPORARY: LazyLock<Arc<Budget>> = LazyLock::new(|| Arc::new(Budget::new(32_768)));

/// Names `file` for the connection that opens that name next.
pub(super) fn announce(file: &SharedFile) -> rusqlite::Result<String> {
    if let Err(code) = &*REGISTERED {
        return Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(*code), None));
    }
    let name = format!("actor-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    announced().insert(name.clone(), file.clone());
    Ok(name)
}

fn announced() -> std::sync::MutexGuard<'static, HashMap<String, SharedFile>> {
    ANNOUNCED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file system.
struct ActorPages;

/// An open file.
enum Handle {
    Database(SharedFile),
    Temporary(Temporary),
}

/// A file that nobody else sees, and that ends with its handle.
struct Temporary {
    bytes: Vec<u8>,
    share: Share,
}

impl VfsHandle for Handle {
    fn readonly(&self) -> bool {
        false
    }

    fn in_memory(&self) -> bool {
        false
    }
}

impl Temporary {
    /// Makes the file `len` bytes long, as far as there is memory for it.
    fn resize(&mut self, len: usize) -> VfsResult<()> {
        if !self.share.resize(len.div_ceil(PAGE_SIZE)) {
            return Err(vars::SQLITE_FULL);
        }
        self.bytes.resize(len, 0);
        Ok(())
    }
}

impl Fault {
    fn code(self, failed: SqliteErr) -> SqliteErr {
        match self {
            Self::Failed => failed,
            Self::Full => vars::SQLITE_FULL,
        }
    }
}

impl Vfs for ActorPages {
    type Handle = Handle;

    fn canonical_path<'a>(&self, path: Cow<'a, str>) -> VfsResult<Cow<'a, str>> {
        Ok(path)
    }

    fn open(&self, path: Option<&str>, opts: OpenOpts) -> VfsResult<Handle> {
        match opts.kind() {
            OpenKind::MainDb => path
                .and_then(|path| announced().remove(path))
                .map(Handle::Database)
                .ok_or(vars::SQLITE_CANTOPEN),
            OpenKind::TempDb
            | OpenKind::TempJournal
            | OpenKind::TransientDb
            | OpenKind::SubJournal => {
                Ok(Handle::Temporary(Temporary { bytes: Vec::new(), share: Share::of(&TEMPORARY) }))
            }
            _ => Err(vars::SQLITE_CANTOPEN),
        }
    }

    fn delete(&self, _: &str) -> VfsResult<()> {
        Ok(())
    }

    /// Asked for journals: there never is one.
    fn access(&self, _: &str, _: AccessFlags) -> VfsResult<bool> {
        Ok(false)
    }

    fn file_size(&self, handle: &mut Handle) -> VfsResult<usize> {
        Ok(match handle {
            Handle::Database(file) => file.lock().len(),
            Handle::Temporary(file) => file.bytes.len(),
        })
    }

    fn truncate(&self, handle: &mut Handle, size: usize) -> VfsResult<()> {
        match handle {
            Handle::Database(file) => {
                file.lock().truncate(size).map_err(|fault| fault.code(vars::SQLITE_IOERR_TRUNCATE))
            }
            Handle::Temporary(file) => file.resize(size),
        }
    }

    fn write(&self, handle: &mut Handle, offset: usize, data: &[u8]) -> VfsResult<usize> {
        match handle {
            Handle::Database(file) => file
                .lock()
                .write(offset, data)
                .map_err(|fault| fault.code(vars::SQLITE_IOERR_WRITE))?,
            Handle::Temporary(file) => {
                let end = offset.checked_add(data.len()).ok_or(vars::SQLITE_FULL)?;
                if end > file.bytes.len() {
                    file.resize(end)?;
                }
                file.bytes[offset..end].copy_from_slice(data);
            }
        }
        Ok(data.len())
    }

    fn read(&self, handle: &mut Handle, offset: usize, data: &mut [u8]) -> VfsResult<usize> {
        match handle {
            Handle::Database(file) => {
                file.lock().read(offset, data).map_err(|fault| fault.code(vars::SQLITE_IOERR_READ))
            }
            Handle::Temporary(file) => {
                let there = file.bytes.get(offset..).unwrap_or_default();
                let count = there.len().min(data.len());
                data[..count].copy_from_slice(&there[..count]);
                Ok(count)
            }
        }
    }

    fn sync(&self, handle: &mut Handle) -> VfsResult<()> {
        match handle {
            Handle::Database(file) => {
                file.lock().sync().map_err(|fault| fault.code(vars::SQLITE_IOERR_FSYNC))
            }
            Handle::Temporary(_) => Ok(()),
        }
    }

    /// There is one connection: nobody to lock out.
    fn lock(&self, _: &mut Handle, _: LockLevel) -> VfsResult<()> {
        Ok(())
    }

    fn unlock(&self, _: &mut Handle, _: LockLevel) -> VfsResult<()> {
        Ok(())
    }

    fn check_reserved_lock(&self, _: &mut Handle) -> VfsResult<bool> {
        Ok(false)
    }

    fn close(&self, handle: Handle) -> VfsResult<()> {
        drop(handle);
        Ok(())
    }

    /// Commits are atomic whatever journal is asked for: the answer is what most ask to hear.
    fn pragma(&self, handle: &mut Handle, pragma: Pragma<'_>) -> Result<Option<String>, PragmaErr> {
        match handle {
            Handle::Database(file)
                if pragma.name.eq_ignore_ascii_case("journal_mode") && file.lock().is_set_up() =>
            {
                Ok(Some(JOURNAL_MODE.to_owned()))
            }
            _ => Err(PragmaErr::NotFound),
        }
    }

    fn device_characteristics(&self, _: &mut Handle) -> VfsResult<i32> {
        Ok(vars::SQLITE_IOCAP_POWERSAFE_OVERWRITE | vars::SQLITE_IOCAP_SAFE_APPEND)
    }
}
