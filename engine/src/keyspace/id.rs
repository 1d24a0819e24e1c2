//! The id of a namespace, an actor or a request: 19 bytes, shown as 30 base36 digits.
//!
//! Bytes: `01`, 16 random bytes (UUID version 4), the datacenter's label as u16, big-endian. The
//! text is those bytes read as a little-endian number, least significant digit first.

use std::{cell::RefCell, fmt, str, str::FromStr};

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const TEXT_LENGTH: usize = 30;
const VERSION: u8 = 1;

/// How many digits are made at once: 36⁶ is the largest power of 36 within 32 bits.
const DIGITS_AT_ONCE: usize = 6;
const POWER: u64 = 36_u64.pow(6);

/// How many numbers of 32 bits hold an id.
const LIMBS: usize = Id::LENGTH.div_ceil(4);

/// How many ids' random bytes are asked of the kernel at once.
const IDS_AT_ONCE: usize = 32;

/// A unique id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; Self::LENGTH]);

/// The text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Too short to name even a version.
    #[error("invalid input length: expected at least 4 characters")]
    TooShort,
    /// Not 30 characters.
    #[error("invalid input length: expected {TEXT_LENGTH}, got {0}")]
    Length(usize),
    /// A character outside `0-9a-z`.
    #[error("invalid base36 character: '{0}'")]
    Digit(char),
    /// More than 19 bytes can hold.
    #[error("the id is out of range")]
    Range,
    /// A kind of id that this engine does not know.
    #[error("unsupported ID version: {0}")]
    Version(u8),
}

impl Id {
    /// How many bytes an id has.
    pub const LENGTH: usize = 19;

    /// A new random id, made in the datacenter with this label.
    pub fn random(datacenter_label: u16) -> Self {
        let mut bytes = [0; Self::LENGTH];
        bytes[0] = VERSION;
        bytes[1..17].copy_from_slice(&random_uuid());
        bytes[17..].copy_from_slice(&datacenter_label.to_be_bytes());
        Self(bytes)
    }

    /// The id with these bytes, when there are 19 of them and they begin with a known version.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; Self::LENGTH] = bytes.try_into().ok()?;
        (bytes[0] == VERSION).then_some(Self(bytes))
    }

    /// The label of the datacenter where the id was made.
    pub fn datacenter_label(&self) -> u16 {
        u16::from_be_bytes([self.0[17], self.0[18]])
    }

    /// The bytes of the id.
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

/// Random bytes, straight from the kernel: a static program in an empty root has no
/// `/dev/urandom` to fall back to, which is where the usual crates go.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    assert_eq!(filled, Ok(bytes.len()), "the kernel has random bytes");
    bytes
}

fn random_uuid() -> [u8; 16] {
    thread_local! {
        /// Random bytes that no id has used yet. Every request takes some.
        static UNUSED: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
    }
    let mut bytes = UNUSED.with_borrow_mut(|unused| {
        if unused.is_empty() {
            let random: [u8; 16 * IDS_AT_ONCE] = random_bytes();
            unused.extend(random.as_chunks::<16>().0);
        }
        unused.pop().unwrap_or_default()
    });
    bytes[6] = (bytes[6] & 0x0F) | 0x40;
    bytes[8] = (bytes[8] & 0x3F) | 0x80;
    bytes
}

impl Id {
    /// The 30 digits. Every request has an id of its own and names its actor's, so this is quick: six
    /// digits at a time, since 36⁶ fits 32 bits.
    fn text(&self) -> [u8; TEXT_LENGTH] {
        let mut number = limbs(&self.0);
        let mut text = [0; TEXT_LENGTH];
        for six in text.chunks_exact_mut(DIGITS_AT_ONCE) {
            let mut remainder = 0_u64;
            for limb in number.iter_mut().rev() {
                let value = (remainder << 32) | u64::from(*limb);
                *limb = low_half(value / POWER);
                remainder = value % POWER;
            }
            for digit in six {
                *digit = DIGITS[usize::from(low_byte(remainder % 36))];
                remainder /= 36;
            }
        }
        text
    }
}

/// The number that the bytes are, 32 bits at a time, least significant first.
fn limbs(bytes: &[u8; Id::LENGTH]) -> [u32; LIMBS] {
    let mut limbs = [0; LIMBS];
    for (limb, bytes) in limbs.iter_mut().zip(bytes.chunks(4)) {
        let mut four = [0; 4];
        four[..bytes.len()].copy_from_slice(bytes);
        *limb = u32::from_le_bytes(four);
    }
    limbs
}

fn low_half(value: u64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() < 4 {
            return Err(IdError::TooShort);
        }
        if text.len() != TEXT_LENGTH {
            return Err(IdError::Length(text.len()));
        }
        let mut digits = [0; TEXT_LENGTH];
        // From the end, as the number is read.
        for (digit, character) in digits.iter_mut().zip(text.chars().rev()) {
            *digit = character.to_digit(36).ok_or(IdError::Digit(character))?;
        }
        let mut number = [0_u32; LIMBS];
        for six in digits.chunks_exact(DIGITS_AT_ONCE) {
            let mut carry = six.iter().fold(0, |value, digit| value * 36 + u64::from(*digit));
            for limb in &mut number {
                let value = u64::from(*limb) * POWER + carry;
                *limb = low_half(value);
                carry = value >> 32;
            }
            if carry != 0 {
                return Err(IdError::Range);
            }
        }
        let mut bytes = [0; LIMBS * 4];
        for (four, limb) in bytes.chunks_exact_mut(4).zip(number) {
            four.copy_from_slice(&limb.to_le_bytes());
        }
        let (bytes, beyond) = bytes.split_at(Self::LENGTH);
        if beyond != [0] {
            return Err(IdError::Range);
        }
        Self::from_slice(bytes).ok_or(IdError::Version(bytes[0]))
    }
}

impl serde::Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_and_bytes_name_the_same_id(random in any::<[u8; 16]>(), label in any::<u16>()) {
            let mut bytes = [0; Id::LENGTH];
            bytes[0] = VERSION;
            bytes[1..17].copy_from_slice(&random);
            bytes[17..].copy_from_slice(&label.to_be_bytes());
            let id = Id(bytes);

            let text = id.to_string();

            prop_assert_eq!(text.len(), TEXT_LENGTH);
            prop_assert_eq!(text.parse::<Id>(), Ok(id));
            prop_assert_eq!(text.to_uppercase().parse::<Id>(), Ok(id));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<Id>();
        }
    }

    #[test]
    fn no_two_ids_are_the_same() {
        let ids: std::collections::BTreeSet<Id> = (0..1000).map(|_| Id::random(1)).collect();

        assert_eq!(ids.len(), 1000);
    }

    #[test]
    fn an_id_of_datacenter_1_ends_in_two_zeros() {
        assert!(Id::random(1).to_string().ends_with("00"));
    }

    /// This text is in logs, URLs and stored rows: if this test fails, fix the code.
    const GOLDEN: &str = "t1grlftei8zngmkzvmuidzlllecl00";

    #[test]
    fn the_text_form_has_not_changed() {
        let mut bytes = [0; Id::LENGTH];
        bytes[0] = VERSION;
        bytes[1..17].copy_from_slice(&[0xAB; 16]);
        bytes[18] = 1;

        assert_eq!(Id(bytes).to_string(), GOLDEN);
        assert_eq!(GOLDEN.parse(), Ok(Id(bytes)));
    }

    #[test]
    fn an_id_made_by_another_engine_is_read() {
        let id: Id = "hkigxd4lpe1ezuhv3lya05xckoal00".parse().unwrap();

        assert_eq!(id.datacenter_label(), 1);
    }

    #[test]
    fn text_that_is_no_id_is_refused_with_the_reason() {
        let reason = |text: &str| text.parse::<Id>().unwrap_err().to_string();

        assert_eq!(reason("abc"), "invalid input length: expected at least 4 characters");
        assert_eq!(
            reason("hkigxd4lpe1ezuhv3lya05xckoal"),
            "invalid input length: expected 30, got 28"
        );
        assert_eq!(reason("hkigxd4lpe1ezuhv3lya05xcko-l00"), "invalid base36 character: '-'");
        assert_eq!(reason("zzzzzzzzzzzzzzzzzzzzzzzzzzzz00"), "unsupported ID version: 255");
        assert_eq!(reason("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"), "the id is out of range");
    }
}
