//! The vendor: a host with a Docker daemon of its own, on which keys, root documents and bundles
//! of the sample product are made with rivetctl.

use std::{
    fs,
    process::Command,
    sync::{Arc, Mutex, OnceLock, Weak},
};

use camino::{Utf8Path, Utf8PathBuf};
use camino_tempfile::Utf8TempDir;

use crate::{bin, run::Run};

/// The sample product, as its vendor keeps it.
const PRODUCT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/product");

/// A program that uses the sample product, as somebody inside the perimeter would.
pub(crate) const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/product/client.mjs");

/// What is left of the recipe for the smaller bundle.
const SMALL: [&str; 4] = [
    "--image=name=tally,source=docker,reference=sample-tally:1.0.0",
    "--template=path=compose/tally.yaml,file=tally.yaml",
    "--pool=tally",
    "--description=Tally, the smaller half of the sample product",
];

/// A vendor with a root key, a release key and a signed root document.
#[derive(Debug)]
pub struct Vendor {
    dir: Utf8TempDir,
    product: String,
    fingerprint: String,
    images: OnceLock<()>,
    bundle: OnceLock<Utf8PathBuf>,
    whole: OnceLock<Utf8PathBuf>,
}

impl Vendor {
    /// The vendor of all stories that run at this moment: keys and images are made once.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Vendor>> = Mutex::new(Weak::new());
        // Where one story failed to make it, the next one tries again.
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(vendor) = shared.upgrade() {
            return vendor;
        }
        let vendor = Arc::new(Self::new());
        *shared = Arc::downgrade(&vendor);
        vendor
    }

    /// A vendor of the sample product whom no other story knows.
    pub fn new() -> Self {
        Self::of("sample-notes")
    }

    /// A vendor of the sample product under another name.
    pub fn of(product: &str) -> Self {
        let dir = camino_tempfile::tempdir().unwrap();
        let mut vendor = Self {
            dir,
            product: product.to_owned(),
            fingerprint: String::new(),
            images: OnceLock::new(),
            bundle: OnceLock::new(),
            whole: OnceLock::new(),
        };
        fs::write(vendor.path("passphrase"), "correct horse battery staple\n").unwrap();
        vendor.key("root");
        vendor.key("release");
        let root = vendor.path("roots/1.json");
        vendor.ok(&[
            "key",
            "root",
            "new",
            "--product",
            product,
            "--out",
            root.as_str(),
            "--root-key",
            vendor.path("root.pub").as_str(),
            "--release-key",
            vendor.path("release.pub").as_str(),
        ]);
        let key = vendor.path("root");
        let shown =
            vendor.ok(&["--json", "key", "root", "sign", root.as_str(), "--key", key.as_str()]);
        vendor.fingerprint.push_str(shown.result()["fingerprint"].as_str().unwrap());
        vendor
    }

    /// The fingerprint of the first root document, as it reaches the operator.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// A file in the vendor's directory.
    pub fn path(&self, name: &str) -> Utf8PathBuf {
        self.dir.path().join(name)
    }

    /// A new key pair, `name` and `name.pub`.
    pub fn key(&self, name: &str) -> Utf8PathBuf {
        let path = self.path(name);
        self.ok(&["key", "new", "--out", path.as_str()]);
        path
    }

    /// The bundle of most stories, made once: the sample product with the smaller of its two apps,
    /// the one in Rust. What it tells does not depend on how large an image is.
    pub fn bundle(&self) -> &Utf8Path {
        self.bundle.get_or_init(|| self.make_bundle("sample-tally.rvb", &[]))
    }

    /// The bundle of the whole sample product, made once: both apps, with the page.
    pub fn whole_bundle(&self) -> &Utf8Path {
        self.whole.get_or_init(|| {
            let (path, key) = (self.path("sample-notes.rvb"), self.path("release"));
            let mut command = self.bundle_command(&self.recipe(), &path);
            Run::of(command.args(["--key", key.as_str()])).ok();
            path
        })
    }

    /// A bundle of the sample product with the smaller app, with `flags` over its recipe.
    pub fn make_bundle(&self, name: &str, flags: &[&str]) -> Utf8PathBuf {
        let (path, key) = (self.path(name), self.path("release"));
        self.try_bundle(&path, &[&["--key", key.as_str()], flags].concat()).ok();
        path
    }

    /// A bundle of the whole sample product, with the caller's own environment: npm has its registry
    /// and proxy there.
    pub fn make_bundle_online(&self, name: &str, flags: &[&str]) -> Utf8PathBuf {
        let (path, key) = (self.path(name), self.path("release"));
        let mut command = self.bundle_command(&self.recipe(), &path);
        command.args(["--key", key.as_str()]).args(flags).envs(std::env::vars_os());
        command.env("RIVETCTL_PASSPHRASE_FILE", self.path("passphrase"));
        command.env("RIVETCTL_CACHE", self.path("cache"));
        Run::of(&mut command).ok();
        path
    }

    /// A bundle after a recipe of the story's own.
    pub fn make_bundle_of(&self, recipe: &str, name: &str) -> Utf8PathBuf {
        let (path, key) = (self.path(name), self.path("release"));
        let file = self.path(&format!("{name}.toml"));
        fs::write(&file, recipe).unwrap();
        Run::of(self.bundle_command(&file, &path).args(["--key", key.as_str()])).ok();
        path
    }

    /// Runs `rivetctl bundle` for the sample product with the smaller app.
    pub fn try_bundle(&self, output: &Utf8Path, flags: &[&str]) -> Run {
        let mut command = self.bundle_command(&self.recipe(), output);
        // Paths in flags are those of the working directory.
        Run::of(command.current_dir(PRODUCT).args(SMALL).args(flags))
    }

    fn bundle_command(&self, recipe: &Utf8Path, output: &Utf8Path) -> Command {
        let mut command = self.rivetctl();
        command.args(["bundle", "--file", recipe.as_str(), "--output", output.as_str()]);
        command.args(["--product", &self.product, "--roots", self.path("roots").as_str()]);
        command
    }

    /// The sample product's recipe; its images are made when it is first asked for.
    fn recipe(&self) -> Utf8PathBuf {
        self.images.get_or_init(|| self.import_images());
        Utf8Path::new(PRODUCT).join("rivet-bundle.toml")
    }

    /// `rivetctl` on the vendor's host.
    pub fn rivetctl(&self) -> Command {
        let mut command = bin::rivetctl();
        command
            .env("HOME", self.dir.path())
            .env("DOCKER_HOST", docker_host())
            .env("RIVETCTL_PASSPHRASE_FILE", self.path("passphrase"));
        command
    }

    fn ok(&self, args: &[&str]) -> Run {
        Run::of(self.rivetctl().args(args)).ok()
    }

    fn import_images(&self) {
        let mut command = bin::bare(Utf8Path::new(PRODUCT).join("import-images"));
        command.arg(bin::host("RIVETCTL_TEST_PRODUCT"));
        command.env("DOCKER_HOST", docker_host()).env("HOME", self.dir.path());
        Run::of(&mut command).ok();
    }
}

impl Default for Vendor {
    fn default() -> Self {
        Self::new()
    }
}

fn docker_host() -> String {
    format!("unix://{}/docker.sock", bin::host("RIVETCTL_TEST_CONNECTED").display())
}
