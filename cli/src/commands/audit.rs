//! `rivetctl audit`: who changed what in the engine of an install.

use bundle_spec::{manifest::EngineFlavor, text::Name};
use serde::Serialize;

use crate::{
    engine_api::audit::{AuditEntry, PAGE_MAX},
    error::{Class, Explain, Outcome},
    install::operate::Installed,
    output::{Output, Report},
    site::{SiteArgs, timestamp},
};

/// Show who changed what over the API of an install's engine, newest first
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The install, as `status` shows it
    name: Name,

    /// At most this many entries
    #[arg(long, value_name = "ENTRIES", default_value_t = 100)]
    limit: usize,

    /// Only entries from this moment on (2026-11-24T21:00:00Z)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<u64>,

    #[command(flatten)]
    site: SiteArgs,
}

#[derive(Debug, thiserror::Error)]
enum AuditError {
    #[error("the engine of {name} is upstream's, which keeps no audit log")]
    Upstream { name: Name },
}

impl Explain for AuditError {
    fn class(&self) -> Class {
        Class::Preflight
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "RCTL-AUDIT-UPSTREAM".into()
    }

    fn advice(&self) -> String {
        "Only an install with our engine has one; what rivetctl itself did is in `audit.log` of the site.".into()
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Outcome {
    let site = args.site.site()?;
    let installed = Installed::open(site.existing(&args.name)?)?;
    if installed.flavor() != EngineFlavor::RivetEngine {
        return Err(AuditError::Upstream { name: args.name.clone() }.into());
    }
    let (api, token) = (installed.api(), installed.token()?);
    let (mut entries, mut cursor) = (Vec::new(), None);
    while entries.len() < args.limit {
        let wanted = (args.limit - entries.len()).min(PAGE_MAX);
        let page = api.audit_entries(&token, wanted, cursor.as_deref())?;
        let (before, read) = (entries.len(), page.entries.len());
        let new = page.entries.into_iter();
        entries.extend(new.take_while(|entry| args.since.is_none_or(|since| entry.ts >= since)));
        cursor = page.pagination.cursor;
        let reached_too_old = entries.len() - before < read;
        if cursor.is_none() || reached_too_old {
            break;
        }
    }
    out.report(&Audit { install: args.name.clone(), entries })
}

/// A moment as milliseconds since 1970.
fn moment(text: &str) -> Result<u64, String> {
    let refused = || format!("{text:?} is not a time like 2026-11-24T21:00:00Z");
    let time: jiff::Timestamp = text.parse().map_err(|_| refused())?;
    u64::try_from(time.as_millisecond()).map_err(|_| refused())
}

#[derive(Debug, Serialize)]
struct Audit {
    install: Name,
    entries: Vec<AuditEntry>,
}

impl Report for Audit {
    fn human(&self) -> String {
        if self.entries.is_empty() {
            return "no entries".to_owned();
        }
        let rows: Vec<_> = self.entries.iter().map(row).collect();
        let widths = rows.iter().fold([0; 4], |widths, row| {
            std::array::from_fn(|column| widths[column].max(row[column].chars().count()))
        });
        let lines = rows.iter().map(|[when, who, from, status, what]| {
            let [w0, w1, w2, w3] = widths;
            format!("{when:<w0$}  {who:<w1$}  {from:<w2$}  {status:<w3$}  {what}")
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn row(entry: &AuditEntry) -> [String; 5] {
    let who = entry.actor.subject.as_ref().or(entry.actor.token_id.as_ref());
    let who = who.map_or(entry.actor.kind.clone(), |who| format!("{} {who}", entry.actor.kind));
    let part = |word: &str, part: &Option<String>| {
        part.as_ref().map_or_else(String::new, |part| format!("{word}{part}"))
    };
    let what = [
        format!("{} {}", entry.method, entry.path),
        part(" in ", &entry.namespace),
        part(" made ", &entry.created),
        part(": ", &entry.error),
    ]
    .concat();
    [
        timestamp(entry.ts / 1000),
        printable(&who),
        entry.address.clone().unwrap_or_else(|| "-".to_owned()),
        entry.status.to_string(),
        printable(&what),
    ]
}

/// Clients choose paths and subjects; a terminal must not obey them.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { '\u{fffd}' } else { character })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_table_shows_it() {
        assert_eq!(moment("1970-01-01T00:00:01Z"), Ok(1000));
        assert_eq!(moment(&timestamp(1_700_000_000)), Ok(1_700_000_000_000));
        for bad in ["", "yesterday", "1700000000", "1969-01-01T00:00:00Z"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_clients_wrote_does_not_reach_the_terminal_as_commands() {
        assert_eq!(printable("a\u{1b}[2J\nb"), "a\u{fffd}[2J\u{fffd}b");
    }
}
