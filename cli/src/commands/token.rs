//! `rivetctl token`: the admin token of an install.

use std::time::Duration;

use bundle_spec::text::Name;
use serde::Serialize;

use crate::{
    error::{Class, Explain, Outcome},
    install::{operate::Installed, rotate},
    output::{Output, Report},
    site::{Site, SiteArgs, audit, lock::Lock, now, timestamp},
};

/// Show or change the admin token of an install.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print the token, and nothing else, on standard output
    Show(ShowArgs),
    /// Replace the token without interrupting the product
    Rotate(RotateArgs),
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The install, as `status` shows it
    name: Name,

    #[command(flatten)]
    site: SiteArgs,
}

#[derive(Debug, clap::Args)]
struct RotateArgs {
    /// The install, as `status` shows it
    name: Name,

    /// How long the old token is accepted after everything has moved to the new one (30s, 10m, 2h)
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    grace: Duration,

    #[command(flatten)]
    site: SiteArgs,
}

#[derive(Debug, thiserror::Error)]
enum TokenError {
    #[error("the installation of {name} is not finished")]
    NotInstalled { name: Name },
}

impl Explain for TokenError {
    fn class(&self) -> Class {
        Class::Preflight
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "RCTL-NOT-FINISHED".into()
    }

    fn advice(&self) -> String {
        "Run the install command again first.".into()
    }
}

impl Args {
    /// The command's full name.
    pub(crate) fn name(&self) -> &'static str {
        match self.action {
            Action::Show(_) => "token show",
            Action::Rotate(_) => "token rotate",
        }
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Outcome {
    match &args.action {
        Action::Show(args) => show(args, out),
        Action::Rotate(args) => rotate(args, out),
    }
}

fn show(args: &ShowArgs, out: &mut Output) -> Outcome {
    let site = args.site.site()?;
    let dir = site.existing(&args.name)?;
    let token = crate::site::tokens::Tokens::of(&dir, None).current()?;
    let token = token.ok_or_else(|| TokenError::NotInstalled { name: args.name.clone() })?;
    // First the line in the log, then the token: nobody gets one without the other.
    audit::record(&site, "token.show", args.name.as_str(), &[])?;
    if out.is_json() {
        return out.report(&Shown { install: args.name.clone(), token: token.expose() });
    }
    out.raw(format!("{}\n", token.expose()).as_bytes())
}

fn rotate(args: &RotateArgs, out: &mut Output) -> Outcome {
    let site: Site = args.site.site()?;
    let dir = site.existing(&args.name)?;
    let _lock = Lock::take(&dir.lock_file(), &format!("the install {}", args.name))?;
    let mut installed = Installed::open(dir)?;
    if !installed.state.complete {
        return Err(TokenError::NotInstalled { name: args.name.clone() }.into());
    }
    if installed.state.rotation.is_some() {
        out.note("finishing the rotation that was interrupted");
    }
    let grace_seconds = args.grace.as_secs();
    let grace = ("grace_seconds", grace_seconds.to_string());
    audit::record(&site, "token.rotate", args.name.as_str(), &[grace])?;
    let done = rotate::rotate(&mut installed, grace_seconds, out)?;
    let until = timestamp(done.old_refused_at);
    audit::record(
        &site,
        "token.rotated",
        args.name.as_str(),
        &[("old_refused_at", until.clone())],
    )?;
    out.report(&Rotated {
        install: args.name.clone(),
        old_refused_at: until,
        seconds_left: done.old_refused_at.saturating_sub(now()),
        proved: done.proved,
    })
}

/// `30s`, `10m`, `2h`, or a plain number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let refused = || format!("{text:?} is not a duration like 30s, 10m or 2h of at most 30 days");
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => (text, 1),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    seconds.filter(|seconds| *seconds <= 30 * 86_400).map(Duration::from_secs).ok_or_else(refused)
}

#[derive(Serialize)]
struct Shown<'a> {
    install: Name,
    token: &'a str,
}

impl Report for Shown<'_> {
    fn human(&self) -> String {
        self.token.to_owned()
    }
}

#[derive(Debug, Serialize)]
struct Rotated {
    install: Name,
    old_refused_at: String,
    seconds_left: u64,
    proved: Vec<String>,
}

impl Report for Rotated {
    fn human(&self) -> String {
        let mut lines = vec![format!("{} uses a new admin token", self.install)];
        lines.extend(self.proved.iter().map(|proof| format!("proved: {proof}")));
        lines.push(match self.seconds_left {
            0 => "the old token is refused".to_owned(),
            left => format!("the old token is refused in {left} s, from {}", self.old_refused_at),
        });
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_the_usual_way() {
        for (text, seconds) in
            [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86_400), ("0s", 0), ("5", 5)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for bad in ["", "s", "-1s", "1.5h", "10 m", "1w", "99999999999999999999h", "31d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
