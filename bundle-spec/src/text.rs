//! The text a manifest may hold: names with a small grammar, and printable lines.
//!
//! Everything here is safe to print on a terminal and safe as part of a path, because nothing
//! else can be constructed: no control characters, no escapes, no look-alike letters.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Text that breaks the grammar of the type it was meant for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a {what}: expected {expected}")]
pub struct ParseTextError {
    what: &'static str,
    expected: &'static str,
    found: String,
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal, $valid:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseTextError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if $valid(text) {
                    return Ok(Self(text.to_owned()));
                }
                let found = text.chars().take(100).collect();
                Err(ParseTextError { what: $what, expected: $expected, found })
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseTextError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text!(
    /// A product, channel, image, pool or audience: a lower-case DNS label of 1 to 63 characters.
    Name,
    "name",
    "1 to 63 of a-z, 0-9 and single dashes, starting with a letter or digit and not ending with a dash",
    is_name
);
text!(
    /// A version as shown to people: 1 to 128 of `A-Za-z0-9._+-`, starting with a letter or digit.
    ///
    /// It has no order: releases are ordered by their sequence.
    Version,
    "version",
    "1 to 128 of A-Z, a-z, 0-9, '.', '_', '+' and '-', starting with a letter or digit",
    is_version
);
text!(
    /// One line of printable ASCII, 1 to 1024 characters: descriptions and source references.
    Line,
    "line of text",
    "1 to 1024 printable ASCII characters",
    is_line
);
text!(
    /// Where a template goes below its directory: segments of `a-z0-9._-` joined by `/`.
    TemplatePath,
    "template path",
    "at most 8 segments of a-z, 0-9, '.', '_' and '-', each starting with a letter or digit, joined by '/', at most 200 characters",
    is_template_path
);

fn is_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

fn is_version(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.as_bytes()[0].is_ascii_alphanumeric()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'-'))
}

fn is_line(text: &str) -> bool {
    (1..=1024).contains(&text.len()) && text.bytes().all(|b| matches!(b, b' '..=b'~'))
}

fn is_template_path(text: &str) -> bool {
    let segment = |s: &str| {
        s.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            && s.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
    };
    text.len() <= 200 && text.split('/').count() <= 8 && text.split('/').all(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels() {
        for good in ["a", "rivet-engine", "0day", &"x".repeat(63)] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "a.b", "a/b", "é", "a\n", &"x".repeat(64)] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_template_cannot_leave_its_directory() {
        assert!("compose/app.yaml".parse::<TemplatePath>().is_ok());
        for bad in
            ["", "/a", "a/", "../a", "a/../b", "a//b", ".a", "a\\b", "A", "c:x", "a\0", "a/."]
        {
            assert!(bad.parse::<TemplatePath>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_line_cannot_hold_a_terminal_escape() {
        assert!("Acme Notes, spring release".parse::<Line>().is_ok());
        for bad in ["", "a\u{1b}[31m", "two\nlines", "caf\u{e9}", "\u{202e}evil"] {
            assert!(bad.parse::<Line>().is_err(), "{bad:?}");
        }
    }
}
