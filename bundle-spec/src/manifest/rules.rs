//! From bytes to a manifest and back, and the rules that span fields.
//!
//! Only bytes that [`Manifest::to_bytes`] writes are read, so a manifest has one spelling: no
//! other reader of JSON can see other values in it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Compression, Image, Manifest, Platform, SCHEMA};
use crate::{
    archive::{MAX_BLOBS, MAX_CONTENT, MAX_MANIFEST},
    chunk::{CHUNK_SIZE, LARGE_BLOB, MAX_TABLE, chunks_of},
    digest::Sha256Digest,
    error::{BundleError, printable},
    text::Name,
};

/// Largest integer: what every JSON reader represents exactly.
pub(crate) const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Longest template, schema, image manifest or image configuration; readers hold them in memory.
pub(crate) const MAX_DOCUMENT: u64 = 8 << 20;

/// Longest `VERIFY.txt`.
const MAX_VERIFY_TXT: u64 = 256 << 10;

impl Manifest {
    /// Reads a manifest and checks every rule.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() as u64 > MAX_MANIFEST {
            let (found, limit) = (bytes.len() as u64, MAX_MANIFEST);
            return Err(BundleError::Limit {
                what: "length of manifest.json".to_owned(),
                found,
                limit,
            });
        }
        expect_schema(bytes)?;
        let json =
            |error: serde_json::Error| BundleError::ManifestJson { reason: json_reason(&error) };
        let manifest: Self = serde_json::from_slice(bytes).map_err(json)?;
        if manifest.to_bytes() != bytes {
            let reason = "it is not spelt as rivetctl writes it (order of fields, spaces, escapes)";
            return Err(BundleError::ManifestJson { reason: reason.to_owned() });
        }
        manifest.check()?;
        Ok(manifest)
    }

    /// The bytes that are signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("the fields are strings and numbers")
    }

    /// Checks every rule that the types do not express.
    pub fn check(&self) -> Result<(), BundleError> {
        self.find_fault().map_or(Ok(()), |rule| Err(BundleError::ManifestRule { rule }))
    }

    /// The first broken rule.
    fn find_fault(&self) -> Option<String> {
        Rules { manifest: self, blobs: BTreeMap::new() }.run().err()
    }
}

/// Says first that a manifest is of another version; only then do its fields mean anything.
fn expect_schema(bytes: &[u8]) -> Result<(), BundleError> {
    #[derive(Deserialize)]
    struct Probe {
        schema: String,
    }
    let probe: Probe = serde_json::from_slice(bytes)
        .map_err(|error| BundleError::ManifestJson { reason: json_reason(&error) })?;
    if probe.schema == SCHEMA {
        return Ok(());
    }
    Err(BundleError::ManifestSchema { found: printable(probe.schema.as_bytes()), expected: SCHEMA })
}

/// What a JSON reader says, safe to print: it may quote the document.
pub(crate) fn json_reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let shown: String = text.chars().take(300).collect();
    shown.escape_default().to_string().replace("\\\"", "\"").replace("\\'", "'")
}

/// Whether each item is greater than the one before it.
pub(crate) fn is_rising<T: Ord>(items: &[T]) -> bool {
    items.windows(2).all(|pair| pair[0] < pair[1])
}

struct Rules<'a> {
    manifest: &'a Manifest,
    blobs: BTreeMap<Sha256Digest, u64>,
}

impl Rules<'_> {
    fn run(&mut self) -> Result<(), String> {
        self.release()?;
        self.blobs()?;
        self.engines()?;
        self.tools()?;
        self.images()?;
        self.templates()?;
        self.lists()?;
        self.chunk_table()?;
        self.every_blob_is_used()?;
        self.derived()
    }

    /// Numbers and times.
    fn release(&self) -> Result<(), String> {
        let m = self.manifest;
        if m.schema != SCHEMA {
            return Err(format!("schema is {:?}, expected {SCHEMA:?}", m.schema));
        }
        if parse_triple(m.rivetctl_min.as_str()).is_none() {
            return Err(format!("rivetctl_min is {}, expected MAJOR.MINOR.PATCH", m.rivetctl_min));
        }
        if !(1..=MAX_INTEGER).contains(&m.release_seq) {
            return Err(format!("release_seq is {}, expected 1 to {MAX_INTEGER}", m.release_seq));
        }
        if m.min_from_seq > m.release_seq {
            return Err(format!(
                "min_from_seq {} is above release_seq {}",
                m.min_from_seq, m.release_seq
            ));
        }
        if m.created > MAX_INTEGER || m.not_after.is_some_and(|after| after > MAX_INTEGER) {
            return Err(format!("a time is above {MAX_INTEGER}"));
        }
        match m.not_after {
            Some(after) if after <= m.created => {
                Err(format!("not_after {after} is not later than created {}", m.created))
            }
            _ => Ok(()),
        }
    }

    fn blobs(&mut self) -> Result<(), String> {
        let blobs = &self.manifest.blobs;
        if blobs.len() > MAX_BLOBS {
            return Err(format!(
                "there are {} blobs, at most {MAX_BLOBS} are allowed",
                blobs.len()
            ));
        }
        if !blobs.windows(2).all(|pair| pair[0].digest < pair[1].digest) {
            return Err("blobs are not in ascending order, each once".to_owned());
        }
        if let Some(blob) = blobs.iter().find(|blob| blob.size > MAX_CONTENT) {
            return Err(format!("blob {} is longer than {MAX_CONTENT} bytes", blob.digest));
        }
        self.blobs = blobs.iter().map(|blob| (blob.digest, blob.size)).collect();
        Ok(())
    }

    fn engines(&self) -> Result<(), String> {
        let platforms = &self.manifest.platforms;
        if platforms.is_empty() || !is_rising(platforms) {
            return Err("platforms are not one or more in ascending order, each once".to_owned());
        }
        if !self.manifest.engines.iter().map(|engine| &engine.platform).eq(platforms) {
            return Err(
                "engines are not exactly one per platform, in the order of platforms".to_owned()
            );
        }
        for engine in &self.manifest.engines {
            let (platform, image) = (engine.platform, &engine.image);
            self.blob(&engine.binary, &format!("the engine for {platform}"))?;
            let is_it =
                |candidate: &&Image| candidate.name == *image && candidate.platform == platform;
            if !self.manifest.images.iter().any(|candidate| is_it(&candidate)) {
                return Err(format!(
                    "the engine for {platform} names image {image}, which is not listed"
                ));
            }
            let format = engine.state_format;
            if format.reads_from == 0 || format.reads_from > format.writes {
                return Err(format!("the engine for {platform} has an impossible state_format"));
            }
        }
        Ok(())
    }

    fn tools(&self) -> Result<(), String> {
        let tools = &self.manifest.tools;
        let keys: Vec<_> = tools.iter().map(|tool| (&tool.name, tool.platform)).collect();
        if !is_rising(&keys) {
            return Err("tools are not sorted by name and platform, each once".to_owned());
        }
        for tool in tools {
            self.platform(tool.platform, &tool.name)?;
            self.blob(&tool.binary, &format!("tool {}", tool.name))?;
        }
        Ok(())
    }

    fn images(&self) -> Result<(), String> {
        let images = &self.manifest.images;
        let keys: Vec<_> = images.iter().map(|image| (&image.name, image.platform)).collect();
        if !is_rising(&keys) {
            return Err("images are not sorted by name and platform, each once".to_owned());
        }
        let references: BTreeSet<_> =
            images.iter().map(|image| (image.platform, &image.reference)).collect();
        if references.len() != images.len() {
            return Err("two images of one platform have the same reference".to_owned());
        }
        images.iter().try_for_each(|image| self.image(image))
    }

    fn image(&self, image: &Image) -> Result<(), String> {
        let name = &image.name;
        self.platform(image.platform, name)?;
        self.document(&image.manifest, &format!("the manifest of image {name}"))?;
        self.document(&image.config, &format!("the configuration of image {name}"))?;
        for layer in &image.layers {
            let size = self.blob(&layer.blob, &format!("a layer of image {name}"))?;
            let plain = layer.diff_id == layer.blob && layer.uncompressed_size == size;
            if layer.compression == Compression::None && !plain {
                return Err(format!(
                    "a plain layer of image {name} has another digest or size unpacked"
                ));
            }
            if layer.uncompressed_size > MAX_INTEGER {
                return Err(format!(
                    "a layer of image {name} unpacks to more than {MAX_INTEGER} bytes"
                ));
            }
        }
        Ok(())
    }

    fn templates(&self) -> Result<(), String> {
        let paths: Vec<_> = self.manifest.templates.iter().map(|template| &template.path).collect();
        if !is_rising(&paths) {
            return Err("templates are not sorted by path, each once".to_owned());
        }
        let all: BTreeSet<&str> = paths.iter().map(|path| path.as_str()).collect();
        for template in &self.manifest.templates {
            let path = template.path.as_str();
            let mut parents = path.match_indices('/').map(|(at, _)| &path[..at]);
            if let Some(parent) = parents.find(|parent| all.contains(parent)) {
                return Err(format!("template {parent} is also the directory of template {path}"));
            }
            self.document(&template.blob, &format!("template {path}"))?;
        }
        match &self.manifest.config_schema {
            Some(schema) => self.document(schema, "config_schema"),
            None => Ok(()),
        }
    }

    fn lists(&self) -> Result<(), String> {
        let m = self.manifest;
        let pools: Vec<_> = m.pools.iter().map(|pool| &pool.name).collect();
        if !is_rising(&pools) {
            return Err("pools are not sorted by name, each once".to_owned());
        }
        if !is_rising(&m.allowed_risks) {
            return Err("allowed_risks are not in ascending order, each once".to_owned());
        }
        if !is_rising(&m.revoked_releases) {
            return Err("revoked_releases are not in ascending order, each once".to_owned());
        }
        let strange = |seq: &&u64| !(1..=MAX_INTEGER).contains(*seq) || **seq == m.release_seq;
        match m.revoked_releases.iter().find(strange) {
            Some(seq) => {
                Err(format!("revoked_releases has {seq}, which is this release or no sequence"))
            }
            None => Ok(()),
        }
    }

    fn chunk_table(&self) -> Result<(), String> {
        let chunks: u64 = self.manifest.blobs.iter().map(|blob| chunks_of(blob.size)).sum();
        let Some(table) = self.manifest.chunk_table else {
            return match chunks {
                0 => Ok(()),
                _ => Err(format!(
                    "chunk_table is null, and a blob is longer than {LARGE_BLOB} bytes"
                )),
            };
        };
        if table.chunk_size != CHUNK_SIZE {
            return Err(format!("chunk_size is {}, expected {CHUNK_SIZE}", table.chunk_size));
        }
        let size = self.blob(&table.blob, "chunk_table")?;
        if size != chunks * 32 || !(32..=MAX_TABLE).contains(&size) {
            let expected = chunks * 32;
            return Err(format!(
                "the chunk table has {size} bytes, expected {expected} and at most {MAX_TABLE}"
            ));
        }
        Ok(())
    }

    fn every_blob_is_used(&self) -> Result<(), String> {
        let m = self.manifest;
        let mut used: BTreeSet<Sha256Digest> = BTreeSet::new();
        used.extend(m.engines.iter().map(|engine| engine.binary));
        used.extend(m.tools.iter().map(|tool| tool.binary));
        used.extend(m.images.iter().flat_map(|image| [image.manifest, image.config]));
        used.extend(m.images.iter().flat_map(|image| &image.layers).map(|layer| layer.blob));
        used.extend(m.templates.iter().map(|template| template.blob));
        used.extend(m.config_schema);
        used.extend(m.chunk_table.map(|table| table.blob));
        match m.blobs.iter().find(|blob| !used.contains(&blob.digest)) {
            Some(blob) => Err(format!("blob {} is not used by anything", blob.digest)),
            None => Ok(()),
        }
    }

    /// What follows from the other fields.
    fn derived(&self) -> Result<(), String> {
        let m = self.manifest;
        if m.verify_txt.size > MAX_VERIFY_TXT {
            return Err(format!("VERIFY.txt is longer than {MAX_VERIFY_TXT} bytes"));
        }
        if m.sums != Sha256Digest::of(m.sums_text().as_bytes()) {
            return Err("sums is not the digest of the list that follows from blobs".to_owned());
        }
        Ok(())
    }

    fn platform(&self, platform: Platform, name: &Name) -> Result<(), String> {
        if self.manifest.platforms.contains(&platform) {
            return Ok(());
        }
        Err(format!("{name} is for {platform}, which is not among platforms"))
    }

    fn blob(&self, digest: &Sha256Digest, what: &str) -> Result<u64, String> {
        self.blobs
            .get(digest)
            .copied()
            .ok_or_else(|| format!("{what} is blob {digest}, which is not listed"))
    }

    fn document(&self, digest: &Sha256Digest, what: &str) -> Result<(), String> {
        match self.blob(digest, what)? {
            0..=MAX_DOCUMENT => Ok(()),
            size => Err(format!("{what} has {size} bytes, at most {MAX_DOCUMENT} are allowed")),
        }
    }
}

/// `MAJOR.MINOR.PATCH`, each a number without leading zeros.
pub(crate) fn parse_triple(text: &str) -> Option<[u32; 3]> {
    let number = |part: &str| -> Option<u32> {
        let number: u32 = part.parse().ok()?;
        (number.to_string() == part).then_some(number)
    };
    let mut parts = text.split('.').map(number);
    let triple = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(triple)
}
