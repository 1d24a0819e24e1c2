//! `rivetctl key` — makes keys, and the root documents that say which keys to trust.

mod new;
mod root;
mod root_change;
mod root_show;

use crate::{error::Outcome, output::Output};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, clap::Subcommand)]
enum KeyCommand {
    /// Make a signing key: an OpenSSH private key file and its .pub file
    New(new::Args),
    /// Create, rotate, sign and show root documents
    Root(root::Args),
}

impl Args {
    /// The command's full name, as `--json` reports it.
    pub(crate) fn name(&self) -> &'static str {
        match &self.command {
            KeyCommand::New(_) => "key new",
            KeyCommand::Root(args) => args.name(),
        }
    }
}

pub(crate) fn run(args: Args, out: &mut Output) -> Outcome {
    match args.command {
        KeyCommand::New(args) => new::run(&args, out),
        KeyCommand::Root(args) => root::run(args, out),
    }
}
