//! Sending one image into the daemon while its bytes are being verified.
//!
//! The archive is never on disk: it is made while the daemon reads it, from blobs that are hashed
//! in the same read. Its commit record comes last, so when a byte is wrong the stream ends early
//! and the daemon registers nothing.

mod archive;

use std::{fs::File, io, time::Duration};

use bollard::{
    errors::Error,
    query_parameters::{ImportImageOptions, RemoveImageOptions, TagImageOptions},
};
use bundle_spec::{error::BundleError, manifest::Image, verify::VerifiedBundle};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::{InstallError, images, plan::PlannedImage};
use crate::{
    docker::Daemon,
    error::{FileError, Outcome},
};

/// Bytes handed over at a time, and how many such pieces may wait.
const PIECE: usize = 1 << 20;
const PIECES: usize = 4;

/// A load takes what it takes; a daemon that is gone closes the connection.
const PATIENCE: Duration = Duration::from_hours(30 * 24);

/// Sends `image` without its lowest `skipped` layers and gives it our tag.
pub(crate) fn send(
    daemon: &Daemon,
    bundle: &mut VerifiedBundle<File>,
    image: &Image,
    planned: &PlannedImage,
    skipped: usize,
    progress: &mut dyn FnMut(u64),
) -> Outcome {
    let (sender, receiver) = mpsc::channel::<Bytes>(PIECES);
    let client = daemon.client().clone().with_timeout(PATIENCE);
    let answer = daemon.runtime().spawn(async move {
        let pieces = stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|piece| (piece, receiver))
        });
        let mut said = client.import_image_stream(ImportImageOptions::default(), pieces, None);
        while let Some(line) = said.next().await {
            // Errors arrive as lines of an answer whose status is 200.
            let line = line?;
            if let Some(message) =
                line.error_detail.and_then(|detail| detail.message).or(line.error)
            {
                return Err(Error::DockerStreamError { error: message });
            }
        }
        Ok(())
    });

    let mut pipe = Pipe { sender, waiting: Vec::with_capacity(PIECE) };
    let written = archive::write(bundle, image, &planned.tag, skipped, &mut pipe, progress);
    let written = written.and_then(|()| io::Write::flush(&mut pipe));
    drop(pipe);

    let answer = daemon.runtime().block_on(answer).map_err(|error| error.to_string());
    // A bad bundle is the cause, whatever the daemon then said about the end of the stream.
    let written = match written.map_err(io::Error::downcast::<BundleError>) {
        Err(Ok(error)) => return Err(error.into()),
        Err(Err(error)) => Err(error),
        Ok(()) => Ok(()),
    };
    let refused = |reason: String| {
        let reason = reason.chars().filter(|c| !c.is_control()).collect();
        InstallError::LoadRefused { image: image.name.to_string(), reason }
    };
    match answer {
        Ok(Ok(())) => (),
        Ok(Err(error)) => return Err(refused(error.to_string()).into()),
        Err(reason) => return Err(refused(reason).into()),
    }
    written.map_err(FileError::on("read", "the bundle"))?;
    check(daemon, image, planned)
}

/// Gives an image that the daemon has our tag.
pub(crate) fn tag(daemon: &Daemon, image: &Image, planned: &PlannedImage) -> Outcome {
    let (repo, tag) = planned.tag.rsplit_once(':').expect("our tags have a tag");
    let options = TagImageOptions { repo: Some(repo.to_owned()), tag: Some(tag.to_owned()) };
    daemon.wait("tag an image", daemon.client().tag_image(&planned.id, Some(options)))?;
    check(daemon, image, planned)
}

/// Removes our tag; the daemon removes the image with its last tag, unless something uses it.
pub(crate) fn untag(daemon: &Daemon, tag: &str) -> Outcome {
    let options = RemoveImageOptions { force: false, noprune: false };
    daemon.wait("remove a tag", async {
        match daemon.client().remove_image(tag, Some(options), None).await {
            // 404: gone. 409: a container of somebody else uses it.
            Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    })?;
    Ok(())
}

/// Nothing is started unless the daemon holds under our tag exactly what was verified.
fn check(daemon: &Daemon, image: &Image, planned: &PlannedImage) -> Outcome {
    let found = images::inspect(daemon, &planned.tag)?.and_then(|image| image.id);
    if found.as_deref() == Some(planned.id.as_str()) {
        return Ok(());
    }
    Err(InstallError::WrongImage {
        image: image.name.to_string(),
        found: found.unwrap_or_else(|| "nothing".into()),
        expected: planned.id.clone(),
    }
    .into())
}

/// The writing end of the stream: waits when the daemon reads slowly.
struct Pipe {
    sender: mpsc::Sender<Bytes>,
    waiting: Vec<u8>,
}

impl io::Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(PIECE - self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..fits]);
        if self.waiting.len() == PIECE {
            io::Write::flush(self)?;
        }
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.waiting, Vec::with_capacity(PIECE));
        self.sender.blocking_send(piece.into()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
