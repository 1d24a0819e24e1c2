//! Why the engine does not start with this configuration: where, what, and what to do.

use std::{fmt, io, path::PathBuf};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A configuration file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// A configuration that the engine does not start with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A path given with `--config` is not there.
    #[error("{path}: no such file or directory (given with --config)", path = .0.display())]
    Missing(PathBuf),
    /// A file or directory cannot be read.
    #[error("{path}: cannot be read", path = .path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The extension does not say what is in the file.
    #[error(
        "{path}: not a configuration file: the name must end in .json, .jsonc, .json5, .yaml or \
         .yml",
        path = .0.display()
    )]
    Extension(PathBuf),
    /// The file does not parse.
    #[error("{path}: {reason}", path = .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong, without anything that the file says.
        reason: String,
    },
    /// A key that does not exist.
    #[error("{origin}: unknown key `{key}`{hint}")]
    UnknownKey {
        /// Where it is.
        origin: Origin,
        /// The key.
        key: String,
        /// What may have been meant.
        hint: String,
    },
    /// A value of the wrong kind.
    #[error("{origin}: `{key}` must be {expected}{found}")]
    Value {
        /// Where it is.
        origin: Origin,
        /// The key.
        key: String,
        /// What it should be.
        expected: String,
        /// What it is, unless it is a secret.
        found: String,
    },
    /// One source says two things.
    #[error("`{key}` is set twice, to different values: by {first} and by {second}; remove one")]
    Twice {
        /// The key.
        key: String,
        /// Where it is.
        first: Origin,
        /// Where it is again.
        second: Origin,
    },
    /// A table of a file has one name twice.
    #[error("{origin}: `{key}` is there twice, with different values: remove one")]
    Repeated {
        /// Where it is.
        origin: Origin,
        /// The key, as it is written.
        key: String,
    },
    /// A block without which the operator would get something else than what they asked for.
    #[error("{origin}: `{key}` is not supported by this engine: {reason}")]
    Unsupported {
        /// Where it is.
        origin: Origin,
        /// The block.
        key: &'static str,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// Nobody could be told from anybody else.
    #[error(
        "no admin token is configured: set auth.admin_token_file (a file that the engine re-reads) \
         or auth.admin_token (environment variable RIVET__AUTH__ADMIN_TOKEN); \
         to let everybody in on purpose, set auth.insecure_allow_unauthenticated to true"
    )]
    NoToken,
    /// Values that do not fit together.
    #[error("{0}")]
    Contradiction(String),
}

impl ConfigError {
    /// Whether what the sources say beside this is known all the same.
    pub(super) fn leaves_the_rest_known(&self) -> bool {
        !matches!(
            self,
            Self::Missing(_)
                | Self::Unreadable { .. }
                | Self::Extension(_)
                | Self::Syntax { .. }
                | Self::Repeated { .. }
        )
    }
}

/// All that is wrong with a configuration, in the order in which it was found. Never empty.
#[derive(Debug)]
pub struct Problems(pub Vec<ConfigError>);

impl fmt::Display for Problems {
    /// One line for each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
            let mut cause = std::error::Error::source(problem);
            while let Some(error) = cause {
                write!(f, ": {error}")?;
                cause = error.source();
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
