//! Why a properly signed release is not installed here.

use crate::{
    digest::Sha256Digest,
    error::ErrorCode,
    manifest::Platform,
    text::{Name, Version},
};

/// A release that this site does not take: one variant per thing that an operator would do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message says what its fields mean")]
pub enum PolicyError {
    /// Another product.
    #[error("the bundle is for product {found}, expected {expected}")]
    Product { found: Name, expected: Name },
    /// Another channel of the product.
    #[error("the bundle is for channel {found}, expected {expected}")]
    Channel { found: Name, expected: Name },
    /// Another customer.
    #[error("the bundle is for {found} only, and this site is {}", site.as_ref().map_or("not named", Name::as_str))]
    Audience { found: Name, site: Option<Name> },
    /// Another kind of host.
    #[error("the bundle is for {}, and this host is {host}", found.join(", "))]
    Platform { found: Vec<&'static str>, host: Platform },
    /// A bundle for a newer rivetctl.
    #[error("the bundle needs rivetctl {needed} or newer, and this is {found}")]
    Rivetctl { needed: Version, found: Version },
    /// A release that the vendor withdrew.
    #[error("release {seq} was revoked by the vendor")]
    Revoked { seq: u64 },
    /// An older release than one that was here.
    #[error("the bundle is release {seq}, and release {highest} was here already")]
    Rollback { seq: u64, highest: u64 },
    /// Two different releases under one number.
    #[error("release {seq} is known here as bundle {known}, and this bundle is {found}")]
    Equivocation { seq: u64, found: Sha256Digest, known: Sha256Digest },
    /// A step forward that is too large to be meant.
    #[error("the bundle is release {seq}, more than {max} above {highest}, the highest known here")]
    Jump { seq: u64, highest: u64, max: u64 },
    /// Something in between has to be installed first.
    #[error("the bundle upgrades release {needed} or newer, and release {installed} is installed")]
    MinFrom { installed: u64, needed: u64 },
    /// Data that this engine cannot open.
    #[error(
        "the installed data has format {found}, and the engine in the bundle opens {from} to {to}"
    )]
    StateFormat { found: u32, from: u32, to: u32 },
    /// A date that cannot be right.
    #[error(
        "the bundle says it was made at {created}, years ahead of {now}, the time here (seconds since 1970)"
    )]
    Created { created: u64, now: u64 },
    /// Past its date, at a site that minds.
    #[error("the release was to be used until {not_after}, and it is {now} (seconds since 1970)")]
    Expired { not_after: u64, now: u64 },
}

impl PolicyError {
    /// The stable code.
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::new(match self {
            Self::Product { .. } => "RVB-POLICY-PRODUCT",
            Self::Channel { .. } => "RVB-POLICY-CHANNEL",
            Self::Audience { .. } => "RVB-POLICY-AUDIENCE",
            Self::Platform { .. } => "RVB-POLICY-PLATFORM",
            Self::Rivetctl { .. } => "RVB-POLICY-RIVETCTL",
            Self::Revoked { .. } => "RVB-POLICY-REVOKED",
            Self::Rollback { .. } => "RVB-POLICY-ROLLBACK",
            Self::Equivocation { .. } => "RVB-POLICY-EQUIVOCATION",
            Self::Jump { .. } => "RVB-POLICY-JUMP",
            Self::MinFrom { .. } => "RVB-POLICY-MIN-FROM",
            Self::StateFormat { .. } => "RVB-POLICY-STATE-FORMAT",
            Self::Created { .. } => "RVB-POLICY-CREATED",
            Self::Expired { .. } => "RVB-POLICY-EXPIRED",
        })
    }

    /// What to do about it, as one or two sentences.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Product { .. } | Self::Channel { .. } => {
                "Give the bundle of the product and channel that this install is for."
            }
            Self::Audience { .. } => "Ask the vendor for the bundle made for this site.",
            Self::Platform { .. } => "Ask the vendor for a bundle for this platform.",
            Self::Rivetctl { .. } => {
                "Use the rivetctl inside the bundle: VERIFY.txt in it says how to take it out and check it."
            }
            Self::Revoked { .. } => "Do not install it. Ask the vendor for a newer release.",
            Self::Rollback { .. } => {
                "Install a newer release. To go back on purpose, name this sequence as the one to go back to."
            }
            Self::Equivocation { .. } => {
                "Two different bundles carry the same sequence. Do not install it, and ask the vendor which one is right: a release key may be stolen."
            }
            Self::Jump { .. } => {
                "Ask the vendor whether this sequence is right. If it is, say that the jump is wanted."
            }
            Self::MinFrom { .. } => "Install a release in between first; the vendor knows which.",
            Self::StateFormat { .. } => {
                "Install a release whose engine opens the data, or restore a backup made with this engine's format."
            }
            Self::Created { .. } => {
                "Set the system clock right. If it is right, ask the vendor for a bundle made with a right clock."
            }
            Self::Expired { .. } => {
                "Ask the vendor for a newer release, or let the site accept releases past their date."
            }
        }
    }
}
