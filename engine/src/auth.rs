//! May this request pass? Who presents a token, and what they may do with it.
//!
//! Three questions, answered in this order: *whose* is the token ([`Gate::identify`]), *what* is
//! asked for ([`Demand`], declared by each route), and *may* they ([`policy`], the only place that
//! decides). Admin tokens come from the configuration and from a file that may change; all others
//! are issued by the engine ([`TokenStore`]).
//!
//! The engine keeps digests, not tokens: nothing that it could log, dump or leak opens a door. To
//! tell whose a token is takes one digest and no look at the disk.

mod credential;
mod denied;
mod failures;
mod file;
pub mod grant;
mod handed_out;
mod issued;
mod jwt;
pub mod policy;
mod store;
mod token;
mod watcher;

use std::{
    borrow::Cow,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use sha2::{Digest as _, Sha256};

use self::{
    failures::Failures,
    issued::{Digest, Issued},
};
use crate::{clock::SharedClock, config::AuthSettings, telemetry::Metrics};

pub use self::{
    credential::{
        Credential, Issuer, NamespaceId, NamespaceRef, NamespaceToken, ScopedToken, TokenId,
    },
    denied::Denied,
    failures::ClientAddress,
    file::TokenFileError,
    grant::{Grant, GrantTarget, GrantedResource, IdTarget, InvalidGrants, NameTarget},
    policy::{ActorRef, Demand, Operation, Place, Resource},
    store::{
        IssuedToken, NewScopedToken, Previous, SigningKeySummary, TokenStore, TokenStoreError,
        TokenSummary,
    },
    token::{AcceptedAdmin, AcceptedToken, TokenError},
    watcher::TokenFile,
};

/// The header in which clients of actors put a token.
pub const TOKEN_HEADER: &str = "x-rivet-token";

/// How many tokens of one request are looked at.
const PRESENTED_MAX: usize = 4;

/// The tokens that a request carries.
#[derive(Debug, Default)]
pub struct Presented<'t> {
    tokens: Vec<Cow<'t, [u8]>>,
    spare: Option<&'t [u8]>,
}

impl<'t> Presented<'t> {
    /// Adds a token. Of several the first that is valid counts. Nothing at all is no token, and more
    /// than anybody has a place for are guesses.
    pub fn add(&mut self, token: impl Into<Cow<'t, [u8]>>) {
        let token = token.into();
        if !token.is_empty() && self.tokens.len() < PRESENTED_MAX {
            self.tokens.push(token);
        }
    }

    /// Adds a text that may be a token of the engine, and may as well be somebody else's: it counts
    /// when it is valid, and is no failure when it is not.
    pub fn add_spare(&mut self, token: &'t [u8]) {
        self.spare = Some(token);
    }
}

/// The token in an `Authorization` header.
pub fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    authorization.strip_prefix(b"Bearer ")
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
    issued: Issued,
    failures: Failures,
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

/// Whether the tokens that `settings` name can be used, before anything is started.
pub fn check(settings: &AuthSettings) -> Vec<AuthError> {
    let fixed =
        settings.admin_token.as_ref().map(|secret| AcceptedToken::new(secret.expose(), None));
    let in_file = settings.admin_token_file.as_ref().map(|path| {
        file::read(path, AcceptedToken::new)
            .map_err(|source| AuthError::File { path: path.clone(), source })
    });
    let fixed = fixed.and_then(Result::err).map(AuthError::Token);
    fixed.into_iter().chain(in_file.and_then(Result::err)).collect()
}

impl Gate {
    /// The gate that `settings` describe, and the file that keeps it up to date, where there is one.
    pub fn new(
        settings: &AuthSettings,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, Option<TokenFile>), AuthError> {
        let fixed = match &settings.admin_token {
            Some(secret) => vec![AcceptedToken::new(secret.expose(), None)?],
            None => Vec::new(),
        };
        let gate = Self(Arc::new(Inner {
            open: settings.is_open(),
            fixed,
            from_file: RwLock::default(),
            issued: Issued::default(),
            failures: Failures::new(settings.failures_per_minute),
            clock,
            metrics,
        }));
        let file = match &settings.admin_token_file {
            None => None,
            Some(path) => Some(
                TokenFile::start(path.clone(), gate.clone())
                    .map_err(|source| AuthError::File { path: path.clone(), source })?,
            ),
        };
        Ok((gate, file))
    }

    /// Whether everybody is let in.
    pub fn is_open(&self) -> bool {
        self.0.open
    }

    /// Who presents these tokens, or why they are nobody. `from` is where the request comes from:
    /// an address that tries too many wrong tokens is told to wait.
    pub fn identify(
        &self,
        presented: &Presented<'_>,
        from: Option<ClientAddress>,
    ) -> Result<Credential, Denied> {
        if self.0.open {
            return Ok(Credential::Open);
        }
        let mut denied = Denied::NotProvided;
        for token in &presented.tokens {
            match self.recognize(token) {
                Ok(credential) => return Ok(credential),
                Err(reason) => denied = reason,
            }
        }
        if let Some(Ok(credential)) = presented.spare.map(|token| self.recognize(token)) {
            return Ok(credential);
        }
        if denied.is_attempt()
            && let Some(from) = from
            && let Some(retry_after) = self.0.failures.note(from, self.0.clock.now())
        {
            denied = Denied::TooMany { retry_after };
        }
        self.0.metrics.refused(denied.label());
        Err(denied)
    }

    /// Whether whoever has `credential` may do what they want to.
    pub fn authorize(&self, credential: &Credential, demand: &Demand<'_>) -> Result<(), Denied> {
        if policy::allows(credential, demand) {
            return Ok(());
        }
        self.0.metrics.refused(Denied::NotPermitted.label());
        Err(Denied::NotPermitted)
    }

    /// The admin tokens that are accepted now, without the tokens: those of the configuration first.
    /// Those among `presented` are marked as the caller's.
    pub fn accepted(&self, presented: &Presented<'_>) -> Vec<AcceptedAdmin> {
        let now = self.0.clock.now();
        let theirs: Vec<Digest> =
            presented.tokens.iter().map(|token| Sha256::digest(token).into()).collect();
        let from_file = self.0.from_file.read().unwrap_or_else(PoisonError::into_inner);
        let tokens = self.0.fixed.iter().chain(from_file.iter());
        let valid = tokens.filter(|token| token.is_valid_at(now));
        valid.map(|token| token.described(&theirs)).collect()
    }

    fn recognize(&self, token: &[u8]) -> Result<Credential, Denied> {
        let now = self.0.clock.now();
        let digest: Digest = Sha256::digest(token).into();
        let is_admin = {
            let from_file = self.0.from_file.read().unwrap_or_else(PoisonError::into_inner);
            token::any_accepts(self.0.fixed.iter().chain(from_file.iter()), &digest, now)
        };
        if is_admin { Ok(Credential::Admin) } else { self.0.issued.recognize(token, &digest, now) }
    }

    fn replace_tokens(&self, tokens: Vec<AcceptedToken>) {
        *self.0.from_file.write().unwrap_or_else(PoisonError::into_inner) = tokens;
    }

    fn issued(&self) -> &Issued {
        &self.0.issued
    }

    fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }
}

#[cfg(test)]
mod tests;
