//! How a recipe becomes a bundle: every part is found, checked and located first, then everything
//! is packed in one go and appears under its name by rename.

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
    manifest::{self, Platform},
    pack::{self, Draft, SignatureRegion, SignedRoot},
    sshsig::Purpose,
    text::{Name, Version},
};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{compose::Surroundings, error::FileError, output::Output, signing::Signers};

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

use engine::EngineProgram;
use located::Blobs;

/// Oldest rivetctl that understands what this one writes.
const RIVETCTL_MIN: &str = "0.1.0";

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

/// The fields that a recipe must have.
struct Identity {
    name: Name,
    channel: Name,
    version: Version,
    sequence: u64,
    not_after: Option<u64>,
}

impl Identity {
    fn of(recipe: &Recipe) -> Result<Self, RecipeError> {
        let product = &recipe.product;
        let missing = |field, expected| RecipeError::Missing { field, expected };
        let name = product
            .name
            .clone()
            .ok_or_else(|| missing("product.name", "a lower-case DNS label (--product)"))?;
        let version = product.version.clone().ok_or_else(|| {
            missing("product.version", "the release's version (--release-version)")
        })?;
        let sequence = product.sequence.ok_or_else(|| {
            missing("product.sequence", "a number above every release before (--sequence)")
        })?;
        if sequence == 0 {
            let (field, found) = ("product.sequence".to_owned(), "0".to_owned());
            return Err(RecipeError::Value { field, found, expected: "1 or more".into() });
        }
        let not_after = product.not_after.as_deref().map(time::parse_not_after).transpose()?;
        let channel = product.channel.clone();
        let channel = channel.unwrap_or_else(|| "stable".parse().expect("it is a name"));
        Ok(Self { name, channel, version, sequence, not_after })
    }
}

/// Finds and checks every part.
fn assemble(
    order: &Order<'_>,
    identity: Identity,
    blobs: &mut Blobs,
    out: &mut Output,
) -> Result<Draft, ProduceError> {
    let recipe = &order.recipe;
    let platforms = platforms(recipe)?;
    let schema = recipe.config.schema.as_deref().map(config_schema::load).transpose()?;

    // Templates first: what the vendor wrote is checked before gigabytes are moved.
    let images = recipe.images.iter();
    let mut surroundings = Surroundings {
        images: images
            .flat_map(|image| [image.reference.to_string(), image.name.to_string()])
            .collect(),
        properties: schema.as_ref().map(|schema| schema.properties.clone()).unwrap_or_default(),
    };
    refuse_repeated_images(recipe)?;
    surroundings.images.remove(engine::ENGINE_IMAGE);
    let templates = templates::resolve(&recipe.templates, &recipe.allow, &surroundings, blobs)?;
    for id in &templates.unused {
        out.warn(&format!("allow names {id}, but no template takes this risk"));
    }

    let mut engines = Vec::new();
    let mut tools = Vec::new();
    let mut images = Vec::new();
    let mut sources = image::Sources { cache: order.cache, out, daemon: None };
    for platform in platforms.iter().copied() {
        let engine = find_engine(recipe, platform, order, blobs)?;
        images.push(engine_image(&engine, platform, order, blobs)?);
        engines.push(engine.entry(platform));
        tools.push(find_tool(recipe, platform, blobs)?);
        for image in &recipe.images {
            let found = image::resolve(image, platform, &mut sources, blobs).map_err(|source| {
                ProduceError::Image {
                    name: image.name.to_string(),
                    platform,
                    source: Box::new(source),
                }
            })?;
            images.push(found);
        }
    }
    images.sort_by(|a, b| (&a.name, a.platform).cmp(&(&b.name, b.platform)));

    let mut pools: Vec<manifest::Pool> = recipe
        .pools
        .iter()
        .map(|pool| manifest::Pool {
            name: pool.name.clone(),
            drain_on_version_upgrade: pool.drain_on_version_upgrade,
        })
        .collect();
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    let mut revoked_releases = recipe.revoked_releases.clone();
    revoked_releases.sort_unstable();
    revoked_releases.dedup();
    Ok(Draft {
        rivetctl_min: RIVETCTL_MIN.parse().expect("it is a version"),
        product: identity.name,
        channel: identity.channel,
        version: identity.version,
        release_seq: identity.sequence,
        min_from_seq: recipe.product.min_from_sequence.unwrap_or(0),
        created: order.created.seconds(),
        not_after: identity.not_after,
        audience: recipe.product.audience.clone(),
        description: recipe.product.description.clone(),
        platforms,
        engines,
        tools,
        images,
        templates: templates.entries,
        config_schema: schema.map(|schema| blobs.add_bytes(schema.bytes)),
        pools,
        allowed_risks: templates.allowed,
        revoked_releases,
    })
}

fn platforms(recipe: &Recipe) -> Result<Vec<Platform>, ProduceError> {
    let mut platforms = recipe.platforms.clone();
    if platforms.is_empty() {
        platforms.push(Platform::current().ok_or(ProduceError::NoPlatform)?);
    }
    platforms.sort_unstable();
    platforms.dedup();
    Ok(platforms)
}

fn refuse_repeated_images(recipe: &Recipe) -> Result<(), RecipeError> {
    for (index, image) in recipe.images.iter().enumerate() {
        let before = &recipe.images[..index];
        let value = |field: &str, found: &str, expected: &str| RecipeError::Value {
            field: format!("images[{index}].{field}"),
            found: found.to_owned(),
            expected: expected.to_owned(),
        };
        let (name, reference) = (image.name.as_str(), image.reference.as_str());
        if name == engine::ENGINE_IMAGE || reference == engine::ENGINE_IMAGE {
            return Err(value(
                "name",
                name,
                "another name and reference: rivet-engine is the engine's own",
            ));
        }
        if before.iter().any(|other| other.name == image.name) {
            return Err(value("name", name, "a name that no other image has"));
        }
        if before.iter().any(|other| {
            other.reference == image.reference
                || other.name.as_str() == reference
                || other.reference.as_str() == name
        }) {
            return Err(value("reference", reference, "a reference that no other image has"));
        }
    }
    Ok(())
}

fn find_engine(
    recipe: &Recipe,
    platform: Platform,
    order: &Order<'_>,
    blobs: &mut Blobs,
) -> Result<EngineProgram, ProduceError> {
    engine::resolve(&recipe.engine, platform, order.cache, blobs)
        .map_err(|source| ProduceError::Engine { platform, source })
}

fn engine_image(
    engine: &EngineProgram,
    platform: Platform,
    order: &Order<'_>,
    blobs: &mut Blobs,
) -> Result<manifest::Image, ProduceError> {
    engine::write_image(engine, platform, &order.created.to_string(), order.cache, blobs)
        .map_err(|source| ProduceError::Engine { platform, source })
}

fn find_tool(
    recipe: &Recipe,
    platform: Platform,
    blobs: &mut Blobs,
) -> Result<manifest::Tool, ProduceError> {
    let program = engine::resolve_tool(&recipe.rivetctl, platform, blobs)
        .map_err(|source| ProduceError::Tool { platform, source })?;
    Ok(manifest::Tool {
        name: "rivetctl".parse().expect("it is a name"),
        platform,
        version: program.version,
        binary: program.digest,
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

#[cfg(test)]
mod tests;
