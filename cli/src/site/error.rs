//! What can be wrong with the site: its directory, its locks, its records, its trust.

use std::borrow::Cow;

use camino::Utf8PathBuf;

use crate::error::{Class, Explain, FileError};

/// Why the site refuses.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SiteError {
    #[error(
        "{path} is a symbolic link that belongs to user {owner}, so it could be pointed elsewhere"
    )]
    ForeignLink { path: Utf8PathBuf, owner: u32 },

    #[error("{path} belongs to user {owner}, but rivetctl runs as user {us}")]
    ForeignRoot { path: Utf8PathBuf, owner: u32, us: u32 },

    #[error("{path} can be written by others (mode {mode:04o}); expected at most 0755")]
    OpenRoot { path: Utf8PathBuf, mode: u32 },

    #[error("{path} is not a directory")]
    NotADirectory { path: Utf8PathBuf },

    #[error("{path} is not writable for user {us}")]
    Unwritable { path: Utf8PathBuf, us: u32, source: std::io::Error },

    #[error("there is no place for the site: neither --root nor HOME nor XDG_DATA_HOME is set")]
    NoRoot,

    #[error("the path {path:?} is not UTF-8")]
    PathNotText { path: std::path::PathBuf },

    #[error("another rivetctl (process {pid}) is working on {what}")]
    Busy { what: String, pid: String },

    #[error("there is no install {name:?} under {root}; found {found}")]
    NoInstall { name: String, root: Utf8PathBuf, found: String },

    #[error("{path} is not what rivetctl wrote: {reason}")]
    Damaged { path: Utf8PathBuf, reason: String },

    #[error("the audit log {path} was changed: line {line} {reason}")]
    AuditBroken { path: Utf8PathBuf, line: usize, reason: &'static str },

    #[error("no product is trusted under {root}")]
    NothingTrusted { root: Utf8PathBuf },

    #[error("no root of product {product:?} is trusted here; trusted are {found}")]
    UnknownProduct { product: String, found: String },

    #[error(
        "the bundle carries no root document with the fingerprint {expected}; its first is {found}"
    )]
    OtherFingerprint { expected: String, found: String },

    #[error("the bundle carries no root document")]
    NoCarriedRoot,

    #[error(
        "product {product:?} is trusted already, with root {known}; this root is another one, {found}"
    )]
    OtherRootTrusted { product: String, known: String, found: String },

    #[error(
        "{path} is a symbolic link; expected the file itself, so that what is checked is what is used"
    )]
    BundleIsLink { path: Utf8PathBuf },

    #[error("{path} is not a regular file")]
    BundleNotAFile { path: Utf8PathBuf },

    #[error(transparent)]
    File(#[from] FileError),
}

impl Explain for SiteError {
    fn class(&self) -> Class {
        match self {
            Self::ForeignLink { .. }
            | Self::ForeignRoot { .. }
            | Self::OpenRoot { .. }
            | Self::NotADirectory { .. }
            | Self::Unwritable { .. }
            | Self::NoRoot
            | Self::PathNotText { .. }
            | Self::Busy { .. } => Class::Preflight,
            Self::NoInstall { .. } | Self::BundleIsLink { .. } | Self::BundleNotAFile { .. } => {
                Class::Usage
            }
            Self::Damaged { .. } => Class::Other,
            Self::AuditBroken { .. }
            | Self::NothingTrusted { .. }
            | Self::UnknownProduct { .. }
            | Self::OtherFingerprint { .. }
            | Self::NoCarriedRoot
            | Self::OtherRootTrusted { .. } => Class::Verification,
            Self::File(error) => error.class(),
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::ForeignLink { .. } => "RCTL-ROOT-LINK",
            Self::ForeignRoot { .. } => "RCTL-ROOT-OWNER",
            Self::OpenRoot { .. } => "RCTL-ROOT-MODE",
            Self::NotADirectory { .. } => "RCTL-ROOT-KIND",
            Self::Unwritable { .. } => "RCTL-ROOT-UNWRITABLE",
            Self::NoRoot => "RCTL-ROOT-UNKNOWN",
            Self::PathNotText { .. } => "RCTL-PATH-TEXT",
            Self::Busy { .. } => "RCTL-BUSY",
            Self::NoInstall { .. } => "RCTL-NO-INSTALL",
            Self::Damaged { .. } => "RCTL-STATE-DAMAGED",
            Self::AuditBroken { .. } => "RCTL-AUDIT-BROKEN",
            Self::NothingTrusted { .. } => "RCTL-TRUST-NONE",
            Self::UnknownProduct { .. } => "RCTL-TRUST-PRODUCT",
            Self::OtherFingerprint { .. } => "RCTL-TRUST-FINGERPRINT",
            Self::NoCarriedRoot => "RCTL-TRUST-NO-ROOT",
            Self::OtherRootTrusted { .. } => "RCTL-TRUST-OTHER-ROOT",
            Self::BundleIsLink { .. } => "RCTL-BUNDLE-LINK",
            Self::BundleNotAFile { .. } => "RCTL-BUNDLE-FILE",
            Self::File(error) => return error.code(),
        }
        .into()
    }

    fn advice(&self) -> String {
        match self {
            Self::ForeignLink { .. } => "Give the real path with --root, or have the link made by root.".into(),
            Self::ForeignRoot { .. } => "Run as the user who owns the directory, or choose another with --root.".into(),
            Self::OpenRoot { path, .. } => format!("Run `chmod go-w {path}` after checking what is in it."),
            Self::NotADirectory { .. } | Self::Unwritable { .. } => {
                "Choose a directory that you may write with --root (or RIVETCTL_ROOT).".into()
            }
            Self::NoRoot => "Say where with --root DIR.".into(),
            Self::PathNotText { .. } => "Use a path made of UTF-8 text.".into(),
            Self::Busy { .. } => "Wait until it has finished; nothing was changed by this run.".into(),
            Self::NoInstall { .. } => "Check the name and --root; `rivetctl status` lists every install.".into(),
            Self::Damaged { .. } => "Restore the file from a backup, or remove the install and install again.".into(),
            Self::AuditBroken { .. } => "Keep a copy of the log as evidence, find out who wrote to it, then move it away.".into(),
            Self::NothingTrusted { .. } => "Run `rivetctl trust add BUNDLE --root-fingerprint SHA256:…` with the fingerprint the vendor gave you by another way.".into(),
            Self::UnknownProduct { .. } => "`rivetctl trust list` shows what is trusted.".into(),
            Self::OtherFingerprint { .. } => "Compare the fingerprint with the vendor by another way than the bundle. If it was typed right, do not use this bundle.".into(),
            Self::NoCarriedRoot => "Ask the vendor for the root document (a .json file) and give that to `trust add`.".into(),
            Self::OtherRootTrusted { product, .. } => format!("If the vendor really started over with new root keys, run `rivetctl trust remove {product}` first."),
            Self::BundleIsLink { .. } | Self::BundleNotAFile { .. } => "Give the path of the bundle file itself.".into(),
            Self::File(error) => error.advice(),
        }
    }
}
