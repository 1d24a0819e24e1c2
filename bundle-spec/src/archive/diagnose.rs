//! Saying what is wrong with a header.
//!
//! The reader accepts a header only when it is byte for byte the one that the writer makes. This
//! module explains a header that is not; it decides nothing.

use super::{Member, checksum, header};
use crate::error::{BundleError, printable};

/// What a well-formed header is for.
pub(super) struct Found {
    pub(super) member: Member,
    pub(super) size: u64,
}

/// Fields that are the same in every header: name, place, content.
const FIXED: [(&str, std::ops::Range<usize>); 12] = [
    ("magic", 257..263),
    ("version", 263..265),
    ("mode", 100..108),
    ("owner", 108..116),
    ("group", 116..124),
    ("modification time", 136..148),
    ("link target", 157..257),
    ("owner name", 265..297),
    ("group name", 297..329),
    ("device", 329..345),
    ("name prefix", 345..500),
    ("reserved part", 500..512),
];

/// Reads a header that is exactly ours; says what is wrong with any other. `at` is its position.
pub(super) fn read(block: &[u8; 512], at: u64) -> Result<Found, BundleError> {
    let stated = &block[148..156];
    let sum = checksum(block);
    if octal(&stated[..6]) != Some(u64::from(sum)) {
        return Err(BundleError::Checksum { at });
    }
    if block[156] != b'0' {
        return Err(BundleError::MemberType { at, found: printable(&block[156..157]) });
    }
    let model = header("", 0);
    for (field, place) in FIXED {
        if block[place.clone()] != model[place.clone()] {
            let (found, expected) = (text(&block[place.clone()]), text(&model[place]));
            return Err(BundleError::Header { at, field, found, expected });
        }
    }
    let size = &block[124..136];
    let size = octal(&size[..11]).filter(|_| size[11] == 0).ok_or_else(|| BundleError::Header {
        at,
        field: "size",
        found: text(size),
        expected: "eleven octal digits and a NUL".to_owned(),
    })?;
    let length = block[..100].iter().position(|byte| *byte == 0).unwrap_or(100);
    let member = Member::parse(&block[..length])?;
    if *block == header(&member.to_string(), size) {
        return Ok(Found { member, size });
    }
    // Something after the name's NUL, or the checksum's last two bytes.
    let (field, found) = if block[length..100].iter().any(|byte| *byte != 0) {
        ("name", text(&block[..100]))
    } else {
        ("checksum", text(stated))
    };
    let expected = "the field as rivetctl writes it".to_owned();
    Err(BundleError::Header { at, field, found, expected })
}

fn octal(digits: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| matches!(byte, b'0'..=b'7').then(|| u64::from(byte - b'0'));
    digits.iter().try_fold(0_u64, |value, byte| value.checked_mul(8)?.checked_add(digit(byte)?))
}

/// A field without its trailing NULs, in quotes.
fn text(field: &[u8]) -> String {
    let end = field.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    format!("\"{}\"", printable(&field[..end]))
}
