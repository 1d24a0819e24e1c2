//! Why an image cannot go into a bundle.

use std::{borrow::Cow, io};

use bundle_spec::{Sha256Digest, manifest::Platform};

use crate::{
    docker::DockerError,
    error::{Class, Explain, FileError},
};

/// An image that cannot go into a bundle.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Docker(#[from] DockerError),

    /// An archive or layout without its path.
    #[error("path is missing: expected the archive or layout to take it from")]
    NoPath,

    /// The daemon does not have it and could not get it.
    #[error("the Docker daemon does not have {reference} and could not pull it")]
    Pull { reference: String, source: Box<bollard::errors::Error> },

    /// The source holds no image of that name.
    #[error("the source has no image {reference}; it has {found}")]
    Absent { reference: String, found: String },

    /// The source holds no image for the platform.
    #[error("the image is for {found}, but {expected} is needed")]
    Platform { found: String, expected: Platform },

    /// Neither a `docker save` archive nor an OCI layout.
    #[error("it is neither an archive of `docker save` nor an OCI layout: {found}")]
    Shape { found: String },

    /// A part that another part refers to is not there.
    #[error("the source lacks {name}")]
    Part { name: String },

    /// A JSON document that does not parse.
    #[error("the {what} is not readable")]
    Document { what: &'static str, source: serde_json::Error },

    /// Content that is not what its digest says.
    #[error("the {what} has digest {found}, but {expected} was expected")]
    Digest { what: &'static str, found: Sha256Digest, expected: Sha256Digest },

    /// Indexes in indexes.
    #[error("image indexes are nested more than {max} deep")]
    Nesting { max: u32 },

    /// A media type that is not understood.
    #[error("the media type {found:?} is not one of an image")]
    MediaType { found: String },

    /// A layer that Docker 20.10 could not load.
    #[error("a layer is {found:?}: expected a tar, plain or compressed with gzip")]
    LayerType { found: String },

    /// A layer that the host would fetch from somewhere else.
    #[error("layer {layer} is kept outside the registry (a foreign layer)")]
    Foreign { layer: Sha256Digest },

    /// A layer's gzip stream is damaged or not alone.
    #[error("a layer is not one whole gzip member")]
    Gzip { source: io::Error },

    /// A layer's content differs from what the configuration says.
    #[error("layer {layer} holds {found}, but the image configuration says {expected}")]
    DiffId { layer: Sha256Digest, found: Sha256Digest, expected: Sha256Digest },

    /// Manifest and configuration disagree about the number of layers.
    #[error("the image has {layers} layers, but its configuration names {diff_ids}")]
    LayerCount { layers: usize, diff_ids: usize },

    /// An image without content.
    #[error("the image has no layers")]
    NoLayers,

    /// A reference that cannot be printed.
    #[error("the reference {found:?} is too long")]
    Reference { found: String },
}

impl Explain for ImageError {
    fn class(&self) -> Class {
        match self {
            Self::File(error) => error.class(),
            Self::Docker(error) => error.class(),
            Self::Pull { .. } => Class::Daemon,
            _ => Class::Usage,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::File(error) => return error.code(),
            Self::Docker(error) => return error.code(),
            Self::NoPath => "RCTL-IMAGE-PATH",
            Self::Pull { .. } => "RCTL-IMAGE-PULL",
            Self::Absent { .. } => "RCTL-IMAGE-ABSENT",
            Self::Platform { .. } => "RCTL-IMAGE-PLATFORM",
            Self::Shape { .. } => "RCTL-IMAGE-SHAPE",
            Self::Part { .. } => "RCTL-IMAGE-PART",
            Self::Document { .. } => "RCTL-IMAGE-DOCUMENT",
            Self::Digest { .. } => "RCTL-IMAGE-DIGEST",
            Self::Nesting { .. } => "RCTL-IMAGE-NESTING",
            Self::MediaType { .. } => "RCTL-IMAGE-MEDIA-TYPE",
            Self::LayerType { .. } => "RCTL-IMAGE-LAYER-TYPE",
            Self::Foreign { .. } => "RCTL-IMAGE-FOREIGN",
            Self::Gzip { .. } => "RCTL-IMAGE-GZIP",
            Self::DiffId { .. } => "RCTL-IMAGE-DIFF-ID",
            Self::LayerCount { .. } => "RCTL-IMAGE-LAYER-COUNT",
            Self::NoLayers => "RCTL-IMAGE-EMPTY",
            Self::Reference { .. } => "RCTL-IMAGE-REFERENCE",
        }
        .into()
    }

    fn advice(&self) -> String {
        match self {
            Self::File(error) => error.advice(),
            Self::Docker(error) => error.advice(),
            Self::NoPath => "Set `path` of the image to the archive's or directory's path.".into(),
            Self::Pull { reference, .. } => format!(
                "Check the name and the daemon's network; for a private registry run `docker pull {reference}` with your credentials first, then bundle again."
            ),
            Self::Absent { .. } => "Set `reference` to one of those.".into(),
            Self::Platform { expected, .. } => format!(
                "Build or pull it for that platform (`docker pull --platform {expected} …`), or remove the platform from the bundle."
            ),
            Self::Shape { .. } => {
                "Make it with `docker save -o FILE IMAGE` and do not compress it, or name an OCI layout directory.".into()
            }
            Self::Part { .. } | Self::Document { .. } | Self::Digest { .. } => {
                "The source is incomplete or damaged: make it again.".into()
            }
            Self::LayerType { .. } => {
                "Rebuild the image with gzip layers (for buildx: `--output type=oci,compression=gzip,force-compression=true`): Docker 20.10 cannot load others.".into()
            }
            Self::Foreign { .. } => "Use an image whose layers are all in the registry: the installing host cannot fetch any.".into(),
            Self::Gzip { .. } | Self::DiffId { .. } | Self::LayerCount { .. } => {
                "Push or save the image again; if it stays so, the tool that built it wrote it wrongly.".into()
            }
            Self::Nesting { .. } | Self::MediaType { .. } | Self::NoLayers => {
                "Use an image made by Docker, buildx or another tool that follows the OCI image specification.".into()
            }
            Self::Reference { .. } => "Use a shorter one.".into(),
        }
    }
}
