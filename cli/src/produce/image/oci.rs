//! The documents of OCI and Docker images: which of their fields matter, and which media types
//! are understood. Unknown media types are refused, unknown fields are the registry's business.

use bundle_spec::{
    Sha256Digest,
    manifest::{Compression, Platform},
};
use serde::{Deserialize, Serialize};

use super::ImageError;

/// Largest index, manifest or configuration that is read.
pub(super) const MAX_DOCUMENT: u64 = 8 * 1024 * 1024;

pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// A reference from one document to another.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: Sha256Digest,
    pub(super) size: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) urls: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) platform: Option<DescriptorPlatform>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) annotations: Option<Annotations>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct DescriptorPlatform {
    pub(super) os: String,
    pub(super) architecture: String,
}

/// The annotations that name an image, or mark what is none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Annotations {
    #[serde(rename = "org.opencontainers.image.ref.name", default)]
    pub(super) ref_name: Option<String>,
    #[serde(rename = "io.containerd.image.name", default)]
    pub(super) image_name: Option<String>,
    #[serde(rename = "vnd.docker.reference.type", default)]
    pub(super) reference_type: Option<String>,
}

/// An image index or Docker manifest list.
#[derive(Debug, Deserialize)]
pub(super) struct Index {
    pub(super) manifests: Vec<Descriptor>,
}

/// An image manifest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageManifest {
    pub(super) schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<String>,
    pub(super) config: Descriptor,
    pub(super) layers: Vec<Descriptor>,
}

/// What matters of an image configuration.
#[derive(Debug, Deserialize)]
pub(super) struct ImageConfig {
    pub(super) os: String,
    pub(super) architecture: String,
    pub(super) rootfs: RootFs,
}

#[derive(Debug, Deserialize)]
pub(super) struct RootFs {
    pub(super) diff_ids: Vec<Sha256Digest>,
}

/// What a descriptor leads to.
pub(super) enum Kind {
    Index,
    Manifest,
}

impl Descriptor {
    pub(super) fn new(media_type: &str, digest: Sha256Digest, size: u64) -> Self {
        let media_type = media_type.to_owned();
        Self { media_type, digest, size, urls: Vec::new(), platform: None, annotations: None }
    }

    pub(super) fn kind(&self) -> Result<Kind, ImageError> {
        match self.media_type.as_str() {
            OCI_INDEX | DOCKER_LIST => Ok(Kind::Index),
            OCI_MANIFEST | DOCKER_MANIFEST => Ok(Kind::Manifest),
            other => Err(ImageError::MediaType { found: other.to_owned() }),
        }
    }

    /// Attestations travel in indexes beside images.
    pub(super) fn is_image(&self) -> bool {
        let attestation = self
            .annotations
            .as_ref()
            .is_some_and(|annotations| annotations.reference_type.is_some());
        let nowhere = self.platform.as_ref().is_some_and(|platform| platform.os == "unknown");
        !attestation && !nowhere
    }

    /// Whether this says that it is for `platform`; none when it says nothing.
    pub(super) fn is_for(&self, platform: Platform) -> Option<bool> {
        let said = self.platform.as_ref()?;
        Some(is_platform(&said.os, &said.architecture, platform))
    }

    /// How the layer behind this descriptor is compressed.
    pub(super) fn layer_compression(&self) -> Result<Compression, ImageError> {
        if !self.urls.is_empty()
            || self.media_type.contains("nondistributable")
            || self.media_type.contains("foreign")
        {
            return Err(ImageError::Foreign { layer: self.digest });
        }
        match self.media_type.as_str() {
            OCI_LAYER | DOCKER_LAYER => Ok(Compression::None),
            OCI_LAYER_GZIP | DOCKER_LAYER_GZIP => Ok(Compression::Gzip),
            other => Err(ImageError::LayerType { found: other.to_owned() }),
        }
    }
}

/// The media type of an OCI layer of this compression.
pub(super) fn layer_type(compression: Compression) -> &'static str {
    match compression {
        Compression::None => OCI_LAYER,
        Compression::Gzip => OCI_LAYER_GZIP,
    }
}

impl ImageManifest {
    pub(super) fn check_config_type(&self) -> Result<(), ImageError> {
        match self.config.media_type.as_str() {
            OCI_CONFIG | DOCKER_CONFIG => Ok(()),
            other => Err(ImageError::MediaType { found: other.to_owned() }),
        }
    }
}

impl ImageConfig {
    /// Reads a configuration and checks that it is for `platform`.
    pub(super) fn parse(bytes: &[u8], platform: Platform) -> Result<Self, ImageError> {
        let config: Self = document("image configuration", bytes)?;
        if !is_platform(&config.os, &config.architecture, platform) {
            let found = format!("{}/{}", config.os, config.architecture);
            return Err(ImageError::Platform { found, expected: platform });
        }
        Ok(config)
    }
}

fn is_platform(os: &str, architecture: &str, platform: Platform) -> bool {
    os == "linux" && architecture == platform.architecture()
}

/// Parses one JSON document.
pub(super) fn document<'a, T: Deserialize<'a>>(
    what: &'static str,
    bytes: &'a [u8],
) -> Result<T, ImageError> {
    serde_json::from_slice(bytes).map_err(|source| ImageError::Document { what, source })
}
