//! Text that must not be printed, logged or left in memory.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::{Zeroize, Zeroizing};

/// What every admin token starts with, so that a leaked one is recognized.
const PREFIX: &str = "rvt_";

/// A secret. It cannot be displayed; whoever needs the text says [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    /// A new admin token of 256 random bits.
    pub(crate) fn new_token() -> Result<Self, getrandom::Error> {
        let mut random = Zeroizing::new([0_u8; 32]);
        getrandom::fill(random.as_mut_slice())?;
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(random.as_slice()));
        Ok(Self(Zeroizing::new(format!("{PREFIX}{}", text.as_str()))))
    }

    /// Wraps text that came from a file or a prompt.
    pub(crate) fn from_text(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Wraps the bytes of a secret file; none when they are not text.
    pub(crate) fn from_file(mut bytes: Vec<u8>) -> Option<Self> {
        let text = std::str::from_utf8(&bytes).ok().map(|text| text.trim_end().to_owned());
        bytes.zeroize();
        text.map(Self::from_text)
    }

    /// The text. Everything that calls this is a place to review.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

// Needed so that structs around it can be debugged; shows nothing.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_256_bits_and_no_two_are_alike() {
        let (one, two) = (Secret::new_token().unwrap(), Secret::new_token().unwrap());

        assert_eq!(one.expose().len(), PREFIX.len() + 43);
        assert!(one.expose().starts_with(PREFIX));
        assert!(one != two);
    }

    #[test]
    fn debugging_shows_nothing() {
        let secret = Secret::from_text("hunter2".into());

        assert!(!format!("{secret:?}").contains("hunter"));
    }
}
