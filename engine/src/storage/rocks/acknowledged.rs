//! How far acknowledged commits go, kept beside the database: the proof that none is missing.
//!
//! A database whose log lost its end opens as if nothing had happened. So after each sync, and before
//! anybody is answered, the number of the last write goes into a file. It is not synced itself: after
//! the end of the process it is exact, after a loss of power it is an older, smaller truth.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

/// The file, in the directory of the database: it goes wherever the database goes, and a checkpoint
/// has none.
pub(super) const FILE: &str = "ACKNOWLEDGED";

/// The number, and then its complement, both little endian.
const LENGTH: usize = 16;

/// The file, open.
#[derive(Debug)]
pub(super) struct Acknowledged(File);

impl Acknowledged {
    /// Opens the file of the database in `database`, and makes it last where it is new.
    pub(super) fn open(database: &Path, number: u64) -> io::Result<Self> {
        let path = database.join(FILE);
        let is_new = !path.exists();
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = Self(options.open(&path)?);
        file.note(number)?;
        if is_new {
            file.0.sync_all()?;
            File::open(database)?.sync_all()?;
        }
        Ok(file)
    }

    /// Notes that every write up to `number` is on disk.
    pub(super) fn note(&self, number: u64) -> io::Result<()> {
        self.0.write_all_at(&encode(number), 0)
    }
}

/// What the file says. `None`: there is none.
pub(super) fn read(database: &Path) -> io::Result<Option<u64>> {
    match std::fs::read(database.join(FILE)) {
        Ok(bytes) => decode(&bytes)
            .map(Some)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the file is damaged")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Forgets what was acknowledged: for a store that may lose its end.
pub(super) fn forget(database: &Path) -> io::Result<()> {
    match std::fs::remove_file(database.join(FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn encode(number: u64) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[8..].copy_from_slice(&(!number).to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<u64> {
    let number = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    (bytes == encode(number)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_never_change() {
        assert_eq!(
            encode(0x0102),
            [2, 1, 0, 0, 0, 0, 0, 0, 253, 254, 255, 255, 255, 255, 255, 255]
        );
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for bit in 0..LENGTH * 8 {
            let mut bytes = encode(77);
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&bytes), None, "bit {bit}");
        }
        assert_eq!(decode(&encode(77)), Some(77));
        assert_eq!(decode(&encode(77)[..15]), None);
    }
}
