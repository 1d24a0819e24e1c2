//! Finding and checking every part that a recipe names, and what the manifest says about each.

use bundle_spec::{
    manifest::{self, Platform},
    pack::Draft,
    text::{Name, Version},
};

use super::{
    Order, ProduceError, Recipe, RecipeError, config_schema,
    engine::{self, EngineProgram},
    image,
    located::Blobs,
    templates, time,
};
use crate::{compose::Surroundings, output::Output};

/// Oldest rivetctl that understands what this one writes.
const RIVETCTL_MIN: &str = "0.1.0";

/// The fields that a recipe must have.
pub(super) struct Identity {
    pub(super) name: Name,
    channel: Name,
    version: Version,
    pub(super) sequence: u64,
    not_after: Option<u64>,
}

impl Identity {
    pub(super) fn of(recipe: &Recipe) -> Result<Self, RecipeError> {
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
pub(super) fn assemble(
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
