//! What the daemon gets to read of good bundles, and of ones that change under our hands.

use std::{
    collections::BTreeMap,
    io::{Seek, SeekFrom},
};

use bundle_spec::{
    BlobStore, Draft, Fingerprint, Purpose, RootDocument, SecretKey, SignatureRegion, SignedRoot,
    SshSig, TrustedRoot, UnverifiedBundle,
    manifest::{Compression, Engine, EngineFlavor, Layer, Platform, StateFormat},
    pack::pack,
    root::{ROOT_SCHEMA, Role},
};
use camino::Utf8Path;

use super::*;

/// Larger than a chunk, so that bytes are handed out before the whole is known to be good.
const LAYER_SIZE: usize = 9 << 20;

struct Blobs(BTreeMap<Sha256Digest, Vec<u8>>);

impl BlobStore for Blobs {
    fn open(&self, digest: &Sha256Digest) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.0[digest].as_slice()))
    }
}

impl Blobs {
    fn add(&mut self, bytes: Vec<u8>) -> Sha256Digest {
        let digest = Sha256Digest::of(&bytes);
        self.0.insert(digest, bytes);
        digest
    }
}

/// A verified bundle with one image of two layers, and the file that it is read from.
fn bundle(dir: &Utf8Path) -> (VerifiedBundle<File>, Image, camino::Utf8PathBuf) {
    let mut blobs = Blobs(BTreeMap::new());
    let layer = |blobs: &mut Blobs, fill: u8, size: usize| {
        let digest = blobs.add(vec![fill; size]);
        Layer {
            blob: digest,
            diff_id: digest,
            uncompressed_size: size as u64,
            compression: Compression::None,
        }
    };
    let platform = Platform::LinuxAmd64;
    let image = Image {
        name: "rivet-engine".parse().unwrap(),
        platform,
        reference: "rivet-engine".parse().unwrap(),
        source: "test".parse().unwrap(),
        manifest: blobs.add(b"manifest".to_vec()),
        config: blobs.add(b"config".to_vec()),
        layers: vec![layer(&mut blobs, 1, 700), layer(&mut blobs, 2, LAYER_SIZE)],
    };
    let engine = Engine {
        platform,
        flavor: EngineFlavor::RivetEngine,
        version: "0.1.0".parse().unwrap(),
        binary: blobs.add(b"engine".to_vec()),
        image: image.name.clone(),
        state_format: StateFormat { reads_from: 1, writes: 1 },
    };
    let draft = Draft {
        rivetctl_min: "0.1.0".parse().unwrap(),
        product: "notes".parse().unwrap(),
        channel: "stable".parse().unwrap(),
        version: "1".parse().unwrap(),
        release_seq: 1,
        min_from_seq: 0,
        created: 1,
        not_after: None,
        audience: None,
        description: None,
        platforms: vec![platform],
        engines: vec![engine],
        tools: Vec::new(),
        images: vec![image.clone()],
        templates: Vec::new(),
        config_schema: None,
        pools: Vec::new(),
        allowed_risks: Vec::new(),
        revoked_releases: Vec::new(),
    };
    let (root_key, release_key) = (SecretKey::from_seed([1; 32]), SecretKey::from_seed([2; 32]));
    let role = |key: &SecretKey| Role { threshold: 1, keys: vec![key.public().clone()] };
    let root = RootDocument {
        schema: ROOT_SCHEMA.to_owned(),
        product: "notes".parse().unwrap(),
        version: 1,
        root: role(&root_key),
        release: role(&release_key),
        revoked_keys: Vec::new(),
        revoked_releases: Vec::new(),
        reset_floor: None,
    };
    let root = root.to_bytes();
    let sizes = blobs.0.iter().map(|(digest, bytes)| (*digest, bytes.len() as u64)).collect();
    let path = dir.join("notes.rvb");
    let mut file = File::create(&path).unwrap();
    let mut sign = |manifest: &[u8]| {
        Ok(SignatureRegion {
            signatures: vec![SshSig::sign(&release_key, Purpose::BundleManifest, manifest)?],
            roots: vec![SignedRoot {
                bytes: root.clone(),
                signatures: vec![SshSig::sign(&root_key, Purpose::BundleRoot, &root)?],
            }],
        })
    };
    pack(draft, &sizes, &blobs, &mut file, &mut sign, &mut |_| ()).unwrap();
    let trust = TrustedRoot::bootstrap(&root, &Fingerprint::of(&root)).unwrap();
    let verified =
        UnverifiedBundle::open(File::open(&path).unwrap()).unwrap().verify(&trust).unwrap();
    (verified, image, path)
}

fn names(archive: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().unwrap().map_while(Result::ok);
    entries.map(|entry| entry.path().unwrap().to_string_lossy().into_owned()).collect()
}

fn is_commit(name: &String) -> bool {
    name == "manifest.json" || name == "index.json"
}

#[test]
fn the_commit_record_comes_after_every_blob() {
    let dir = camino_tempfile::tempdir().unwrap();
    let (mut bundle, image, _) = bundle(dir.path());
    let mut archive = Vec::new();

    write(&mut bundle, &image, "rivetctl.local/notes/rivet-engine:1", 0, &mut archive, &mut |_| ())
        .unwrap();

    let names = names(&archive);
    assert_eq!(names.len(), 3 + 4 + 2);
    assert!(names[7..].iter().all(is_commit), "{names:?}");
    assert!(!names[..7].iter().any(is_commit), "{names:?}");
}

#[test]
fn a_layer_that_the_daemon_has_is_named_and_not_sent() {
    let dir = camino_tempfile::tempdir().unwrap();
    let (mut bundle, image, _) = bundle(dir.path());
    let mut archive = Vec::new();

    write(&mut bundle, &image, "rivetctl.local/notes/rivet-engine:1", 1, &mut archive, &mut |_| ())
        .unwrap();

    let skipped = path(&image.layers[0].blob);
    assert!(!names(&archive).contains(&skipped));
    let text = String::from_utf8_lossy(&archive);
    assert!(text[text.find("manifest.json").unwrap()..].contains(&skipped));
}

#[test]
fn a_byte_that_changes_after_verification_ends_the_stream_before_the_commit_record() {
    let dir = camino_tempfile::tempdir().unwrap();
    let (mut bundle, image, file) = bundle(dir.path());
    // In the second chunk of the large layer: the first one has gone out by then.
    let bytes = std::fs::read(&file).unwrap();
    let start = bytes.windows(64).position(|window| window == [2; 64]).unwrap();
    let mut changed = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
    changed.seek(SeekFrom::Start(start as u64 + (5 << 20))).unwrap();
    changed.write_all(&[3]).unwrap();
    let mut archive = Vec::new();

    let written = write(
        &mut bundle,
        &image,
        "rivetctl.local/notes/rivet-engine:1",
        0,
        &mut archive,
        &mut |_| (),
    );

    let error = written.unwrap_err().downcast::<bundle_spec::BundleError>().unwrap();
    assert_eq!(error.code().to_string(), "RVB-BLOB-CHUNK");
    assert!(archive.len() > 4 << 20, "good chunks are streamed");
    assert!(archive.len() < 6 << 20, "no byte of the bad chunk was handed out");
    assert!(!names(&archive).iter().any(is_commit));
}
