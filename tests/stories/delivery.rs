//! One file and a fingerprint: the product comes up on a host without a network, closed to
//! strangers, and goes without a trace.

use rivetctl_e2e::{bin, run::Run, site::Site, vendor::Vendor};

#[test]
fn a_bundle_comes_up_closed_and_healthy_and_leaves_nothing_behind() {
    let vendor = Vendor::shared();
    let site = Site::trusting("whole", &vendor);

    let installed = site.install(vendor.whole_bundle(), "compose");

    assert!(installed.stdout.contains("proved"), "{}", installed.stdout);
    let token = site.token();
    assert!(token.starts_with("rvt_") && token.len() == 47, "{} characters", token.len());
    assert_eq!(site.api("/health", None).status, 200);
    assert_eq!(site.api("/namespaces", Some(&token)).status, 200);
    assert_eq!(site.api("/namespaces", None).status, 403);
    assert_eq!(site.api("/namespaces", Some("admin")).status, 403);
    assert!(site.notes("/").body.contains("<h1>Notes of the site</h1>"));
    assert_eq!(site.notes("/healthz").status, 200);
    site.rivetctl(["status", site.name()]).ok();
    assert_eq!((site.images().len(), site.networks().len()), (3, 1));

    site.rivetctl(["uninstall", site.name(), "--purge", "--yes"]).ok();

    assert_eq!(site.api("/health", None).status, 0);
    assert_eq!(site.containers(), Vec::<String>::new());
    assert_eq!(site.networks(), Vec::<String>::new());
    assert_eq!(site.images(), Vec::<String>::new());
    assert!(!site.install_dir().exists());
}

#[test]
fn a_dry_run_changes_nothing() {
    let vendor = Vendor::shared();
    let site = Site::trusting("dry", &vendor);
    let before = site.everything();

    let mut args = site.install_args(vendor.bundle(), "compose");
    args.push("--dry-run".to_owned());
    let planned = site.rivetctl(args).ok();

    assert!(planned.stdout.contains("prove"), "{}", planned.stdout);
    assert_eq!(site.everything(), before);
}

#[test]
fn a_second_run_of_the_same_command_has_nothing_to_do() {
    let vendor = Vendor::shared();
    let site = Site::trusting("again", &vendor);
    site.install(vendor.bundle(), "compose");
    let (token, containers) = (site.token(), site.container_ids());

    let again = site.json(site.install_args(vendor.bundle(), "compose"));

    assert_eq!(again["outcome"], "nothing-to-do", "{again}");
    assert_eq!(site.token(), token);
    assert_eq!(site.container_ids(), containers);
}

#[test]
fn a_second_install_sends_no_layer_and_lives_beside_the_first() {
    let vendor = Vendor::shared();
    let first = Site::trusting("first", &vendor);
    let second = Site::trusting("second", &vendor);
    first.install(vendor.whole_bundle(), "compose");

    let planned = second.json(second.install_args(vendor.whole_bundle(), "compose"));

    for image in planned["images"].as_array().unwrap() {
        assert_eq!(image["action"], "tag", "{image}");
    }
    assert_ne!(first.token(), second.token());
    assert_eq!(first.api("/namespaces", Some(&second.token())).status, 403);
    assert_eq!(first.notes("/healthz").status, 200);
    assert_eq!(second.notes("/healthz").status, 200);

    second.rivetctl(["uninstall", second.name(), "--purge", "--yes"]).ok();
    assert_eq!(first.notes("/healthz").status, 200);
}

#[test]
fn what_is_removed_without_purge_keeps_its_data_for_the_next_install() {
    let vendor = Vendor::shared();
    let site = Site::trusting("kept", &vendor);
    site.install(vendor.bundle(), "compose");
    let token = site.token();
    site.post("/namespaces", &token, r#"{"name":"from-before","display_name":"From before"}"#);

    site.rivetctl(["uninstall", site.name(), "--yes"]).ok();
    assert_eq!(site.api("/health", None).status, 0);
    site.install(vendor.bundle(), "compose");

    let listed = site.api("/namespaces?name=from-before", Some(&site.token()));
    assert!(listed.body.contains("From before"), "{}", listed.body);
}

#[test]
fn where_no_docker_answers_the_engine_runs_as_a_process() {
    let vendor = Vendor::shared();
    let site = Site::trusting("bare", &vendor);
    let mut install = site.command(bin::path("rivetctl"));
    install.env("DOCKER_HOST", "unix:///nowhere/docker.sock").args([
        "install",
        vendor.bundle().as_str(),
        "--name",
        site.name(),
        "--port",
        &site.port().to_string(),
        "--set",
        "NOTES_TITLE=Notes of the site",
    ]);

    let installed = Run::of(&mut install).ok();

    assert!(installed.stderr.contains("does not run them"), "{}", installed.stderr);
    assert_eq!(site.state()["settings"]["runtime"], "binary");
    assert_eq!(site.api("/namespaces", Some(&site.token())).status, 200);
    assert_eq!(site.api("/namespaces", None).status, 403);
    assert_eq!(site.containers(), Vec::<String>::new());

    site.rivetctl(["uninstall", site.name(), "--purge", "--yes"]).ok();

    assert_eq!(site.api("/health", None).status, 0);
    assert!(!site.install_dir().exists());
}
