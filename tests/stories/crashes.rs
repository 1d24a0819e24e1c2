//! An install that was killed at any step is finished by running the same command again.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use rivetctl_e2e::{run::Run, site::Site, vendor::Vendor};

/// What an install is in the end, whatever happened on the way; secrets by name only.
#[derive(Debug, PartialEq)]
struct End {
    files: Vec<(Utf8PathBuf, Vec<u8>)>,
    secrets: BTreeSet<Utf8PathBuf>,
    containers: Vec<String>,
    generation: serde_json::Value,
}

#[test]
fn a_compose_install_killed_after_any_step_ends_like_one_that_was_not() {
    every_step_survives_a_kill("crash-c-after", "compose", "RIVETCTL_CRASH_AFTER");
}

#[test]
fn a_compose_install_killed_before_any_step_is_recorded_ends_like_one_that_was_not() {
    every_step_survives_a_kill("crash-c-before", "compose", "RIVETCTL_CRASH_BEFORE");
}

#[test]
fn a_binary_install_killed_after_any_step_ends_like_one_that_was_not() {
    every_step_survives_a_kill("crash-b-after", "binary", "RIVETCTL_CRASH_AFTER");
}

#[test]
fn a_binary_install_killed_before_any_step_is_recorded_ends_like_one_that_was_not() {
    every_step_survives_a_kill("crash-b-before", "binary", "RIVETCTL_CRASH_BEFORE");
}

fn every_step_survives_a_kill(name: &str, runtime: &str, crash: &str) {
    let vendor = Vendor::shared();
    let site = Site::trusting(name, &vendor);
    let steps = steps(&site, &vendor, runtime);
    assert!(steps.len() >= 8, "{steps:?}");
    site.install(vendor.bundle(), runtime);
    let expected = end(&site);
    remove(&site);

    for step in &steps {
        let mut killed = site.command(rivetctl_e2e::bin::path("rivetctl"));
        killed.args(site.install_args(vendor.bundle(), runtime)).env(crash, step);
        let killed = Run::of(&mut killed);
        assert_eq!(killed.status, -9, "{step}: {}{}", killed.stdout, killed.stderr);
        let token = site.rivetctl(["token", "show", site.name()]);

        site.install(vendor.bundle(), runtime);

        assert_eq!(end(&site), expected, "killed at {step}");
        if token.status == 0 {
            assert_eq!(site.token(), token.stdout.trim(), "killed at {step}");
        }
        assert_eq!(site.api("/namespaces", Some(&site.token())).status, 200, "{step}");
        remove(&site);
    }
}

/// The steps as the plan names them.
fn steps(site: &Site, vendor: &Vendor, runtime: &str) -> Vec<String> {
    let mut args = site.install_args(vendor.bundle(), runtime);
    args.push("--dry-run".to_owned());
    let plan = site.json(args);
    let steps = plan["steps"].as_array().unwrap().iter();
    steps.map(|step| step["id"].as_str().unwrap().to_owned()).collect()
}

fn end(site: &Site) -> End {
    let install = site.install_dir();
    let mut end = End {
        files: Vec::new(),
        secrets: BTreeSet::new(),
        containers: site.containers(),
        generation: site.state()["generation"].clone(),
    };
    for (path, content) in site.files() {
        let Ok(path) = path.strip_prefix(&install).map(Utf8PathBuf::from) else { continue };
        if path.starts_with("secrets") {
            end.secrets.insert(path);
        } else if path.starts_with("generations") {
            end.files.push((path, content));
        }
    }
    end
}

fn remove(site: &Site) {
    site.rivetctl(["uninstall", site.name(), "--purge", "--yes"]).ok();
    assert!(!site.install_dir().exists());
}
