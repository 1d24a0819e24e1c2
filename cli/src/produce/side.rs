//! Signatures that come later: read from and written to side files `BUNDLE.<64 hex>.sshsig`, and
//! folded into the bundle. The manifest and the payload are never touched.

use std::{borrow::Cow, fs::File};

use bundle_spec::{
    BundleError, KeyId, Sha256Digest,
    manifest::Manifest,
    pack::{self, SignatureRegion, SignedRoot},
    sshsig::{Purpose, SshSig},
    verify::UnverifiedBundle,
};
use camino::{Utf8Path, Utf8PathBuf};

use super::{ProduceError, located::Located, place, roots::directory_of};
use crate::{
    error::{Class, Explain, FileError},
    output::Output,
};

/// Longest side file.
const MAX_SIGNATURE: u64 = 64 * 1024;

/// A bundle that cannot be signed, or a signature that cannot be added.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SideError {
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not a bundle, or not one that this program would make.
    #[error("{path} cannot be signed")]
    Bundle { path: Utf8PathBuf, source: BundleError },
    /// A side file that is no signature of this bundle.
    #[error("{path} is no signature of this bundle")]
    Signature { path: Utf8PathBuf, source: BundleError },
    /// A side file under another key's name.
    #[error("{path} holds a signature by {found}")]
    Misnamed { path: Utf8PathBuf, found: KeyId },
    /// Nothing to fold in.
    #[error("there is no side file {path}.<64 hex>.sshsig")]
    Nothing { path: Utf8PathBuf },
    /// The signature is there already.
    #[error("{path} is already signed by {key}")]
    Signed { path: Utf8PathBuf, key: KeyId },
}

impl Explain for SideError {
    fn class(&self) -> Class {
        match self {
            Self::File(error) => error.class(),
            Self::Bundle { source, .. } | Self::Signature { source, .. } => Explain::class(source),
            Self::Misnamed { .. } => Class::Verification,
            Self::Nothing { .. } | Self::Signed { .. } => Class::Usage,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::File(error) => error.code(),
            Self::Bundle { source, .. } | Self::Signature { source, .. } => Explain::code(source),
            Self::Misnamed { .. } => "RCTL-SIGN-NAME".into(),
            Self::Nothing { .. } => "RCTL-SIGN-NOTHING".into(),
            Self::Signed { .. } => "RCTL-SIGN-TWICE".into(),
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::File(error) => error.advice(),
            Self::Bundle { source, .. } => Explain::advice(source),
            Self::Signature { path, .. } => {
                format!("Ask its signer to sign this very bundle again, and remove {path}.")
            }
            Self::Misnamed { found, .. } => {
                format!("Name it after its key, {}, or remove it.", found.hex())
            }
            Self::Nothing { .. } => {
                "Put the side files that the signers made (`sign --detached`) beside the bundle."
                    .into()
            }
            Self::Signed { .. } => "Sign with another key, or leave it as it is.".into(),
        }
    }
}

/// A bundle that somebody is about to sign: its head was read and its manifest parses.
#[derive(Debug)]
pub(crate) struct BundleToSign {
    path: Utf8PathBuf,
    /// What a signature covers.
    pub(crate) manifest_bytes: Vec<u8>,
    /// The same, parsed.
    pub(crate) manifest: Manifest,
    /// Signatures inside, each of which verifies.
    pub(crate) signatures: Vec<SshSig>,
    roots: Vec<SignedRoot>,
}

impl BundleToSign {
    /// Identity of the bundle.
    pub(crate) fn bundle_id(&self) -> Sha256Digest {
        Sha256Digest::of(&self.manifest_bytes)
    }
}

/// Reads the head of the bundle at `path`: nobody should sign what nobody could install.
pub(crate) fn bundle_to_sign(path: &Utf8Path) -> Result<BundleToSign, SideError> {
    let refused = |source| SideError::Bundle { path: path.to_owned(), source };
    let file = File::open(path).map_err(FileError::on("read", path))?;
    let bundle = UnverifiedBundle::open(file).map_err(refused)?;
    let manifest_bytes = bundle.bytes_to_sign().to_vec();
    let manifest = Manifest::parse(&manifest_bytes).map_err(refused)?;
    let SignatureRegion { signatures, roots } = bundle.signature_region();
    for signature in &signatures {
        signature.verify(Purpose::BundleManifest, &manifest_bytes).map_err(refused)?;
    }
    Ok(BundleToSign { path: path.to_owned(), manifest_bytes, manifest, signatures, roots })
}

/// The side file of `key` for the bundle at `path`.
pub(crate) fn side_path(path: &Utf8Path, key: KeyId) -> Utf8PathBuf {
    format!("{path}.{}.sshsig", key.hex()).into()
}

/// Every signature beside the bundle, each checked against its manifest.
pub(crate) fn side_signatures(
    bundle: &BundleToSign,
) -> Result<Vec<(Utf8PathBuf, SshSig)>, SideError> {
    let directory = directory_of(&bundle.path);
    let prefix = format!("{}.", bundle.path.file_name().unwrap_or_default());
    let mut found = Vec::new();
    for entry in directory.read_dir_utf8().map_err(FileError::on("list", directory))? {
        let path = entry.map_err(FileError::on("list", directory))?.into_path();
        let name = path.file_name().unwrap_or_default();
        let hex = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".sshsig"));
        let Some(hex) = hex.filter(|hex| Sha256Digest::from_hex(hex).is_ok()) else { continue };
        let refused = |source| SideError::Signature { path: path.clone(), source };
        let armored = Located::file(&path)?.read(MAX_SIGNATURE)?;
        let signature = SshSig::parse(&armored).map_err(refused)?;
        signature.verify(Purpose::BundleManifest, &bundle.manifest_bytes).map_err(refused)?;
        let key = signature.key().id();
        if key.hex() != hex {
            return Err(SideError::Misnamed { path, found: key });
        }
        found.push((path, signature));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// Writes the bundle again with `added` signatures, and renames it over the old one.
pub(crate) fn add_signatures(
    bundle: &BundleToSign,
    added: Vec<SshSig>,
    out: &mut Output,
) -> Result<Vec<KeyId>, ProduceError> {
    let mut signatures = bundle.signatures.clone();
    for signature in added {
        if !signatures.iter().any(|known| known.key() == signature.key()) {
            signatures.push(signature);
        }
    }
    let path = &bundle.path;
    let directory = directory_of(path);
    let source = File::open(path).map_err(FileError::on("read", path))?;
    let total = source.metadata().map_err(FileError::on("read", path))?.len();
    let mut file = camino_tempfile::Builder::new()
        .prefix(".rivetctl-bundle-")
        .tempfile_in(directory)
        .map_err(FileError::on("write to", directory))?;
    let signers = signatures.iter().map(|signature| signature.key().id()).collect();
    let region = SignatureRegion { signatures, roots: bundle.roots.clone() };
    let mut progress = out.progress("writing", total);
    let mut seen = |bytes| progress.advance(bytes);
    pack::with_signatures(source, &region, file.as_file_mut(), &mut seen)
        .map_err(|source| ProduceError::pack(path, source))?;
    drop(progress);
    place(file, path)?;
    Ok(signers)
}
