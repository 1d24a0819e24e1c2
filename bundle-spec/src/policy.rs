//! May this site install this release now? Pure functions over what the site remembers.
//!
//! A signature says that a release is the vendor's. It does not say that it is for this product,
//! platform or customer, nor that it is not last year's. Those answers are here.

mod error;
mod version;

pub use error::PolicyError;

use crate::{
    digest::Sha256Digest,
    manifest::{Manifest, Platform},
    root::RootDocument,
    text::{Name, Version},
};

/// Largest step forward that is taken without being asked for: see [`SiteState::accept_jump`].
pub const MAX_JUMP: u64 = 10_000;

/// How far ahead of the site's time a release may claim to be made. More is a broken clock at the
/// vendor or here, and accepting it would drag the site's idea of time along for good.
pub const MAX_AHEAD: u64 = 2 * 366 * 24 * 3600;

/// What a site knows and wants. Built by the caller from its memory and its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteState {
    /// The product that is expected, when the caller expects one.
    pub product: Option<Name>,
    /// The channel that is expected, when the caller expects one.
    pub channel: Option<Name>,
    /// Highest sequence accepted so far in this product and channel, and which bundle it was.
    pub highest: Option<(u64, Sha256Digest)>,
    /// Version of the root document when `highest` was recorded. A newer root may reset the floor.
    pub highest_root: Option<u64>,
    /// Sequence that is installed under the name that is being installed.
    pub installed_seq: Option<u64>,
    /// Data format that the installed engine writes.
    pub installed_format: Option<u32>,
    /// Which customer this site is.
    pub audience: Option<Name>,
    /// What this host is.
    pub platform: Platform,
    /// Version of the program that judges, MAJOR.MINOR.PATCH.
    pub rivetctl_version: Version,
    /// Releases of the channel that earlier bundles revoked.
    pub revoked_releases: Vec<u64>,
    /// What is known about the time.
    pub clock: Clock,
    /// What to do about a release past its date.
    pub not_after: NotAfterPolicy,
    /// Whether a step above `max_jump` is wanted.
    pub accept_jump: bool,
    /// The older sequence that the operator names to go back to.
    pub allow_downgrade_to: Option<u64>,
    /// Largest step forward; normally [`MAX_JUMP`].
    pub max_jump: u64,
}

/// Times in seconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// What the system says.
    pub now: u64,
    /// Latest [`Judgement::effective_now`] that the site remembers; 0 when it has none.
    pub last_seen: u64,
    /// When the judging program was built.
    pub build_time: u64,
}

/// What a site does about a release past its `not_after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotAfterPolicy {
    /// Say so and go on.
    #[default]
    Warn,
    /// Refuse.
    Deny,
}

/// The release may be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What the operator should know.
    pub warnings: Vec<Warning>,
    /// The latest time that is known to have passed; to be remembered as [`Clock::last_seen`]
    /// once the release is accepted.
    pub effective_now: u64,
}

/// Something that does not stop an installation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message says what its fields mean")]
pub enum Warning {
    /// The clock is known to be wrong.
    #[error(
        "the system clock is behind: it says {now}, and {known} has passed already (seconds since 1970)"
    )]
    ClockBehind { now: u64, known: u64 },
    /// The release has passed its date.
    #[error(
        "the release was meant to be used until {not_after}, and it is {now} (seconds since 1970)"
    )]
    PastNotAfter { not_after: u64, now: u64 },
    /// The operator asked for an older release.
    #[error("going back from release {from} to {to}, as asked")]
    Downgrade { from: u64, to: u64 },
    /// A new root document lowered the remembered sequence.
    #[error("root {root} resets the highest known release from {from} to {to}")]
    FloorReset { root: u64, from: u64, to: u64 },
}

/// Decides about a release whose signatures were verified under `root`.
pub fn judge(
    manifest: &Manifest,
    bundle_id: Sha256Digest,
    root: &RootDocument,
    site: &SiteState,
) -> Result<Judgement, PolicyError> {
    let mut warnings = Vec::new();
    expect_meant_for(manifest, root, site)?;
    expect_fits_program(manifest, site)?;
    expect_not_revoked(manifest, root, site)?;
    judge_sequence(manifest, bundle_id, root, site, &mut warnings)?;
    expect_upgrade_path(manifest, site)?;
    let effective_now = judge_time(manifest, site, &mut warnings)?;
    Ok(Judgement { warnings, effective_now })
}

/// Product, channel, customer and host.
fn expect_meant_for(
    manifest: &Manifest,
    root: &RootDocument,
    site: &SiteState,
) -> Result<(), PolicyError> {
    for expected in site.product.iter().chain([&root.product]) {
        if manifest.product != *expected {
            let (found, expected) = (manifest.product.clone(), expected.clone());
            return Err(PolicyError::Product { found, expected });
        }
    }
    match &site.channel {
        Some(expected) if manifest.channel != *expected => {
            let (found, expected) = (manifest.channel.clone(), expected.clone());
            return Err(PolicyError::Channel { found, expected });
        }
        _ => (),
    }
    match &manifest.audience {
        Some(found) if site.audience.as_ref() != Some(found) => {
            return Err(PolicyError::Audience {
                found: found.clone(),
                site: site.audience.clone(),
            });
        }
        _ => (),
    }
    if !manifest.platforms.contains(&site.platform) {
        let found = manifest.platforms.iter().map(|platform| platform.as_str()).collect();
        return Err(PolicyError::Platform { found, host: site.platform });
    }
    Ok(())
}

fn expect_fits_program(manifest: &Manifest, site: &SiteState) -> Result<(), PolicyError> {
    if version::is_at_least(&site.rivetctl_version, &manifest.rivetctl_min) {
        return Ok(());
    }
    let (needed, found) = (manifest.rivetctl_min.clone(), site.rivetctl_version.clone());
    Err(PolicyError::Rivetctl { needed, found })
}

fn expect_not_revoked(
    manifest: &Manifest,
    root: &RootDocument,
    site: &SiteState,
) -> Result<(), PolicyError> {
    let seq = manifest.release_seq;
    if root.revoked_releases.contains(&seq) || site.revoked_releases.contains(&seq) {
        return Err(PolicyError::Revoked { seq });
    }
    Ok(())
}

/// Sequences only rise, unless root keys reset them or the operator names an older one.
fn judge_sequence(
    manifest: &Manifest,
    bundle_id: Sha256Digest,
    root: &RootDocument,
    site: &SiteState,
    warnings: &mut Vec<Warning>,
) -> Result<(), PolicyError> {
    let seq = manifest.release_seq;
    let Some((highest, known_id)) = site.highest else { return Ok(()) };
    let newer_root = site.highest_root.is_none_or(|version| version < root.version);
    if let Some(floor) = root.reset_floor.filter(|floor| newer_root && *floor < highest) {
        warnings.push(Warning::FloorReset { root: root.version, from: highest, to: floor });
        return judge_step(seq, floor, site, warnings);
    }
    if seq == highest && bundle_id != known_id {
        return Err(PolicyError::Equivocation { seq, found: bundle_id, known: known_id });
    }
    judge_step(seq, highest, site, warnings)
}

fn judge_step(
    seq: u64,
    highest: u64,
    site: &SiteState,
    warnings: &mut Vec<Warning>,
) -> Result<(), PolicyError> {
    if seq < highest {
        if site.allow_downgrade_to != Some(seq) {
            return Err(PolicyError::Rollback { seq, highest });
        }
        warnings.push(Warning::Downgrade { from: highest, to: seq });
    }
    if seq.saturating_sub(highest) > site.max_jump && !site.accept_jump {
        return Err(PolicyError::Jump { seq, highest, max: site.max_jump });
    }
    Ok(())
}

/// Whether what is installed can become this release.
fn expect_upgrade_path(manifest: &Manifest, site: &SiteState) -> Result<(), PolicyError> {
    if let Some(installed) = site.installed_seq.filter(|seq| *seq < manifest.min_from_seq) {
        return Err(PolicyError::MinFrom { installed, needed: manifest.min_from_seq });
    }
    let engine = manifest.engine(site.platform);
    match (site.installed_format, engine.map(|engine| engine.state_format)) {
        (Some(found), Some(format)) if !(format.reads_from..=format.writes).contains(&found) => {
            let (from, to) = (format.reads_from, format.writes);
            Err(PolicyError::StateFormat { found, from, to })
        }
        _ => Ok(()),
    }
}

/// Time cannot be trusted inside a perimeter: what is known to have passed is a lower bound.
fn judge_time(
    manifest: &Manifest,
    site: &SiteState,
    warnings: &mut Vec<Warning>,
) -> Result<u64, PolicyError> {
    let Clock { now, last_seen, build_time } = site.clock;
    let reached = now.max(last_seen).max(build_time);
    if manifest.created > reached.saturating_add(MAX_AHEAD) {
        return Err(PolicyError::Created { created: manifest.created, now: reached });
    }
    let effective = reached.max(manifest.created);
    if now < effective {
        warnings.push(Warning::ClockBehind { now, known: effective });
    }
    match (manifest.not_after, site.not_after) {
        (Some(not_after), NotAfterPolicy::Deny) if effective > not_after => {
            Err(PolicyError::Expired { not_after, now: effective })
        }
        (Some(not_after), NotAfterPolicy::Warn) if effective > not_after => {
            warnings.push(Warning::PastNotAfter { not_after, now: effective });
            Ok(effective)
        }
        _ => Ok(effective),
    }
}
