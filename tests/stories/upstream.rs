//! The upstream engine, bundled from its npm package, comes up with its error reporting switched
//! off and a token of its own.

use rivetctl_e2e::{site::Site, vendor::Vendor};

#[test]
fn the_upstream_engine_from_npm_installs_closed_and_silent() {
    let vendor = Vendor::shared();
    let site = Site::trusting("upstream", &vendor);
    let bundle = vendor.make_bundle_online(
        "upstream.rvb",
        &["--engine", "npm", "--engine-version", "2.3.19", "--sequence", "2"],
    );

    site.install(&bundle, "compose");

    let token = site.token();
    assert_eq!(site.api("/namespaces", Some(&token)).status, 200);
    assert_eq!(site.api("/namespaces", None).status, 403);
    assert_eq!(site.api("/namespaces", Some("admin")).status, 403);
    assert_eq!(site.notes("/healthz").status, 200);
    let configuration: String = site
        .files()
        .iter()
        .filter(|(path, _)| path.as_str().contains("/generations/"))
        .map(|(_, content)| String::from_utf8_lossy(content).replace(char::is_whitespace, ""))
        .collect();
    assert!(configuration.contains(r#""telemetry":{"enabled":false}"#), "{configuration}");

    site.rivetctl(["audit", site.name()]).refused(4, "RCTL-AUDIT-UPSTREAM");

    site.rivetctl(["token", "rotate", site.name(), "--grace", "0s"]).ok();
    assert_eq!(site.api("/namespaces", Some(&token)).status, 403);
    assert_eq!(site.api("/namespaces", Some(&site.token())).status, 200);
    assert_eq!(site.notes("/healthz").status, 200);
}
