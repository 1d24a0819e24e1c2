//! One module per command; each has an `Args` struct that is its documentation.

mod bundle;
mod key;
mod sign;

use crate::{error::Outcome, output::Output};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make keys and root documents
    Key(key::Args),
    /// Make a signed bundle from a recipe
    Bundle(Box<bundle::Args>),
    /// Add a signature to a bundle
    Sign(sign::Args),
}

impl Command {
    /// The command's name, as `--json` reports it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Key(args) => args.name(),
            Self::Bundle(_) => "bundle",
            Self::Sign(_) => "sign",
        }
    }

    pub(crate) fn run(self, out: &mut Output) -> Outcome {
        match self {
            Self::Key(args) => key::run(args, out),
            Self::Bundle(args) => bundle::run(*args, out),
            Self::Sign(args) => sign::run(args, out),
        }
    }
}
