//! May this request pass? Tokens from the configuration and from a file that may change.
//!
//! The engine keeps digests, not tokens: nothing that it could log, dump or leak opens a door.

mod file;
mod handed_out;
mod token;
mod watcher;

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use crate::{clock::SharedClock, config::AuthSettings, telemetry::Metrics};

pub use self::{
    file::TokenFileError,
    handed_out::HandedOutToken,
    token::{AcceptedToken, TokenError},
    watcher::TokenFileWatcher,
};

/// Why a request may not pass. The words are those that clients of upstream know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// There is no bearer token.
    NotProvided,
    /// There is one, and it opens nothing (any more).
    Invalid,
}

impl Denied {
    /// The reason as clients read it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotProvided => "Token not provided",
            Self::Invalid => "Invalid token",
        }
    }

    /// The reason as a label of a metric.
    fn label(self) -> &'static str {
        match self {
            Self::NotProvided => "not_provided",
            Self::Invalid => "invalid",
        }
    }
}

/// Who is let in; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Everybody is: there are no tokens.
    open: bool,
    fixed: Vec<AcceptedToken>,
    from_file: RwLock<Vec<AcceptedToken>>,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

/// The tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The configured token is none.
    #[error("auth.admin_token is not usable: {0}")]
    Token(#[from] TokenError),
    /// The token file is none.
    #[error("auth.admin_token_file: {path}: {source}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TokenFileError,
    },
}

impl Gate {
    /// The gate that `settings` describe, and who keeps it up to date.
    pub fn new(
        settings: &AuthSettings,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, Option<TokenFileWatcher>), AuthError> {
        let fixed = match &settings.admin_token {
            Some(secret) => vec![AcceptedToken::new(secret.expose(), None)?],
            None => Vec::new(),
        };
        let gate = Self(Arc::new(Inner {
            open: settings.is_open(),
            fixed,
            from_file: RwLock::default(),
            clock,
            metrics,
        }));
        let watcher = match &settings.admin_token_file {
            None => None,
            Some(path) => Some(
                TokenFileWatcher::start(path.clone(), gate.clone())
                    .map_err(|source| AuthError::File { path: path.clone(), source })?,
            ),
        };
        Ok((gate, watcher))
    }

    /// Lets a request pass that carries this `Authorization` header, or says why not.
    pub fn check(&self, authorization: Option<&[u8]>) -> Result<(), Denied> {
        if self.0.open {
            return Ok(());
        }
        let outcome = self.judge(authorization);
        if let Err(denied) = outcome {
            self.0.metrics.refused(denied.label());
        }
        outcome
    }

    /// Lets a request pass that carries this token somewhere else than in that header.
    pub fn check_token(&self, token: Option<&[u8]>) -> Result<(), Denied> {
        if self.0.open {
            return Ok(());
        }
        let outcome = self.judge_token(token);
        if let Err(denied) = outcome {
            self.0.metrics.refused(denied.label());
        }
        outcome
    }

    fn judge(&self, authorization: Option<&[u8]>) -> Result<(), Denied> {
        self.judge_token(authorization.and_then(|header| header.strip_prefix(b"Bearer ")))
    }

    fn judge_token(&self, token: Option<&[u8]>) -> Result<(), Denied> {
        let presented = token.filter(|token| !token.is_empty()).ok_or(Denied::NotProvided)?;
        let now = self.0.clock.now();
        let from_file = self.0.from_file.read().unwrap_or_else(PoisonError::into_inner);
        if token::any_accepts(self.0.fixed.iter().chain(from_file.iter()), presented, now) {
            Ok(())
        } else {
            Err(Denied::Invalid)
        }
    }

    fn replace_tokens(&self, tokens: Vec<AcceptedToken>) {
        *self.0.from_file.write().unwrap_or_else(PoisonError::into_inner) = tokens;
    }

    /// Lets a request pass that carries one of these tokens, or says why not.
    pub fn check_tokens<'t>(
        &self,
        presented: impl IntoIterator<Item = &'t [u8]>,
    ) -> Result<(), Denied> {
        if self.0.open {
            return Ok(());
        }
        let mut denied = Denied::NotProvided;
        for token in presented {
            if self.opens(token) {
                return Ok(());
            }
            denied = Denied::Invalid;
        }
        self.0.metrics.refused(denied.label());
        Err(denied)
    }

    /// Whether `token` is valid. Asking is no attempt: nothing is counted.
    pub fn opens(&self, token: &[u8]) -> bool {
        let now = self.0.clock.now();
        let from_file = self.0.from_file.read().unwrap_or_else(PoisonError::into_inner);
        token::any_accepts(self.0.fixed.iter().chain(from_file.iter()), token, now)
    }

    fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }
}

#[cfg(test)]
mod tests;
