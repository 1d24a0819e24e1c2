//! `rivetctl`: makes signed bundles where there is a network, installs and operates them where
//! there is none.
//!
//! | question | module |
//! |---|---|
//! | what does a command do, what are its flags | `commands` |
//! | how is a bundle made from a recipe | `produce` |
//! | who signs | `signing` |
//! | what does this host remember and trust | `site` |
//! | how is a bundle turned into a running install | `install` |
//! | how is the engine started, stopped and asked | `runtime`, `engine_api` |
//! | how is Docker spoken to | `docker` |
//! | what is printed, and with which exit code | `output`, `error` |
//!
//! Invariant: nothing of a bundle is loaded, rendered or printed before it was verified, and only
//! `output` writes to the terminal.

mod commands;
mod compose;
mod docker;
mod engine_api;
mod error;
mod install;
mod output;
mod produce;
mod runtime;
mod signing;
mod site;

use std::process::ExitCode;

use clap::Parser;

use crate::{commands::Command, output::Output};

/// Pack Rivet into one signed offline bundle; install and operate it inside the perimeter.
#[derive(Debug, Parser)]
#[command(name = "rivetctl", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    output: output::OutputArgs,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error),
    };
    let mut out = Output::to_terminal(&cli.output, cli.command.name());
    match cli.command.run(&mut out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => out.failure(&failure),
    }
}
