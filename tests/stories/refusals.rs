//! What does not fit is refused with a code and advice, and the host stays as it was.

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use camino::Utf8Path;
use rivetctl_e2e::{bin, run::Run, site::Site, vendor::Vendor};

#[test]
fn an_unsigned_bundle_is_refused() {
    let vendor = Vendor::shared();
    let site = Site::trusting("unsigned", &vendor);
    let bundle = vendor.path("unsigned.rvb");
    vendor.try_bundle(&bundle, &["--sign-later"]).ok();

    refused_without_a_trace(&site, &bundle, 3, "RVB-SIG-UNSIGNED");
}

#[test]
fn a_host_that_trusts_nobody_installs_nothing() {
    let vendor = Vendor::shared();
    let site = Site::fresh("trusts-nobody");

    refused_without_a_trace(&site, vendor.bundle(), 3, "RCTL-TRUST-NONE");
}

#[test]
fn a_strangers_bundle_of_the_same_product_is_refused() {
    let (vendor, stranger) = (Vendor::shared(), Vendor::new());
    let site = Site::trusting("stranger", &vendor);

    refused_without_a_trace(&site, stranger.bundle(), 3, "RVB-ROOT-UNKNOWN");
}

#[test]
fn a_bundle_with_one_changed_byte_is_refused() {
    let vendor = Vendor::shared();
    let site = Site::trusting("changed", &vendor);
    let mut bytes = fs::read(vendor.bundle()).unwrap();
    let at = bytes.len() - 100_000;
    bytes[at] ^= 1;
    let bundle = site.scratch("changed.rvb");
    fs::write(&bundle, bytes).unwrap();

    refused_without_a_trace(&site, &bundle, 3, "RVB-BLOB-");
}

#[test]
fn a_bundle_that_was_cut_short_is_refused() {
    let vendor = Vendor::shared();
    let site = Site::trusting("cut", &vendor);
    let bytes = fs::read(vendor.bundle()).unwrap();
    let bundle = site.scratch("cut.rvb");
    fs::write(&bundle, &bytes[..bytes.len() / 2]).unwrap();

    refused_without_a_trace(&site, &bundle, 3, "RVB-TAR-");
}

#[test]
fn a_bundle_for_another_platform_is_refused() {
    let vendor = Vendor::shared();
    let site = Site::trusting("arm", &vendor);
    let (engine, tool) = (for_arm(&vendor, "rivet-engine"), for_arm(&vendor, "rivetctl"));
    let recipe = format!(
        r#"
        platforms = ["linux/arm64"]
        product = {{ channel = "stable", version = "1.0.0", sequence = 1 }}
        engine = {{ source = "file", path = "{engine}", flavor = "rivet-engine", version = "0.1.0" }}
        rivetctl = {{ path = "{tool}", version = "0.1.0" }}
        "#
    );
    let bundle = vendor.make_bundle_of(&recipe, "arm.rvb");

    refused_without_a_trace(&site, &bundle, 3, "RVB-POLICY-PLATFORM");
}

#[test]
fn an_older_release_than_the_host_has_seen_is_refused() {
    let vendor = Vendor::shared();
    let site = Site::trusting("older", &vendor);
    site.install(&vendor.make_bundle("second.rvb", &["--sequence", "2"]), "binary");
    site.rivetctl(["uninstall", site.name(), "--purge", "--yes"]).ok();

    refused_without_a_trace(&site, vendor.bundle(), 3, "RVB-POLICY-ROLLBACK");
}

#[test]
fn another_product_does_not_take_over_an_installs_name() {
    let (vendor, other) = (Vendor::shared(), Vendor::of("other-notes"));
    let site = Site::trusting("taken-name", &vendor);
    site.trust(&other);
    site.install(vendor.bundle(), "binary");

    refused_without_a_trace(&site, other.bundle(), 4, "RCTL-NAME-IN-USE");
    assert_eq!(site.api("/health", None).status, 200);
}

#[test]
fn a_port_that_is_taken_is_noticed_before_anything_is_done() {
    let vendor = Vendor::shared();
    let site = Site::trusting("taken-port", &vendor);
    let _listener = Listener::on(&site, site.port());

    refused_without_a_trace(&site, vendor.bundle(), 4, "RCTL-PORT-TAKEN");
}

#[test]
fn a_file_system_without_room_is_noticed_before_anything_is_done() {
    let vendor = Vendor::shared();
    let site = Site::trusting("no-room", &vendor);
    // The engine's program has more than that.
    let _small = Mount::over(&site, "size=4m");
    site.trust(&vendor);

    refused(&site, &site.install_args(vendor.bundle(), "binary"), &[], 4, "RCTL-DISK");
    let found = Run::of(site.command("find").args([site.root().as_str(), "-path", "*/installs/*"]));
    assert_eq!(found.stdout, "");
}

#[test]
fn a_root_that_cannot_be_written_is_refused() {
    let vendor = Vendor::shared();
    let site = Site::trusting("read-only", &vendor);
    let _read_only = Mount::over(&site, "ro");

    refused(&site, &site.install_args(vendor.bundle(), "binary"), &[], 4, "RCTL-ROOT-UNWRITABLE");
}

#[test]
fn a_host_without_docker_is_told_so_and_of_the_other_runtime() {
    let vendor = Vendor::shared();
    let site = Site::trusting("no-docker", &vendor);
    let host = [("DOCKER_HOST", "unix:///nowhere/docker.sock")];

    let args = site.install_args(vendor.bundle(), "compose");
    let run = refused(&site, &args, &host, 4, "RCTL-DOCKER-ABSENT");

    assert!(run.stderr.contains("--runtime binary"), "{}", run.stderr);
    assert!(!site.install_dir().exists());
}

#[test]
fn a_docker_of_another_host_is_never_used() {
    let vendor = Vendor::shared();
    let site = Site::trusting("remote", &vendor);
    let host = [("DOCKER_HOST", "tcp://192.0.2.1:2375")];

    refused(&site, &site.install_args(vendor.bundle(), "compose"), &host, 4, "RCTL-DOCKER-REMOTE");
    assert!(!site.install_dir().exists());
}

#[test]
fn a_value_that_is_missing_or_unknown_or_unfit_is_named() {
    let vendor = Vendor::shared();
    let site = Site::trusting("values", &vendor);
    let cases = [
        ("NOTES_PORT=8080", "RCTL-VALUE-MISSING", "NOTES_TITLE"),
        ("NOTES_COLOR=red", "RCTL-VALUE-UNKNOWN", "NOTES_COLOR"),
        ("NOTES_PORT=high", "RCTL-VALUE-BAD", "NOTES_PORT"),
    ];
    for (set, code, named) in cases {
        let args = ["install", vendor.bundle().as_str(), "--name", site.name(), "--set", set];

        let run = refused(&site, &args.map(str::to_owned), &[], 2, code);

        assert!(run.stderr.contains(named), "{}", run.stderr);
        assert!(!site.install_dir().exists());
    }
}

#[test]
fn of_two_runs_for_one_name_the_second_is_sent_away() {
    let vendor = Vendor::shared();
    let site = Site::trusting("two-runs", &vendor);
    let args = site.install_args(vendor.bundle(), "compose");
    let mut first = site.command(bin::path("rivetctl"));
    let mut first =
        Running(first.args(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    until(|| site.install_dir().join("state.json").exists());

    let second = site.rivetctl(&args);

    second.refused(4, "RCTL-BUSY");
    assert!(first.0.wait().unwrap().success());
}

/// `install` is refused, says what to do, and the host is as before.
fn refused_without_a_trace(site: &Site, bundle: &Utf8Path, status: i32, code: &str) {
    for runtime in ["compose", "binary"] {
        let before = site.everything();
        refused(site, &site.install_args(bundle, runtime), &[], status, code);
        assert_eq!(site.everything(), before);
    }
}

fn refused(site: &Site, args: &[String], env: &[(&str, &str)], status: i32, code: &str) -> Run {
    let mut command = site.command(bin::path("rivetctl"));
    let run = Run::of(command.args(args).envs(env.iter().copied()));
    assert_eq!(run.status, status, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains(&format!("error[{code}")), "{}", run.stderr);
    assert!(run.stderr.contains("what to do:"), "{}", run.stderr);
    run
}

/// A copy of one of our programs whose header says that it is for 64-bit Arm.
fn for_arm(vendor: &Vendor, program: &str) -> String {
    const E_MACHINE: usize = 18;
    const AARCH64: u8 = 183;
    let mut bytes = fs::read(bin::path(program)).unwrap();
    bytes[E_MACHINE] = AARCH64;
    let path = vendor.path(&format!("{program}-arm64"));
    fs::write(&path, bytes).unwrap();
    path.into_string()
}

/// Somebody else's engine on a port of the site.
struct Listener(Running);

impl Listener {
    fn on(site: &Site, port: u16) -> Self {
        let mut command = site.command(bin::path("rivet-engine"));
        command.arg("start").env("RIVET__GUARD__PORT", port.to_string());
        for other in ["API_PEER", "METRICS"] {
            command.env(format!("RIVET__{other}__PORT"), "0");
        }
        command.env("RIVET__AUTH__ADMIN_TOKEN", "somebody-elses-token-of-some-length");
        command.env("RIVET__FILE_SYSTEM__PATH", site.scratch("somebody-else"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let listener = Self(Running(command.spawn().unwrap()));
        until(|| site.get(port, "/health", None).status == 200);
        listener
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // nsenter passes no signal on: its child is asked by itself.
        let _ = Command::new("kill").arg(self.0.0.id().to_string()).status();
    }
}

/// A process that ends with the story.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A file system over the site's directory, seen on the site alone.
struct Mount<'a>(&'a Site);

impl<'a> Mount<'a> {
    fn over(site: &'a Site, option: &str) -> Self {
        let options = format!("mode=755,{option}");
        let mut command = site.command("mount");
        command.args(["-t", "tmpfs", "-o", &options, "tmpfs", site.root().as_str()]);
        Run::of(&mut command).ok();
        Self(site)
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = self.0.command("umount").arg(self.0.root()).status();
    }
}

fn until(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_mins(1), "it never came");
        thread::sleep(Duration::from_millis(20));
    }
}
