//! `manifest.json`: what a bundle promises, and the only document its signatures cover.
//!
//! The types are the schema. Every field is required, unknown and repeated keys are refused, and
//! there are no maps keyed by somebody's strings, because a JSON map silently keeps the last of
//! two equal keys. [`Manifest::parse`] is the only door from bytes; it also checks every rule that
//! spans fields, so that code holding a `Manifest` has nothing left to check.

pub(crate) mod rules;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    digest::Sha256Digest,
    text::{Line, Name, TemplatePath, Version},
};

/// The only value of [`Manifest::schema`] this crate reads.
pub const SCHEMA: &str = "rivet-bundle/1";

/// The signed table of contents of one bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Oldest `rivetctl` (semantic version) that may install this bundle.
    pub rivetctl_min: Version,
    /// Which product this is; trust and rollback protection are kept per product.
    pub product: Name,
    /// Release channel within the product.
    pub channel: Name,
    /// What people call the release. Never compared.
    pub version: Version,
    /// Position in the channel, 1 or more, strictly rising. This is what orders releases.
    pub release_seq: u64,
    /// Lowest sequence an existing install may be upgraded from; 0 means any.
    pub min_from_seq: u64,
    /// When the bundle was made, in seconds since 1970-01-01 UTC. A lower bound for "now".
    pub created: u64,
    /// After this time (seconds since 1970) sites that say so refuse the bundle.
    pub not_after: Option<u64>,
    /// Name of the one customer this bundle is for, or none for everybody.
    pub audience: Option<Name>,
    /// One sentence for the operator.
    pub description: Option<Line>,
    /// Every platform this bundle can be installed on, ascending.
    pub platforms: Vec<Platform>,
    /// The engine, once per platform.
    pub engines: Vec<Engine>,
    /// Programs carried for the operator: `rivetctl` itself, once per platform.
    pub tools: Vec<Tool>,
    /// Container images, sorted by name and platform. The engine's own image is among them.
    pub images: Vec<Image>,
    /// The vendor's templates, sorted by path.
    pub templates: Vec<Template>,
    /// JSON Schema of the values an operator may set, as a blob.
    pub config_schema: Option<Sha256Digest>,
    /// Pools that `install` registers with the engine, sorted by name.
    pub pools: Vec<Pool>,
    /// Risky settings in templates that the vendor declared, sorted; shown before install.
    pub allowed_risks: Vec<Line>,
    /// Releases of this channel that must not be installed any more, ascending.
    pub revoked_releases: Vec<u64>,
    /// Chunk digests of every blob above [`crate::chunk::LARGE_BLOB`], or none without such blobs.
    pub chunk_table: Option<ChunkTable>,
    /// Size and digest of `VERIFY.txt`.
    pub verify_txt: FileEntry,
    /// Digest of `SHA256SUMS`, which is derived from this manifest.
    pub sums: Sha256Digest,
    /// Bytes from the header of `SHA256SUMS` to the end of the file.
    pub payload_size: u64,
    /// Every blob, ascending by digest, each once.
    pub blobs: Vec<FileEntry>,
}

/// An operating system and processor, as in `linux/amd64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Platform {
    /// 64-bit x86.
    #[serde(rename = "linux/amd64")]
    LinuxAmd64,
    /// 64-bit ARM.
    #[serde(rename = "linux/arm64")]
    LinuxArm64,
}

/// Digest and length of one file of the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// SHA-256 of the content.
    pub digest: Sha256Digest,
    /// Length in bytes.
    pub size: u64,
}

/// The engine for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// Where it runs.
    pub platform: Platform,
    /// Whose engine it is, which decides how it is configured and how its token rotates.
    pub flavor: EngineFlavor,
    /// Its version.
    pub version: Version,
    /// The static executable, as a blob.
    pub binary: Sha256Digest,
    /// Name of its image in [`Manifest::images`] for the same platform.
    pub image: Name,
    /// Format of its data directory.
    pub state_format: StateFormat,
}

/// Whose engine a bundle carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineFlavor {
    /// Ours: several tokens, re-read while running.
    RivetEngine,
    /// The upstream project's: one token, read at start.
    Upstream,
}

/// Which data formats an engine reads and which it writes; decides whether going back is legal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateFormat {
    /// Oldest format it can open.
    pub reads_from: u32,
    /// Format it writes.
    pub writes: u32,
}

/// A program carried for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its file name, for example `rivetctl`.
    pub name: Name,
    /// Where it runs.
    pub platform: Platform,
    /// Its version.
    pub version: Version,
    /// The static executable, as a blob.
    pub binary: Sha256Digest,
}

/// One container image for one platform; every digest names a blob unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Its name inside the bundle. Host tags are made from it by the installer.
    pub name: Name,
    /// Where it runs.
    pub platform: Platform,
    /// What templates call it (`my-app:1.4`); replaced by the installer's own tag.
    pub reference: Line,
    /// Where it came from, pinned by digest; for people.
    pub source: Line,
    /// The OCI image manifest.
    pub manifest: Sha256Digest,
    /// The image configuration; pins the uncompressed content of every layer.
    pub config: Sha256Digest,
    /// Layers, lowest first.
    pub layers: Vec<Layer>,
}

/// One layer of an [`Image`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// The layer as the registry has it.
    pub blob: Sha256Digest,
    /// SHA-256 of the uncompressed tar. Not a blob, unless the layer is not compressed.
    pub diff_id: Sha256Digest,
    /// Length of the uncompressed tar in bytes.
    pub uncompressed_size: u64,
    /// How the blob is compressed.
    pub compression: Compression,
}

/// Compression of a layer blob. What a Docker 20.10 daemon cannot read is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// A plain tar.
    None,
    /// gzip, one member.
    Gzip,
}

/// A file of the vendor's that an install is rendered from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its path below the template directory.
    pub path: TemplatePath,
    /// What it is for.
    pub kind: TemplateKind,
    /// Its content, as a blob.
    pub blob: Sha256Digest,
}

/// What a [`Template`] is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateKind {
    /// Compose services to run beside the engine.
    Compose,
}

/// A pool of envoys that the product's app connects to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Its name, `default` unless the app sets `RIVET_POOL`.
    pub name: Name,
    /// Whether actors leave envoys of an older version.
    pub drain_on_version_upgrade: bool,
}

/// Where the chunk digests are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkTable {
    /// Concatenated 32-byte SHA-256 digests, as a blob.
    pub blob: Sha256Digest,
    /// Bytes per chunk; always [`crate::chunk::CHUNK_SIZE`].
    pub chunk_size: u64,
}

impl Platform {
    /// The platform this program was built for.
    pub const fn current() -> Option<Self> {
        if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            Some(Self::LinuxAmd64)
        } else if cfg!(all(target_os = "linux", target_arch = "aarch64")) {
            Some(Self::LinuxArm64)
        } else {
            None
        }
    }

    /// `linux/amd64` and the like.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LinuxAmd64 => "linux/amd64",
            Self::LinuxArm64 => "linux/arm64",
        }
    }

    /// The processor in the words of OCI image configurations.
    pub const fn architecture(self) -> &'static str {
        match self {
            Self::LinuxAmd64 => "amd64",
            Self::LinuxArm64 => "arm64",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Manifest {
    /// The engine for `platform`.
    pub fn engine(&self, platform: Platform) -> Option<&Engine> {
        self.engines.iter().find(|engine| engine.platform == platform)
    }

    /// The images for `platform`, by name.
    pub fn images_for(&self, platform: Platform) -> impl Iterator<Item = &Image> {
        self.images.iter().filter(move |image| image.platform == platform)
    }

    /// The length of a blob, when the bundle has it.
    pub fn blob_size(&self, digest: &Sha256Digest) -> Option<u64> {
        let at = self.blobs.binary_search_by_key(digest, |blob| blob.digest).ok()?;
        Some(self.blobs[at].size)
    }
}
