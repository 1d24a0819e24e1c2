//! `rivetctl supervise`: what the binary runtime starts in the background where there is no
//! systemd. Not for people, so not in `--help`.

use camino::Utf8PathBuf;

use crate::{error::Outcome, runtime::supervise};

/// Keep an engine running.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory of the install
    #[arg(long)]
    dir: Utf8PathBuf,

    /// The engine and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    Ok(supervise::run(&args.dir, &args.command)?)
}
