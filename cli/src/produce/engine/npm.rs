//! The upstream engine, as its project publishes it on npm. The user's own `npm` fetches it, so
//! that their registry, proxy and credentials apply; what it brings is checked here.

use std::{fs::File, io, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bundle_spec::{Sha256Digest, manifest::Platform, text::Version};
use camino::Utf8Path;
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha512};

use super::EngineError;
use crate::{
    error::FileError,
    produce::{cache::Cache, located::Located, recipe},
};

/// The upstream project's static build.
const PACKAGE: &str = "@rivetkit/engine-cli-linux-{npm_arch}-musl";

/// The executable inside the package.
const FILE: &str = "package/rivet-engine";

/// What the cache remembers of a package.
#[derive(Debug, Serialize, Deserialize)]
struct Fetched {
    integrity: String,
    binary: Sha256Digest,
}

/// What `npm pack --json` says.
#[derive(Debug, Deserialize)]
struct Packed {
    filename: String,
}

/// The engine's executable out of the package, downloaded once per version.
pub(super) fn fetch(
    engine: &recipe::Engine,
    version: &Version,
    platform: Platform,
    cache: &Cache,
) -> Result<Located, EngineError> {
    // A tag such as "latest" would be another release tomorrow.
    if !version.as_str().starts_with(|c: char| c.is_ascii_digit())
        || version.as_str().split('.').count() < 3
    {
        return Err(EngineError::Range { found: version.to_string() });
    }
    let arch = match platform {
        Platform::LinuxAmd64 => "x64",
        Platform::LinuxArm64 => "arm64",
    };
    let package = engine.package.as_deref().unwrap_or(PACKAGE).replace("{npm_arch}", arch);
    if !is_package_name(&package) {
        return Err(EngineError::PackageName { found: package });
    }
    let package = format!("{package}@{version}");
    let note = format!("npm/1/{package}");
    let known = cache.note(&note).and_then(|fact| {
        let known: Fetched = serde_json::from_str(&fact).ok()?;
        let located = cache.get(&known.binary)?;
        Some((known, located))
    });
    if let Some((known, located)) = known {
        check_pin(engine, &package, &known.integrity)?;
        return Ok(located);
    }
    let (fetched, located) = download(engine, &package, cache)?;
    cache.remember(&note, &serde_json::to_string(&fetched).expect("it is plain data"))?;
    Ok(located)
}

/// `name` or `@scope/name`: what else npm understands (flags, paths, addresses) is no package.
fn is_package_name(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    match text.strip_prefix('@').and_then(|scoped| scoped.split_once('/')) {
        Some((scope, name)) => part(scope) && part(name),
        None => part(text),
    }
}

fn download(
    engine: &recipe::Engine,
    package: &str,
    cache: &Cache,
) -> Result<(Fetched, Located), EngineError> {
    let announced = npm(&["view", "--json", package, "dist.integrity"], None)?;
    let announced: String = serde_json::from_str(&announced).map_err(|_| EngineError::Npm {
        command: format!("view {package}"),
        found: "it names no integrity for the package".into(),
    })?;

    let scratch = cache.scratch()?;
    let packed = npm(&["pack", "--json", "--ignore-scripts", package], Some(scratch.path()))?;
    let packed: Vec<Packed> = serde_json::from_str(&packed).map_err(|error| EngineError::Npm {
        command: format!("pack {package}"),
        found: error.to_string(),
    })?;
    let name =
        packed.first().and_then(|packed| packed.filename.rsplit('/').next()).unwrap_or_default();
    let path = scratch.path().join(name);

    let found = integrity(&path)?;
    if found != announced {
        return Err(EngineError::Integrity {
            package: package.to_owned(),
            found,
            expected: announced,
        });
    }
    check_pin(engine, package, &found)?;
    let (binary, located) = extract(&path, package, cache)?;
    Ok((Fetched { integrity: found, binary }, located))
}

fn check_pin(engine: &recipe::Engine, package: &str, found: &str) -> Result<(), EngineError> {
    let pins = &engine.integrity;
    if pins.is_empty() || pins.iter().any(|pin| pin == found) {
        return Ok(());
    }
    let (package, found) = (package.to_owned(), found.to_owned());
    Err(EngineError::Integrity { package, found, expected: pins.join(" or ") })
}

fn integrity(path: &Utf8Path) -> Result<String, EngineError> {
    let mut hasher = Sha512::new();
    let hashed = File::open(path).and_then(|mut file| io::copy(&mut file, &mut hasher));
    hashed.map_err(FileError::on("read", path))?;
    Ok(format!("sha512-{}", STANDARD.encode(hasher.finalize())))
}

fn extract(
    path: &Utf8Path,
    package: &str,
    cache: &Cache,
) -> Result<(Sha256Digest, Located), EngineError> {
    let file = File::open(path).map_err(FileError::on("read", path))?;
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    for entry in archive.entries().map_err(FileError::on("read", path))? {
        let mut entry = entry.map_err(FileError::on("read", path))?;
        if entry.path_bytes() == FILE.as_bytes() && entry.header().entry_type().is_file() {
            return Ok(cache.put(&mut entry, &mut |_| ())?);
        }
    }
    Err(EngineError::Package { package: package.to_owned(), file: FILE })
}

/// Runs npm and gives what it printed.
fn npm(arguments: &[&str], directory: Option<&Utf8Path>) -> Result<String, EngineError> {
    let failed = |found: String| EngineError::Npm { command: arguments.join(" "), found };
    let mut command = Command::new("npm");
    command.args(arguments).args(["--loglevel", "error"]).stdin(std::process::Stdio::null());
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    let answer = command.output().map_err(|error| failed(error.to_string()))?;
    if !answer.status.success() {
        let text = String::from_utf8_lossy(&answer.stderr);
        let text: String = text.trim().chars().take(1000).collect();
        return Err(failed(if text.is_empty() { answer.status.to_string() } else { text }));
    }
    String::from_utf8(answer.stdout).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_package_of_a_registry_is_asked_for() {
        for good in ["engine", "@rivetkit/engine-cli-linux-x64-musl"] {
            assert!(is_package_name(good), "{good}");
        }
        for bad in
            ["", "--global", "../engine", "git+ssh://x/y", "a/b", "@/x", "@a/b/c", "x@latest"]
        {
            assert!(!is_package_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_version_that_moves_is_refused() {
        let directory = camino_tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(directory.path().to_owned())).unwrap();
        for version in ["latest", "2", "2.3", "next.1.2"] {
            let engine = recipe::Engine::default();
            let fetched = fetch(&engine, &version.parse().unwrap(), Platform::LinuxAmd64, &cache);
            assert!(matches!(fetched, Err(EngineError::Range { .. })), "{version}");
        }
    }

    #[test]
    fn a_pinned_integrity_decides() {
        let pinned = |pins: &[&str]| recipe::Engine {
            integrity: pins.iter().map(|pin| (*pin).to_owned()).collect(),
            ..recipe::Engine::default()
        };
        assert!(check_pin(&pinned(&[]), "p", "sha512-a").is_ok());
        assert!(check_pin(&pinned(&["sha512-b", "sha512-a"]), "p", "sha512-a").is_ok());
        assert!(check_pin(&pinned(&["sha512-b"]), "p", "sha512-a").is_err());
    }
}
