//! An install runs rivetkit apps that nobody adapted to it: one in TypeScript's runtime with a page
//! for people, one in Rust. They know the engine by `RIVET_ENDPOINT` alone, at an address that is
//! not loopback, and so does a client on the site, made with nothing but the npm package.

use rivetctl_e2e::{site::Site, vendor::Vendor};
use serde_json::json;

#[test]
fn an_unmodified_client_uses_both_apps_and_a_restarted_engine_has_kept_everything() {
    let vendor = Vendor::shared();
    let site = Site::trusting("apps", &vendor);
    site.install(vendor.whole_bundle(), "compose");

    let mut seen = site.client(&["use", "of-the-site"]);

    let kept = seen.as_object_mut().unwrap().remove("kept").unwrap();
    assert_eq!(
        seen,
        json!({
            "numbers": [1, 2],
            "event": "over HTTP",
            "plain": [200, "1\tover HTTP\n2\tover WebSocket\n3\tto be removed\n"],
            "removed": true,
            "refused": "user.bad_note",
            "counts": [2, 5],
            "changed": { "count": 2 },
            "byId": "pong",
        })
    );
    assert_eq!(kept["notes"], json!(["over HTTP", "over WebSocket"]));
    assert_eq!(kept["count"], 5);

    site.docker(["restart", &format!("rivet-{}-rivet-engine-1", site.name())]);

    assert_eq!(site.client(&["read", "of-the-site"]), kept);
}

#[test]
fn a_person_writes_notes_on_the_page_and_they_outlive_the_app() {
    let vendor = Vendor::shared();
    let site = Site::trusting("page", &vendor);
    site.install(vendor.whole_bundle(), "compose");

    assert_eq!(site.write_note("tea & <biscuits>").status, 303);

    let page = site.notes("/");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<li>tea &amp; &lt;biscuits&gt;"), "{}", page.body);
    assert!(page.body.contains("Seen 1 times."), "{}", page.body);

    site.rivetctl(["token", "rotate", site.name(), "--grace", "0s"]).ok();

    let page = site.notes("/");
    assert_eq!(page.status, 200, "{}", site.rivetctl(["logs", site.name()]).stdout);
    assert!(page.body.contains("<li>tea &amp; &lt;biscuits&gt;"), "{}", page.body);
    assert!(page.body.contains("Seen 2 times."), "{}", page.body);
}

#[test]
fn who_has_no_token_reaches_no_actor() {
    let vendor = Vendor::shared();
    let site = Site::trusting("strangers", &vendor);
    site.install(vendor.whole_bundle(), "compose");
    site.write_note("not for everybody");
    let notes = format!(
        "/gateway/notebook/request/?rvt-namespace={}&rvt-method=get&rvt-key=main",
        site.name()
    );

    let answers = ["", "&rvt-token=admin", &format!("&rvt-token={}", site.token())]
        .map(|token| site.api(&format!("{notes}{token}"), None));

    assert_eq!(answers.each_ref().map(|answer| answer.status), [403, 403, 200]);
    assert_eq!(answers[2].body, "1\tnot for everybody\n");
}
