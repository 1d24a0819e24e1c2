//! `rivetctl completions`: a shell's completion script.

use clap::CommandFactory as _;

use crate::{Cli, error::Outcome, output::Output};

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "rivetctl", &mut script);
    out.raw(&script)
}
