//! `rivetctl trust`: whose bundles this host accepts.

use std::io::Read as _;

use bundle_spec::{
    root::{Fingerprint, RootDocument, TrustedRoot},
    text::Name,
};
use camino::Utf8PathBuf;
use serde::Serialize;

use crate::{
    error::{FileError, Outcome},
    output::{Output, Report},
    site::{Site, SiteArgs, SiteError, admit, audit, trust::TrustStore},
};

/// Longest root document that is read; a real one has a few kilobytes.
const ROOT_FILE_MAX: u64 = 1 << 20;

/// Decide whose bundles this host accepts.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Trust a product's root document
    Add(AddArgs),
    /// Show what is trusted
    List(ListArgs),
    /// Stop trusting a product
    Remove(RemoveArgs),
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// A bundle that carries the root document, or the root document itself (.json)
    #[arg(value_name = "BUNDLE|ROOTFILE")]
    from: Utf8PathBuf,

    /// The root's fingerprint as the vendor gave it to you by another way than this file
    #[arg(long, value_name = "FINGERPRINT", required_unless_present = "trust_on_first_use")]
    root_fingerprint: Option<Fingerprint>,

    /// Believe the file itself. Whoever made the file decides what runs here
    #[arg(long, conflicts_with = "root_fingerprint")]
    trust_on_first_use: bool,

    #[command(flatten)]
    site: SiteArgs,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    site: SiteArgs,
}

#[derive(Debug, clap::Args)]
struct RemoveArgs {
    /// The product, as `trust list` shows it
    product: Name,

    #[command(flatten)]
    site: SiteArgs,
}

impl Args {
    /// The command's full name.
    pub(crate) fn name(&self) -> &'static str {
        match self.action {
            Action::Add(_) => "trust add",
            Action::List(_) => "trust list",
            Action::Remove(_) => "trust remove",
        }
    }
}

pub(crate) fn run(args: Args, out: &mut Output) -> Outcome {
    match args.action {
        Action::Add(args) => add(&args, out),
        Action::List(args) => list(&args, out),
        Action::Remove(args) => remove(&args, out),
    }
}

fn add(args: &AddArgs, out: &mut Output) -> Outcome {
    let site = args.site.site()?;
    let root = if let Some(fingerprint) = &args.root_fingerprint {
        root_with(&args.from, fingerprint)?
    } else {
        let root = first_root(&args.from)?;
        out.warn(&format!(
            "trusting {} on first use: nobody has checked that {} comes from its vendor",
            root.document().product,
            args.from
        ));
        root
    };
    let document = root.document();
    let store = TrustStore::of(&site);
    if let Some(known) = store.root(&document.product)?
        && !store.chain(&document.product)?.iter().any(|bytes| bytes == root.bytes())
    {
        return Err(SiteError::OtherRootTrusted {
            product: document.product.to_string(),
            known: known.fingerprint().to_string(),
            found: root.fingerprint().to_string(),
        }
        .into());
    }
    store.accept(&root)?;
    let way = if args.trust_on_first_use { "first use" } else { "fingerprint" };
    let detail = [
        ("root_version", document.version.to_string()),
        ("fingerprint", root.fingerprint().to_string()),
        ("way", way.to_owned()),
    ];
    audit::record(&site, "trust.add", document.product.as_str(), &detail)?;
    // Where a newer one is trusted already, that one stays in force and is what there is to show.
    let in_force = store.root(&document.product)?.unwrap_or(root);
    out.report(&Added { trusted: Trusted::of(&in_force) })
}

fn list(args: &ListArgs, out: &mut Output) -> Outcome {
    let site = args.site.site()?;
    let roots = TrustStore::of(&site).roots()?;
    out.report(&List { trusted: roots.iter().map(Trusted::of).collect() })
}

fn remove(args: &RemoveArgs, out: &mut Output) -> Outcome {
    let site = args.site.site()?;
    let store = TrustStore::of(&site);
    if store.root(&args.product)?.is_none() {
        return Err(unknown(&site, &args.product)?.into());
    }
    store.remove(&args.product)?;
    audit::record(&site, "trust.remove", args.product.as_str(), &[])?;
    out.report(&Removed { product: args.product.clone() })
}

fn unknown(site: &Site, product: &Name) -> Outcome<SiteError> {
    let known = TrustStore::of(site).roots()?;
    let known: Vec<String> = known.iter().map(|root| root.document().product.to_string()).collect();
    let found = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Ok(SiteError::UnknownProduct { product: product.to_string(), found })
}

/// The root with this fingerprint, from a root document or from the roots that a bundle carries.
fn root_with(from: &Utf8PathBuf, fingerprint: &Fingerprint) -> Outcome<TrustedRoot> {
    match root_file(from)? {
        Some(bytes) if Fingerprint::of(&bytes) == *fingerprint => {
            Ok(TrustedRoot::bootstrap(&bytes, fingerprint)?)
        }
        Some(bytes) => Err(SiteError::OtherFingerprint {
            expected: fingerprint.to_string(),
            found: Fingerprint::of(&bytes).to_string(),
        }
        .into()),
        None => admit::carried_root(&admit::open(from)?, fingerprint),
    }
}

fn first_root(from: &Utf8PathBuf) -> Outcome<TrustedRoot> {
    let bytes = if let Some(bytes) = root_file(from)? {
        bytes
    } else {
        let bundle = admit::open(from)?;
        bundle.roots().first().map(|bytes| bytes.to_vec()).ok_or(SiteError::NoCarriedRoot)?
    };
    Ok(TrustedRoot::bootstrap(&bytes, &Fingerprint::of(&bytes))?)
}

/// The bytes of a root document; none when the file is something else, such as a bundle.
fn root_file(path: &Utf8PathBuf) -> Outcome<Option<Vec<u8>>> {
    let mut file = admit::open_file(path)?;
    let mut bytes = vec![0; 1];
    let read = file.read(&mut bytes).map_err(FileError::on("read", path))?;
    if read == 0 || bytes[0] != b'{' {
        return Ok(None);
    }
    file.take(ROOT_FILE_MAX).read_to_end(&mut bytes).map_err(FileError::on("read", path))?;
    Ok(Some(bytes))
}

/// A trusted root, for people and scripts.
#[derive(Debug, Serialize)]
struct Trusted {
    product: Name,
    root_version: u64,
    fingerprint: String,
    fingerprint_hex: String,
    root: RoleView,
    release: RoleView,
    revoked_keys: Vec<String>,
    revoked_releases: Vec<u64>,
}

#[derive(Debug, Serialize)]
struct RoleView {
    threshold: u32,
    keys: Vec<String>,
}

impl Trusted {
    fn of(root: &TrustedRoot) -> Self {
        let document: &RootDocument = root.document();
        let role = |role: &bundle_spec::root::Role| RoleView {
            threshold: role.threshold,
            keys: role.keys.iter().map(|key| key.id().to_string()).collect(),
        };
        Self {
            product: document.product.clone(),
            root_version: document.version,
            fingerprint: root.fingerprint().to_string(),
            fingerprint_hex: root.fingerprint().hex(),
            root: role(&document.root),
            release: role(&document.release),
            revoked_keys: document.revoked_keys.iter().map(ToString::to_string).collect(),
            revoked_releases: document.revoked_releases.clone(),
        }
    }

    fn human(&self) -> String {
        let role = |name: &str, role: &RoleView| {
            let keys = role.keys.join("\n            ");
            format!("  {name:<7} {} of {}: {keys}", role.threshold, role.keys.len())
        };
        let mut lines = vec![
            format!("{}, root {}", self.product, self.root_version),
            format!("  fingerprint {}", self.fingerprint),
            format!("              sha256:{}", self.fingerprint_hex),
            role("root", &self.root),
            role("release", &self.release),
        ];
        if !self.revoked_keys.is_empty() {
            lines.push(format!("  revoked keys: {}", self.revoked_keys.join(", ")));
        }
        if !self.revoked_releases.is_empty() {
            let releases: Vec<String> =
                self.revoked_releases.iter().map(ToString::to_string).collect();
            lines.push(format!("  revoked releases: {}", releases.join(", ")));
        }
        lines.join("\n")
    }
}

#[derive(Debug, Serialize)]
struct Added {
    trusted: Trusted,
}

impl Report for Added {
    fn human(&self) -> String {
        format!("trusted: {}", self.trusted.human())
    }
}

#[derive(Debug, Serialize)]
struct List {
    trusted: Vec<Trusted>,
}

impl Report for List {
    fn human(&self) -> String {
        if self.trusted.is_empty() {
            return "no product is trusted".to_owned();
        }
        self.trusted.iter().map(Trusted::human).collect::<Vec<_>>().join("\n")
    }
}

#[derive(Debug, Serialize)]
struct Removed {
    product: Name,
}

impl Report for Removed {
    fn human(&self) -> String {
        format!(
            "{} is not trusted any more; what was seen of its releases stays remembered",
            self.product
        )
    }
}
