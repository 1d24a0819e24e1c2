//! One module per command; each has an `Args` struct that is its documentation.

mod audit;
mod bundle;
mod completions;
mod inspect;
mod install;
mod key;
mod logs;
mod man;
mod sign;
mod status;
mod supervise;
mod token;
mod trust;
mod uninstall;
mod verify;

use crate::{error::Outcome, output::Output};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make keys and root documents
    Key(key::Args),
    /// Make a signed bundle from a recipe
    Bundle(Box<bundle::Args>),
    /// Add a signature to a bundle
    Sign(sign::Args),
    /// Decide whose bundles this host accepts
    Trust(trust::Args),
    /// Check every byte of a bundle and who signed it
    Verify(verify::Args),
    /// Show what is in a bundle, after checking who signed it
    Inspect(inspect::Args),
    /// Install a bundle, or finish an install that was interrupted
    Install(Box<install::Args>),
    /// Show how the installs of this host are
    Status(status::Args),
    /// Show what an install's services say
    Logs(logs::Args),
    /// Show or change the admin token of an install
    Token(token::Args),
    /// Show who changed what in the engine of an install
    Audit(audit::Args),
    /// Stop and remove an install; its data stays unless --purge is given
    Uninstall(uninstall::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print or write the manual pages
    Man(man::Args),
    /// Keep an engine running
    #[command(hide = true)]
    Supervise(supervise::Args),
}

impl Command {
    /// The command's name, as `--json` reports it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Key(args) => args.name(),
            Self::Bundle(_) => "bundle",
            Self::Sign(_) => "sign",
            Self::Trust(args) => args.name(),
            Self::Verify(_) => "verify",
            Self::Inspect(_) => "inspect",
            Self::Install(_) => "install",
            Self::Status(_) => "status",
            Self::Logs(_) => "logs",
            Self::Token(args) => args.name(),
            Self::Audit(_) => "audit",
            Self::Uninstall(_) => "uninstall",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
            Self::Supervise(_) => "supervise",
        }
    }

    pub(crate) fn run(self, out: &mut Output) -> Outcome {
        match self {
            Self::Key(args) => key::run(args, out),
            Self::Bundle(args) => bundle::run(*args, out),
            Self::Sign(args) => sign::run(&args, out),
            Self::Trust(args) => trust::run(args, out),
            Self::Verify(args) => verify::run(&args, out),
            Self::Inspect(args) => inspect::run(&args, out),
            Self::Install(args) => install::run(&args, out),
            Self::Status(args) => status::run(&args, out),
            Self::Logs(args) => logs::run(&args, out),
            Self::Token(args) => token::run(&args, out),
            Self::Audit(args) => audit::run(&args, out),
            Self::Uninstall(args) => uninstall::run(&args, out),
            Self::Completions(args) => completions::run(&args, out),
            Self::Man(args) => man::run(&args, out),
            Self::Supervise(args) => supervise::run(&args),
        }
    }
}
