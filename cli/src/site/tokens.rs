//! The admin token of an install: the one we use, the one being introduced, and the file from
//! which the engine reads what it accepts.
//!
//! `secrets/token` is the token in force. `secrets/token.next` exists while a rotation is under
//! way. `secrets/engine/` is mounted into the engine as a directory: a file mount would keep
//! showing the old file after a rename.

use bundle_spec::manifest::EngineFlavor;
use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use super::{InstallDir, SiteError, durable, secret::Secret};
use crate::error::FileError;

/// The tokens of one install.
#[derive(Debug)]
pub(crate) struct Tokens<'a> {
    install: &'a InstallDir,
    /// The numeric user who reads the engine's file, when it is not us.
    reader: Option<u32>,
}

/// A token and the time from which the engine refuses it.
#[derive(Debug)]
pub(crate) struct Accepted<'a> {
    /// The token.
    pub(crate) token: &'a Secret,
    /// Milliseconds since 1970, or none for as long as it is in the file.
    pub(crate) not_after: Option<u64>,
}

#[derive(Serialize)]
struct TokenFile<'a> {
    tokens: Vec<TokenLine<'a>>,
}

#[derive(Serialize)]
struct TokenLine<'a> {
    token: &'a str,
    not_after: Option<u64>,
}

#[derive(Deserialize)]
struct ExpiryFile {
    tokens: Vec<ExpiryLine>,
}

#[derive(Deserialize)]
struct ExpiryLine {
    not_after: Option<u64>,
}

impl<'a> Tokens<'a> {
    /// The tokens of `install`, whose engine runs as the numeric user `reader`.
    pub(crate) fn of(install: &'a InstallDir, reader: Option<u32>) -> Self {
        Self { install, reader }
    }

    /// The token in force, if one was made.
    pub(crate) fn current(&self) -> Result<Option<Secret>, SiteError> {
        read(&self.current_path())
    }

    /// The token that a rotation is introducing.
    pub(crate) fn next(&self) -> Result<Option<Secret>, SiteError> {
        read(&self.next_path())
    }

    /// The token in force; one is made when there is none yet.
    pub(crate) fn current_or_new(&self) -> Result<Secret, SiteError> {
        match self.current()? {
            Some(token) => Ok(token),
            None => make(&self.current_path()),
        }
    }

    /// The token being introduced; one is made when no rotation was under way.
    pub(crate) fn next_or_new(&self) -> Result<Secret, SiteError> {
        match self.next()? {
            Some(token) => Ok(token),
            None => make(&self.next_path()),
        }
    }

    /// Makes the token being introduced the one in force. Safe to repeat.
    pub(crate) fn promote_next(&self) -> Result<(), SiteError> {
        if let Some(next) = self.next()? {
            durable::write(&self.current_path(), next.expose().as_bytes(), durable::PRIVATE_FILE)?;
        }
        self.drop_next()
    }

    /// Gives up the token being introduced.
    pub(crate) fn drop_next(&self) -> Result<(), SiteError> {
        Ok(durable::remove_file(&self.next_path())?)
    }

    /// Tells the engine what to accept. An upstream engine knows one token: the first.
    pub(crate) fn publish(
        &self,
        flavor: EngineFlavor,
        accepted: &[Accepted<'_>],
    ) -> Result<(), SiteError> {
        let json = match flavor {
            EngineFlavor::RivetEngine => {
                let tokens = accepted
                    .iter()
                    .map(|line| TokenLine { token: line.token.expose(), not_after: line.not_after })
                    .collect();
                serde_json::to_vec(&TokenFile { tokens })
            }
            EngineFlavor::Upstream => {
                let token = accepted.first().map_or("", |line| line.token.expose());
                serde_json::to_vec(&serde_json::json!({ "auth": { "admin_token": token } }))
            }
        };
        let json = zeroize::Zeroizing::new(json.expect("tokens are plain data"));
        let path = self.engine_file(flavor);
        durable::write_from(&path, durable::PRIVATE_FILE, |file| {
            std::io::Write::write_all(file, &json)?;
            match self.reader {
                Some(user) => std::os::unix::fs::fchown(&*file, Some(user), Some(user)),
                None => Ok(()),
            }
        })?;
        Ok(())
    }

    /// Until when tokens that are on their way out are accepted: milliseconds since 1970.
    pub(crate) fn expiries(&self) -> Result<Vec<u64>, SiteError> {
        let path = self.engine_file(EngineFlavor::RivetEngine);
        let Some(bytes) = durable::read_if_there(&path)? else { return Ok(Vec::new()) };
        let bytes = zeroize::Zeroizing::new(bytes);
        let file: ExpiryFile = serde_json::from_slice(&bytes)
            .map_err(|_| SiteError::Damaged { path, reason: "expected a list of tokens".into() })?;
        Ok(file.tokens.into_iter().filter_map(|line| line.not_after).collect())
    }

    /// The file that the engine reads.
    pub(crate) fn engine_file(&self, flavor: EngineFlavor) -> Utf8PathBuf {
        self.install.engine_secrets().join(engine_file_name(flavor))
    }

    fn current_path(&self) -> Utf8PathBuf {
        self.install.secrets().join("token")
    }

    fn next_path(&self) -> Utf8PathBuf {
        self.install.secrets().join("token.next")
    }
}

fn make(path: &Utf8PathBuf) -> Result<Secret, SiteError> {
    let token = Secret::new_token().map_err(|error| {
        FileError::on("read random bytes for", path)(std::io::Error::other(error.to_string()))
    })?;
    durable::write(path, token.expose().as_bytes(), durable::PRIVATE_FILE)?;
    Ok(token)
}

fn read(path: &Utf8PathBuf) -> Result<Option<Secret>, SiteError> {
    let Some(bytes) = durable::read_if_there(path)? else { return Ok(None) };
    Secret::from_file(bytes).filter(|token| token.expose().len() >= 16).map(Some).ok_or_else(|| {
        SiteError::Damaged {
            path: path.clone(),
            reason: "expected a token of 16 characters or more".into(),
        }
    })
}

/// The name of the engine's token file: upstream's is one more configuration file.
pub(crate) const fn engine_file_name(flavor: EngineFlavor) -> &'static str {
    match flavor {
        EngineFlavor::RivetEngine => "tokens.json",
        EngineFlavor::Upstream => "auth.json",
    }
}
