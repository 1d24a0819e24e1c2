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
        InstallDir, Site, SiteArgs, audit,
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
    // What an uninstall without --purge has left is still there to be purged.
    let dir = site.install(&args.name);
    let dir = if dir.path().exists() { dir } else { site.existing(&args.name)? };
    let _lock = Lock::take(&dir.lock_file(), &format!("the install {}", args.name))?;
    let Some(mut state) = InstallState::load(&dir)? else {
        return leftovers(args, &site, &dir, out);
    };
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

/// Deals with an install that was removed before, or never got further than its directory.
fn leftovers(args: &Args, site: &Site, dir: &InstallDir, out: &mut Output) -> Outcome {
    let data = if args.purge { DataFate::Purge } else { DataFate::Keep };
    // The volumes of the product's services are known by their label alone by now.
    let daemon = Daemon::connect().ok().filter(|_| args.purge);
    let removal = remove::look_at_leftovers(dir, daemon.as_ref(), data)?;
    if args.purge {
        if !args.yes && !confirmed(&removal)? {
            return Err(UninstallError::NotConfirmed { name: args.name.clone() }.into());
        }
        remove::remove_leftovers(dir, daemon.as_ref())?;
        let detail = [("data", "purged".to_owned())];
        audit::record(site, "uninstall.done", args.name.as_str(), &detail)?;
    }
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
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(crate::error::FileError::on("read", "the terminal"))?;
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
    if lines.len() == 1 {
        lines.push("  nothing".to_owned());
    }
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
