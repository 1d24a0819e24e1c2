//! What `docker save` writes: `manifest.json` with configurations and layer tars, since Docker 25
//! inside an OCI layout.

use bundle_spec::manifest::Platform;
use serde::Deserialize;

use super::{Files, Found, FoundLayer, ImageError, familiar, layer, layout, oci};

/// One image in `manifest.json`.
#[derive(Debug, Deserialize)]
struct Saved {
    #[serde(rename = "Config")]
    config: String,
    #[serde(rename = "RepoTags", default)]
    tags: Option<Vec<String>>,
    #[serde(rename = "Layers")]
    layers: Vec<String>,
}

/// Finds an image among the files of an archive.
pub(super) fn find(
    files: &dyn Files,
    reference: &str,
    platform: Platform,
) -> Result<Found, ImageError> {
    // The layout says more: it has the registry's own manifest and digests.
    if files.get("oci-layout").is_some() && files.get("index.json").is_some() {
        return layout::find(files, reference, platform);
    }
    let Some(list) = files.get("manifest.json") else {
        return Err(ImageError::Shape {
            found: "it has neither manifest.json nor index.json".into(),
        });
    };
    let list = list.read(oci::MAX_DOCUMENT)?;
    let images: Vec<Saved> = oci::document("manifest.json", &list)?;
    let image = choose(&images, reference)?;

    let part = |name: &str| {
        files.get(name).ok_or_else(|| ImageError::Part { name: name.escape_default().to_string() })
    };
    let layers = image.layers.iter().map(|name| {
        let located = part(name)?;
        Ok(FoundLayer { compression: layer::sniff(&located)?, located, digest: None })
    });
    Ok(Found {
        manifest: None,
        config: part(&image.config)?.read(oci::MAX_DOCUMENT)?,
        layers: layers.collect::<Result<_, ImageError>>()?,
    })
}

fn choose<'a>(images: &'a [Saved], reference: &str) -> Result<&'a Saved, ImageError> {
    // One image is the one that is meant, whatever it was called when it was saved.
    if let [only] = images {
        return Ok(only);
    }
    let tags = |image: &'a Saved| image.tags.iter().flatten();
    let wanted = familiar(reference);
    images.iter().find(|image| tags(image).any(|tag| familiar(tag) == wanted)).ok_or_else(|| {
        let found: Vec<&str> = images.iter().flat_map(tags).map(String::as_str).collect();
        ImageError::Absent { reference: reference.to_owned(), found: found.join(", ") }
    })
}
