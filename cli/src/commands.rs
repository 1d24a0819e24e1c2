//! One module per command; each has an `Args` struct that is its documentation.

use crate::{error::Outcome, output::Output};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {}

impl Command {
    /// The command's name, as `--json` reports it.
    pub(crate) fn name(&self) -> &'static str {
        match *self {}
    }

    pub(crate) fn run(self, _out: &mut Output) -> Outcome {
        match self {}
    }
}
