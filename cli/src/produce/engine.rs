//! The engine and the rivetctl of a bundle: static executables, checked to be what the platform
//! can run with nothing else on it.

mod elf;
mod error;
mod image;
mod npm;

use std::process::Command;

use bundle_spec::{
    Sha256Digest,
    manifest::{self, EngineFlavor, Platform, StateFormat},
    text::Version,
};
use camino::{Utf8Path, Utf8PathBuf};

use super::{
    cache::Cache,
    located::{Blobs, Located},
    recipe::{self, EngineSource},
    substitute_arch,
};
use crate::error::FileError;

pub(crate) use error::EngineError;
pub(crate) use image::{ENGINE_IMAGE, write as write_image};

/// What both engines read and write today; see [`StateFormat`].
const STATE_FORMAT: StateFormat = StateFormat { reads_from: 1, writes: 1 };

/// An executable that was checked and added to the blobs.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) digest: Sha256Digest,
    pub(crate) located: Located,
    pub(crate) version: Version,
}

/// The engine for one platform.
#[derive(Debug, Clone)]
pub(crate) struct EngineProgram {
    pub(crate) program: Program,
    pub(crate) flavor: EngineFlavor,
}

impl EngineProgram {
    /// Its entry in the manifest.
    pub(crate) fn entry(&self, platform: Platform) -> manifest::Engine {
        manifest::Engine {
            platform,
            flavor: self.flavor,
            version: self.program.version.clone(),
            binary: self.program.digest,
            image: ENGINE_IMAGE.parse().expect("the name is a constant"),
            state_format: STATE_FORMAT,
        }
    }
}

/// Finds the engine that the recipe asks for.
pub(crate) fn resolve(
    engine: &recipe::Engine,
    platform: Platform,
    cache: &Cache,
    blobs: &mut Blobs,
) -> Result<EngineProgram, EngineError> {
    match engine.source {
        EngineSource::Ours => {
            refuse_unused(engine, &["path", "flavor", "version", "package", "integrity"])?;
            let (path, version) = ours(platform)?;
            let program = add(Located::file(&path)?, version, platform, blobs)?;
            Ok(EngineProgram { program, flavor: EngineFlavor::RivetEngine })
        }
        EngineSource::File => {
            refuse_unused(engine, &["package", "integrity"])?;
            let path = engine.path.as_deref().ok_or(EngineError::Missing { field: "path" })?;
            let version =
                engine.version.clone().ok_or(EngineError::Missing { field: "version" })?;
            let flavor = engine.flavor.ok_or(EngineError::Missing { field: "flavor" })?;
            let located = Located::file(&substitute_arch(path, platform))?;
            let program = add(located, version, platform, blobs)?;
            Ok(EngineProgram { program, flavor })
        }
        EngineSource::Npm => {
            refuse_unused(engine, &["path"])?;
            let version =
                engine.version.clone().ok_or(EngineError::Missing { field: "version" })?;
            let located = npm::fetch(engine, &version, platform, cache)?;
            let flavor = engine.flavor.unwrap_or(EngineFlavor::Upstream);
            let program = add(located, version, platform, blobs)?;
            Ok(EngineProgram { program, flavor })
        }
    }
}

/// Finds the rivetctl to carry: the running one, unless the recipe names a file.
pub(crate) fn resolve_tool(
    tool: &recipe::Tool,
    platform: Platform,
    blobs: &mut Blobs,
) -> Result<Program, EngineError> {
    let ours = || env!("CARGO_PKG_VERSION").parse().expect("cargo's versions are versions");
    let version = tool.version.clone().unwrap_or_else(ours);
    let path = match &tool.path {
        Some(path) => substitute_arch(path, platform),
        None if Platform::current() == Some(platform) => running()?,
        None => return Err(EngineError::OtherPlatform { field: "rivetctl.path" }),
    };
    add(Located::file(&path)?, version, platform, blobs)
}

fn add(
    located: Located,
    version: Version,
    platform: Platform,
    blobs: &mut Blobs,
) -> Result<Program, EngineError> {
    elf::check(&located, platform)?;
    let mut source = located.open().map_err(FileError::on("read", &located.path))?;
    let (digest, _) =
        Sha256Digest::of_reader(&mut source).map_err(FileError::on("read", &located.path))?;
    blobs.add(digest, located.clone());
    Ok(Program { digest, located, version })
}

/// The rivet-engine beside the running rivetctl, and the version that it says it is.
fn ours(platform: Platform) -> Result<(Utf8PathBuf, Version), EngineError> {
    if Platform::current() != Some(platform) {
        return Err(EngineError::OtherPlatform { field: "engine.path" });
    }
    let path = running()?.with_file_name("rivet-engine");
    if !path.is_file() {
        return Err(EngineError::NotBeside { path });
    }
    let version = ask_version(&path)?;
    Ok((path, version))
}

fn ask_version(path: &Utf8Path) -> Result<Version, EngineError> {
    let answer = Command::new(path)
        .arg("--version")
        .env_clear()
        .output()
        .map_err(FileError::on("run", path))?;
    let text = String::from_utf8_lossy(&answer.stdout);
    let version =
        text.trim().strip_prefix("rivet-engine ").and_then(|version| version.parse().ok());
    version.filter(|_| answer.status.success()).ok_or_else(|| EngineError::Version {
        path: path.to_owned(),
        found: text.trim().chars().take(100).collect::<String>().escape_default().to_string(),
    })
}

fn running() -> Result<Utf8PathBuf, EngineError> {
    let path = std::env::current_exe().map_err(FileError::on("find", "the running rivetctl"))?;
    Utf8PathBuf::from_path_buf(path)
        .map_err(|path| EngineError::Path { found: path.display().to_string() })
}

/// A field that the source does not use was meant for another source.
fn refuse_unused(engine: &recipe::Engine, unused: &[&'static str]) -> Result<(), EngineError> {
    let set = [
        ("path", engine.path.is_some()),
        ("flavor", engine.flavor.is_some()),
        ("version", engine.version.is_some()),
        ("package", engine.package.is_some()),
        ("integrity", !engine.integrity.is_empty()),
    ];
    match set.into_iter().find(|(field, is_set)| *is_set && unused.contains(field)) {
        Some((field, _)) => Err(EngineError::Unused { field }),
        None => Ok(()),
    }
}
