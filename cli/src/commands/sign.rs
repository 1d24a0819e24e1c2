//! `rivetctl sign` — adds a signature to a bundle, inside it or in a file beside it.

use bundle_spec::{
    KeyId, Sha256Digest,
    sshsig::{Purpose, SshSig},
};
use camino::Utf8PathBuf;
use serde::Serialize;

use crate::{
    error::{FileError, Outcome},
    output::{Output, Report},
    produce::{self, BundleToSign, SideError},
    signing::SigningArgs,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Bundle to sign
    #[arg(value_name = "BUNDLE")]
    bundle: Utf8PathBuf,

    #[command(flatten)]
    signing: SigningArgs,

    /// Write the signature to BUNDLE.<key>.sshsig and leave the bundle as it is
    #[arg(long, requires = "keys", conflicts_with = "merge")]
    detached: bool,

    /// Fold the signature files beside the bundle into it
    #[arg(long, required_unless_present = "keys")]
    merge: bool,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Outcome {
    let bundle = produce::bundle_to_sign(&args.bundle)?;
    let manifest = &bundle.manifest;
    out.note(&format!(
        "{} {}, channel {}, sequence {}, bundle id {}",
        manifest.product,
        manifest.version,
        manifest.channel,
        manifest.release_seq,
        bundle.bundle_id()
    ));
    let made = args.signing.open()?.sign(Purpose::BundleManifest, &bundle.manifest_bytes)?;
    let report = if args.detached {
        let files = write_detached(&bundle, &args.bundle, &made)?;
        signed(&args.bundle, &bundle, &bundle.signatures, files)
    } else {
        let (signatures, files) = merge(args, &bundle, made)?;
        let signers = produce::add_signatures(&bundle, signatures, out)?;
        remove_merged(&files, out);
        Signed { signers, ..signed(&args.bundle, &bundle, &[], files) }
    };
    out.report(&report)
}

fn write_detached(
    bundle: &BundleToSign,
    path: &camino::Utf8Path,
    made: &[SshSig],
) -> Outcome<Vec<Utf8PathBuf>> {
    let mut files = Vec::new();
    for signature in made {
        refuse_signed(bundle, path, signature.key().id())?;
        let side = produce::side_path(path, signature.key().id());
        let directory = produce::directory_of(&side);
        let mut file = camino_tempfile::NamedUtf8TempFile::new_in(directory)
            .map_err(FileError::on("write to", directory))?;
        std::io::Write::write_all(&mut file, signature.to_armored().as_bytes())
            .map_err(FileError::on("write", &side))?;
        produce::place(file, &side)?;
        files.push(side);
    }
    Ok(files)
}

/// What goes into the bundle: new signatures, and those of side files when asked for.
fn merge(
    args: &Args,
    bundle: &BundleToSign,
    made: Vec<SshSig>,
) -> Outcome<(Vec<SshSig>, Vec<Utf8PathBuf>)> {
    for signature in &made {
        refuse_signed(bundle, &args.bundle, signature.key().id())?;
    }
    let mut signatures = made;
    let mut files = Vec::new();
    if args.merge {
        for (path, signature) in produce::side_signatures(bundle)? {
            files.push(path);
            signatures.push(signature);
        }
        if files.is_empty() {
            return Err(SideError::Nothing { path: args.bundle.clone() }.into());
        }
    }
    Ok((signatures, files))
}

fn refuse_signed(bundle: &BundleToSign, path: &camino::Utf8Path, key: KeyId) -> Outcome {
    if bundle.signatures.iter().any(|signature| signature.key().id() == key) {
        return Err(SideError::Signed { path: path.to_owned(), key }.into());
    }
    Ok(())
}

/// A side file that is in the bundle now would only be checked twice.
fn remove_merged(files: &[Utf8PathBuf], out: &mut Output) {
    for file in files {
        if let Err(error) = std::fs::remove_file(file) {
            out.warn(&format!("{file} is in the bundle now, but could not be removed: {error}"));
        }
    }
}

fn signed(
    path: &camino::Utf8Path,
    bundle: &BundleToSign,
    inside: &[SshSig],
    files: Vec<Utf8PathBuf>,
) -> Signed {
    let manifest = &bundle.manifest;
    Signed {
        path: path.to_owned(),
        bundle_id: bundle.bundle_id(),
        product: manifest.product.to_string(),
        channel: manifest.channel.to_string(),
        version: manifest.version.to_string(),
        sequence: manifest.release_seq,
        signers: inside.iter().map(|signature| signature.key().id()).collect(),
        files,
    }
}

#[derive(Debug, Serialize)]
struct Signed {
    path: Utf8PathBuf,
    bundle_id: Sha256Digest,
    product: String,
    channel: String,
    version: String,
    sequence: u64,
    /// Keys whose signatures are inside the bundle now.
    #[serde(serialize_with = "as_text")]
    signers: Vec<KeyId>,
    /// Side files that were written (`--detached`) or folded in (`--merge`).
    files: Vec<Utf8PathBuf>,
}

fn as_text<S: serde::Serializer>(keys: &[KeyId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(keys.iter().map(ToString::to_string))
}

impl Report for Signed {
    fn human(&self) -> String {
        let mut lines = vec![format!("{} ({})", self.path, self.bundle_id)];
        lines.extend(self.signers.iter().map(|signer| format!("  signed by {signer}")));
        lines.extend(self.files.iter().map(|file| format!("  side file {file}")));
        lines.join("\n")
    }
}
