//! The checkpoints of a data directory: made, listed, opened, deleted.

use std::{
    collections::HashMap,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::{
    Archive, BackupError, CheckpointId, File, FileName, Manifest, Opened, Sha256Hex,
    manifest::{DATABASE, FORM, MANIFEST_ENTRY, MANIFEST_MAX},
    tar,
};
use crate::{
    clock::{Millis, SharedClock},
    config::CheckpointSettings,
    keyspace::tables::FORMAT,
    storage::Database,
};

/// Where in a data directory checkpoints are.
const CHECKPOINTS: &str = "checkpoints";

/// What the name of one begins with that is not whole.
const UNFINISHED: &str = "unfinished-";

/// How often checkpoints are looked at that have become too old.
const SWEEP: Duration = Duration::from_hours(1);

/// How many bytes are hashed at once.
const PIECE: usize = 256 << 10;

/// The checkpoints of one engine; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Checkpoints(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    database: Database,
    clock: SharedClock,
    settings: CheckpointSettings,
    stop: CancellationToken,
    making: tokio::sync::Mutex<()>,
    in_use: Arc<Mutex<HashMap<CheckpointId, usize>>>,
}

/// Keeps a checkpoint from being deleted.
#[derive(Debug)]
pub(super) struct InUse {
    id: CheckpointId,
    counts: Arc<Mutex<HashMap<CheckpointId, usize>>>,
}

impl Checkpoints {
    /// The checkpoints in `data_dir`, of the store that is there, without what a process that died has
    /// left unfinished. `stop` ends what takes long.
    pub fn new(
        data_dir: &Path,
        database: Database,
        clock: SharedClock,
        settings: CheckpointSettings,
        stop: CancellationToken,
    ) -> Self {
        let dir = data_dir.join(CHECKPOINTS);
        let (making, in_use) = (tokio::sync::Mutex::default(), Arc::default());
        remove_unfinished(&dir);
        Self(Arc::new(Inner { dir, database, clock, settings, stop, making, in_use }))
    }

    /// Deletes checkpoints that have become too old, as long as the process runs.
    pub async fn run(self) {
        loop {
            let checkpoints = self.clone();
            blocking(move || checkpoints.sweep()).await;
            tokio::select! {
                () = self.0.stop.cancelled() => return,
                () = tokio::time::sleep(SWEEP) => {}
            }
        }
    }

    /// Makes a checkpoint: every commit that was acknowledged before the call is in it, and no part
    /// of a commit. It is on disk when this returns. Of others the oldest go that are beyond the
    /// operator's bounds.
    pub async fn create(&self) -> Result<Manifest, BackupError> {
        let Ok(_making) = self.0.making.try_lock() else { return Err(BackupError::Busy) };
        let id = CheckpointId::new(self.0.clock.now());
        let unfinished = self.0.dir.join(format!("{UNFINISHED}{id}"));
        let made = self.make(id, &unfinished).await;
        if made.is_err() {
            // What stays is deleted when the process starts again.
            let _ = fs::remove_dir_all(&unfinished);
        }
        made
    }

    /// The checkpoints there are, newest first.
    pub async fn list(&self) -> Result<Vec<Manifest>, BackupError> {
        let checkpoints = self.clone();
        Ok(blocking(move || checkpoints.manifests()).await?)
    }

    /// Opens a checkpoint for reading. It is not deleted as long as it is read.
    pub async fn open(&self, id: CheckpointId) -> Result<Opened, BackupError> {
        let checkpoints = self.clone();
        blocking(move || {
            let in_use = checkpoints.use_it(id.clone());
            let manifest = checkpoints.manifest(&id)?;
            let dir = checkpoints.0.dir.join(id.as_str());
            Ok(Opened { manifest: manifest.clone(), archive: Archive::new(manifest, dir, in_use) })
        })
        .await
    }

    /// Deletes a checkpoint.
    pub async fn delete(&self, id: CheckpointId) -> Result<(), BackupError> {
        let checkpoints = self.clone();
        blocking(move || {
            if !checkpoints.0.dir.join(id.as_str()).is_dir() {
                return Err(BackupError::NotFound);
            }
            checkpoints.remove(&id)
        })
        .await
    }

    async fn make(&self, id: CheckpointId, unfinished: &Path) -> Result<Manifest, BackupError> {
        let (dir, into) = (self.0.dir.clone(), unfinished.to_owned());
        blocking(move || {
            make_private_dir(&dir)?;
            DirBuilder::new().mode(0o700).create(into)
        })
        .await?;
        let create_ts = self.0.clock.now();
        let database = unfinished.join(DATABASE);
        let sequence = self.0.database.checkpoint(database.clone()).await?;
        let (checkpoints, unfinished) = (self.clone(), unfinished.to_owned());
        blocking(move || {
            let manifest = Manifest {
                form: FORM.to_owned(),
                id,
                create_ts,
                engine_version: env!("CARGO_PKG_VERSION").to_owned(),
                data_format: FORMAT,
                sequence,
                files: checkpoints.hashed(&database)?,
            };
            write_new(&unfinished.join(MANIFEST_ENTRY), &manifest.to_bytes())?;
            sync(&database)?;
            sync(&unfinished)?;
            fs::rename(&unfinished, checkpoints.0.dir.join(manifest.id.as_str()))?;
            sync(&checkpoints.0.dir)?;
            checkpoints.sweep();
            Ok(manifest)
        })
        .await
    }

    /// The files in `database`, each of them on disk.
    fn hashed(&self, database: &Path) -> Result<Vec<File>, BackupError> {
        let mut files = Vec::new();
        for entry in fs::read_dir(database)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(name) = FileName::try_from(name.clone()) else {
                return Err(BackupError::Name(name));
            };
            let mut content = fs::File::open(entry.path())?;
            content.sync_all()?;
            let (bytes, sha256) = self.hash(&mut content)?;
            if bytes > tar::ENTRY_MAX {
                return Err(io::Error::from(io::ErrorKind::FileTooLarge).into());
            }
            files.push(File { name, bytes, sha256 });
        }
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(files)
    }

    fn hash(&self, content: &mut fs::File) -> Result<(u64, Sha256Hex), BackupError> {
        let (mut hasher, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
        loop {
            if self.0.stop.is_cancelled() {
                return Err(BackupError::Stopping);
            }
            let count = content.read(&mut piece)?;
            if count == 0 {
                return Ok((bytes, Sha256Hex::from_hasher(hasher)));
            }
            hasher.update(&piece[..count]);
            bytes += u64::try_from(count).unwrap_or(0);
        }
    }

    fn manifests(&self) -> io::Result<Vec<Manifest>> {
        let entries = match fs::read_dir(&self.0.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse::<CheckpointId>().ok()) else {
                continue;
            };
            match self.manifest(&id) {
                Ok(manifest) => found.push(manifest),
                // Deleted meanwhile.
                Err(BackupError::NotFound) => {}
                Err(error) => tracing::warn!(%id, %error, "a checkpoint cannot be read"),
            }
        }
        found.sort_by_key(|manifest| std::cmp::Reverse((manifest.create_ts, manifest.id.clone())));
        Ok(found)
    }

    fn manifest(&self, id: &CheckpointId) -> Result<Manifest, BackupError> {
        let path = self.0.dir.join(id.as_str()).join(MANIFEST_ENTRY);
        let mut bytes = Vec::new();
        let opened = fs::File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BackupError::NotFound,
            _ => error.into(),
        })?;
        opened.take(MANIFEST_MAX).read_to_end(&mut bytes)?;
        let manifest = Manifest::from_bytes(&bytes).map_err(io::Error::other)?;
        if manifest.id != *id {
            return Err(io::Error::other("its manifest is that of another one").into());
        }
        Ok(manifest)
    }

    /// Deletes those checkpoints that are beyond the operator's bounds, unless they are read.
    fn sweep(&self) {
        let manifests = match self.manifests() {
            Ok(manifests) => manifests,
            Err(error) => {
                tracing::warn!(%error, "the checkpoints cannot be listed");
                return;
            }
        };
        for id in beyond(&self.0.settings, &manifests, self.0.clock.now()) {
            match self.remove(id) {
                Ok(()) => tracing::info!(%id, "checkpoint deleted: there are newer ones"),
                Err(BackupError::InUse) => {}
                Err(error) => tracing::warn!(%id, %error, "a checkpoint cannot be deleted"),
            }
        }
    }

    fn remove(&self, id: &CheckpointId) -> Result<(), BackupError> {
        let in_use = self.0.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        if in_use.contains_key(id) {
            return Err(BackupError::InUse);
        }
        // Out of sight first, so that nobody finds a half of it.
        let gone = self.0.dir.join(format!("{UNFINISHED}{id}"));
        fs::rename(self.0.dir.join(id.as_str()), &gone)?;
        drop(in_use);
        fs::remove_dir_all(gone)?;
        Ok(())
    }

    fn use_it(&self, id: CheckpointId) -> InUse {
        let mut counts = self.0.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(id.clone()).or_default() += 1;
        drop(counts);
        InUse { id, counts: Arc::clone(&self.0.in_use) }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.id);
            }
        }
    }
}

/// Those of `manifests` (newest first) that are not kept. The newest always is.
fn beyond<'m>(
    settings: &CheckpointSettings,
    manifests: &'m [Manifest],
    now: Millis,
) -> Vec<&'m CheckpointId> {
    let old = |manifest: &Manifest| manifest.create_ts.saturating_add(settings.max_age) < now;
    let counted = manifests.iter().enumerate().skip(1);
    let gone = counted.filter(|(index, one)| *index >= settings.max_count || old(one));
    gone.map(|(_, manifest)| &manifest.id).collect()
}

fn remove_unfinished(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED)
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::warn!(%error, "an unfinished checkpoint cannot be deleted");
        }
    }
}

fn make_private_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().mode(0o700).create(dir)?;
    dir.parent().map_or(Ok(()), sync)
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn sync(dir: &Path) -> io::Result<()> {
    fs::File::open(dir)?.sync_all()
}

/// Runs `work`, which waits for the disk, where waiting holds up nobody else.
async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(ended) => std::panic::resume_unwind(ended.into_panic()),
    }
}

#[cfg(test)]
mod tests;
