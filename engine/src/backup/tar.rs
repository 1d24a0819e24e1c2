//! The one form of tar that archives have: plain files with fixed attributes, in POSIX `ustar`. Pure.

use super::ArchiveError;

/// What everything is counted in.
pub(super) const BLOCK: usize = 512;

/// The header of an entry, or a piece of what comes after the last.
pub(super) type Block = [u8; BLOCK];

/// What ends an archive: two empty blocks.
pub(super) const END_BYTES: u64 = 2 * BLOCK as u64;

/// The largest entry: eleven octal digits.
pub(super) const ENTRY_MAX: u64 = (1 << 33) - 1;

/// The longest name of an entry.
const NAME_MAX: usize = 100;

/// The header of the file `name` with `bytes` bytes of content.
pub(super) fn header(name: &str, bytes: u64) -> Block {
    assert!(name.len() <= NAME_MAX && bytes <= ENTRY_MAX, "names and sizes are checked before");
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{bytes:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    // The sum of the header is made with spaces where it goes itself.
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// The size that the header of an entry states, in bytes. The rest of it is not looked at.
pub(super) fn stated_size(header: &Block) -> Result<u64, ArchiveError> {
    let text = std::str::from_utf8(&header[124..135]).ok();
    let digits = text.filter(|text| text.bytes().all(|byte| (b'0'..=b'7').contains(&byte)));
    digits.and_then(|digits| u64::from_str_radix(digits, 8).ok()).ok_or(ArchiveError::NotAnArchive)
}

/// How many bytes of nothing come after `bytes` of content.
pub(super) fn padding(bytes: u64) -> usize {
    let beyond = usize::try_from(bytes % BLOCK as u64).unwrap_or(0);
    (BLOCK - beyond) % BLOCK
}

/// What an entry with `bytes` bytes of content takes.
pub(super) fn entry_bytes(bytes: u64) -> u64 {
    BLOCK as u64 + bytes + padding(bytes) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_how_large_its_file_is() {
        for bytes in [0, 1, 511, 512, ENTRY_MAX] {
            assert_eq!(stated_size(&header("rocksdb/CURRENT", bytes)), Ok(bytes));
        }
    }

    #[test]
    fn entries_are_filled_up_to_whole_blocks() {
        assert_eq!([0, 1, 512, 513].map(padding), [0, 511, 0, 511]);
        assert_eq!([0, 1, 512, 513].map(entry_bytes), [512, 1024, 1024, 1536]);
    }
}
