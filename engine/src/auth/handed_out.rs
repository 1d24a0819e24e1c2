//! The token that the engine hands to apps which it starts: they connect back with it.

use std::path::PathBuf;

use super::file::{self, TokenFileError};
use crate::{
    clock::Millis,
    config::{AuthSettings, Secret},
};

/// Where that token comes from. The gate keeps digests alone, so it is read where it is written.
#[derive(Debug, Clone)]
pub enum HandedOutToken {
    /// Everybody is let in: apps need none.
    NotNeeded,
    /// The one that is valid as long as the process runs.
    Fixed(Secret),
    /// The one of this file that is valid for longest.
    FromFile(PathBuf),
}

impl HandedOutToken {
    /// The token of an engine with these settings.
    pub fn new(settings: &AuthSettings) -> Self {
        match (&settings.admin_token, &settings.admin_token_file) {
            (Some(token), _) => Self::Fixed(token.clone()),
            (None, Some(path)) => Self::FromFile(path.clone()),
            (None, None) => Self::NotNeeded,
        }
    }

    /// The token, for an app that is started at `now`. Reads the disk where it is in a file.
    pub fn at(&self, now: Millis) -> Result<Option<Secret>, TokenFileError> {
        match self {
            Self::NotNeeded => Ok(None),
            Self::Fixed(token) => Ok(Some(token.clone())),
            Self::FromFile(path) => {
                let tokens = file::read(path, |token, not_after| {
                    Ok((Secret::new(token.to_owned()), not_after))
                })?;
                let end = |not_after: Option<Millis>| not_after.unwrap_or(Millis::MAX);
                let valid = tokens.into_iter().filter(|(_, not_after)| now <= end(*not_after));
                // Of several without an end the last one: new ones are written after old ones.
                Ok(valid.max_by_key(|(_, not_after)| end(*not_after)).map(|(token, _)| token))
            }
        }
    }
}
