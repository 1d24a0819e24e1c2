//! `rivetctl verify`: is this bundle whole, and from whom. Writes nothing, opens no connection.

use std::fs::File;

use bundle_spec::{manifest::Platform, root::Fingerprint, verify::VerifiedBundle};
use camino::Utf8PathBuf;
use serde::Serialize;

use crate::{
    error::Outcome,
    output::{Output, Report},
    site::{SiteArgs, admit, policy, timestamp},
};

/// Check every byte of a bundle and who signed it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    bundle: BundleArgs,
}

/// A bundle and whom to believe about it.
#[derive(Debug, clap::Args)]
pub(crate) struct BundleArgs {
    /// The bundle; signatures next to it (BUNDLE.<key>.sshsig) count too
    #[arg(value_name = "BUNDLE")]
    pub(crate) bundle: Utf8PathBuf,

    /// Believe the carried root with this fingerprint instead of what this host trusts
    #[arg(long, value_name = "FINGERPRINT")]
    root_fingerprint: Option<Fingerprint>,

    #[command(flatten)]
    site: SiteArgs,
}

/// What verification shows, the same for `verify` and `inspect`.
#[derive(Debug, Serialize)]
pub(crate) struct Identity {
    product: String,
    channel: String,
    version: String,
    release_seq: u64,
    bundle_id: String,
    created: String,
    platforms: Vec<&'static str>,
    signers: Vec<String>,
    root_version: u64,
    root_fingerprint: String,
}

impl BundleArgs {
    /// Checks signatures and structure, then what this site thinks of the release. A bundle for
    /// another platform only earns a warning here: it is looked at, not installed.
    pub(crate) fn verify(&self, out: &mut Output) -> Outcome<VerifiedBundle<File>> {
        let site = self.site.site()?;
        let bundle = match &self.root_fingerprint {
            Some(fingerprint) => admit::verify_with_fingerprint(&self.bundle, fingerprint)?,
            None => admit::verify(&self.bundle, &site)?,
        };
        let manifest = bundle.manifest();
        let here = Platform::current().filter(|platform| manifest.platforms.contains(platform));
        if here.is_none() {
            let found: Vec<&str> =
                manifest.platforms.iter().map(|platform| platform.as_str()).collect();
            out.warn(&format!(
                "it cannot be installed on this host: it is for {}",
                found.join(", ")
            ));
        }
        if let Some(platform) = here.or_else(|| manifest.platforms.first().copied()) {
            let root = bundle.root().document();
            let allowances = policy::Allowances::default();
            let (judgement, notes) = policy::judge(
                &site,
                manifest,
                bundle.bundle_id(),
                root,
                platform,
                None,
                allowances,
            )?;
            warn(out, &judgement, &notes);
        }
        Ok(bundle)
    }
}

/// Passes on what the policy warns of.
pub(crate) fn warn(out: &mut Output, judgement: &bundle_spec::policy::Judgement, notes: &[String]) {
    for warning in &judgement.warnings {
        out.warn(&warning.to_string());
    }
    for note in notes {
        out.warn(note);
    }
}

/// Hashes every blob, with progress.
pub(crate) fn check_all(bundle: &mut VerifiedBundle<File>, out: &mut Output) -> Outcome<u64> {
    let total = bundle.blob_bytes();
    let mut progress = out.progress("verifying", total);
    bundle.check_all(&mut |bytes| progress.advance(bytes))?;
    Ok(total)
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Outcome {
    let mut bundle = args.bundle.verify(out)?;
    let bytes = check_all(&mut bundle, out)?;
    let blobs = bundle.manifest().blobs.len();
    out.report(&Verified { identity: Identity::of(&bundle), blobs, bytes })
}

impl Identity {
    pub(crate) fn of(bundle: &VerifiedBundle<File>) -> Self {
        let manifest = bundle.manifest();
        Self {
            product: manifest.product.to_string(),
            channel: manifest.channel.to_string(),
            version: manifest.version.to_string(),
            release_seq: manifest.release_seq,
            bundle_id: bundle.bundle_id().to_string(),
            created: timestamp(manifest.created),
            platforms: manifest.platforms.iter().map(|platform| platform.as_str()).collect(),
            signers: bundle.signers().iter().map(ToString::to_string).collect(),
            root_version: bundle.root().document().version,
            root_fingerprint: bundle.root().fingerprint().to_string(),
        }
    }

    pub(crate) fn human(&self) -> String {
        [
            format!("product    {} {}", self.product, self.version),
            format!("release    {} in channel {}", self.release_seq, self.channel),
            format!("bundle id  {}", self.bundle_id),
            format!("created    {}", self.created),
            format!("platforms  {}", self.platforms.join(", ")),
            format!("signed by  {}", self.signers.join("\n           ")),
            format!("root       {} ({})", self.root_version, self.root_fingerprint),
        ]
        .join("\n")
    }
}

#[derive(Debug, Serialize)]
struct Verified {
    #[serde(flatten)]
    identity: Identity,
    blobs: usize,
    bytes: u64,
}

impl Report for Verified {
    fn human(&self) -> String {
        let bytes = indicatif::HumanBytes(self.bytes);
        format!(
            "valid: {} files, {bytes}, every byte checked\n{}",
            self.blobs,
            self.identity.human()
        )
    }
}
