//! The token file: JSON with several tokens, or one line of text with one.

use std::{fs, io::Read, path::Path};

use serde::Deserialize;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::TokenError;
use crate::clock::Millis;

/// More is not a token file.
const MAX_BYTES: u64 = 1 << 20;

/// The file holds no tokens. Its content is not in the message.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// It is too large.
    #[error("is larger than {MAX_BYTES} bytes, which no token file is")]
    TooLarge,
    /// It is not text.
    #[error("is not UTF-8 text")]
    NotText,
    /// It begins like JSON and is none of ours.
    #[error(
        "is not a token file: expected {{\"tokens\":[{{\"token\":\"…\",\"not_after\":null}}]}} \
         (line {line}, column {column})"
    )]
    Json {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// There is no token in it.
    #[error("has no token in it")]
    Empty,
    /// One of the tokens is none.
    #[error("token {number}: {source}")]
    Token {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        source: TokenError,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    tokens: Vec<Entry>,
}

#[derive(Deserialize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct Entry {
    token: String,
    #[serde(default)]
    #[zeroize(skip)]
    not_after: Option<Millis>,
}

/// The tokens in the file at `path`, each as `take` keeps it.
pub(super) fn read<T>(
    path: &Path,
    take: impl Fn(&str, Option<Millis>) -> Result<T, TokenError>,
) -> Result<Vec<T>, TokenFileError> {
    let mut bytes = Zeroizing::new(Vec::new());
    fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(TokenFileError::TooLarge);
    }
    parse(std::str::from_utf8(&bytes).map_err(|_| TokenFileError::NotText)?, take)
}

/// The tokens in `text`, each as `take` keeps it.
pub(super) fn parse<T>(
    text: &str,
    take: impl Fn(&str, Option<Millis>) -> Result<T, TokenError>,
) -> Result<Vec<T>, TokenFileError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TokenFileError::Empty);
    }
    let numbered = |number, source| TokenFileError::Token { number, source };
    if !text.starts_with('{') {
        let token = take(text, None).map_err(|source| numbered(1, source))?;
        return Ok(vec![token]);
    }
    // The parser's own message may quote what it found, which may be a token.
    let document: Document = serde_json::from_str(text)
        .map_err(|error| TokenFileError::Json { line: error.line(), column: error.column() })?;
    if document.tokens.is_empty() {
        return Err(TokenFileError::Empty);
    }
    let tokens = document.tokens.iter().enumerate().map(|(index, entry)| {
        take(&entry.token, entry.not_after).map_err(|source| numbered(index + 1, source))
    });
    tokens.collect()
}
