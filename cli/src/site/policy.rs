//! What this site has to say about a release: the facts that `bundle_spec::policy` judges by.

use bundle_spec::{
    digest::Sha256Digest,
    manifest::{Manifest, Platform},
    policy::{self, Clock, Judgement, NotAfterPolicy, SiteState},
    root::RootDocument,
};

use super::{
    Site, SiteError,
    history::{Floor, History},
    now,
    state::InstallState,
};
use crate::error::Outcome;

/// What the operator allows beyond the rule.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Allowances {
    /// Accept a release sequence more than 10000 above the highest one seen
    #[arg(long)]
    accept_jump: bool,

    /// Accept this older release sequence
    #[arg(long, value_name = "SEQ")]
    allow_downgrade_to: Option<u64>,
}

/// Judges a verified release for this site, and for the install that exists under the name.
pub(crate) fn judge(
    site: &Site,
    manifest: &Manifest,
    bundle_id: Sha256Digest,
    root: &RootDocument,
    platform: Platform,
    install: Option<&InstallState>,
    allowances: Allowances,
) -> Outcome<(Judgement, Vec<String>)> {
    let history = History::load(site, &manifest.product)?;
    let mut notes = Vec::new();
    if history.is_none() && install.is_some_and(|state| state.complete) {
        notes.push(format!(
            "the memory of releases of {} is lost: rollback to an older release cannot be noticed this time",
            manifest.product
        ));
    }
    let history = history.unwrap_or_default();
    let known = history.highest(&manifest.channel);
    let complete = install.filter(|state| state.complete);
    let state = SiteState {
        product: None,
        channel: None,
        highest: known.map(|known| (known.release_seq, known.bundle_id)),
        highest_root: known.map(|known| known.root_version),
        installed_seq: complete.map(|state| state.release_seq),
        installed_format: complete.map(|state| state.engine.state_format),
        revoked_releases: known
            .map(|known| known.revoked_releases.iter().copied().collect())
            .unwrap_or_default(),
        audience: audience(site)?,
        platform,
        rivetctl_version: env!("CARGO_PKG_VERSION").parse().expect("our version is one"),
        clock: Clock { now: now(), last_seen: history.last_seen, build_time: build_time() },
        not_after: not_after(site)?,
        accept_jump: allowances.accept_jump,
        allow_downgrade_to: allowances.allow_downgrade_to,
        max_jump: policy::MAX_JUMP,
    };
    Ok((policy::judge(manifest, bundle_id, root, &state)?, notes))
}

/// Which customer this site is: the one line of `<root>/audience`, if the file exists.
fn audience(site: &Site) -> Result<Option<bundle_spec::text::Name>, SiteError> {
    let path = site.root().join("audience");
    let Some(bytes) = super::durable::read_if_there(&path)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    text.trim().parse().map(Some).map_err(|error: bundle_spec::text::ParseTextError| {
        SiteError::Damaged { path, reason: error.to_string() }
    })
}

/// What this site does with releases past their time: `warn` or `deny`, the one line of
/// `<root>/not-after`. Without the file it warns, because clocks inside a perimeter are often wrong.
fn not_after(site: &Site) -> Result<NotAfterPolicy, SiteError> {
    let path = site.root().join("not-after");
    let Some(bytes) = super::durable::read_if_there(&path)? else {
        return Ok(NotAfterPolicy::Warn);
    };
    match String::from_utf8_lossy(&bytes).trim() {
        "warn" => Ok(NotAfterPolicy::Warn),
        "deny" => Ok(NotAfterPolicy::Deny),
        other => {
            let reason = format!("it says {other:?}, expected warn or deny");
            Err(SiteError::Damaged { path, reason })
        }
    }
}

/// Whether a judgement rests on a floor that a newer root has reset.
pub(crate) fn floor(judgement: &Judgement) -> Floor {
    let is_reset =
        |warning: &policy::Warning| matches!(warning, policy::Warning::FloorReset { .. });
    if judgement.warnings.iter().any(is_reset) { Floor::Reset } else { Floor::Kept }
}

/// When this program was made, if its build said so: no honest clock is before that.
fn build_time() -> u64 {
    option_env!("SOURCE_DATE_EPOCH").and_then(|seconds| seconds.parse().ok()).unwrap_or(0)
}
