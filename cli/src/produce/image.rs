//! Container images: wherever one comes from, it becomes a manifest, a configuration and layers
//! that were all checked against each other.
//!
//! `docker`, `archive` and `layout` find the files; `saved` and `layout` read the two shapes they
//! come in; `layer` and `oci` check the parts.

mod archive;
mod docker;
mod error;
mod layer;
mod layout;
mod oci;
mod saved;

use bundle_spec::{
    Sha256Digest,
    manifest::{self, Compression, Platform},
};
use camino::Utf8Path;

use super::{
    cache::Cache,
    located::{Blobs, Located},
    recipe::{Image, ImageSource},
    substitute_arch,
};
use crate::{docker::Daemon, output::Output};

pub(crate) use error::ImageError;

/// What finding images needs.
pub(crate) struct Sources<'a> {
    pub(crate) cache: &'a Cache,
    pub(crate) out: &'a mut Output,
    /// Connected when the first image asks for it.
    pub(crate) daemon: Option<Daemon>,
}

/// The files of an image source, by the names the source gives them.
trait Files {
    fn get(&self, name: &str) -> Option<Located>;
}

/// An image whose files were found; nothing about its layers is known to be true yet.
struct Found {
    /// The registry's own manifest, when the source has it.
    manifest: Option<Vec<u8>>,
    config: Vec<u8>,
    layers: Vec<FoundLayer>,
}

struct FoundLayer {
    located: Located,
    compression: Compression,
    /// The digest that the manifest gives, when there is one.
    digest: Option<Sha256Digest>,
}

/// Finds `image` for `platform`, checks it and adds its blobs.
pub(crate) fn resolve(
    image: &Image,
    platform: Platform,
    sources: &mut Sources<'_>,
    blobs: &mut Blobs,
) -> Result<manifest::Image, ImageError> {
    let reference = image.reference.as_str();
    let path = || {
        let path = image.path.as_deref().ok_or(ImageError::NoPath)?;
        Ok::<_, ImageError>(substitute_arch(path, platform))
    };
    let (kind, found) = match image.source {
        ImageSource::Docker => ("docker", docker::find(reference, platform, sources)?),
        ImageSource::Archive => ("archive", archive::find(&path()?, reference, platform)?),
        ImageSource::OciLayout => {
            ("oci-layout", layout::find_in_directory(&path()?, reference, platform)?)
        }
    };
    let total = found.layers.iter().map(|layer| layer.located.length).sum();
    let mut progress = sources.out.progress(&format!("checking {}", image.name), total);
    let checked = check(found, platform, blobs, &mut |bytes| progress.advance(bytes))?;
    let source = format!("{kind}:{reference}@{}", checked.manifest);
    Ok(manifest::Image {
        name: image.name.clone(),
        platform,
        reference: image.reference.clone(),
        source: source
            .parse()
            .map_err(|_| ImageError::Reference { found: reference.to_owned() })?,
        manifest: checked.manifest,
        config: checked.config,
        layers: checked.layers,
    })
}

struct Checked {
    manifest: Sha256Digest,
    config: Sha256Digest,
    layers: Vec<manifest::Layer>,
}

/// Checks configuration against layers and layers against their digests.
fn check(
    found: Found,
    platform: Platform,
    blobs: &mut Blobs,
    seen: &mut dyn FnMut(u64),
) -> Result<Checked, ImageError> {
    let config = oci::ImageConfig::parse(&found.config, platform)?;
    let diff_ids = config.rootfs.diff_ids;
    if diff_ids.len() != found.layers.len() {
        return Err(ImageError::LayerCount {
            layers: found.layers.len(),
            diff_ids: diff_ids.len(),
        });
    }
    if diff_ids.is_empty() {
        return Err(ImageError::NoLayers);
    }
    let mut layers: Vec<manifest::Layer> = Vec::new();
    for (from, diff_id) in found.layers.into_iter().zip(diff_ids) {
        let layer = layer::inspect(&from.located, from.compression, diff_id, seen)?;
        if let Some(expected) = from.digest.filter(|digest| *digest != layer.blob) {
            return Err(ImageError::Digest { what: "layer", found: layer.blob, expected });
        }
        blobs.add(layer.blob, from.located);
        layers.push(layer);
    }
    let config_size = found.config.len() as u64;
    let config = blobs.add_bytes(found.config);
    let manifest =
        found.manifest.unwrap_or_else(|| describe_manifest(config, config_size, &layers, blobs));
    let manifest = blobs.add_bytes(manifest);
    Ok(Checked { manifest, config, layers })
}

/// The OCI manifest that rivetctl writes for images whose source has none.
pub(crate) fn describe_manifest(
    config: Sha256Digest,
    config_size: u64,
    layers: &[manifest::Layer],
    blobs: &Blobs,
) -> Vec<u8> {
    let sizes = blobs.sizes();
    let layers = layers
        .iter()
        .map(|layer| {
            let size = sizes.get(&layer.blob).copied().expect("every layer was added before");
            oci::Descriptor::new(oci::layer_type(layer.compression), layer.blob, size)
        })
        .collect();
    let manifest = oci::ImageManifest {
        schema_version: 2,
        media_type: Some(oci::OCI_MANIFEST.to_owned()),
        config: oci::Descriptor::new(oci::OCI_CONFIG, config, config_size),
        layers,
    };
    serde_json::to_vec(&manifest).expect("a manifest is plain data")
}

/// `name`, or `name:latest` when it has no tag, without the default registry's prefixes: two
/// spellings of one image become equal.
fn familiar(reference: &str) -> String {
    let mut short = reference;
    for prefix in ["docker.io/", "index.docker.io/", "library/"] {
        short = short.strip_prefix(prefix).unwrap_or(short);
    }
    let last = short.rsplit('/').next().unwrap_or(short);
    if last.contains([':', '@']) { short.to_owned() } else { format!("{short}:latest") }
}

/// Refuses what the user can only have meant otherwise.
fn require_file(path: &Utf8Path) -> Result<Located, ImageError> {
    Ok(Located::file(path)?)
}

#[cfg(test)]
mod tests;
