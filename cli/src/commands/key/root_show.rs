//! `rivetctl key root show` — a root document in words, its fingerprint in both forms, and how
//! many signatures it has and needs.

use bundle_spec::root::{Role, RootDocument};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use super::root::previous;
use crate::{
    error::Outcome,
    output::{Output, Report},
    produce::RootFile,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Root document
    #[arg(value_name = "ROOT", default_value = "root/1.json")]
    root: Utf8PathBuf,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Outcome {
    show(&args.root, out)
}

/// Reports the root document at `path`.
pub(super) fn show(path: &Utf8Path, out: &mut Output) -> Outcome {
    let root = RootFile::read(path)?;
    let document = &root.document;
    let before = previous(path, document.version)?;
    let mut signatures = vec![needed(&root, document)];
    if let Some(before) = &before {
        signatures.push(needed(&root, &before.document));
    } else if document.version > 1 {
        out.warn(&format!(
            "root {} is not beside {path}: whether enough of its keys signed cannot be said",
            document.version - 1
        ));
    }
    out.report(&Shown {
        path: path.to_owned(),
        product: document.product.to_string(),
        version: document.version,
        fingerprint: root.fingerprint().to_string(),
        fingerprint_hex: root.fingerprint().hex(),
        root: role(&document.root),
        release: role(&document.release),
        revoked_keys: document.revoked_keys.iter().map(ToString::to_string).collect(),
        revoked_releases: document.revoked_releases.clone(),
        reset_floor: document.reset_floor,
        signed_by: root.signatures.keys().map(ToString::to_string).collect(),
        signatures,
    })
}

fn needed(root: &RootFile, by: &RootDocument) -> Needed {
    let count = root.count(by);
    Needed {
        by_root: by.version,
        have: count.found,
        need: count.threshold,
        enough: count.is_enough(),
    }
}

fn role(role: &Role) -> RoleView {
    RoleView {
        threshold: role.threshold,
        keys: role.keys.iter().map(|key| key.id().to_string()).collect(),
    }
}

#[derive(Debug, Serialize)]
struct Shown {
    path: Utf8PathBuf,
    product: String,
    version: u64,
    fingerprint: String,
    fingerprint_hex: String,
    root: RoleView,
    release: RoleView,
    revoked_keys: Vec<String>,
    revoked_releases: Vec<u64>,
    reset_floor: Option<u64>,
    signed_by: Vec<String>,
    signatures: Vec<Needed>,
}

#[derive(Debug, Serialize)]
struct RoleView {
    threshold: u32,
    keys: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Needed {
    by_root: u64,
    have: usize,
    need: u32,
    enough: bool,
}

impl Report for Shown {
    fn human(&self) -> String {
        let mut lines = vec![
            format!("root {} of {} ({})", self.version, self.product, self.path),
            format!("  fingerprint   {}", self.fingerprint),
            format!("  as hex        {}", self.fingerprint_hex),
        ];
        for (name, role) in [("root keys   ", &self.root), ("release keys", &self.release)] {
            lines.push(format!("  {name}  {} of {} have to sign", role.threshold, role.keys.len()));
            lines.extend(role.keys.iter().map(|key| format!("    {key}")));
        }
        lines.extend(self.revoked_keys.iter().map(|key| format!("  revoked       {key}")));
        lines.extend(
            self.revoked_releases.iter().map(|seq| format!("  revoked       sequence {seq}")),
        );
        lines.extend(self.reset_floor.map(|floor| format!("  reset floor   {floor}")));
        for needed in &self.signatures {
            let verdict = if needed.enough { "enough" } else { "not enough" };
            lines.push(format!(
                "  signatures    {} of {} by keys of root {}: {verdict}",
                needed.have, needed.need, needed.by_root
            ));
        }
        lines.join("\n")
    }
}
