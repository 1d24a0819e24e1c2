//! The container: POSIX ustar in a profile so strict that one list of files has one encoding.
//!
//! Every header is a function of name and length ([`header`]), names form a closed set with one
//! order ([`Member`]), and the reader compares bytes with what the writer would have written. So
//! the many ways in which readers of tar disagree cannot be expressed.

mod diagnose;
mod member;
pub(crate) mod reader;
mod writer;

pub use member::Member;
pub(crate) use writer::{ArchiveWriter, Copied};

/// Length of a header, and the unit that content is padded to.
pub const BLOCK: u64 = 512;

/// The same as an array's length.
pub(crate) const BLOCK_LENGTH: usize = 512;

/// Longest content: what eleven octal digits hold.
pub const MAX_CONTENT: u64 = (1 << 33) - 1;

/// Longest `manifest.json`.
pub const MAX_MANIFEST: u64 = 4 << 20;

/// Most signatures over one document.
pub const MAX_SIGNATURES: usize = 16;

/// Longest signature file.
pub const MAX_SIGNATURE: u64 = 64 << 10;

/// Most root documents.
pub const MAX_ROOTS: usize = 1024;

/// Most bytes in the signature region (signatures and root documents) as a whole.
pub const MAX_REGION: u64 = 16 << 20;

/// Most blobs.
pub const MAX_BLOBS: usize = 20_000;

/// What stands at the end: two blocks of zeros.
pub(crate) const END: [u8; 1024] = [0; 1024];

/// The header of a regular file: the only header there is.
pub(crate) fn header(name: &str, size: u64) -> [u8; 512] {
    debug_assert!(name.len() <= 100 && size <= MAX_CONTENT, "members are short and bounded");
    let mut block = [0; 512];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum = checksum(&block);
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// The sum of a header's bytes, its own field counted as spaces.
fn checksum(block: &[u8; 512]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..])
}

/// How many zeros follow content of this length.
pub(crate) const fn padding(size: u64) -> u64 {
    (BLOCK - size % BLOCK) % BLOCK
}

/// How many bytes a member takes: header, content and padding.
pub(crate) const fn stored(size: u64) -> u64 {
    BLOCK + size + padding(size)
}
