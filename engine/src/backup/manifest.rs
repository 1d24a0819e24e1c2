//! What a checkpoint consists of: names, sizes and hashes. Pure.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{ArchiveError, tar};
use crate::{
    clock::Millis,
    keyspace::{
        id::random_bytes,
        tables::{FORMAT, OLDEST_FORMAT},
    },
};

/// What the manifest calls its own form.
pub(super) const FORM: &str = "rivet-checkpoint/1";

/// The first entry of an archive.
pub(super) const MANIFEST_ENTRY: &str = "manifest.json";

/// The second.
pub(super) const DIGEST_ENTRY: &str = "manifest.sha256";

/// Where the files are.
pub(super) const DATABASE: &str = "rocksdb";

/// The largest manifest, in bytes: that of some hundred thousand files.
pub(super) const MANIFEST_MAX: u64 = 32 << 20;

/// Says everything about a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of the manifest and of the archive around it.
    pub form: String,
    /// Which checkpoint it is.
    pub id: CheckpointId,
    /// When it was made, in milliseconds.
    pub create_ts: Millis,
    /// The version of the engine that made it.
    pub engine_version: String,
    /// The layout of the data.
    pub data_format: u32,
    /// The number of a write that is in it together with all before it.
    pub sequence: u64,
    /// The files, in the order of their names.
    pub files: Vec<File>,
}

/// A file of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name.
    pub name: FileName,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of its content.
    pub sha256: Sha256Hex,
}

/// The name of a file: letters, digits, `-`, `_` and `.`, the first a letter or digit. So it names
/// nothing outside of the directory that it is in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

/// A SHA-256, in lower case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256Hex(String);

/// The name of a checkpoint: the moment at which it was made, to the second, and something
/// random.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CheckpointId(String);

/// The text is none of what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct InvalidText(&'static str);

impl Manifest {
    /// The exact bytes of the manifest.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a manifest is plain data");
        bytes.push(b'\n');
        bytes
    }

    /// Reads what [`Manifest::to_bytes`] wrote, and nothing else. A layout of the data that this
    /// engine does not read is an error.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let manifest: Self = serde_json::from_slice(bytes)
            .map_err(|error| ArchiveError::Manifest(error.to_string()))?;
        let refused = |reason: &str| Err(ArchiveError::Manifest(reason.to_owned()));
        if manifest.form != FORM {
            return Err(ArchiveError::Form { found: manifest.form });
        }
        if manifest.to_bytes() != bytes {
            return refused("it is not written as an engine writes it");
        }
        if !manifest.files.is_sorted_by(|one, next| one.name < next.name) {
            return refused("its files are not in order, or one is there twice");
        }
        if manifest.files.iter().any(|file| file.bytes > tar::ENTRY_MAX) {
            return refused("a file is larger than an entry can be");
        }
        if !(OLDEST_FORMAT..=FORMAT).contains(&manifest.data_format) {
            let (found, written_by) = (manifest.data_format, manifest.engine_version);
            return Err(ArchiveError::DataFormat { found, written_by });
        }
        Ok(manifest)
    }

    /// What the second entry of the archive says about these bytes of a manifest.
    pub(super) fn digest_line(bytes: &[u8]) -> String {
        format!("{}  {MANIFEST_ENTRY}\n", Sha256Hex::of(bytes))
    }

    /// What the files take, in bytes. No sum of them is too large for the type: each has a bound, and
    /// so has the manifest that names them.
    pub fn data_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// How long the archive is, in bytes.
    pub fn archive_bytes(&self) -> u64 {
        let manifest = self.to_bytes();
        let lengths = [manifest.len(), Self::digest_line(&manifest).len()];
        let first = lengths.map(|length| u64::try_from(length).unwrap_or(u64::MAX)).into_iter();
        let entries = first.chain(self.files.iter().map(|file| file.bytes));
        entries.map(tar::entry_bytes).sum::<u64>() + tar::END_BYTES
    }
}

impl File {
    /// The name of its entry in the archive.
    pub(super) fn entry(&self) -> String {
        format!("{DATABASE}/{}", self.name.0)
    }
}

impl FileName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Sha256Hex {
    /// The SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hasher(Sha256::new_with_prefix(bytes))
    }

    /// The SHA-256 of what `hasher` was given.
    pub fn from_hasher(hasher: Sha256) -> Self {
        Self(hex(&hasher.finalize()))
    }
}

impl CheckpointId {
    /// A new name for a checkpoint that is made at `now`.
    pub fn new(now: Millis) -> Self {
        Self(format!("{}-{}", stamp(now), hex(&random_bytes::<4>())))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;

    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes any text");
        hex
    })
}

/// A moment as `20261124T212744Z`.
fn stamp(millis: Millis) -> String {
    let (days, second) = (millis / 86_400_000, millis / 1000 % 86_400);
    // Counted from a March the 1st, so that the day that comes and goes is the last of a year.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

impl TryFrom<String> for FileName {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if first && text.len() <= 64 && text.bytes().all(allowed) {
            return Ok(Self(text));
        }
        Err(InvalidText("the name of a file of the database"))
    }
}

impl TryFrom<String> for Sha256Hex {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        if text.len() == 64 && is_hex(&text) {
            return Ok(Self(text));
        }
        Err(InvalidText("a SHA-256 in lower case hexadecimal"))
    }
}

impl TryFrom<String> for CheckpointId {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        let stamp_fits = |stamp: &str| {
            stamp.len() == 16
                && stamp.bytes().enumerate().all(|(index, byte)| match index {
                    8 => byte == b'T',
                    15 => byte == b'Z',
                    _ => byte.is_ascii_digit(),
                })
        };
        match text.split_once('-') {
            Some((stamp, random)) if stamp_fits(stamp) && random.len() == 8 && is_hex(random) => {
                Ok(Self(text))
            }
            _ => Err(InvalidText("the id of a checkpoint")),
        }
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl FromStr for CheckpointId {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        text.to_owned().try_into()
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

impl From<Sha256Hex> for String {
    fn from(digest: Sha256Hex) -> Self {
        digest.0
    }
}

impl From<CheckpointId> for String {
    fn from(id: CheckpointId) -> Self {
        id.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CheckpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_calendar_has_it() {
        for (millis, expected) in [
            (0, "19700101T000000Z"),
            (951_827_696_789, "20000229T123456Z"),
            (951_868_800_000, "20000301T000000Z"),
            (1_798_761_599_999, "20261231T235959Z"),
            (4_107_542_399_000, "21000228T235959Z"),
            (4_107_542_400_000, "21000301T000000Z"),
        ] {
            assert_eq!(stamp(millis), expected);
        }
    }

    #[test]
    fn an_id_is_read_back_and_nothing_else_is_one() {
        let id = CheckpointId::new(951_827_696_789);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for text in [
            "",
            ".",
            "..",
            "20000229T123456Z",
            "20000229T123456Z-0123456g",
            "20000229T123456Z-../../ab",
        ] {
            assert!(text.parse::<CheckpointId>().is_err(), "{text}");
        }
    }
}
