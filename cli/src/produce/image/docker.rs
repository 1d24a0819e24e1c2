//! Images of the local Docker daemon, streamed into the cache; pulled by the daemon when missing.

use std::io::{self, Read};

use bollard::{
    errors::Error as BollardError, models::ImageInspect,
    query_parameters::CreateImageOptionsBuilder,
};
use bundle_spec::{
    Sha256Digest,
    manifest::{Compression, Platform},
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::{Found, FoundLayer, ImageError, Sources, archive::Entries, oci, saved};
use crate::{
    docker::{Daemon, DockerError},
    error::FileError,
    produce::cache::Cache,
};

/// Pieces of the export that wait for the disk: a few hundred kilobytes.
const QUEUE: usize = 16;

/// Finds `reference` in the daemon.
pub(super) fn find(
    reference: &str,
    platform: Platform,
    sources: &mut Sources<'_>,
) -> Result<Found, ImageError> {
    let daemon = match sources.daemon.take() {
        Some(daemon) => daemon,
        None => Daemon::connect()?,
    };
    let daemon = &*sources.daemon.insert(daemon);
    let image = if let Some(image) = inspect(daemon, reference)? {
        image
    } else {
        sources.out.note(&format!("pulling {reference}"));
        pull(daemon, reference, platform)?;
        inspect(daemon, reference)?.ok_or_else(|| ImageError::Absent {
            reference: reference.to_owned(),
            found: "nothing of that name, even after pulling it".into(),
        })?
    };
    let id = image.id.clone().unwrap_or_default();
    if let Some(found) = from_cache(&id, sources.cache)? {
        return Ok(found);
    }
    let total = image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
    let mut progress = sources.out.progress(&format!("exporting {reference}"), total);
    // By id, because a tag may move between the question and the export.
    let mut export = Export::start(daemon, &id);
    let entries = store(&mut export, sources.cache, &mut |bytes| progress.advance(bytes));
    if let Some(source) = export.failure.take() {
        let doing = format!("export the image {reference}");
        return Err(DockerError::Request { doing, source }.into());
    }
    saved::find(&entries?, reference, platform)
}

fn inspect(daemon: &Daemon, reference: &str) -> Result<Option<ImageInspect>, ImageError> {
    let answer = daemon.runtime().block_on(daemon.client().inspect_image(reference));
    match answer {
        Ok(image) => Ok(Some(image)),
        Err(BollardError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(source) => {
            let doing = format!("inspect the image {reference}");
            Err(DockerError::Request { doing, source }.into())
        }
    }
}

fn pull(daemon: &Daemon, reference: &str, platform: Platform) -> Result<(), ImageError> {
    let options = CreateImageOptionsBuilder::new()
        .from_image(&super::familiar(reference))
        .platform(platform.as_str())
        .build();
    daemon
        .runtime()
        .block_on(async {
            let mut answers = daemon.client().create_image(Some(options), None, None);
            while let Some(answer) = answers.next().await {
                answer?;
            }
            Ok(())
        })
        .map_err(|source| ImageError::Pull {
            reference: reference.to_owned(),
            source: Box::new(source),
        })
}

/// On the classic store an image's id is the digest of its configuration, which names every
/// layer: when all of them are in the cache, nothing has to be exported.
fn from_cache(id: &str, cache: &Cache) -> Result<Option<Found>, ImageError> {
    let Some(config) = id.parse::<Sha256Digest>().ok().and_then(|id| cache.get(&id)) else {
        return Ok(None);
    };
    let config = config.read(oci::MAX_DOCUMENT)?;
    // On the containerd store it is the digest of another document.
    let Ok(parsed) = oci::document::<oci::ImageConfig>("image configuration", &config) else {
        return Ok(None);
    };
    let layers: Option<Vec<FoundLayer>> = parsed
        .rootfs
        .diff_ids
        .iter()
        .map(|diff_id| {
            let located = cache.get(diff_id)?;
            Some(FoundLayer { located, compression: Compression::None, digest: Some(*diff_id) })
        })
        .collect();
    Ok(layers.map(|layers| Found { manifest: None, config, layers }))
}

/// Puts every file of the export into the cache.
fn store(
    export: &mut Export,
    cache: &Cache,
    seen: &mut dyn FnMut(u64),
) -> Result<Entries, ImageError> {
    let broken = |error: io::Error| FileError::on("read", "the daemon's export")(error);
    let mut entries = Entries::default();
    let mut archive = tar::Archive::new(export);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let located = if entry.header().entry_type().is_file() {
            Some(cache.put(&mut entry, seen)?.1)
        } else {
            None
        };
        entries
            .insert(&entry, || located.ok_or_else(|| io::ErrorKind::InvalidData.into()))
            .map_err(broken)?;
    }
    Ok(entries)
}

/// The daemon's export as a [`Read`].
struct Export {
    pieces: mpsc::Receiver<Result<Bytes, BollardError>>,
    piece: Bytes,
    failure: Option<BollardError>,
}

impl Export {
    fn start(daemon: &Daemon, id: &str) -> Self {
        let (sender, pieces) = mpsc::channel(QUEUE);
        let client = daemon.client().clone();
        let id = id.to_owned();
        daemon.runtime().spawn(async move {
            let mut export = std::pin::pin!(client.export_image(&id));
            while let Some(piece) = export.next().await {
                // The reader stopped: nobody wants the rest.
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
        });
        Self { pieces, piece: Bytes::new(), failure: None }
    }
}

impl Read for Export {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => {
                    let text = error.to_string();
                    self.failure = Some(error);
                    return Err(io::Error::other(text));
                }
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len());
        buffer[..length].copy_from_slice(&self.piece.split_to(length));
        Ok(length)
    }
}
