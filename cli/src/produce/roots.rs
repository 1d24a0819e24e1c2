//! A directory of root documents and their signatures, under the names they have in a bundle:
//! `<n>.json` and `<n>.<64 hex>.sshsig`.
//!
//! What `bundle --roots` carries is checked as strictly as a site will check it, so that an
//! incomplete rotation is found by the vendor and not inside the perimeter.

mod error;

use std::collections::BTreeMap;

use bundle_spec::{
    KeyId, PublicKey,
    root::{Fingerprint, RootDocument, TrustedRoot},
    sshsig::{Purpose, SshSig},
};
use camino::{Utf8Path, Utf8PathBuf};

pub(crate) use error::RootsError;

use super::located::Located;
use crate::error::FileError;

/// Longest root document or signature file.
const MAX_FILE: u64 = 256 * 1024;

/// One root document and the signatures beside it.
#[derive(Debug, Clone)]
pub(crate) struct RootFile {
    pub(crate) bytes: Vec<u8>,
    pub(crate) document: RootDocument,
    /// Those that verify, by key.
    pub(crate) signatures: BTreeMap<KeyId, SshSig>,
}

/// A whole chain, first root first.
#[derive(Debug, Clone)]
pub(crate) struct RootChain(Vec<RootFile>);

/// How far a role's threshold is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) found: usize,
    pub(crate) threshold: u32,
}

impl Count {
    pub(crate) fn is_enough(self) -> bool {
        self.found >= self.threshold as usize
    }
}

impl RootFile {
    /// Reads `<n>.json` at `path` and the signatures beside it.
    pub(crate) fn read(path: &Utf8Path) -> Result<Self, RootsError> {
        let unusable = |path: &Utf8Path| {
            let path = path.to_owned();
            |source| RootsError::Document { path, source }
        };
        let bytes = Located::file(path)?.read(MAX_FILE)?;
        let document = RootDocument::parse(&bytes).map_err(unusable(path))?;
        if path.file_name() != Some(&*format!("{}.json", document.version)) {
            return Err(RootsError::Number { path: path.to_owned(), found: document.version });
        }
        let mut signatures = BTreeMap::new();
        for beside in list(directory_of(path))? {
            if !is_signature_of(document.version, &beside) {
                continue;
            }
            let armored = Located::file(&beside)?.read(MAX_FILE)?;
            let signature = SshSig::parse(&armored).map_err(unusable(&beside))?;
            signature.verify(Purpose::BundleRoot, &bytes).map_err(unusable(&beside))?;
            signatures.insert(signature.key().id(), signature);
        }
        Ok(Self { bytes, document, signatures })
    }

    /// What an operator types to trust this root.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.bytes)
    }

    /// How many of `signed_by`'s root keys signed this root.
    pub(crate) fn count(&self, signed_by: &RootDocument) -> Count {
        let keys = &signed_by.root.keys;
        let found = keys
            .iter()
            .map(PublicKey::id)
            .filter(|id| self.signatures.contains_key(id) && !signed_by.revoked_keys.contains(id))
            .count();
        Count { found, threshold: signed_by.root.threshold }
    }
}

impl RootChain {
    /// Reads a directory and checks every step of the chain in it.
    pub(crate) fn read(directory: &Utf8Path) -> Result<Self, RootsError> {
        let newest = newest_in(directory)?;
        let mut roots: Vec<RootFile> = Vec::new();
        for version in 1..=newest {
            let path = directory.join(format!("{version}.json"));
            if !path.exists() {
                return Err(RootsError::Gap { path });
            }
            roots.push(RootFile::read(&path)?);
        }
        let chain = Self(roots);
        chain.check()?;
        Ok(chain)
    }

    fn check(&self) -> Result<(), RootsError> {
        let Some(first) = self.0.first() else { return Ok(()) };
        let first_of_all = |source| RootsError::Chain { version: 1, source };
        let mut trusted =
            TrustedRoot::bootstrap(&first.bytes, &first.fingerprint()).map_err(first_of_all)?;
        require_enough(first, &first.document, "own")?;
        for pair in self.0.windows(2) {
            let (before, root) = (&pair[0], &pair[1]);
            require_enough(root, &before.document, "previous")?;
            require_enough(root, &root.document, "own")?;
            let signatures: Vec<SshSig> = root.signatures.values().cloned().collect();
            let version = root.document.version;
            trusted = trusted
                .advance(&root.bytes, &signatures)
                .map_err(|source| RootsError::Chain { version, source })?;
        }
        Ok(())
    }

    /// The roots, first one first.
    pub(crate) fn roots(&self) -> &[RootFile] {
        &self.0
    }

    /// The newest root.
    pub(crate) fn newest(&self) -> &RootFile {
        self.0.last().expect("a directory without roots is not a chain")
    }

    /// Refuses signing keys, products and sequences that every site would refuse.
    pub(crate) fn check_release<'a>(
        &self,
        product: &str,
        sequence: u64,
        keys: impl IntoIterator<Item = &'a PublicKey>,
    ) -> Result<(), RootsError> {
        let root = &self.newest().document;
        let version = root.version;
        if root.product.as_str() != product {
            let (found, expected) = (root.product.to_string(), product.to_owned());
            return Err(RootsError::Product { found, expected });
        }
        if root.revoked_releases.contains(&sequence) {
            return Err(RootsError::RevokedRelease { sequence, version });
        }
        for key in keys {
            let id = key.id();
            if root.revoked_keys.contains(&id) {
                return Err(RootsError::Revoked { key: id, version });
            }
            if !root.release.keys.contains(key) {
                return Err(RootsError::NotRelease { key: id, version });
            }
        }
        Ok(())
    }
}

fn require_enough(
    root: &RootFile,
    signed_by: &RootDocument,
    role: &'static str,
) -> Result<(), RootsError> {
    let count = root.count(signed_by);
    if count.is_enough() {
        return Ok(());
    }
    Err(RootsError::Threshold {
        version: root.document.version,
        of: signed_by.version,
        role,
        found: count.found,
        threshold: count.threshold,
    })
}

/// The highest root number in a directory, after a look at every name in it.
fn newest_in(directory: &Utf8Path) -> Result<u64, RootsError> {
    let mut newest = 0;
    for path in list(directory)? {
        let name = path.file_name().unwrap_or_default();
        let (number, rest) = name.split_once('.').unwrap_or((name, ""));
        let version: Option<u64> =
            number.parse().ok().filter(|version: &u64| version.to_string() == number);
        match version {
            Some(version) if rest == "json" => newest = newest.max(version),
            Some(version) if is_signature_of(version, &path) => (),
            _ => return Err(RootsError::Name { path }),
        }
    }
    if newest == 0 {
        return Err(RootsError::Gap { path: directory.join("1.json") });
    }
    Ok(newest)
}

fn is_signature_of(version: u64, path: &Utf8Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let hex = name
        .strip_prefix(&format!("{version}."))
        .and_then(|rest| rest.strip_suffix(".sshsig"))
        .unwrap_or_default();
    hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The directory a file is in.
pub(crate) fn directory_of(path: &Utf8Path) -> &Utf8Path {
    match path.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent,
        _ => Utf8Path::new("."),
    }
}

fn list(directory: &Utf8Path) -> Result<Vec<Utf8PathBuf>, FileError> {
    let mut paths = Vec::new();
    for entry in directory.read_dir_utf8().map_err(FileError::on("list", directory))? {
        paths.push(entry.map_err(FileError::on("list", directory))?.into_path());
    }
    paths.sort();
    Ok(paths)
}
