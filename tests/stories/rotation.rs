//! The token changes while the product runs: nobody who belongs there is turned away.

use std::{thread, time::Duration};

use rivetctl_e2e::{site::Site, vendor::Vendor};

#[test]
fn both_tokens_are_good_during_the_grace_period_and_then_only_the_new_one() {
    let vendor = Vendor::shared();
    let site = Site::trusting("rotate", &vendor);
    site.install(vendor.whole_bundle(), "compose");
    let old = site.token();
    let engine = site.docker(["ps", "--quiet", "--filter", "name=rivet-rotate.*engine"]);

    site.rivetctl(["token", "rotate", site.name(), "--grace", "8s"]).ok();

    let new = site.token();
    assert_ne!(old, new);
    assert_eq!(site.api("/namespaces", Some(&new)).status, 200);
    assert_eq!(site.api("/namespaces", Some(&old)).status, 200);
    assert_eq!(site.notes("/healthz").status, 200);

    thread::sleep(Duration::from_secs(9));
    assert_eq!(site.api("/namespaces", Some(&old)).status, 403);
    assert_eq!(site.api("/namespaces", Some(&new)).status, 200);
    assert_eq!(site.notes("/healthz").status, 200);
    // The engine was neither restarted nor replaced.
    assert_eq!(site.docker(["ps", "--quiet", "--filter", "name=rivet-rotate.*engine"]), engine);
}

#[test]
fn a_rotation_without_grace_retires_the_old_token_at_once() {
    let vendor = Vendor::shared();
    let site = Site::trusting("at-once", &vendor);
    site.install(vendor.bundle(), "binary");
    let old = site.token();

    site.rivetctl(["token", "rotate", site.name(), "--grace", "0s"]).ok();

    assert_eq!(site.api("/namespaces", Some(&old)).status, 403);
    assert_eq!(site.api("/namespaces", Some(&site.token())).status, 200);
}

#[test]
fn no_secret_is_in_a_log_a_label_a_command_line_or_a_rendered_file() {
    let vendor = Vendor::shared();
    let site = Site::trusting("secrets", &vendor);
    site.install(vendor.whole_bundle(), "compose");
    let token = site.token();

    let mut seen = site.rivetctl(["logs", site.name()]).ok().stdout;
    seen += &site.rivetctl(["status", site.name()]).ok().stdout;
    for id in site.container_ids() {
        seen += &site
            .docker([
                "inspect",
                "--format",
                "{{json .Config.Labels}} {{json .Args}} {{json .Config.Cmd}}",
                &id,
            ])
            .join("\n");
        seen += &site.docker(["top", &id, "-o", "pid,args"]).join("\n");
    }
    for (path, content) in site.files() {
        if !path.as_str().contains("/secrets/") && !path.as_str().contains("/data/") {
            seen += &String::from_utf8_lossy(&content);
        }
    }

    assert!(!seen.contains(&token));
    assert!(seen.contains("rivet-engine"), "nothing was looked at");
}
