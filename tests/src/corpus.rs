//! Hostile bundles: our own packer's output, then broken in one way each.
//!
//! A row says what is wrong and which code the refusal must carry. The letters follow the classes
//! of the documentation: A container, C names, D manifest, E signatures and roots, F releases.
//! Every row but those of F is one file; a row of F is a good bundle meeting a site that must
//! refuse it.

pub mod archive;
mod manifest_rows;
mod release_rows;
mod signature_rows;
mod tar_rows;

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use bundle_spec::{
    Draft, Fingerprint, Platform, Purpose, SecretKey, Sha256Digest, SignatureRegion, SshSig, pack,
};

use self::archive::{Archive, Member};

pub use release_rows::{ReleaseRow, SiteMemory, release_rows};

/// The key that the site trusts for releases.
const RELEASE: [u8; 32] = [7; 32];
/// A second release key, for thresholds.
const SECOND_RELEASE: [u8; 32] = [8; 32];
/// The offline key above them.
const ROOT: [u8; 32] = [1; 32];
/// Somebody else's.
const STRANGER: [u8; 32] = [9; 32];
/// The one the stranger vouches for.
const STRANGERS_FRIEND: [u8; 32] = [10; 32];

/// Makes the bytes of a row out of the good bundle.
type Make = Box<dyn Fn(&Good) -> Vec<u8>>;

/// One hostile bundle.
#[expect(missing_debug_implementations, reason = "it holds a closure")]
pub struct Row {
    /// Letter and number, unique.
    pub id: String,
    /// What is wrong with it.
    pub what: String,
    /// The code that its refusal must carry.
    pub code: &'static str,
    make: Make,
}

/// A good bundle, and the keys to make others of it.
#[derive(Debug)]
pub struct Good {
    bytes: Vec<u8>,
    root: Vec<u8>,
}

impl Row {
    /// A row that changes the good bundle's members.
    fn breaking(
        id: &str,
        what: &str,
        code: &'static str,
        change: impl Fn(&mut Archive, &Good) + 'static,
    ) -> Self {
        Self::new(id, what, code, move |good| {
            let mut archive = good.archive();
            change(&mut archive, good);
            archive.to_bytes()
        })
    }

    /// A row that is made from scratch.
    fn new(
        id: &str,
        what: &str,
        code: &'static str,
        make: impl Fn(&Good) -> Vec<u8> + 'static,
    ) -> Self {
        Self { id: id.to_owned(), what: what.to_owned(), code, make: Box::new(make) }
    }

    /// The bundle's bytes.
    pub fn bytes(&self, good: &Good) -> Vec<u8> {
        (self.make)(good)
    }
}

/// Every row that is a file: A, C, D and E.
pub fn rows() -> Vec<Row> {
    let mut rows = tar_rows::structure();
    rows.extend(tar_rows::names());
    rows.extend(manifest_rows::rows());
    rows.extend(signature_rows::rows());
    rows
}

impl Good {
    /// Packs and signs the smallest bundle that has everything a bundle can have.
    pub fn pack() -> Self {
        let root = root_document(1, 1, &[ROOT], 1, &[RELEASE, SECOND_RELEASE]);
        let bytes = pack_with(&root, |manifest| {
            let key = SecretKey::from_seed(RELEASE);
            vec![SshSig::sign(&key, Purpose::BundleManifest, manifest).unwrap()]
        });
        Self { bytes, root }
    }

    /// The bundle.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The root document that the site trusts.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.root)
    }

    /// The trusted root document itself.
    pub fn root(&self) -> &[u8] {
        &self.root
    }

    /// The bundle taken apart.
    pub fn archive(&self) -> Archive {
        Archive::parse(&self.bytes)
    }

    /// `manifest.json` as text.
    pub fn manifest_text(&self) -> String {
        String::from_utf8(self.archive().members[0].data.clone()).unwrap()
    }

    /// Puts another manifest into `archive`, signed by the trusted release key.
    pub fn sign_into(&self, archive: &mut Archive, manifest: &str) {
        self.sign_bytes_into(archive, manifest.as_bytes());
    }

    /// The same for bytes that are not text.
    pub fn sign_bytes_into(&self, archive: &mut Archive, manifest: &[u8]) {
        let key = SecretKey::from_seed(RELEASE);
        let signature = SshSig::sign(&key, Purpose::BundleManifest, manifest).unwrap();
        archive.members[0].set_data(manifest.to_vec());
        archive.members[1].set_data(signature.to_armored().into_bytes());
    }
}

/// A root document of the sample product, good or not, in the packer's spelling.
fn root_document(
    version: u64,
    root_threshold: u32,
    root: &[[u8; 32]],
    release_threshold: u32,
    release: &[[u8; 32]],
) -> Vec<u8> {
    let keys = |seeds: &[[u8; 32]]| {
        let keys = seeds.iter().map(|seed| format!("\"{}\"", SecretKey::from_seed(*seed).public()));
        keys.collect::<Vec<_>>().join(",")
    };
    format!(
        "{{\"schema\":\"rivet-root/1\",\"product\":\"sample-notes\",\"version\":{version},\
         \"root\":{{\"threshold\":{root_threshold},\"keys\":[{}]}},\
         \"release\":{{\"threshold\":{release_threshold},\"keys\":[{}]}},\
         \"revoked_keys\":[],\"revoked_releases\":[],\"reset_floor\":null}}",
        keys(root),
        keys(release),
    )
    .into_bytes()
}

/// A root document as a member of a bundle, and who signed it.
struct RawRoot<'a> {
    version: u64,
    bytes: &'a [u8],
    signers: &'a [[u8; 32]],
}

/// Packs the sample content with root 1 and the signatures that `sign` makes of the manifest.
fn pack_with(root: &[u8], sign: impl Fn(&[u8]) -> Vec<SshSig>) -> Vec<u8> {
    pack_with_roots(&[RawRoot { version: 1, bytes: root, signers: &[ROOT] }], sign)
}

/// The same with any root documents. The packer would refuse most of them, so it packs without
/// signatures, and they are put in here.
fn pack_with_roots(roots: &[RawRoot<'_>], sign: impl Fn(&[u8]) -> Vec<SshSig>) -> Vec<u8> {
    let content = Content::sample();
    let mut out = Vec::new();
    let mut unsigned = |_: &[u8]| Ok(SignatureRegion::default());
    pack::pack(content.draft(), &content.sizes(), &content, &mut out, &mut unsigned, &mut |_| ())
        .unwrap();

    let mut archive = Archive::parse(&out);
    let mut region = signature_members("sig/", &sign(&archive.members[0].data));
    for root in roots {
        region.push(Member::file(&format!("root/{}.json", root.version), root.bytes));
        let sign = |seed: &[u8; 32]| {
            SshSig::sign(&SecretKey::from_seed(*seed), Purpose::BundleRoot, root.bytes).unwrap()
        };
        let signatures: Vec<SshSig> = root.signers.iter().map(sign).collect();
        region.extend(signature_members(&format!("root/{}.", root.version), &signatures));
    }
    archive.members.splice(1..1, region);
    archive.to_bytes()
}

/// Signature files in their order.
fn signature_members(prefix: &str, signatures: &[SshSig]) -> Vec<Member> {
    let member = |signature: &SshSig| {
        let name = format!("{prefix}{}.sshsig", signature.key().id().hex());
        Member::file(&name, signature.to_armored().as_bytes())
    };
    let mut members: Vec<Member> = signatures.iter().map(member).collect();
    members.sort_by(|a, b| a.name().cmp(b.name()));
    members
}

/// The blobs of the sample bundle, in memory.
struct Content {
    blobs: BTreeMap<Sha256Digest, Vec<u8>>,
    binary: Sha256Digest,
    layer: Sha256Digest,
    config: Sha256Digest,
    manifest: Sha256Digest,
}

impl Content {
    fn sample() -> Self {
        let mut blobs = BTreeMap::new();
        let mut add = |bytes: Vec<u8>| {
            let digest = Sha256Digest::of(&bytes);
            blobs.insert(digest, bytes);
            digest
        };
        let binary = add(b"\x7fELF, as far as this bundle is concerned".to_vec());
        // Large enough for a chunk table of more than one chunk.
        let layer =
            add((0..9_000_001_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect());
        let config =
            add(br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers"}}"#.to_vec());
        let manifest = add(br#"{"schemaVersion":2}"#.to_vec());
        Self { blobs, binary, layer, config, manifest }
    }

    fn sizes(&self) -> BTreeMap<Sha256Digest, u64> {
        self.blobs.iter().map(|(digest, bytes)| (*digest, bytes.len() as u64)).collect()
    }

    fn draft(&self) -> Draft {
        let draft = serde_json::json!({
            "rivetctl_min": "0.1.0",
            "product": "sample-notes",
            "channel": "stable",
            "version": "1.0.0",
            "release_seq": 5,
            "min_from_seq": 0,
            "created": 1_760_000_000,
            "not_after": null,
            "audience": null,
            "description": "a bundle to be broken",
            "platforms": [Platform::LinuxAmd64],
            "engines": [{
                "platform": "linux/amd64",
                "flavor": "rivet-engine",
                "version": "0.1.0",
                "binary": self.binary,
                "image": "rivet-engine",
                "state_format": { "reads_from": 1, "writes": 1 },
            }],
            "tools": [],
            "images": [{
                "name": "rivet-engine",
                "platform": "linux/amd64",
                "reference": "rivet-engine",
                "source": "made for the corpus",
                "manifest": self.manifest,
                "config": self.config,
                "layers": [{
                    "blob": self.layer,
                    "diff_id": self.layer,
                    "uncompressed_size": 9_000_001,
                    "compression": "none",
                }],
            }],
            "templates": [],
            "config_schema": null,
            "pools": [{ "name": "default", "drain_on_version_upgrade": true }],
            "allowed_risks": [],
            "revoked_releases": [],
        });
        serde_json::from_value(draft).unwrap()
    }
}

impl bundle_spec::BlobStore for Content {
    fn open(&self, digest: &Sha256Digest) -> io::Result<Box<dyn Read + Send + '_>> {
        let bytes = self.blobs.get(digest).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(bytes.as_slice()))
    }
}
