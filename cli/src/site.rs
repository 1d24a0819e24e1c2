//! What this host remembers and whom it trusts: one directory, its paths, its locks, its records.
//!
//! Nothing here knows Docker or the engine. Every write is durable before it counts
//! ([`durable`]), every change of consequence leaves a line in the audit log ([`audit`]).

pub(crate) mod admit;
pub(crate) mod audit;
pub(crate) mod durable;
mod error;
pub(crate) mod history;
mod layout;
pub(crate) mod lock;
pub(crate) mod policy;
pub(crate) mod receipt;
pub(crate) mod secret;
pub(crate) mod state;
pub(crate) mod tokens;
pub(crate) mod trust;

pub(crate) use error::SiteError;
pub(crate) use layout::{InstallDir, Site, SiteArgs};

/// Seconds since 1970, as this host's clock has it.
pub(crate) fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// A moment in the form people and logs read, in UTC.
pub(crate) fn timestamp(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(|| seconds.to_string(), |time| time.to_string())
}

#[cfg(test)]
pub(crate) mod tests {
    //! A site in a directory, for the tests of every module.

    use camino::Utf8Path;

    use super::{Site, SiteArgs};

    /// A fresh site below `dir`.
    pub(crate) fn site_at(dir: &Utf8Path) -> Site {
        #[derive(clap::Parser)]
        struct Parser {
            #[command(flatten)]
            site: SiteArgs,
        }
        let root = dir.join("site");
        let args = <Parser as clap::Parser>::parse_from(["test", "--root", root.as_str()]);
        let site = args.site.site().unwrap();
        site.create().unwrap();
        site
    }
}
