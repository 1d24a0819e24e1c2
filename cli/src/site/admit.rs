//! Admitting a bundle file: opening it once, gathering its signatures, finding the root that may
//! speak for it, and giving the verified type. Everything later works on the file opened here.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
};

use bundle_spec::{
    root::{Fingerprint, TrustedRoot},
    verify::{UnverifiedBundle, VerifiedBundle},
};
use camino::{Utf8Path, Utf8PathBuf};

use super::{Site, SiteError, trust::TrustStore};
use crate::error::{FileError, Outcome};

/// Longest side signature that is read; a restricted SSHSIG has about 300 bytes.
const SIDE_SIGNATURE_MAX: u64 = 4096;

/// Most side signatures that are looked at.
const SIDE_SIGNATURES_MAX: usize = 64;

/// Opens the bundle at `path` without believing anything in it.
pub(crate) fn open(path: &Utf8Path) -> Outcome<UnverifiedBundle<File>> {
    let mut bundle = UnverifiedBundle::open(open_file(path)?)?;
    for side in side_signatures(path)? {
        let file = open_file(&side)?;
        let mut armored = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(file, SIDE_SIGNATURE_MAX), &mut armored)
            .map_err(FileError::on("read", &side))?;
        bundle.add_side_signature(&armored)?;
    }
    Ok(bundle)
}

/// Verifies the bundle at `path` against what `site` trusts.
pub(crate) fn verify(path: &Utf8Path, site: &Site) -> Outcome<VerifiedBundle<File>> {
    let store = TrustStore::of(site);
    let roots = store.roots()?;
    if roots.is_empty() {
        return Err(SiteError::NothingTrusted { root: site.root().to_owned() }.into());
    }
    let first = open(path)?;
    let mut candidates = Vec::new();
    for root in &roots {
        let chain = store.chain(&root.document().product)?;
        if first.roots().iter().any(|carried| chain.iter().any(|known| known == carried)) {
            candidates.push(root);
        }
    }
    // A bundle need not carry roots that the host knows: then each trusted product is tried.
    if candidates.is_empty() {
        candidates.extend(&roots);
    }
    let mut bundle = Some(first);
    let mut refused = None;
    for root in candidates {
        let bundle = match bundle.take() {
            Some(bundle) => bundle,
            None => open(path)?,
        };
        match bundle.verify(root) {
            Ok(verified) => return Ok(verified),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.expect("there was a candidate").into())
}

/// Verifies the bundle at `path` against the carried root with this fingerprint, without a store.
pub(crate) fn verify_with_fingerprint(
    path: &Utf8Path,
    fingerprint: &Fingerprint,
) -> Outcome<VerifiedBundle<File>> {
    let bundle = open(path)?;
    let root = carried_root(&bundle, fingerprint)?;
    Ok(bundle.verify(&root)?)
}

/// The carried root document that has this fingerprint.
pub(crate) fn carried_root(
    bundle: &UnverifiedBundle<File>,
    fingerprint: &Fingerprint,
) -> Outcome<TrustedRoot> {
    let roots = bundle.roots();
    let Some(first) = roots.first() else { return Err(SiteError::NoCarriedRoot.into()) };
    match roots.iter().find(|bytes| Fingerprint::of(bytes) == *fingerprint) {
        Some(bytes) => Ok(TrustedRoot::bootstrap(bytes, fingerprint)?),
        None => Err(SiteError::OtherFingerprint {
            expected: fingerprint.to_string(),
            found: Fingerprint::of(first).to_string(),
        }
        .into()),
    }
}

/// Opens a regular file for reading and nothing else: no link, no pipe, no device.
pub(crate) fn open_file(path: &Utf8Path) -> Result<File, SiteError> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).expect("open flags fit");
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = match opened {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(SiteError::BundleIsLink { path: path.to_owned() });
        }
        other => other.map_err(FileError::on("open", path))?,
    };
    let found = file.metadata().map_err(FileError::on("read", path))?;
    if found.is_file() {
        Ok(file)
    } else {
        Err(SiteError::BundleNotAFile { path: path.to_owned() })
    }
}

/// The files next to the bundle named `<bundle>.<64 hex>.sshsig`, sorted.
fn side_signatures(bundle: &Utf8Path) -> Result<Vec<Utf8PathBuf>, SiteError> {
    let parent = bundle.parent().filter(|parent| !parent.as_str().is_empty()).unwrap_or(".".into());
    let prefix = format!("{}.", bundle.file_name().unwrap_or_default());
    let entries = parent.read_dir_utf8().map_err(FileError::on("list", parent))?;
    let is_key = |text: &str| {
        text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut found: Vec<Utf8PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let key = entry
                .file_name()
                .strip_prefix(&prefix)
                .and_then(|name| name.strip_suffix(".sshsig"));
            key.is_some_and(is_key)
        })
        .map(|entry| entry.path().to_owned())
        .take(SIDE_SIGNATURES_MAX)
        .collect();
    found.sort();
    Ok(found)
}
