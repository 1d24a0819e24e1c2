//! What the daemon has of a bundle's images, so that nothing is sent twice.

use std::collections::BTreeMap;

use bollard::{models::ImageInspect, query_parameters::ListImagesOptions};
use bundle_spec::{manifest::Image, text::Name};
use serde::Serialize;

use crate::docker::{Daemon, DockerError};

/// The registry host in our tags. It does not exist: nothing can be pulled from or pushed to it.
const TAG_HOST: &str = "rivetctl.local";

/// How the daemon stores images, which decides what it calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ImageStore {
    /// Layers unpacked by a graph driver; an image's id is the digest of its configuration.
    Classic,
    /// The containerd image store; an image's id is the digest of its manifest.
    Containerd,
}

/// What the daemon has of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Presence {
    /// Our tag for it.
    pub(crate) tag: String,
    /// The id it has, or will have.
    pub(crate) id: String,
    /// Whether the daemon has the image.
    pub(crate) is_there: bool,
    /// The id behind our tag, if the tag exists.
    pub(crate) tagged: Option<String>,
    /// How many of its lowest layers the daemon has and need not be sent.
    pub(crate) layers_there: usize,
}

/// The tag under which `install` runs `image`: bound to the content, ours alone.
pub(crate) fn tag(install: &Name, image: &Image) -> String {
    format!("{TAG_HOST}/{install}/{}:{}", image.name, &image.config.to_hex()[..16])
}

/// Looks each image up.
pub(crate) fn presence<'a>(
    daemon: &Daemon,
    store: ImageStore,
    install: &Name,
    images: impl Iterator<Item = &'a Image>,
) -> Result<BTreeMap<Name, Presence>, DockerError> {
    let mut local_layers = None;
    let mut found = BTreeMap::new();
    for image in images {
        let tag = tag(install, image);
        let id = id(store, image);
        let is_there = inspect(daemon, &id)?.is_some();
        let tagged = inspect(daemon, &tag)?.and_then(|image| image.id);
        let layers_there = match (is_there, store) {
            (true, _) => image.layers.len(),
            // What containerd may leave out of an import is not promised, so all is sent.
            (false, ImageStore::Containerd) => 0,
            (false, ImageStore::Classic) => {
                if local_layers.is_none() {
                    local_layers = Some(layers_of_all(daemon)?);
                }
                longest_prefix(image, local_layers.as_deref().unwrap_or_default())
            }
        };
        found.insert(image.name.clone(), Presence { tag, id, is_there, tagged, layers_there });
    }
    Ok(found)
}

/// The id that the daemon gives to `image`.
pub(crate) fn id(store: ImageStore, image: &Image) -> String {
    match store {
        ImageStore::Classic => image.config.to_string(),
        ImageStore::Containerd => image.manifest.to_string(),
    }
}

/// What the daemon knows under this id or tag.
pub(crate) fn inspect(
    daemon: &Daemon,
    reference: &str,
) -> Result<Option<ImageInspect>, DockerError> {
    daemon.wait_unless_missing("inspect an image", daemon.client().inspect_image(reference))
}

fn layers_of_all(daemon: &Daemon) -> Result<Vec<Vec<String>>, DockerError> {
    let options = ListImagesOptions { all: true, ..Default::default() };
    let images = daemon.wait("list images", daemon.client().list_images(Some(options)))?;
    let mut layers = Vec::new();
    for image in images {
        let details = inspect(daemon, &image.id)?;
        layers.extend(details.and_then(|details| details.root_fs?.layers));
    }
    Ok(layers)
}

/// A daemon has a layer only on top of the same layers below it: so a common prefix counts.
fn longest_prefix(image: &Image, local: &[Vec<String>]) -> usize {
    let wanted: Vec<String> = image.layers.iter().map(|layer| layer.diff_id.to_string()).collect();
    let shared = |layers: &Vec<String>| {
        layers.iter().zip(&wanted).take_while(|(one, other)| one == other).count()
    };
    local.iter().map(shared).max().unwrap_or(0)
}
