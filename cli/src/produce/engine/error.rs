//! Why an executable cannot go into a bundle.

use std::borrow::Cow;

use bundle_spec::manifest::Platform;
use camino::Utf8PathBuf;

use crate::error::{Class, Explain, FileError};

/// An executable that cannot go into a bundle.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    #[error(transparent)]
    File(#[from] FileError),

    /// A field that the source needs.
    #[error("engine.{field} is missing, and this source needs it")]
    Missing { field: &'static str },

    /// A field that the source does not use.
    #[error("engine.{field} is set, but this source does not use it")]
    Unused { field: &'static str },

    /// There is nothing beside the running program for another platform.
    #[error("this rivetctl runs on another platform, and {field} names no file")]
    OtherPlatform { field: &'static str },

    /// No rivet-engine beside the running rivetctl.
    #[error("there is no {path}")]
    NotBeside { path: Utf8PathBuf },

    /// A path that is not UTF-8.
    #[error("the path {found} is not UTF-8")]
    Path { found: String },

    /// It does not say which version it is.
    #[error("{path} answered --version with {found:?}, not \"rivet-engine <version>\"")]
    Version { path: Utf8PathBuf, found: String },

    /// Not an executable that runs on an empty root file system.
    #[error("{path} is {found}; expected a static executable for {expected}")]
    Elf { path: Utf8PathBuf, found: String, expected: Platform },

    /// npm is not there or failed.
    #[error("`npm {command}` failed: {found}")]
    Npm { command: String, found: String },

    /// What npm brought is not what was announced or pinned.
    #[error("{package} has integrity {found}, but {expected} was expected")]
    Integrity { package: String, found: String, expected: String },

    /// The package has no engine in it.
    #[error("{package} does not hold the file {file}")]
    Package { package: String, file: &'static str },

    /// A name that is no package's.
    #[error("engine.package {found:?} is not the name of a package")]
    PackageName { found: String },

    /// A version that is no exact version.
    #[error("engine.version {found:?} is not an exact version")]
    Range { found: String },
}

impl Explain for EngineError {
    fn class(&self) -> Class {
        match self {
            Self::File(error) => error.class(),
            Self::Npm { .. } => Class::Daemon,
            Self::Integrity { .. } => Class::Verification,
            _ => Class::Usage,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::File(error) => return error.code(),
            Self::Missing { .. } => "RCTL-ENGINE-MISSING",
            Self::Unused { .. } => "RCTL-ENGINE-UNUSED",
            Self::OtherPlatform { .. } => "RCTL-ENGINE-PLATFORM",
            Self::NotBeside { .. } => "RCTL-ENGINE-ABSENT",
            Self::Path { .. } => "RCTL-ENGINE-PATH",
            Self::Version { .. } => "RCTL-ENGINE-VERSION",
            Self::Elf { .. } => "RCTL-ENGINE-ELF",
            Self::Npm { .. } => "RCTL-NPM-FAILED",
            Self::Integrity { .. } => "RCTL-NPM-INTEGRITY",
            Self::Package { .. } => "RCTL-NPM-PACKAGE",
            Self::PackageName { .. } => "RCTL-NPM-PACKAGE",
            Self::Range { .. } => "RCTL-NPM-VERSION",
        }
        .into()
    }

    fn advice(&self) -> String {
        match self {
            Self::File(error) => error.advice(),
            Self::Missing { field } => format!("Set `{field}` under [engine], or use another source."),
            Self::Unused { field } => format!("Remove `{field}`, or use the source that it belongs to."),
            Self::OtherPlatform { field } => {
                format!("Set {field} (with engine source \"file\"); `{{arch}}` in it stands for amd64 or arm64.")
            }
            Self::NotBeside { .. } => {
                "Put rivet-engine beside rivetctl, as in a release, or use engine source \"file\" or \"npm\".".into()
            }
            Self::Path { .. } => "Move it to a path in UTF-8.".into(),
            Self::Version { .. } => "Use the rivet-engine of the same release, or engine source \"file\" with a version.".into(),
            Self::Elf { .. } => {
                "Build it statically for that platform (musl, or glibc with +crt-static): nothing else will be in its image.".into()
            }
            Self::Npm { .. } => "Check that npm is installed and reaches its registry (`npm ping`).".into(),
            Self::Integrity { .. } => {
                "Do not use this package: find out which of registry, proxy and recipe is wrong.".into()
            }
            Self::Package { .. } => "Check engine.package and engine.version.".into(),
            Self::PackageName { .. } => "Write `name` or `@scope/name`, without a version.".into(),
            Self::Range { .. } => "Write an exact version such as 2.3.19: tags and ranges change.".into(),
        }
    }
}
