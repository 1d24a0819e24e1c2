//! Why a directory of root documents cannot be carried in a bundle.

use std::borrow::Cow;

use bundle_spec::{BundleError, KeyId};
use camino::Utf8PathBuf;

use crate::error::{Class, Explain, FileError};

/// A root directory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RootsError {
    #[error(transparent)]
    File(#[from] FileError),

    /// A file of the chain is not what its name says.
    #[error("{path} cannot be used")]
    Document { path: Utf8PathBuf, source: BundleError },

    /// A file name that no chain has.
    #[error(
        "{path} is no part of a chain of root documents: expected <n>.json or <n>.<64 hex>.sshsig"
    )]
    Name { path: Utf8PathBuf },

    /// The document's number and its file name differ.
    #[error("{path} holds root {found}")]
    Number { path: Utf8PathBuf, found: u64 },

    /// A hole in the chain.
    #[error("{path} is missing")]
    Gap { path: Utf8PathBuf },

    /// Too few signatures.
    #[error(
        "root {version} has {found} valid signatures of the {role} root keys of root {of}, but its threshold is {threshold}"
    )]
    Threshold { version: u64, of: u64, role: &'static str, found: usize, threshold: u32 },

    /// The chain breaks a rule.
    #[error("root {version} does not follow the root before it")]
    Chain { version: u64, source: BundleError },

    /// The roots are of another product.
    #[error("the root documents are for {found}, but the product is {expected}")]
    Product { found: String, expected: String },

    /// A key that no site would accept.
    #[error("{key} is not a release key of root {version}")]
    NotRelease { key: KeyId, version: u64 },

    /// A key that was revoked.
    #[error("{key} is revoked by root {version}")]
    Revoked { key: KeyId, version: u64 },

    /// This release was revoked by a root.
    #[error("sequence {sequence} is revoked by root {version}")]
    RevokedRelease { sequence: u64, version: u64 },
}

impl Explain for RootsError {
    fn class(&self) -> Class {
        match self {
            Self::File(error) => error.class(),
            Self::Document { source, .. } => source.class(),
            Self::Name { .. } | Self::Number { .. } | Self::Product { .. } => Class::Usage,
            _ => Class::Verification,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::File(error) => return error.code(),
            Self::Document { source, .. } => return source.code().to_string().into(),
            Self::Name { .. } => "RCTL-ROOT-NAME",
            Self::Number { .. } => "RCTL-ROOT-NUMBER",
            Self::Gap { .. } => "RCTL-ROOT-GAP",
            Self::Threshold { .. } => "RCTL-ROOT-THRESHOLD",
            Self::Chain { .. } => "RCTL-ROOT-CHAIN",
            Self::Product { .. } => "RCTL-ROOT-PRODUCT",
            Self::NotRelease { .. } => "RCTL-ROOT-KEY",
            Self::Revoked { .. } => "RCTL-ROOT-KEY-REVOKED",
            Self::RevokedRelease { .. } => "RCTL-ROOT-RELEASE-REVOKED",
        }
        .into()
    }

    fn advice(&self) -> String {
        match self {
            Self::File(error) => error.advice(),
            Self::Document { source, .. } | Self::Chain { source, .. } => source.advice().to_owned(),
            Self::Name { .. } => "Keep nothing else in the directory.".into(),
            Self::Number { found, .. } => format!("Name the file {found}.json."),
            Self::Gap { .. } => "Put every root from the first to the newest into the directory.".into(),
            Self::Threshold { version, .. } => {
                format!("Sign it with more keys: `rivetctl key root sign {version}.json --key K`.")
            }
            Self::Product { .. } => "Name the directory of this product's roots.".into(),
            Self::NotRelease { .. } | Self::Revoked { .. } => {
                "Sign with a release key of the newest root, or rotate the root first (`rivetctl key root rotate`).".into()
            }
            Self::RevokedRelease { .. } => "Use a higher sequence: a revoked one is refused everywhere.".into(),
        }
    }
}
