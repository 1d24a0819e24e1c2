//! Whether the database's log is whole, or only its end is torn, or something in it is damaged.
//!
//! The engine is the only writer, and syncs each write before it begins the next. So a loss of power
//! can tear the very last write, which nobody was told about, and nothing else: damage with a whole
//! write behind it was done to something that was acknowledged. `RocksDB` does not tell the two apart.
//!
//! The format is that of `RocksDB`'s log files: blocks of 32 KiB of records, each with a header of
//! checksum, length and type; a write that does not fit is a first, middle and last record.

use std::path::{Path, PathBuf};

use super::crc32c::crc32c;

const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;

const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;

/// A write begins with the number of its first change, and how many there are.
const WRITE_HEADER: usize = 12;

/// How a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LogState {
    /// Everything in it can be read.
    Whole,
    /// A write was begun and not finished: it was never acknowledged.
    TornEnd {
        /// The file.
        file: PathBuf,
        /// Where the write begins.
        offset: usize,
    },
    /// Writes are missing or damaged, and others come after them.
    Damaged {
        /// The file.
        file: PathBuf,
        /// From where on it cannot be read.
        offset: usize,
    },
}

/// Reads the log files of the database in `dir`, in their order.
pub(super) fn check(dir: &Path) -> std::io::Result<LogState> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        if path.extension().is_some_and(|extension| extension == "log")
            && let Some(number) = number
        {
            files.push((number, path));
        }
    }
    files.sort();
    let read = |(_, path): (u64, PathBuf)| Ok((std::fs::read(&path)?, path));
    let scanned =
        files.into_iter().map(|file| read(file).map(|(bytes, path)| (path, scan(&bytes))));
    let scanned: std::io::Result<Vec<_>> = scanned.collect();
    Ok(judge(&scanned?))
}

/// What is in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scan {
    /// The number of the first change, where there is one.
    first: Option<u64>,
    /// The number after the last change of the whole writes.
    next: u64,
    /// Where the whole writes end, when more than nothing comes after them.
    broken_at: Option<usize>,
    /// Whether a write can be read behind that.
    goes_on: bool,
}

fn judge(files: &[(PathBuf, Scan)]) -> LogState {
    let mut state = LogState::Whole;
    let mut next = None;
    for (file, scan) in files {
        let damaged = |offset| LogState::Damaged { file: file.clone(), offset };
        if let Some(first) = scan.first {
            // Between two files nothing may be missing. What failed may have been written again.
            if next.is_some_and(|next| first > next) {
                return damaged(0);
            }
            next = Some(scan.next);
        }
        match scan.broken_at {
            Some(offset) if scan.goes_on => return damaged(offset),
            Some(offset) => state = LogState::TornEnd { file: file.clone(), offset },
            None => {}
        }
    }
    state
}

fn scan(log: &[u8]) -> Scan {
    let mut scan = Scan { first: None, next: 0, broken_at: None, goes_on: false };
    let (mut at, mut write_at) = (0, 0);
    // The beginning of a write that has no end yet. It may be empty: where a header and nothing else fits
    // into the rest of a block, a write begins with no byte of its own there.
    let mut begun: Option<Vec<u8>> = None;
    loop {
        let left = BLOCK - at % BLOCK;
        if left < HEADER {
            at += left;
            continue;
        }
        let Some((kind, payload)) = record(log, at) else { break };
        match (kind, &mut begun) {
            (FULL | FIRST, Some(_)) | (MIDDLE | LAST, None) => break,
            (FULL | FIRST, None) => {
                write_at = at;
                begun = Some(payload.iter().copied().take(WRITE_HEADER).collect());
            }
            (MIDDLE | LAST, Some(begun)) => begun.extend(payload.iter().take(WRITE_HEADER)),
            _ => {}
        }
        at += HEADER + payload.len();
        if matches!(kind, FULL | LAST)
            && let Some((number, changes)) = begun.take().as_deref().and_then(numbers)
        {
            scan.first = scan.first.or(Some(number));
            scan.next = number + changes;
        }
    }
    let broken = if begun.is_none() { at } else { write_at };
    let rest = log.get(broken.min(log.len())..).unwrap_or_default();
    if rest.iter().any(|byte| *byte != 0) {
        scan.broken_at = Some(broken);
        scan.goes_on = (broken + 1..log.len()).any(|at| begins_a_write(log, at));
    }
    scan
}

/// The record at `at`, when it is whole.
fn record(log: &[u8], at: usize) -> Option<(u8, &[u8])> {
    let header = log.get(at..at + HEADER)?;
    let length = usize::from(u16::from_le_bytes([header[4], header[5]]));
    let kind = header[6];
    if kind == 0 || at % BLOCK + HEADER + length > BLOCK {
        return None;
    }
    let covered = log.get(at + HEADER - 1..at + HEADER + length)?;
    let stored = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
    (masked(crc32c(covered)) == stored).then(|| (kind, &covered[1..]))
}

fn begins_a_write(log: &[u8], at: usize) -> bool {
    log.get(at + HEADER - 1).is_some_and(|kind| matches!(*kind, FULL | FIRST))
        && BLOCK - at % BLOCK >= HEADER
        && record(log, at).is_some_and(|(_, payload)| payload.len() >= WRITE_HEADER)
}

fn numbers(write: &[u8]) -> Option<(u64, u64)> {
    let first = u64::from_le_bytes(write.get(..8)?.try_into().ok()?);
    let changes = u32::from_le_bytes(write.get(8..12)?.try_into().ok()?);
    Some((first, u64::from(changes)))
}

/// Checksums are stored so that they can be summed up again.
fn masked(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xA282_EAD8)
}

#[cfg(test)]
mod tests {
    use rocksdb::{DB, WriteBatch, WriteOptions};

    use super::*;

    /// The log of a database with `writes` writes of some size, and where each begins.
    fn log(dir: &Path, sizes: &[usize]) -> (PathBuf, Vec<u8>) {
        let mut options = super::super::options();
        options.create_if_missing(true);
        let db = DB::open(&options, dir).unwrap();
        let mut durably = WriteOptions::default();
        durably.set_sync(true);
        for (number, size) in sizes.iter().enumerate() {
            let mut batch = WriteBatch::default();
            batch.put(number.to_be_bytes(), vec![7_u8; *size]);
            db.write_opt(batch, &durably).unwrap();
        }
        std::mem::forget(db);
        let find = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "log");
        let file = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).find(find);
        let bytes = std::fs::read(file.clone().unwrap()).unwrap();
        (file.unwrap(), bytes)
    }

    fn judged(bytes: &[u8]) -> LogState {
        judge(&[(PathBuf::from("x"), scan(bytes))])
    }

    #[test]
    fn the_log_that_rocksdb_writes_is_whole() {
        let dir = camino_tempfile::tempdir().unwrap();
        let (_, bytes) = log(dir.path().as_std_path(), &[10, 100, 70_000, 5, 32_700]);

        assert_eq!(judged(&bytes), LogState::Whole);
        assert_eq!(scan(&bytes).next - scan(&bytes).first.unwrap(), 5);
    }

    /// Where a header alone fits before the next block, the write begins with a record of nothing.
    #[test]
    fn a_write_that_begins_at_any_place_before_the_end_of_a_block_is_whole() {
        for size in BLOCK - 60..BLOCK - 20 {
            let dir = camino_tempfile::tempdir().unwrap();
            let (_, bytes) = log(dir.path().as_std_path(), &[size, 100, 100]);

            assert_eq!(judged(&bytes), LogState::Whole, "{size} bytes first");
            let scan = scan(&bytes);
            assert_eq!(scan.next - scan.first.unwrap(), 3, "{size} bytes first");
            // The last two writes are torn, at the end of the block and behind it.
            for cut in [BLOCK, BLOCK + 10, bytes.len() - 1] {
                let state = judged(&bytes[..cut]);
                assert!(!matches!(state, LogState::Damaged { .. }), "{size}, {cut}: {state:?}");
            }
        }
    }

    #[test]
    fn a_log_that_is_cut_anywhere_has_a_torn_end_or_is_a_shorter_whole_one() {
        let dir = camino_tempfile::tempdir().unwrap();
        let (_, bytes) = log(dir.path().as_std_path(), &[10, 100, 70_000, 5]);

        for cut in (0..bytes.len()).step_by(97).chain(bytes.len() - 60..bytes.len()) {
            assert!(!matches!(judged(&bytes[..cut]), LogState::Damaged { .. }), "{cut}");
        }
    }

    #[test]
    fn a_flipped_bit_is_damage_before_the_last_write_and_a_torn_end_in_it() {
        let dir = camino_tempfile::tempdir().unwrap();
        let (_, bytes) = log(dir.path().as_std_path(), &[10, 100, 70_000, 500]);
        let last = bytes.len() - (500 + HEADER + WRITE_HEADER + 12);

        for at in (0..bytes.len()).step_by(61) {
            let mut broken = bytes.clone();
            broken[at] ^= 4;
            match judged(&broken) {
                LogState::Damaged { .. } => assert!(at < last, "{at}"),
                LogState::TornEnd { .. } => assert!(at >= last - HEADER, "{at}"),
                LogState::Whole => panic!("nobody noticed byte {at}"),
            }
        }
    }

    #[test]
    fn a_last_write_whose_pages_came_in_any_order_is_a_torn_end() {
        let dir = camino_tempfile::tempdir().unwrap();
        let (_, bytes) = log(dir.path().as_std_path(), &[10, 100_000]);

        for page in bytes.len() / 4096 - 20..bytes.len() / 4096 {
            let mut broken = bytes.clone();
            broken[page * 4096..(page + 1) * 4096].fill(0);
            assert!(matches!(judged(&broken), LogState::TornEnd { .. }), "page {page}");
        }
    }

    #[test]
    fn a_file_that_is_missing_between_two_is_damage() {
        let scan = |first, next| Scan { first: Some(first), next, broken_at: None, goes_on: false };
        let files = |second| [(PathBuf::from("1"), scan(1, 5)), (PathBuf::from("3"), second)];

        assert_eq!(judge(&files(scan(5, 9))), LogState::Whole);
        assert!(matches!(judge(&files(scan(8, 9))), LogState::Damaged { .. }));
    }
}
