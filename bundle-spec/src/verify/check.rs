//! Checking every blob, on several threads and in little memory.
//!
//! One SHA-256 cannot be split, so a large blob has two kinds of digest and each gets a thread of
//! its own: one hashes the whole, the other the chunks, both from the same buffers. The calling
//! thread reads. A fixed set of buffers goes round, which is what bounds the memory.

use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use sha2::{Digest as _, Sha256};

use super::{VerifiedBundle, blob::Place};
use crate::{
    archive::Member,
    chunk::{CHUNK_SIZE, ChunkDigests},
    digest::Sha256Digest,
    error::BundleError,
};

/// Bytes per buffer: divides a chunk, and is small enough to stay in a processor's cache.
const PIECE: u64 = 512 << 10;

/// Buffers in all.
const PIECES: usize = 32;

/// Work for a hashing thread.
enum Job {
    /// The next pieces belong to this blob, to be hashed so.
    Start(Place, Kind),
    /// The first `length` bytes of a buffer, which continue the blob that was started last.
    Piece { buffer: Arc<Vec<u8>>, length: usize },
    /// The blob is complete.
    End,
}

#[derive(Clone, Copy)]
enum Kind {
    Whole,
    Chunks,
}

impl<R: Read + Seek> VerifiedBundle<R> {
    /// Hashes every blob and compares. `progress` is called with the number of bytes done since
    /// its last call; they add up to [`blob_bytes`](Self::blob_bytes).
    pub fn check_all(&mut self, progress: &mut dyn FnMut(u64)) -> Result<(), BundleError> {
        let places = self.all_places();
        let (chunks, source) = (&self.chunks, &mut self.source);
        let stop = &AtomicBool::new(false);
        thread::scope(|scope| {
            let (spent, returned) = channel();
            let lanes = [(); 2].map(|()| {
                let (jobs, inbox) = channel();
                let spent = spent.clone();
                (jobs, scope.spawn(move || Lane::new(chunks, stop).run(&inbox, &spent)))
            });
            drop(spent);
            let [(first, one), (second, two)] = lanes;
            let feeder =
                Feeder { jobs: [first, second], returned, free: Vec::new(), made: 0, stop };
            let read = feeder.feed(source, &places, progress);
            // A hashing thread only computes; if one died, nothing was proven. The chunks' thread is
            // asked first: it can name the damaged place.
            let hashed = [two, one].map(|lane| lane.join().unwrap_or_else(|_| Err(lost_thread())));
            hashed.into_iter().collect::<Result<(), _>>()?;
            read
        })
    }
}

fn lost_thread() -> BundleError {
    BundleError::Read(io::Error::other("a hashing thread ended early; please report it"))
}

/// The reading side.
struct Feeder<'a> {
    jobs: [Sender<Job>; 2],
    /// Buffers come back once from each thread that hashed them.
    returned: Receiver<Arc<Vec<u8>>>,
    free: Vec<Vec<u8>>,
    made: usize,
    stop: &'a AtomicBool,
}

impl Feeder<'_> {
    /// Reads all blobs, or until a thread found a mismatch.
    fn feed(
        mut self,
        source: &mut (impl Read + Seek),
        places: &[Place],
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), BundleError> {
        for (at, place) in places.iter().enumerate() {
            // Small blobs have one digest: the two threads take turns.
            let lanes: &[(usize, Kind)] = match (place.is_large(), at % 2) {
                (true, _) => &[(0, Kind::Whole), (1, Kind::Chunks)],
                (false, 0) => &[(0, Kind::Whole)],
                (false, _) => &[(1, Kind::Whole)],
            };
            for (lane, kind) in lanes {
                self.send(*lane, Job::Start(*place, *kind))?;
            }
            source.seek(SeekFrom::Start(place.start)).map_err(BundleError::Read)?;
            let mut left = place.size;
            while left > 0 {
                if self.stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let now = left.min(PIECE);
                let length = usize::try_from(now).expect("a piece is small");
                let mut buffer = self.buffer()?;
                source.read_exact(&mut buffer[..length]).map_err(|error| failed(error, *place))?;
                let buffer = Arc::new(buffer);
                for (lane, _) in lanes {
                    self.send(*lane, Job::Piece { buffer: Arc::clone(&buffer), length })?;
                }
                left -= now;
                progress(now);
            }
            for (lane, _) in lanes {
                self.send(*lane, Job::End)?;
            }
        }
        Ok(())
    }

    fn send(&self, lane: usize, job: Job) -> Result<(), BundleError> {
        self.jobs[lane].send(job).map_err(|_| lost_thread())
    }

    /// A buffer that nobody reads any more; waits for one when all are in use.
    fn buffer(&mut self) -> Result<Vec<u8>, BundleError> {
        loop {
            if let Some(buffer) = self.free.pop() {
                return Ok(buffer);
            }
            if self.made < PIECES {
                self.made += 1;
                return Ok(vec![0; usize::try_from(PIECE).expect("a piece is small")]);
            }
            let returned = self.returned.recv().map_err(|_| lost_thread())?;
            self.free.extend(Arc::into_inner(returned));
        }
    }
}

fn failed(error: io::Error, place: Place) -> BundleError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        let what = Member::Blob(place.digest).to_string();
        return BundleError::Truncated { end: place.start + place.size, what };
    }
    BundleError::Read(error)
}

/// A hashing thread.
struct Lane<'a> {
    chunks: &'a ChunkDigests,
    stop: &'a AtomicBool,
    work: Option<(Place, Kind)>,
    hasher: Sha256,
    /// Bytes of the blob that were hashed.
    done: u64,
}

impl<'a> Lane<'a> {
    fn new(chunks: &'a ChunkDigests, stop: &'a AtomicBool) -> Self {
        Self { chunks, stop, work: None, hasher: Sha256::new(), done: 0 }
    }

    /// Works until the reading side hangs up. After a mismatch it only returns buffers, so that
    /// the reading side, which may be waiting for one, gets on and sees that it is over.
    fn run(
        mut self,
        inbox: &Receiver<Job>,
        spent: &Sender<Arc<Vec<u8>>>,
    ) -> Result<(), BundleError> {
        let mut result = Ok(());
        for job in inbox {
            if result.is_ok() {
                result = self.take(&job);
                if result.is_err() {
                    self.stop.store(true, Ordering::Relaxed);
                }
            }
            if let Job::Piece { buffer, .. } = job {
                // Nobody waits for buffers any more once everything was read.
                let _ = spent.send(buffer);
            }
        }
        result
    }

    fn take(&mut self, job: &Job) -> Result<(), BundleError> {
        match job {
            Job::Start(place, kind) => {
                self.work = Some((*place, *kind));
                self.hasher = Sha256::new();
                self.done = 0;
                Ok(())
            }
            Job::Piece { buffer, length } => {
                self.hasher.update(&buffer[..*length]);
                self.done += *length as u64;
                match self.work {
                    Some((place, Kind::Chunks)) if self.done.is_multiple_of(CHUNK_SIZE) => {
                        self.expect_chunk(place, self.done / CHUNK_SIZE - 1)
                    }
                    _ => Ok(()),
                }
            }
            Job::End => match self.work.take() {
                Some((place, Kind::Whole)) => self.expect_whole(place),
                Some((place, Kind::Chunks)) if !self.done.is_multiple_of(CHUNK_SIZE) => {
                    self.expect_chunk(place, self.done / CHUNK_SIZE)
                }
                _ => Ok(()),
            },
        }
    }

    fn expect_whole(&mut self, place: Place) -> Result<(), BundleError> {
        let found = self.digest();
        if found == place.digest { Ok(()) } else { Err(place.digest_error(found)) }
    }

    fn expect_chunk(&mut self, place: Place, chunk: u64) -> Result<(), BundleError> {
        let found = self.digest();
        if self.chunks.get(place.first_chunk + chunk) == Some(found) {
            return Ok(());
        }
        Err(place.chunk_error(chunk))
    }

    fn digest(&mut self) -> Sha256Digest {
        Sha256Digest::from_bytes(self.hasher.finalize_reset().into())
    }
}
