//! Why a bundle cannot be made. Compose findings and recipe errors have enums of their own.

use std::borrow::Cow;

use bundle_spec::{BundleError, PackError, manifest::Platform};
use camino::{Utf8Path, Utf8PathBuf};

use super::{
    config_schema::SchemaError, engine::EngineError, image::ImageError, recipe::RecipeError,
    roots::RootsError, templates::TemplateError,
};
use crate::{
    error::{Class, Explain, FileError},
    signing::SigningError,
};

/// A bundle that cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProduceError {
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error("image {name} for {platform}")]
    Image { name: String, platform: Platform, source: Box<ImageError> },
    #[error("the engine for {platform}")]
    Engine { platform: Platform, source: EngineError },
    #[error("the rivetctl for {platform}")]
    Tool { platform: Platform, source: EngineError },
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Roots(#[from] RootsError),

    /// What the parts make together breaks a rule of the format.
    #[error("the bundle would break a rule of its format")]
    Rules(#[source] BundleError),

    /// Reading the inputs or writing the bundle failed.
    #[error("cannot pack {path}")]
    Pack { path: Utf8PathBuf, source: PackError },

    /// The output is there already.
    #[error("{path} exists")]
    OutputExists { path: Utf8PathBuf },

    /// No key, and nobody said that signing comes later.
    #[error("no key to sign with")]
    Unsigned,

    /// `SOURCE_DATE_EPOCH` or `--created` is no time.
    #[error("{origin} is {found:?}: expected {expected}")]
    Time { origin: &'static str, found: String, expected: &'static str },

    /// This program runs on a platform that bundles do not know.
    #[error("rivetctl does not know the platform it runs on")]
    NoPlatform,
}

impl ProduceError {
    /// A failure of the packer; its refusals are the recipe's business, the rest is the disk's.
    pub(crate) fn pack(path: &Utf8Path, source: PackError) -> Self {
        match source {
            PackError::Invalid(error) => Self::Rules(error),
            source => Self::Pack { path: path.to_owned(), source },
        }
    }

    /// The part that knows how to explain this, when it is not here.
    fn inner(&self) -> Option<&dyn Explain> {
        match self {
            Self::Recipe(error) => Some(error),
            Self::File(error) => Some(error),
            Self::Signing(error) => Some(error),
            Self::Image { source, .. } => Some(&**source),
            Self::Engine { source, .. } | Self::Tool { source, .. } => Some(source),
            Self::Schema(error) => Some(error),
            Self::Template(error) => Some(error),
            Self::Roots(error) => Some(error),
            Self::Rules(_)
            | Self::Pack { .. }
            | Self::OutputExists { .. }
            | Self::Unsigned
            | Self::Time { .. }
            | Self::NoPlatform => None,
        }
    }
}

impl Explain for ProduceError {
    fn class(&self) -> Class {
        match self.inner() {
            Some(inner) => inner.class(),
            None => match self {
                Self::Pack { .. } => Class::Other,
                _ => Class::Usage,
            },
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Rules(_) => "RCTL-BUNDLE-RULES".into(),
            Self::Pack { .. } => "RCTL-BUNDLE-PACK".into(),
            Self::OutputExists { .. } => "RCTL-BUNDLE-EXISTS".into(),
            Self::Unsigned => "RCTL-BUNDLE-UNSIGNED".into(),
            Self::Time { .. } => "RCTL-BUNDLE-TIME".into(),
            Self::NoPlatform => "RCTL-BUNDLE-PLATFORM".into(),
            Self::Recipe(_)
            | Self::File(_)
            | Self::Signing(_)
            | Self::Image { .. }
            | Self::Engine { .. }
            | Self::Tool { .. }
            | Self::Schema(_)
            | Self::Template(_)
            | Self::Roots(_) => self.inner().expect("these have an inner error").code(),
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::Rules(error) => error.advice().to_owned(),
            Self::Pack { .. } => {
                "Look at the cause: a full disk, or an input that changed while it was read; then run again.".into()
            }
            Self::OutputExists { .. } => "Choose another -o FILE, or overwrite it with --force.".into(),
            Self::Unsigned => {
                "Name a key with --key. With --sign-later the bundle is written for `rivetctl sign`; until then `verify` refuses it."
                    .into()
            }
            Self::Time { .. } => "Correct it, or leave it out to use the current time.".into(),
            Self::NoPlatform => "Name the platforms with --platform and a rivetctl with --rivetctl.".into(),
            _ => self.inner().map(Explain::advice).unwrap_or_default(),
        }
    }
}
