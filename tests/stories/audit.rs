//! Who changed what in the engine of an install, read by the person who operates it.

use rivetctl_e2e::{site::Site, vendor::Vendor};

#[test]
fn what_was_changed_over_the_api_is_read_back_newest_first() {
    let vendor = Vendor::shared();
    let site = Site::trusting("audited", &vendor);
    site.install(vendor.bundle(), "binary");
    for name in ["one", "two", "three"] {
        let body = format!(r#"{{"name":"{name}","display_name":"{name}"}}"#);
        assert_eq!(site.post("/namespaces", &site.token(), &body).status, 200);
    }
    assert_eq!(site.post("/namespaces", "rvt_wrong_wrong_wrong_wrong", "{}").status, 403);

    let text = site.rivetctl(["audit", site.name(), "--limit", "2"]).ok().stdout;
    let all = site.json(["audit", site.name()]);
    let later = site.json(["audit", site.name(), "--since", "2200-01-01T00:00:00Z"]);

    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].contains("nobody") && lines[0].contains("403"), "{text}");
    assert!(lines[1].contains("admin") && lines[1].contains("POST /namespaces"), "{text}");
    let entries = all["entries"].as_array().unwrap();
    let numbers: Vec<_> = entries.iter().map(|entry| entry["number"].as_u64().unwrap()).collect();
    assert!(entries.len() >= 4 && numbers.is_sorted_by(|one, next| one > next), "{all}");
    assert_eq!(later["entries"].as_array().unwrap().len(), 0, "{later}");
    assert!(!text.contains(&site.token()));
}
