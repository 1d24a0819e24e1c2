//! OCI image layouts: `index.json` leads, perhaps through nested indexes, to one image manifest
//! for the platform.

use bundle_spec::{Sha256Digest, manifest::Platform};
use camino::{Utf8Path, Utf8PathBuf};

use super::{Files, Found, FoundLayer, ImageError, familiar, oci};
use crate::produce::located::Located;

/// Indexes in indexes: registries write one level.
const MAX_NESTING: u32 = 4;

/// A layout that is a directory.
struct Directory(Utf8PathBuf);

impl Files for Directory {
    fn get(&self, name: &str) -> Option<Located> {
        Located::file(&self.0.join(name)).ok()
    }
}

/// Finds an image in the layout directory at `path`.
pub(super) fn find_in_directory(
    path: &Utf8Path,
    reference: &str,
    platform: Platform,
) -> Result<Found, ImageError> {
    let files = Directory(path.to_owned());
    if files.get("oci-layout").is_none() || files.get("index.json").is_none() {
        let found = format!("{path} is no directory with oci-layout and index.json");
        return Err(ImageError::Shape { found });
    }
    find(&files, reference, platform)
}

/// Finds an image among the files of a layout.
pub(super) fn find(
    files: &dyn Files,
    reference: &str,
    platform: Platform,
) -> Result<Found, ImageError> {
    let index =
        files.get("index.json").ok_or_else(|| ImageError::Part { name: "index.json".into() })?;
    let index = index.read(oci::MAX_DOCUMENT)?;
    let index: oci::Index = oci::document("index.json", &index)?;
    let named = by_name(&index.manifests, reference)?;
    let mut seen = Vec::new();
    let Some(manifest) = for_platform(files, &named, platform, MAX_NESTING, &mut seen)? else {
        return Err(ImageError::Platform { found: seen.join(", "), expected: platform });
    };
    read_image(files, &manifest)
}

/// The descriptors that `reference` may mean: those that say so, or all when none has a name.
fn by_name(
    manifests: &[oci::Descriptor],
    reference: &str,
) -> Result<Vec<oci::Descriptor>, ImageError> {
    let images: Vec<&oci::Descriptor> = manifests.iter().filter(|image| image.is_image()).collect();
    let names = |image: &oci::Descriptor| -> Vec<String> {
        let annotations = image.annotations.as_ref();
        let full = annotations.and_then(|annotations| annotations.image_name.clone());
        let short = annotations.and_then(|annotations| annotations.ref_name.clone());
        full.into_iter().chain(short).collect()
    };
    let wanted = familiar(reference);
    let tag = wanted.rsplit(':').next().unwrap_or_default();
    let full: Vec<oci::Descriptor> = images
        .iter()
        .filter(|image| names(image).iter().any(|name| familiar(name) == wanted))
        .map(|image| (*image).clone())
        .collect();
    if !full.is_empty() {
        return Ok(full);
    }
    // Most tools write only the tag, which is not worth much when there are several images.
    let tagged: Vec<oci::Descriptor> = images
        .iter()
        .filter(|image| names(image).iter().any(|name| name == tag))
        .map(|image| (*image).clone())
        .collect();
    let mut distinct: Vec<String> = images.iter().flat_map(|image| names(image)).collect();
    distinct.sort();
    distinct.dedup();
    match (tagged.len(), distinct.len()) {
        (1.., _) => Ok(tagged),
        // One image, or one image for several platforms, whatever it is called.
        (0, 0 | 1) if !images.is_empty() => Ok(images.into_iter().cloned().collect()),
        _ => {
            Err(ImageError::Absent { reference: reference.to_owned(), found: distinct.join(", ") })
        }
    }
}

/// The first image manifest for `platform`; `seen` collects the platforms of the others.
fn for_platform(
    files: &dyn Files,
    descriptors: &[oci::Descriptor],
    platform: Platform,
    depth: u32,
    seen: &mut Vec<String>,
) -> Result<Option<oci::Descriptor>, ImageError> {
    for descriptor in descriptors.iter().filter(|descriptor| descriptor.is_image()) {
        if descriptor.is_for(platform) == Some(false) {
            if let Some(other) = &descriptor.platform {
                seen.push(format!("{}/{}", other.os, other.architecture));
            }
            continue;
        }
        match descriptor.kind()? {
            oci::Kind::Index => {
                let Some(depth) = depth.checked_sub(1) else {
                    return Err(ImageError::Nesting { max: MAX_NESTING });
                };
                let bytes = read_document(files, descriptor, "image index")?;
                let index: oci::Index = oci::document("image index", &bytes)?;
                let found = for_platform(files, &index.manifests, platform, depth, seen)?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            oci::Kind::Manifest if descriptor.is_for(platform).is_some() => {
                return Ok(Some(descriptor.clone()));
            }
            // It does not say, so its configuration has to.
            oci::Kind::Manifest => match platform_of(files, descriptor)? {
                (os, architecture) if os == "linux" && architecture == platform.architecture() => {
                    return Ok(Some(descriptor.clone()));
                }
                (os, architecture) => seen.push(format!("{os}/{architecture}")),
            },
        }
    }
    Ok(None)
}

fn platform_of(
    files: &dyn Files,
    descriptor: &oci::Descriptor,
) -> Result<(String, String), ImageError> {
    let bytes = read_document(files, descriptor, "image manifest")?;
    let manifest: oci::ImageManifest = oci::document("image manifest", &bytes)?;
    let bytes = read_document(files, &manifest.config, "image configuration")?;
    let config: oci::ImageConfig = oci::document("image configuration", &bytes)?;
    Ok((config.os, config.architecture))
}

fn read_image(files: &dyn Files, descriptor: &oci::Descriptor) -> Result<Found, ImageError> {
    let bytes = read_document(files, descriptor, "image manifest")?;
    let manifest: oci::ImageManifest = oci::document("image manifest", &bytes)?;
    manifest.check_config_type()?;
    let config = read_document(files, &manifest.config, "image configuration")?;
    let layers = manifest.layers.iter().map(|layer| {
        let compression = layer.layer_compression()?;
        let located = blob(files, &layer.digest)?;
        Ok(FoundLayer { located, compression, digest: Some(layer.digest) })
    });
    let layers = layers.collect::<Result<_, ImageError>>()?;
    Ok(Found { manifest: Some(bytes), config, layers })
}

/// Reads the document behind a descriptor and checks its digest.
fn read_document(
    files: &dyn Files,
    descriptor: &oci::Descriptor,
    what: &'static str,
) -> Result<Vec<u8>, ImageError> {
    let bytes = blob(files, &descriptor.digest)?.read(oci::MAX_DOCUMENT)?;
    let found = Sha256Digest::of(&bytes);
    if found != descriptor.digest {
        return Err(ImageError::Digest { what, found, expected: descriptor.digest });
    }
    Ok(bytes)
}

fn blob(files: &dyn Files, digest: &Sha256Digest) -> Result<Located, ImageError> {
    let name = format!("blobs/sha256/{}", digest.to_hex());
    files.get(&name).ok_or(ImageError::Part { name })
}
