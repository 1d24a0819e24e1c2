//! The two names of a namespace, valid by construction.

use std::{fmt, str::FromStr};

use super::InvalidNamespace;

const NAME_MAX: usize = 64;
const DISPLAY_NAME_MAX: usize = 128;

/// The name of a namespace: 1 to 64 characters of `a-z`, `0-9` and single, inner `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceName(String);

/// What people call a namespace: 1 to 128 characters, words separated by single spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

impl NamespaceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DisplayName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NamespaceName {
    type Err = InvalidNamespace;

    fn from_str(text: &str) -> Result<Self, InvalidNamespace> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty() {
            Err(InvalidNamespace::NameTooShort)
        } else if text.len() > NAME_MAX {
            Err(InvalidNamespace::NameTooLong)
        } else if !text.bytes().all(allowed)
            || text.starts_with('-')
            || text.ends_with('-')
            || text.contains("--")
        {
            Err(InvalidNamespace::Name)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl FromStr for DisplayName {
    type Err = InvalidNamespace;

    fn from_str(text: &str) -> Result<Self, InvalidNamespace> {
        let allowed = |c: char| c == ' ' || !(c.is_whitespace() || c.is_control());
        if text.is_empty() {
            Err(InvalidNamespace::DisplayNameTooShort)
        } else if text.chars().count() > DISPLAY_NAME_MAX {
            Err(InvalidNamespace::DisplayNameTooLong)
        } else if !text.chars().all(allowed)
            || text.starts_with(' ')
            || text.ends_with(' ')
            || text.contains("  ")
        {
            Err(InvalidNamespace::DisplayName)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl fmt::Display for NamespaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_allowed_form_are_taken() {
        for text in ["a", "default", "driver-0b1e", &"a".repeat(64)] {
            assert_eq!(text.parse::<NamespaceName>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn every_broken_name_is_refused_with_its_reason() {
        let cases = [
            ("", InvalidNamespace::NameTooShort),
            (&"a".repeat(65), InvalidNamespace::NameTooLong),
            ("Default", InvalidNamespace::Name),
            ("a b", InvalidNamespace::Name),
            ("a.b", InvalidNamespace::Name),
            ("naïve", InvalidNamespace::Name),
            ("-a", InvalidNamespace::Name),
            ("a-", InvalidNamespace::Name),
            ("a--b", InvalidNamespace::Name),
        ];
        for (text, reason) in cases {
            assert_eq!(text.parse::<NamespaceName>(), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn every_broken_display_name_is_refused_with_its_reason() {
        let cases = [
            ("", InvalidNamespace::DisplayNameTooShort),
            (&"a".repeat(129), InvalidNamespace::DisplayNameTooLong),
            (" a", InvalidNamespace::DisplayName),
            ("a ", InvalidNamespace::DisplayName),
            ("a  b", InvalidNamespace::DisplayName),
            ("a\tb", InvalidNamespace::DisplayName),
            ("a\nb", InvalidNamespace::DisplayName),
            ("a\0b", InvalidNamespace::DisplayName),
        ];
        for (text, reason) in cases {
            assert_eq!(text.parse::<DisplayName>(), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn a_display_name_may_be_in_any_script() {
        assert_eq!("Ünï café 日本".parse::<DisplayName>().unwrap().as_str(), "Ünï café 日本");
    }
}
