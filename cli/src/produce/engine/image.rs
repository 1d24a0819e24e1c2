//! The engine's OCI image, written here: one static executable on an otherwise empty root file
//! system. No Docker is needed, and the same executable gives the same bytes.

use std::io::{self, Write};

use bundle_spec::{
    Sha256Digest,
    manifest::{self, Compression, Platform},
};
use flate2::{Compression as Level, GzBuilder};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{EngineError, EngineProgram};
use crate::{
    error::FileError,
    produce::{cache::Cache, image::describe_manifest, located::Blobs},
};

/// Name and reference of the engine's image in a bundle.
pub(crate) const ENGINE_IMAGE: &str = "rivet-engine";

/// Where the executable is in the image.
const PROGRAM: &str = "usr/local/bin/rivet-engine";

/// Whom the engine runs as when nobody says otherwise; no name, because there is no passwd file.
const USER: u32 = 65532;

#[derive(Serialize)]
struct Config<'a> {
    architecture: &'a str,
    os: &'a str,
    created: &'a str,
    #[serde(rename = "config")]
    settings: Settings<'a>,
    rootfs: RootFs,
    history: [History<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Settings<'a> {
    user: String,
    exposed_ports: ExposedPorts,
    env: [&'a str; 1],
    entrypoint: [&'a str; 1],
    cmd: [&'a str; 1],
    working_dir: &'a str,
    labels: Labels<'a>,
}

#[derive(Serialize)]
struct ExposedPorts {
    #[serde(rename = "6420/tcp")]
    api: Empty,
    #[serde(rename = "6421/tcp")]
    peer: Empty,
    #[serde(rename = "6430/tcp")]
    metrics: Empty,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Labels<'a> {
    #[serde(rename = "org.opencontainers.image.title")]
    title: &'a str,
    #[serde(rename = "org.opencontainers.image.version")]
    version: &'a str,
}

#[derive(Serialize)]
struct RootFs {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: [Sha256Digest; 1],
}

#[derive(Serialize)]
struct History<'a> {
    created: &'a str,
    created_by: &'a str,
}

/// Writes the image of `engine` and adds its blobs. `created` is RFC 3339.
pub(crate) fn write(
    engine: &EngineProgram,
    platform: Platform,
    created: &str,
    cache: &Cache,
    blobs: &mut Blobs,
) -> Result<manifest::Image, EngineError> {
    let layer = layer(engine, cache, blobs)?;
    let version = engine.program.version.as_str();
    let config = Config {
        architecture: platform.architecture(),
        os: "linux",
        created,
        settings: Settings {
            user: format!("{USER}:{USER}"),
            exposed_ports: ExposedPorts { api: Empty {}, peer: Empty {}, metrics: Empty {} },
            env: ["PATH=/usr/local/bin"],
            entrypoint: ["/usr/local/bin/rivet-engine"],
            cmd: ["start"],
            working_dir: "/",
            labels: Labels { title: ENGINE_IMAGE, version },
        },
        rootfs: RootFs { kind: "layers", diff_ids: [layer.diff_id] },
        history: [History { created, created_by: "rivetctl bundle" }],
    };
    let config = serde_json::to_vec(&config).expect("a configuration is plain data");
    let config_size = config.len() as u64;
    let config = blobs.add_bytes(config);
    let layers = vec![layer];
    let manifest = describe_manifest(config, config_size, &layers, blobs);
    let manifest = blobs.add_bytes(manifest);
    let source = format!("engine:{version}@{}", engine.program.digest);
    Ok(manifest::Image {
        name: ENGINE_IMAGE.parse().expect("the name is a constant"),
        platform,
        reference: ENGINE_IMAGE.parse().expect("the reference is a constant"),
        source: source.parse().expect("versions and digests are printable"),
        manifest,
        config,
        layers,
    })
}

/// The one layer, compressed once per executable and then taken from the cache.
fn layer(
    engine: &EngineProgram,
    cache: &Cache,
    blobs: &mut Blobs,
) -> Result<manifest::Layer, EngineError> {
    let note = format!("engine-layer/1/{}", engine.program.digest);
    if let Some((layer, located)) = cache.note(&note).and_then(|fact| {
        let layer: manifest::Layer = serde_json::from_str(&fact).ok()?;
        let located = cache.get(&layer.blob)?;
        Some((layer, located))
    }) {
        blobs.add(layer.blob, located);
        return Ok(layer);
    }

    // No name and no time in the gzip header: the same bytes every time.
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(cache.entry()?, Level::new(6));
    let mut hashing = Hashing { inner: gzip, hasher: Sha256::new(), length: 0 };
    let path = &engine.program.located.path;
    write_tar(engine, &mut hashing)
        .map_err(FileError::on("write the engine's image from", path))?;
    let Hashing { inner, hasher, length } = hashing;
    let entry = inner.finish().map_err(FileError::on("write the engine's image from", path))?;
    let (blob, located) = entry.finish()?;
    let layer = manifest::Layer {
        blob,
        diff_id: Sha256Digest::from_bytes(hasher.finalize().into()),
        uncompressed_size: length,
        compression: Compression::Gzip,
    };
    cache.remember(&note, &serde_json::to_string(&layer).expect("a layer is plain data"))?;
    blobs.add(blob, located);
    Ok(layer)
}

fn write_tar(engine: &EngineProgram, out: &mut dyn Write) -> io::Result<()> {
    let mut tar = tar::Builder::new(out);
    for (path, mode, owner) in [
        ("data/", 0o700, USER),
        ("etc/", 0o755, 0),
        ("etc/rivet/", 0o755, 0),
        ("tmp/", 0o1777, 0),
        ("usr/", 0o755, 0),
        ("usr/local/", 0o755, 0),
        ("usr/local/bin/", 0o755, 0),
    ] {
        tar.append(&header(path, tar::EntryType::Directory, mode, owner, 0)?, io::empty())?;
    }
    let program = &engine.program.located;
    let header = header(PROGRAM, tar::EntryType::Regular, 0o755, 0, program.length)?;
    tar.append(&header, program.open()?)?;
    tar.into_inner()?;
    Ok(())
}

fn header(
    path: &str,
    kind: tar::EntryType,
    mode: u32,
    owner: u32,
    size: u64,
) -> io::Result<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_path(path)?;
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(u64::from(owner));
    header.set_gid(u64::from(owner));
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    Ok(header)
}

/// Hashes the uncompressed tar as it passes.
struct Hashing<W> {
    inner: W,
    hasher: Sha256,
    length: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
