//! The site: a host without a network, with a Docker daemon of its own, on which rivetctl installs.
//!
//! All stories share the host and its daemon; each has a site directory, an install name and
//! ports of its own.

use std::{
    ffi::OsStr,
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

use camino::{Utf8Path, Utf8PathBuf};
use camino_tempfile::Utf8TempDir;
use serde_json::Value;

use crate::{
    bin,
    run::Run,
    vendor::{self, Vendor},
};

/// Where the ports of stories begin, and how many each one has.
const FIRST_PORT: u16 = 20_000;
const PORTS_EACH: u16 = 100;

/// One story's part of the host.
#[derive(Debug)]
pub struct Site {
    host: PathBuf,
    dir: Utf8TempDir,
    name: String,
    port: u16,
}

/// An answer over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code; 0 when nobody answered.
    pub status: u16,
    /// Body.
    pub body: String,
}

impl Answer {
    fn of(curl: &mut Command) -> Self {
        let run = Run::of(curl);
        let (body, status) = run.stdout.rsplit_once('\n').unwrap();
        Self { status: status.parse().unwrap(), body: body.to_owned() }
    }
}

/// What of the host belongs to a story, to be compared.
#[derive(Debug, PartialEq, Eq)]
pub struct Everything {
    files: Vec<(Utf8PathBuf, Vec<u8>)>,
    images: Vec<String>,
    containers: Vec<String>,
    networks: Vec<String>,
}

impl Site {
    /// A site on which nothing was done yet; `name` is the story's own.
    pub fn fresh(name: &str) -> Self {
        static TAKEN: AtomicU16 = AtomicU16::new(0);
        let story = TAKEN.fetch_add(1, Ordering::Relaxed);
        Self {
            host: bin::host("RIVETCTL_TEST_SITE"),
            dir: camino_tempfile::tempdir().unwrap(),
            name: name.to_owned(),
            port: FIRST_PORT + story * PORTS_EACH,
        }
    }

    /// A site that trusts `vendor`.
    pub fn trusting(name: &str, vendor: &Vendor) -> Self {
        let site = Self::fresh(name);
        site.trust(vendor);
        site
    }

    /// The operator types the fingerprint that `vendor` gave.
    pub fn trust(&self, vendor: &Vendor) {
        let bundle = vendor.bundle().as_str();
        self.rivetctl(["trust", "add", bundle, "--root-fingerprint", vendor.fingerprint()]).ok();
    }

    /// The install's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first of the story's own ports.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory in which rivetctl keeps everything.
    pub fn root(&self) -> Utf8PathBuf {
        self.dir.path().join("site")
    }

    /// The directory of the install.
    pub fn install_dir(&self) -> Utf8PathBuf {
        self.root().join("installs").join(&self.name)
    }

    /// A file beside the site's directory.
    pub fn scratch(&self, name: &str) -> Utf8PathBuf {
        self.dir.path().join(name)
    }

    /// Runs `rivetctl` on the site.
    pub fn rivetctl<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Run {
        Run::of(self.command(bin::path("rivetctl")).args(args))
    }

    /// Runs `rivetctl --json`, which must succeed, and gives its result.
    pub fn json<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Value {
        Run::of(self.command(bin::path("rivetctl")).arg("--json").args(args)).ok().result()
    }

    /// Arguments that install `bundle` under the story's name and on its ports.
    pub fn install_args(&self, bundle: &Utf8Path, runtime: &str) -> Vec<String> {
        let (port, notes) = (self.port.to_string(), format!("NOTES_PORT={}", self.port + 50));
        let args = [
            "install",
            bundle.as_str(),
            "--name",
            &self.name,
            "--port",
            &port,
            "--runtime",
            runtime,
            "--set",
            "NOTES_TITLE=Notes of the site",
            "--set",
            &notes,
        ];
        args.map(str::to_owned).to_vec()
    }

    /// Installs `bundle`, which must succeed.
    pub fn install(&self, bundle: &Utf8Path, runtime: &str) -> Run {
        self.rivetctl(self.install_args(bundle, runtime)).ok()
    }

    /// The admin token.
    pub fn token(&self) -> String {
        self.rivetctl(["token", "show", &self.name]).ok().stdout.trim().to_owned()
    }

    /// Asks the engine's API, as somebody on the host would.
    pub fn api(&self, path: &str, token: Option<&str>) -> Answer {
        self.get(self.port, path, token)
    }

    /// Asks the notes app.
    pub fn notes(&self, path: &str) -> Answer {
        self.get(self.port + 50, path, None)
    }

    /// Sends the notes app's form.
    pub fn write_note(&self, text: &str) -> Answer {
        let mut command = self.curl(None);
        command.args(["--data-urlencode", &format!("text={text}")]);
        Answer::of(command.arg(format!("http://127.0.0.1:{}/notes", self.port + 50)))
    }

    /// Runs the sample product's client on the site: an unmodified rivetkit, on the host's own
    /// network, where it reaches the engine's published port and nothing of the install.
    pub fn client(&self, args: &[&str]) -> Value {
        let image = self.images().into_iter().find(|image| image.contains("/notes:")).unwrap();
        let image = image.split(' ').next().unwrap();
        let script = format!("{}:/app/client.mjs:ro", vendor::CLIENT);
        let endpoint = format!("http://{}:{}@127.0.0.1:{}", self.name, self.token(), self.port);
        let mut command = self.command("docker");
        command.args(["run", "--rm", "--network", "host", "--env", "RIVET_ENDPOINT"]);
        command.args(["--env", "RIVET_LOG_LEVEL=error", "--volume", &script]);
        command.args(["--entrypoint", "node", image, "client.mjs"]).args(args);
        let run = Run::of(command.env("RIVET_ENDPOINT", endpoint)).ok();
        serde_json::from_str(run.stdout.trim()).unwrap_or_else(|error| panic!("{error}: {run:?}"))
    }

    /// A GET request to a port of the host's loopback.
    pub fn get(&self, port: u16, path: &str, token: Option<&str>) -> Answer {
        let mut command = self.curl(token);
        Answer::of(command.arg(format!("http://127.0.0.1:{port}{path}")))
    }

    /// A POST request with a JSON body to the engine's API.
    pub fn post(&self, path: &str, token: &str, body: &str) -> Answer {
        let mut command = self.curl(Some(token));
        command.args(["--header", "Content-Type: application/json", "--data", body]);
        Answer::of(command.arg(format!("http://127.0.0.1:{}{path}", self.port)))
    }

    fn curl(&self, token: Option<&str>) -> Command {
        let mut command = self.command("curl");
        // Long, because machines are slow and shared; it ends a wait for what never answers.
        command.args(["--silent", "--max-time", "60", "--write-out", "\n%{http_code}"]);
        if let Some(token) = token {
            command.args(["--header", &format!("Authorization: Bearer {token}")]);
        }
        command
    }

    /// Asks the site's Docker daemon; one line for each line that it prints.
    pub fn docker<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Vec<String> {
        let run = Run::of(self.command("docker").args(args)).ok();
        run.stdout.lines().map(str::to_owned).collect()
    }

    /// The containers of the install, by name and state, sorted.
    pub fn containers(&self) -> Vec<String> {
        self.of_install(&["ps", "--all", "--format", "{{.Names}} {{.State}}"])
    }

    /// The ids of the install's containers, sorted.
    pub fn container_ids(&self) -> Vec<String> {
        self.of_install(&["ps", "--all", "--quiet", "--no-trunc"])
    }

    /// The images that carry a tag of the install.
    pub fn images(&self) -> Vec<String> {
        let tags = format!("reference=rivetctl.local/{}/*", self.name);
        self.docker(["images", "--filter", &tags, "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"])
    }

    /// The networks of the install.
    pub fn networks(&self) -> Vec<String> {
        let name = format!("name=rivet-{}", self.name);
        self.docker(["network", "ls", "--quiet", "--filter", &name])
    }

    fn of_install(&self, args: &[&str]) -> Vec<String> {
        let label = format!("label=rivetctl.install={}", self.name);
        let mut found = self.docker([args, &["--filter", &label]].concat());
        found.sort();
        found
    }

    /// Every file of the site's directory with its content, sorted.
    pub fn files(&self) -> Vec<(Utf8PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        collect(&self.root(), &mut found);
        found.sort();
        found
    }

    /// All that an install could have touched: files, images, containers and networks of the host.
    pub fn everything(&self) -> Everything {
        Everything {
            files: self.files(),
            images: self.images(),
            containers: self.container_ids(),
            networks: self.networks(),
        }
    }

    /// What the install wrote down about itself.
    pub fn state(&self) -> Value {
        let text = std::fs::read(self.install_dir().join("state.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// A command on the site, with an environment of its own.
    pub fn command(&self, program: impl Into<PathBuf>) -> Command {
        let holder = std::fs::read_to_string(self.host.join("holder.pid")).unwrap();
        let mut command = bin::bare("nsenter");
        command.args(["--target", holder.trim(), "--mount", "--net", "--"]).arg(program.into());
        command.env("HOME", self.dir.path()).env("RIVETCTL_ROOT", self.root());
        command
    }
}

impl Drop for Site {
    /// Takes down what the story has left, so that the next one finds a quiet host.
    fn drop(&mut self) {
        if !self.root().join("installs").exists() {
            return;
        }
        for install in self.root().join("installs").read_dir_utf8().into_iter().flatten().flatten()
        {
            let mut command = self.command(bin::path("rivetctl"));
            command.args(["uninstall", install.file_name(), "--purge", "--yes"]);
            // The story's own failure, if any, is the one to report.
            let _ = command.stdin(Stdio::null()).output();
        }
    }
}

fn collect(dir: &Utf8Path, found: &mut Vec<(Utf8PathBuf, Vec<u8>)>) {
    for entry in dir.read_dir_utf8().into_iter().flatten() {
        let path = entry.unwrap().into_path();
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            collect(&path, found);
        } else if metadata.is_symlink() {
            let target = path.read_link_utf8().unwrap();
            found.push((path, target.into_string().into_bytes()));
        } else {
            let content = std::fs::read(&path).unwrap();
            found.push((path, content));
        }
    }
}
