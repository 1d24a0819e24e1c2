//! A good bundle, its keys, and ways to break it.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use bundle_spec::{
    BlobStore, BundleError, Draft, Purpose, RootDocument, SecretKey, Sha256Digest, SignatureRegion,
    SignedRoot, SshSig, TrustedRoot, UnverifiedBundle, VerifiedBundle, pack, root::Role,
};

pub(crate) const ROOT_KEY: u8 = 1;
pub(crate) const RELEASE_KEY: u8 = 2;
pub(crate) const SECOND_RELEASE_KEY: u8 = 3;
pub(crate) const NEXT_ROOT_KEY: u8 = 4;
pub(crate) const STRANGER: u8 = 9;

pub(crate) fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

/// Blobs in memory and the draft that uses them.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) blobs: BTreeMap<Sha256Digest, Vec<u8>>,
    pub(crate) draft: Draft,
}

impl Sample {
    /// Small blobs only.
    pub(crate) fn small() -> Self {
        Self::with_layer(&[7; 700])
    }

    /// One blob of three chunks, the last one short.
    pub(crate) fn large() -> Self {
        let layer: Vec<u8> =
            (0..9_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        Self::with_layer(&layer)
    }

    pub(crate) fn with_layer(layer: &[u8]) -> Self {
        let mut blobs = BTreeMap::new();
        let mut add = |bytes: &[u8]| {
            let digest = Sha256Digest::of(bytes);
            blobs.insert(digest, bytes.to_vec());
            digest
        };
        let (binary, tool) = (add(b"the engine"), add(b"#!/bin/sh\necho rivetctl of the bundle\n"));
        let (config, manifest) = (add(b"{\"config\":1}"), add(b"{\"manifest\":1}"));
        let (compose, schema) = (add(b"services: {}\n"), add(b"{}"));
        let size = layer.len();
        let layer = add(layer);
        let draft = serde_json::json!({
            "rivetctl_min": "0.1.0", "product": "notes", "channel": "stable", "version": "1.2.3",
            "release_seq": 5, "min_from_seq": 2, "created": 1_760_000_000_u64,
            "not_after": 1_790_000_000_u64, "audience": null, "description": "spring release",
            "platforms": ["linux/amd64"],
            "engines": [{ "platform": "linux/amd64", "flavor": "rivet-engine", "version": "0.1.0",
                "binary": binary, "image": "rivet-engine", "state_format": { "reads_from": 1, "writes": 2 } }],
            "tools": [{ "name": "rivetctl", "platform": "linux/amd64", "version": "0.1.0", "binary": tool }],
            "images": [{ "name": "rivet-engine", "platform": "linux/amd64", "reference": "rivet-engine",
                "source": "built from linux/amd64", "manifest": manifest, "config": config,
                "layers": [{ "blob": layer, "diff_id": layer, "uncompressed_size": size, "compression": "none" }] }],
            "templates": [{ "path": "app.yaml", "kind": "compose", "blob": compose }],
            "config_schema": schema,
            "pools": [{ "name": "default", "drain_on_version_upgrade": true }],
            "allowed_risks": ["host-network:app"], "revoked_releases": [3, 4],
        });
        Self { blobs, draft: serde_json::from_value(draft).unwrap() }
    }

    pub(crate) fn sizes(&self) -> BTreeMap<Sha256Digest, u64> {
        self.blobs.iter().map(|(digest, bytes)| (*digest, bytes.len() as u64)).collect()
    }

    /// Packs it with what `region` makes of the manifest.
    pub(crate) fn pack(&self, region: impl Fn(&[u8]) -> SignatureRegion) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        let mut region = |manifest: &[u8]| Ok(region(manifest));
        pack::pack(self.draft.clone(), &self.sizes(), self, &mut out, &mut region, &mut |_| ())
            .unwrap();
        out.into_inner()
    }

    /// Packs it, signed by these keys, with root 1.
    pub(crate) fn signed_by(&self, seeds: &[u8]) -> Vec<u8> {
        self.pack(|manifest| SignatureRegion {
            signatures: seeds.iter().map(|seed| sign(*seed, manifest)).collect(),
            roots: vec![signed_root(&root(1), &[ROOT_KEY])],
        })
    }

    /// Packs it, signed by the release key, with these roots.
    pub(crate) fn with_roots(&self, roots: &[SignedRoot]) -> Vec<u8> {
        self.pack(|manifest| SignatureRegion {
            signatures: vec![sign(RELEASE_KEY, manifest)],
            roots: roots.to_vec(),
        })
    }
}

impl BlobStore for Sample {
    fn open(&self, digest: &Sha256Digest) -> io::Result<Box<dyn Read + Send + '_>> {
        let bytes = self.blobs.get(digest).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(bytes.as_slice()))
    }
}

/// A small bundle that verifies.
pub(crate) fn good() -> Vec<u8> {
    Sample::small().signed_by(&[RELEASE_KEY])
}

pub(crate) fn sign(seed: u8, manifest: &[u8]) -> SshSig {
    SshSig::sign(&key(seed), Purpose::BundleManifest, manifest).unwrap()
}

/// A root document with one root key and two release keys.
pub(crate) fn root(version: u64) -> RootDocument {
    let role = |seeds: &[u8]| Role {
        threshold: 1,
        keys: seeds.iter().map(|seed| key(*seed).public().clone()).collect(),
    };
    RootDocument {
        schema: bundle_spec::root::ROOT_SCHEMA.to_owned(),
        product: "notes".parse().unwrap(),
        version,
        root: role(&[ROOT_KEY]),
        release: role(&[RELEASE_KEY, SECOND_RELEASE_KEY]),
        revoked_keys: vec![],
        revoked_releases: vec![],
        reset_floor: None,
    }
}

pub(crate) fn root_signatures(bytes: &[u8], seeds: &[u8]) -> Vec<SshSig> {
    seeds
        .iter()
        .map(|seed| SshSig::sign(&key(*seed), Purpose::BundleRoot, bytes).unwrap())
        .collect()
}

pub(crate) fn signed_root(document: &RootDocument, seeds: &[u8]) -> SignedRoot {
    let bytes = document.to_bytes();
    SignedRoot { signatures: root_signatures(&bytes, seeds), bytes }
}

pub(crate) fn trust(document: &RootDocument) -> TrustedRoot {
    TrustedRoot::reload(&document.to_bytes()).unwrap()
}

pub(crate) fn verify(bytes: &[u8]) -> Result<VerifiedBundle<Cursor<Vec<u8>>>, BundleError> {
    verify_with(bytes, &trust(&root(1)))
}

pub(crate) fn verify_with(
    bytes: &[u8],
    trust: &TrustedRoot,
) -> Result<VerifiedBundle<Cursor<Vec<u8>>>, BundleError> {
    UnverifiedBundle::open(Cursor::new(bytes.to_vec()))?.verify(trust)
}

/// Verifies and hashes everything.
pub(crate) fn check(bytes: &[u8]) -> Result<(), BundleError> {
    verify(bytes)?.check_all(&mut |_| ())
}

/// The code with which these bytes are refused.
pub(crate) fn refusal(bytes: &[u8]) -> &'static str {
    check(bytes).map_or_else(|error| error.code().as_str(), |()| "accepted")
}

/// A tar of ours taken apart, without checking anything.
#[derive(Clone)]
pub(crate) struct Tar(pub(crate) Vec<(Vec<u8>, Vec<u8>)>, pub(crate) Vec<u8>);

impl Tar {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let (mut members, mut at) = (Vec::new(), 0);
        while bytes[at] != 0 {
            let digits = std::str::from_utf8(&bytes[at + 124..at + 135]).unwrap();
            let size = usize::from_str_radix(digits, 8).unwrap();
            members.push((bytes[at..at + 512].to_vec(), bytes[at + 512..at + 512 + size].to_vec()));
            at += 512 + size.div_ceil(512) * 512;
        }
        Self(members, bytes[at..].to_vec())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (header, content) in &self.0 {
            bytes.extend_from_slice(header);
            bytes.extend_from_slice(content);
            bytes.resize(bytes.len().div_ceil(512) * 512, 0);
        }
        bytes.extend_from_slice(&self.1);
        bytes
    }

    pub(crate) fn at(&self, name: &str) -> usize {
        self.0.iter().position(|(header, _)| header.starts_with(name.as_bytes())).unwrap()
    }

    /// Replaces content and makes the header fit.
    pub(crate) fn set(&mut self, at: usize, content: &[u8]) {
        self.0[at].1 = content.to_vec();
        let size = format!("{:011o}", content.len());
        self.0[at].0[124..135].copy_from_slice(size.as_bytes());
        self.seal(at);
    }

    pub(crate) fn rename(&mut self, at: usize, name: &str) {
        self.0[at].0[..100].fill(0);
        self.0[at].0[..name.len()].copy_from_slice(name.as_bytes());
        self.seal(at);
    }

    /// Makes the header's checksum right.
    pub(crate) fn seal(&mut self, at: usize) {
        let header = &mut self.0[at].0;
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }

    /// Replaces the manifest and signs it with the release key.
    pub(crate) fn resign(&mut self, manifest: &[u8]) {
        self.set(0, manifest);
        self.set(1, sign(RELEASE_KEY, manifest).to_armored().as_bytes());
    }
}

/// A directory that is removed at the end of the test.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("bundle-spec-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
