//! How a recipe becomes a bundle: every part is found, checked and located first, then everything
//! is packed in one go and appears under its name by rename.

mod assemble;
mod cache;
mod config_schema;
mod engine;
mod error;
mod image;
mod located;
mod recipe;
mod roots;
mod side;
mod templates;
mod time;

use std::{fs::File, io::Write as _};

use bundle_spec::{
    KeyId, Sha256Digest, SignError,
    manifest::Platform,
    pack::{self, Draft, SignatureRegion, SignedRoot},
    sshsig::Purpose,
};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{error::FileError, output::Output, signing::Signers};

pub(crate) use cache::Cache;
pub(crate) use error::ProduceError;
pub(crate) use recipe::{
    Recipe, RecipeError, RecipeFlags, load as load_recipe, schema as recipe_schema,
};
pub(crate) use roots::{RootChain, RootFile, RootsError, directory_of};
pub(crate) use side::{
    BundleToSign, SideError, add_signatures, bundle_to_sign, side_path, side_signatures,
};
pub(crate) use time::Created;

use assemble::{Identity, assemble};
use located::Blobs;

/// What a bundle is made with, besides its recipe.
pub(crate) struct Order<'a> {
    pub(crate) recipe: Recipe,
    pub(crate) created: Created,
    pub(crate) signers: &'a Signers,
    pub(crate) output: &'a Utf8Path,
    pub(crate) cache: &'a Cache,
}

/// A bundle that was written.
#[derive(Debug)]
pub(crate) struct Produced {
    pub(crate) bundle_id: Sha256Digest,
    pub(crate) length: u64,
    pub(crate) draft: Draft,
    pub(crate) signers: Vec<KeyId>,
    pub(crate) threshold: Option<u32>,
    pub(crate) root_fingerprint: Option<String>,
}

/// Makes the bundle that `order` describes.
pub(crate) fn produce(order: &Order<'_>, out: &mut Output) -> Result<Produced, ProduceError> {
    let chain = order.recipe.roots.as_deref().map(RootChain::read).transpose()?;
    let identity = Identity::of(&order.recipe)?;
    if let Some(chain) = &chain {
        chain.check_release(
            identity.name.as_str(),
            identity.sequence,
            order.signers.public_keys(),
        )?;
    }
    let mut blobs = Blobs::default();
    let draft = assemble(order, identity, &mut blobs, out)?;
    let (bundle_id, length) = write(order, &draft, &blobs, chain.as_ref(), out)?;
    Ok(Produced {
        bundle_id,
        length,
        draft,
        signers: order.signers.public_keys().map(bundle_spec::PublicKey::id).collect(),
        threshold: chain.as_ref().map(|chain| chain.newest().document.release.threshold),
        root_fingerprint: chain
            .as_ref()
            .and_then(|chain| chain.roots().first())
            .map(|root| root.fingerprint().to_string()),
    })
}

/// Packs, signs and renames into place.
fn write(
    order: &Order<'_>,
    draft: &Draft,
    blobs: &Blobs,
    chain: Option<&RootChain>,
    out: &mut Output,
) -> Result<(Sha256Digest, u64), ProduceError> {
    let directory = directory_of(order.output);
    let mut file = camino_tempfile::Builder::new()
        .prefix(".rivetctl-bundle-")
        .tempfile_in(directory)
        .map_err(FileError::on("write to", directory))?;
    let sizes = blobs.sizes();
    let mut progress = out.progress("packing", pack::work(&sizes));
    let mut refused = None;
    let packed = pack::pack(
        draft.clone(),
        &sizes,
        blobs,
        file.as_file_mut(),
        &mut |manifest| {
            let signatures = order.signers.sign(Purpose::BundleManifest, manifest);
            let signatures = signatures.map_err(|error| {
                let told = SignError::new(error.to_string());
                refused = Some(error);
                told
            })?;
            Ok(SignatureRegion { signatures, roots: carried(chain) })
        },
        &mut |bytes| progress.advance(bytes),
    );
    if let Some(error) = refused {
        return Err(error.into());
    }
    let packed = packed.map_err(|source| ProduceError::pack(order.output, source))?;
    drop(progress);
    place(file, order.output)?;
    Ok((packed.bundle_id, packed.length))
}

fn carried(chain: Option<&RootChain>) -> Vec<SignedRoot> {
    let roots = chain.map(RootChain::roots).unwrap_or_default();
    roots
        .iter()
        .map(|root| SignedRoot {
            bytes: root.bytes.clone(),
            signatures: root.signatures.values().cloned().collect(),
        })
        .collect()
}

/// Gives a finished file its name, once its bytes are on the disk.
pub(crate) fn place(
    mut file: camino_tempfile::NamedUtf8TempFile,
    path: &Utf8Path,
) -> Result<(), FileError> {
    use std::os::unix::fs::PermissionsExt as _;

    let written = file.flush().and_then(|()| {
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        file.as_file().sync_all()
    });
    written.map_err(FileError::on("write", path))?;
    file.persist(path).map_err(|error| FileError::on("write", path)(error.error))?;
    let directory = directory_of(path);
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(FileError::on("write to", directory))
}

/// `{arch}` in a path, for recipes of several platforms.
fn substitute_arch(path: &Utf8Path, platform: Platform) -> Utf8PathBuf {
    path.as_str().replace("{arch}", platform.architecture()).into()
}
