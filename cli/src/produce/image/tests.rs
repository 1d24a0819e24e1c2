//! Images in every shape that a source can have, and what has to be refused of them.

use std::io::Write as _;

use bundle_spec::manifest::Platform;
use camino_tempfile::Utf8TempDir;
use flate2::{Compression as Level, write::GzEncoder};
use serde_json::{Value, json};

use super::*;
use crate::error::Explain as _;

const AMD64: Platform = Platform::LinuxAmd64;
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn config(architecture: &str, diff_ids: &[&[u8]]) -> Vec<u8> {
    let diff_ids: Vec<Sha256Digest> = diff_ids.iter().map(|tar| Sha256Digest::of(tar)).collect();
    let rootfs = json!({"type": "layers", "diff_ids": diff_ids});
    serde_json::to_vec(&json!({"os": "linux", "architecture": architecture, "rootfs": rootfs}))
        .unwrap()
}

/// An OCI layout under construction.
struct Layout {
    directory: Utf8TempDir,
    manifests: Vec<Value>,
}

impl Layout {
    fn new() -> Self {
        let directory = camino_tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("blobs/sha256")).unwrap();
        std::fs::write(directory.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)
            .unwrap();
        Self { directory, manifests: Vec::new() }
    }

    fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Sha256Digest::of(bytes);
        let path = self.directory.path().join("blobs/sha256").join(digest.to_hex());
        std::fs::write(path, bytes).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    fn document(&self, media_type: &str, document: &Value) -> Value {
        self.blob(media_type, &serde_json::to_vec(document).unwrap())
    }

    fn image(&self, config: &[u8], layers: &[Value]) -> Value {
        let config = self.blob(oci::OCI_CONFIG, config);
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers});
        self.document(oci::OCI_MANIFEST, &manifest)
    }

    fn index(&self, manifests: &[Value]) -> Value {
        let index = json!({"schemaVersion": 2, "manifests": manifests});
        self.document("application/vnd.oci.image.index.v1+json", &index)
    }

    fn with(mut self, manifest: Value) -> Self {
        self.manifests.push(manifest);
        self
    }

    fn find(&self, reference: &str) -> Result<Checked, ImageError> {
        let index = json!({"schemaVersion": 2, "manifests": self.manifests});
        let path = self.directory.path().join("index.json");
        std::fs::write(path, serde_json::to_vec(&index).unwrap()).unwrap();
        let found = layout::find_in_directory(self.directory.path(), reference, AMD64)?;
        check(found, AMD64, &mut Blobs::default(), &mut |_| ())
    }

    fn code(&self) -> String {
        match self.find("app:1") {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.code().into_owned(),
        }
    }
}

fn good_image(layout: &Layout, architecture: &str, content: &[u8]) -> Value {
    let layer = layout.blob(LAYER_GZIP, &gzip(content));
    layout.image(&config(architecture, &[content]), &[layer])
}

#[test]
fn a_layouts_registry_bytes_are_kept() {
    let layout = Layout::new();
    let bytes = gzip(b"one");
    let layers = [layout.blob(LAYER_GZIP, &bytes), layout.blob(LAYER, b"two")];
    let image = layout.image(&config("amd64", &[b"one", b"two"]), &layers);
    let manifest: Sha256Digest = serde_json::from_value(image["digest"].clone()).unwrap();

    let checked = layout.with(image).find("app:1").unwrap();

    assert_eq!(checked.manifest, manifest);
    assert_eq!(checked.layers[0].blob, Sha256Digest::of(&bytes));
    assert_eq!(checked.layers[0].diff_id, Sha256Digest::of(b"one"));
    assert_eq!(checked.layers[1].compression, Compression::None);
}

#[test]
fn the_platforms_image_is_found_in_a_nested_index() {
    let layout = Layout::new();
    let (mut amd, mut arm) =
        (good_image(&layout, "amd64", b"amd"), good_image(&layout, "arm64", b"arm"));
    amd["platform"] = json!({"os": "linux", "architecture": "amd64"});
    arm["platform"] = json!({"os": "linux", "architecture": "arm64"});
    let mut attestation = good_image(&layout, "amd64", b"attestation");
    attestation["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    let inner = layout.index(&[attestation, arm.clone(), amd]);

    let checked = layout.with(inner).find("app:1").unwrap();
    assert_eq!(checked.layers[0].diff_id, Sha256Digest::of(b"amd"));

    let only_arm = Layout::new();
    let arm = good_image(&only_arm, "arm64", b"arm");
    assert_eq!(only_arm.with(arm).code(), "RCTL-IMAGE-PLATFORM");
}

#[test]
fn one_of_several_images_is_chosen_by_its_name() {
    let layout = Layout::new();
    let named = |content: &[u8], name: &str| {
        let mut image = good_image(&layout, "amd64", content);
        image["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        image
    };
    let (one, two) = (named(b"1", "1"), named(b"2", "docker.io/library/app:2"));
    let layout = layout.with(one).with(two);

    assert_eq!(layout.find("app:1").unwrap().layers[0].diff_id, Sha256Digest::of(b"1"));
    assert_eq!(layout.find("app:2").unwrap().layers[0].diff_id, Sha256Digest::of(b"2"));
    let Err(error) = layout.find("app:3") else { panic!() };
    assert_eq!(error.code(), "RCTL-IMAGE-ABSENT");
    assert!(error.to_string().contains("docker.io/library/app:2"));
}

#[test]
fn indexes_that_go_ever_deeper_are_refused() {
    let layout = Layout::new();
    let mut deep = good_image(&layout, "amd64", b"x");
    for _ in 0..8 {
        deep = layout.index(&[deep]);
    }
    assert_eq!(layout.with(deep).code(), "RCTL-IMAGE-NESTING");
}

#[test]
fn layers_that_the_host_could_not_load_are_refused() {
    for (media_type, urls, code) in [
        ("application/vnd.oci.image.layer.v1.tar+zstd", json!([]), "RCTL-IMAGE-LAYER-TYPE"),
        ("application/vnd.example.unknown", json!([]), "RCTL-IMAGE-LAYER-TYPE"),
        (
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            json!([]),
            "RCTL-IMAGE-FOREIGN",
        ),
        (
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            json!([]),
            "RCTL-IMAGE-FOREIGN",
        ),
        (LAYER_GZIP, json!(["https://elsewhere.example/layer"]), "RCTL-IMAGE-FOREIGN"),
    ] {
        let layout = Layout::new();
        let mut layer = layout.blob(media_type, &gzip(b"x"));
        layer["urls"] = urls;
        let image = layout.image(&config("amd64", &[b"x"]), &[layer]);
        assert_eq!(layout.with(image).code(), code, "{media_type}");
    }
}

#[test]
fn a_configuration_that_does_not_fit_its_layers_is_refused() {
    for (diff_ids, code) in [
        (vec![&b"x"[..], b"y"], "RCTL-IMAGE-LAYER-COUNT"),
        (vec![], "RCTL-IMAGE-LAYER-COUNT"),
        (vec![b"other"], "RCTL-IMAGE-DIFF-ID"),
    ] {
        let layout = Layout::new();
        let layer = layout.blob(LAYER_GZIP, &gzip(b"x"));
        let image = layout.image(&config("amd64", &diff_ids), &[layer]);
        assert_eq!(layout.with(image).code(), code);
    }
    let layout = Layout::new();
    let image = layout.image(&config("amd64", &[]), &[]);
    assert_eq!(layout.with(image).code(), "RCTL-IMAGE-EMPTY");
    // The index says amd64, the configuration does not.
    let layout = Layout::new();
    let mut image = good_image(&layout, "arm64", b"x");
    image["platform"] = json!({"os": "linux", "architecture": "amd64"});
    assert_eq!(layout.with(image).code(), "RCTL-IMAGE-PLATFORM");
}

#[test]
fn a_configuration_above_8_mib_is_refused() {
    let layout = Layout::new();
    let layer = layout.blob(LAYER, b"x");
    let mut large = config("amd64", &[b"x"]);
    large.resize(9 << 20, b' ');
    let image = layout.image(&large, &[layer]);
    assert_eq!(layout.with(image).code(), "RCTL-FILE");
}

#[test]
fn content_that_is_not_what_its_digest_says_is_refused() {
    let layout = Layout::new();
    let layer = layout.blob(LAYER, b"x");
    let image = layout.image(&config("amd64", &[b"x"]), std::slice::from_ref(&layer));
    let hex = |value: &Value| value["digest"].as_str().unwrap()[7..].to_owned();
    let manifest = layout.directory.path().join("blobs/sha256").join(hex(&image));
    let good = std::fs::read(&manifest).unwrap();
    let layout = layout.with(image);
    assert_eq!(layout.code(), "accepted");

    std::fs::write(&manifest, [&good[..], b" "].concat()).unwrap();
    assert_eq!(layout.code(), "RCTL-IMAGE-DIGEST");
    std::fs::write(&manifest, &good).unwrap();
    std::fs::write(layout.directory.path().join("blobs/sha256").join(hex(&layer)), b"y").unwrap();
    assert_eq!(layout.code(), "RCTL-IMAGE-DIFF-ID");
    std::fs::remove_file(layout.directory.path().join("blobs/sha256").join(hex(&layer))).unwrap();
    assert_eq!(layout.code(), "RCTL-IMAGE-PART");
}

#[test]
fn unknown_kinds_of_documents_are_refused() {
    let layout = Layout::new();
    let other = layout.document("application/vnd.example.chart", &json!({}));
    assert_eq!(layout.with(other).code(), "RCTL-IMAGE-MEDIA-TYPE");

    let layout = Layout::new();
    let config = layout.blob("application/vnd.example.config", b"{}");
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": []});
    let mut image = layout.document(oci::OCI_MANIFEST, &manifest);
    image["platform"] = json!({"os": "linux", "architecture": "amd64"});
    assert_eq!(layout.with(image).code(), "RCTL-IMAGE-MEDIA-TYPE");
}

/// A `docker save` archive in the layout of Docker before 25.
fn save(path: &Utf8Path, entries: &[(&str, &[u8])], links: &[(&str, &str)]) {
    let mut tar = tar::Builder::new(std::fs::File::create(path).unwrap());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    for (name, target) in links {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, name, target).unwrap();
    }
    tar.finish().unwrap();
}

fn find_saved(path: &Utf8Path, reference: &str) -> Result<Checked, ImageError> {
    let found = archive::find(path, reference, AMD64)?;
    check(found, AMD64, &mut Blobs::default(), &mut |_| ())
}

#[test]
fn an_archive_of_docker_save_is_read_in_place() {
    let directory = camino_tempfile::tempdir().unwrap();
    let path = directory.path().join("saved.tar");
    let list = json!([
        {"Config": "c.json", "RepoTags": ["app:1"], "Layers": ["a/layer.tar", "b/layer.tar"]},
        {"Config": "d.json", "RepoTags": ["other:1"], "Layers": ["a/layer.tar"]},
    ]);
    let list = serde_json::to_vec(&list).unwrap();
    let (c, d) = (config("amd64", &[b"one", b"one"]), config("amd64", &[b"one"]));
    let entries: [(&str, &[u8]); 4] =
        [("a/layer.tar", b"one"), ("c.json", &c), ("d.json", &d), ("manifest.json", &list)];
    save(&path, &entries, &[("b/layer.tar", "../a/layer.tar")]);

    let checked = find_saved(&path, "docker.io/library/app:1").unwrap();
    assert_eq!(checked.layers.len(), 2);
    assert_eq!(checked.layers[0].blob, checked.layers[0].diff_id);
    assert_eq!(checked.config, Sha256Digest::of(&c));
    assert_eq!(find_saved(&path, "other:1").unwrap().layers.len(), 1);

    let Err(error) = find_saved(&path, "app:2") else { panic!() };
    assert_eq!(error.code(), "RCTL-IMAGE-ABSENT");
}

#[test]
fn the_manifest_that_rivetctl_writes_is_the_same_every_time() {
    let directory = camino_tempfile::tempdir().unwrap();
    let path = directory.path().join("saved.tar");
    let list = serde_json::to_vec(&json!([{"Config": "c.json", "Layers": ["l"]}])).unwrap();
    let config = config("amd64", &[b"one"]);
    save(&path, &[("l", b"one"), ("c.json", &config), ("manifest.json", &list)], &[]);

    let first = find_saved(&path, "app:1").unwrap().manifest;
    let second = find_saved(&path, "app:1").unwrap().manifest;
    assert_eq!(first, second);
}

#[test]
fn an_archive_of_a_newer_docker_is_read_as_the_layout_it_holds() {
    let layout = Layout::new();
    let image = good_image(&layout, "amd64", b"x");
    let manifest: Sha256Digest = serde_json::from_value(image["digest"].clone()).unwrap();
    let layout = layout.with(image);
    layout.find("app:1").unwrap();
    let root = layout.directory.path();
    let path = root.join("saved.tar");
    let mut tar = tar::Builder::new(std::fs::File::create(&path).unwrap());
    tar.append_dir_all("blobs", root.join("blobs")).unwrap();
    for name in ["index.json", "oci-layout"] {
        tar.append_path_with_name(root.join(name), name).unwrap();
    }
    tar.finish().unwrap();

    assert_eq!(find_saved(&path, "app:1").unwrap().manifest, manifest);
}

#[test]
fn what_is_no_archive_is_refused() {
    let directory = camino_tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    for bytes in [gzip(b"tar"), b"not a tar at all".repeat(100), vec![0; 1024]] {
        std::fs::write(&path, bytes).unwrap();
        let Err(error) = find_saved(&path, "app:1") else { panic!() };
        assert_eq!(error.code(), "RCTL-IMAGE-SHAPE");
    }
    assert!(find_saved(directory.path(), "app:1").is_err());
}

#[test]
fn two_spellings_of_a_reference_are_one() {
    for same in ["app", "app:latest", "docker.io/library/app", "library/app:latest"] {
        assert_eq!(familiar(same), "app:latest");
    }
    assert_eq!(familiar("registry.example:5000/team/app"), "registry.example:5000/team/app:latest");
    assert_eq!(familiar("a/b@sha256:00"), "a/b@sha256:00");
}
