//! A vendor's desk: a scratch directory, the real `rivetctl`, and the parts of a small product.

use std::{
    fs::File,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Output},
};

use bundle_spec::{
    Fingerprint, Manifest, Sha256Digest, TrustedRoot, UnverifiedBundle, VerifiedBundle,
};
use camino::{Utf8Path, Utf8PathBuf};
use camino_tempfile::Utf8TempDir;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

/// The vendor and everything that lies on the desk.
pub struct Vendor {
    directory: Utf8TempDir,
}

/// What a run of `rivetctl` came to.
pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// The result of a run with `--json` that succeeded.
    pub fn result(&self) -> Value {
        assert_eq!(self.status, 0, "{}", self.stderr);
        let document: Value = serde_json::from_str(&self.stdout).unwrap();
        assert_eq!(document["schema"], "rivetctl/1");
        document["result"].clone()
    }

    /// The code of a run that failed, as its standard error shows it.
    pub fn code(&self) -> &str {
        assert_ne!(self.status, 0, "{}", self.stdout);
        let (_, rest) =
            self.stderr.split_once("error[").unwrap_or_else(|| panic!("{}", self.stderr));
        rest.split_once(']').unwrap().0
    }
}

impl Vendor {
    /// A desk with keys (`root.key`, `release.key`), a signed root and a recipe.
    pub fn new() -> Self {
        let vendor = Self::empty();
        vendor.keys(&["root.key", "release.key"]);
        vendor.ok(&[
            "key",
            "root",
            "new",
            "--product=notes",
            "--root-key=root.key.pub",
            "--release-key=release.key.pub",
        ]);
        vendor.ok(&["key", "root", "sign", "root/1.json", "--key=root.key"]);
        vendor.product();
        vendor
    }

    /// A desk with nothing on it.
    pub fn empty() -> Self {
        Self { directory: camino_tempfile::tempdir().unwrap() }
    }

    /// Makes keys without a passphrase.
    pub fn keys(&self, names: &[&str]) {
        for name in names {
            self.ok(&["key", "new", "--no-passphrase", "--out", name]);
        }
    }

    /// Writes the product's recipe and parts.
    pub fn product(&self) {
        self.write("rivet-engine", &executable(62));
        self.write("rivetctl", &executable(62));
        self.write("compose.yaml", COMPOSE.as_bytes());
        self.write("schema.json", SCHEMA.as_bytes());
        self.write("rivet-bundle.toml", RECIPE.as_bytes());
        self.layout("image", b"the app");
    }

    /// Writes an OCI layout with one image of one layer.
    pub fn layout(&self, name: &str, content: &[u8]) {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(content).unwrap();
        let layer = gzip.finish().unwrap();
        let rootfs = json!({"type": "layers", "diff_ids": [Sha256Digest::of(content)]});
        let config = json!({"os": "linux", "architecture": "amd64", "rootfs": rootfs});
        let blob = |media_type: &str, bytes: &[u8]| {
            let digest = Sha256Digest::of(bytes);
            self.write(&format!("{name}/blobs/sha256/{}", digest.to_hex()), bytes);
            json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
        };
        let manifest = json!({
            "schemaVersion": 2,
            "config": blob("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes()),
            "layers": [blob("application/vnd.oci.image.layer.v1.tar+gzip", &layer)],
        });
        let manifest =
            blob("application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
        let index = json!({"schemaVersion": 2, "manifests": [manifest]});
        self.write(&format!("{name}/index.json"), index.to_string().as_bytes());
        self.write(&format!("{name}/oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
    }

    /// A file on the desk.
    pub fn path(&self, name: &str) -> Utf8PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file on the desk.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Replaces text in a file on the desk.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(self.path(name), text.replace(from, to)).unwrap();
    }

    /// Runs `rivetctl` on the desk, with nothing of this process's environment.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    /// The same, with these variables.
    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_rivetctl"))
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("HOME", self.path("home"))
            .env("PATH", "/usr/bin:/bin")
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        Run {
            status: status.code().expect("it was not killed"),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Runs `rivetctl`, which has to succeed.
    pub fn ok(&self, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.status, 0, "{arguments:?}: {}", run.stderr);
        run
    }

    /// Runs `rivetctl`, which has to fail, and gives the error's code.
    pub fn refused(&self, arguments: &[&str]) -> String {
        self.run(arguments).code().to_owned()
    }

    /// Makes `name` from the recipe, signed with `release.key`, at a fixed time.
    pub fn bundle(&self, name: &str, more: &[&str]) -> Run {
        let fixed = ["bundle", "--key=release.key", "--created=2026-01-02T03:04:05Z", "-o", name];
        self.run(&[&fixed[..], more].concat())
    }

    /// Checks a bundle as a site does that trusts root 1.
    pub fn verify(&self, name: &str) -> Result<VerifiedBundle<File>, bundle_spec::BundleError> {
        let first = std::fs::read(self.path("root/1.json")).unwrap();
        let trust = TrustedRoot::bootstrap(&first, &Fingerprint::of(&first)).unwrap();
        let mut bundle =
            UnverifiedBundle::open(File::open(self.path(name)).unwrap())?.verify(&trust)?;
        bundle.check_all(&mut |_| ())?;
        Ok(bundle)
    }

    /// The manifest of a bundle that verifies.
    pub fn manifest(&self, name: &str) -> Manifest {
        self.verify(name).unwrap().manifest().clone()
    }

    /// Names in a directory of the desk, sorted.
    pub fn list(&self, name: &str) -> Vec<String> {
        let entries = Utf8Path::read_dir_utf8(&self.path(name)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_owned()).collect();
        names.sort();
        names
    }
}

/// A static executable without code, for the processor with this ELF number.
pub fn executable(machine: u16) -> Vec<u8> {
    let mut file = vec![0; 64 + 56];
    file[..6].copy_from_slice(b"\x7fELF\x02\x01");
    file[16..18].copy_from_slice(&3_u16.to_le_bytes());
    file[18..20].copy_from_slice(&machine.to_le_bytes());
    file[24..32].copy_from_slice(&0x1000_u64.to_le_bytes());
    file[32..40].copy_from_slice(&64_u64.to_le_bytes());
    file[54..56].copy_from_slice(&56_u16.to_le_bytes());
    file[56..58].copy_from_slice(&1_u16.to_le_bytes());
    file[64] = 1;
    file
}

const RECIPE: &str = r#"
platforms = ["linux/amd64"]
roots = "root"

[product]
name = "notes"
version = "1.0.0"
sequence = 7
description = "Notes for everybody"

[engine]
source = "file"
path = "rivet-engine"
flavor = "rivet-engine"
version = "0.1.0"

[rivetctl]
path = "rivetctl"

[[images]]
name = "notes"
source = "oci-layout"
reference = "notes:1.0.0"
path = "image"

[[templates]]
path = "compose/notes.yaml"
file = "compose.yaml"

[config]
schema = "schema.json"

[[pools]]
name = "default"
"#;

const COMPOSE: &str = r#"
services:
  notes:
    image: notes:1.0.0
    environment:
      RIVET_ENDPOINT: ${RIVET_ENDPOINT}
      TITLE: ${NOTES_TITLE}
    ports: ["127.0.0.1:8080:8080"]
    depends_on: [rivet-engine]
"#;

const SCHEMA: &str = r#"{
  "type": "object",
  "additionalProperties": false,
  "properties": {"NOTES_TITLE": {"type": "string", "default": "Notes"}}
}"#;
