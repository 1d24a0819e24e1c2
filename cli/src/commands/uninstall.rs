//! `rivetctl uninstall`: takes an install away and says beforehand what that means.

use std::io::{self, BufRead, IsTerminal, Write};

use bundle_spec::text::Name;
use serde::Serialize;

use crate::{
    docker::Daemon,
    error::{Class, Explain, Outcome},
    install::remove::{self, DataFate, Removal},
    output::{Output, Report},
    site::{
        SiteArgs, SiteError, audit,
        lock::Lock,
        state::{InstallState, Runtime},
    },
};

/// Stop and remove an install. Its data stays unless --purge is given.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The install, as `status` shows it
    name: Name,

    /// Delete the data, the volumes and the secrets too
    #[arg(long)]
    purge: bool,

    /// Do not ask
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    site: SiteArgs,
}

#[derive(Debug, thiserror::Error)]
enum UninstallError {
    #[error("nobody said yes to removing {name}")]
    NotConfirmed { name: Name },
}

impl Explain for UninstallError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "RCTL-NOT-CONFIRMED".into()
    }

    fn advice(&self) -> String {
        "Nothing was changed. Answer with yes, or give --yes.".into()
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Outcome {
    let site = args.site.site()?;
    let dir = site.existing(&args.name)?;
    let _lock = Lock::take(&dir.lock_file(), &format!("the install {}", args.name))?;
    let mut state = InstallState::load(&dir)?.ok_or_else(|| SiteError::Damaged {
        path: dir.state_file(),
        reason: "it was removed just now".into(),
    })?;
    let daemon = match state.settings.runtime {
        Runtime::Compose => Some(Daemon::connect()?),
        Runtime::Binary => None,
    };
    let data = if args.purge { DataFate::Purge } else { DataFate::Keep };
    let removal = remove::look(&dir, &state, daemon.as_ref(), data)?;
    if !args.yes && !confirmed(&removal)? {
        return Err(UninstallError::NotConfirmed { name: args.name.clone() }.into());
    }
    remove::remove(&dir, &mut state, daemon.as_ref(), data)?;
    let fate = match data {
        DataFate::Keep => "kept",
        DataFate::Purge => "purged",
    };
    audit::record(&site, "uninstall.done", args.name.as_str(), &[("data", fate.to_owned())])?;
    out.report(&Removed { removed: removal })
}

/// Asks at a terminal; elsewhere nobody can answer.
fn confirmed(removal: &Removal) -> Outcome<bool> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    let mut stderr = io::stderr();
    let asked = writeln!(stderr, "{}", list(removal, "will be removed"))
        .and_then(|()| write!(stderr, "Remove it? Type yes: "))
        .and_then(|()| stderr.flush());
    asked.map_err(crate::error::FileError::on("write to", "the terminal"))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(crate::error::FileError::on("read", "the terminal"))?;
    Ok(answer.trim() == "yes")
}

fn list(removal: &Removal, verb: &str) -> String {
    let mut lines = vec![format!("of install {} {verb}:", removal.install)];
    let groups = [
        ("container", &removal.containers),
        ("volume", &removal.volumes),
        ("image tag", &removal.tags),
        ("process", &removal.processes),
    ];
    for (what, names) in groups {
        lines.extend(names.iter().map(|name| format!("  {what} {name}")));
    }
    lines.extend(removal.paths.iter().map(|path| format!("  {path}")));
    if !removal.kept.is_empty() {
        lines.push("stays (a later install of the same name takes it up again):".to_owned());
        lines.extend(removal.kept.iter().map(|what| format!("  {what}")));
    }
    lines.join("\n")
}

#[derive(Debug, Serialize)]
struct Removed {
    removed: Removal,
}

impl Report for Removed {
    fn human(&self) -> String {
        list(&self.removed, "was removed")
    }
}
