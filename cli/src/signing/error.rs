//! Why a key cannot be made, read or used.

use std::{borrow::Cow, io};

use bundle_spec::{KeyId, SignError};
use camino::Utf8PathBuf;

use crate::error::{Class, Explain, FileError};

/// A key that cannot be made, read or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SigningError {
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),

    /// A key file is never overwritten: it may be the only copy.
    #[error("{path} exists, and a key is never overwritten")]
    Exists { path: Utf8PathBuf },

    /// Neither a private nor a public key in OpenSSH's format.
    #[error("{path} is not an OpenSSH key file: {found}")]
    NotAKey { path: Utf8PathBuf, found: String },

    /// A key of another algorithm.
    #[error("{path} holds a key of {found}, but only ssh-ed25519 can sign a bundle")]
    Algorithm { path: Utf8PathBuf, found: String },

    /// An unencrypted private key that others can read.
    #[error("{path} is an unencrypted private key with mode {mode:o}: others can read it")]
    Exposed { path: Utf8PathBuf, mode: u32 },

    /// `--key SHA256:…` that does not parse.
    #[error("{found:?} is not a key id: expected SHA256: and 43 base64 characters")]
    NotAnId { found: String },

    /// The passphrase does not open the key.
    #[error("the passphrase does not open {path}")]
    WrongPassphrase { path: Utf8PathBuf },

    /// A passphrase is needed and nobody is there to type it.
    #[error("{path} needs a passphrase, and there is no terminal to ask on")]
    NoTerminal { path: Utf8PathBuf },

    /// The two passphrases differ, or there is none.
    #[error("{reason}")]
    Passphrase { reason: &'static str },

    /// The same key twice.
    #[error("the key {key} was given twice")]
    Repeated { key: KeyId },

    /// No agent to ask.
    #[error("the private half of {key} is not in a file, and no ssh-agent can be asked")]
    NoAgent { key: KeyId, source: io::Error },

    /// The agent answered out of protocol, or hung up.
    #[error("the ssh-agent did not answer as expected: {found}")]
    Agent { found: String },

    /// The agent has other keys.
    #[error("the ssh-agent does not hold {key} (it holds {count} keys)")]
    NotInAgent { key: KeyId, count: usize },

    /// The signer would not sign.
    #[error("{key} did not sign")]
    Refused { key: KeyId, source: SignError },

    /// The signer answered with something that does not verify.
    #[error("{key} answered with a signature that does not verify")]
    Useless { key: KeyId },

    /// The system has no randomness to give.
    #[error("the system gave no random numbers: {found}")]
    Random { found: String },
}

impl Explain for SigningError {
    fn class(&self) -> Class {
        match self {
            Self::File(error) => error.class(),
            Self::Exists { .. }
            | Self::NotAKey { .. }
            | Self::Algorithm { .. }
            | Self::Exposed { .. }
            | Self::NotAnId { .. }
            | Self::NoTerminal { .. }
            | Self::Passphrase { .. }
            | Self::Repeated { .. } => Class::Usage,
            Self::WrongPassphrase { .. }
            | Self::NoAgent { .. }
            | Self::Agent { .. }
            | Self::NotInAgent { .. }
            | Self::Refused { .. }
            | Self::Useless { .. }
            | Self::Random { .. } => Class::Other,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::File(error) => return error.code(),
            Self::Exists { .. } => "RCTL-KEY-EXISTS",
            Self::NotAKey { .. } => "RCTL-KEY-FORMAT",
            Self::Algorithm { .. } => "RCTL-KEY-ALGORITHM",
            Self::Exposed { .. } => "RCTL-KEY-EXPOSED",
            Self::NotAnId { .. } => "RCTL-KEY-ID",
            Self::WrongPassphrase { .. } => "RCTL-KEY-PASSPHRASE-WRONG",
            Self::NoTerminal { .. } => "RCTL-KEY-PASSPHRASE-MISSING",
            Self::Passphrase { .. } => "RCTL-KEY-PASSPHRASE-BAD",
            Self::Repeated { .. } => "RCTL-KEY-REPEATED",
            Self::NoAgent { .. } => "RCTL-AGENT-ABSENT",
            Self::Agent { .. } => "RCTL-AGENT-ANSWER",
            Self::NotInAgent { .. } => "RCTL-AGENT-KEY",
            Self::Refused { .. } => "RCTL-SIGN-REFUSED",
            Self::Useless { .. } => "RCTL-SIGN-USELESS",
            Self::Random { .. } => "RCTL-RANDOM",
        }
        .into()
    }

    fn advice(&self) -> String {
        match self {
            Self::File(error) => return error.advice(),
            Self::Exists { .. } => "Choose another file name, or move the old key away first.",
            Self::NotAKey { .. } => {
                "Give a file made by `rivetctl key new` or `ssh-keygen -t ed25519`, or its .pub file."
            }
            Self::Algorithm { .. } => "Make a key with `rivetctl key new`.",
            Self::Exposed { path, .. } => return format!("Run `chmod 600 {path}`."),
            Self::NotAnId { .. } => "Copy the id from `rivetctl key root show` or `ssh-keygen -lf`.",
            Self::WrongPassphrase { .. } => "Type it again, or check the passphrase file's first line.",
            Self::NoTerminal { .. } => {
                "Use --passphrase-file FILE (or RIVETCTL_PASSPHRASE_FILE), or hold the key in an ssh-agent."
            }
            Self::Passphrase { .. } => {
                "Give a passphrase of at least one character; `key new --no-passphrase` makes a key without one."
            }
            Self::Repeated { .. } => "Name each key once: a threshold counts distinct keys.",
            Self::NoAgent { .. } => {
                "Start ssh-agent, `ssh-add` the key and check SSH_AUTH_SOCK, or give the private key file."
            }
            Self::Agent { .. } => "Check that SSH_AUTH_SOCK names a working ssh-agent (`ssh-add -l`).",
            Self::NotInAgent { .. } => "Add it with `ssh-add KEYFILE`; `ssh-add -l` lists what is there.",
            Self::Refused { .. } => "Look whether the agent asks for confirmation, and try again.",
            Self::Useless { .. } => "The agent holds another key than it says: do not use it.",
            Self::Random { .. } => "Check that the kernel's random source works, and try again.",
        }
        .into()
    }
}
