//! Rows F, and D77 and D78: good bundles that meet a site which must refuse them.

use super::Good;

/// The sequence of the good bundle.
const GOOD: u64 = 5;

/// A bundle and what the site remembers.
#[expect(missing_debug_implementations, reason = "it holds a closure")]
pub struct ReleaseRow {
    /// Letter and number, unique.
    pub id: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// The code that the refusal must carry.
    pub code: &'static str,
    /// What the site knows before.
    pub site: SiteMemory,
    change: fn(&str) -> String,
}

/// What a site knows of the product before the bundle arrives.
#[derive(Debug, Clone, Copy, Default)]
pub struct SiteMemory {
    /// The highest release seen.
    pub highest: Option<u64>,
    /// A release that an earlier bundle has revoked.
    pub revoked: Option<u64>,
    /// Whether the site refuses releases past their time.
    pub denies_expired: bool,
}

impl ReleaseRow {
    /// The bundle, signed by the trusted key.
    pub fn bytes(&self, good: &Good) -> Vec<u8> {
        let mut archive = good.archive();
        let text = good.manifest_text();
        let changed = (self.change)(&text);
        if changed != text {
            good.sign_into(&mut archive, &changed);
        }
        archive.to_bytes()
    }
}

impl SiteMemory {
    /// The file in which a site keeps it, if there is anything to keep.
    pub fn seen_json(&self) -> Option<String> {
        let highest = self.highest.or(self.revoked.map(|_| 1))?;
        let revoked: Vec<u64> = self.revoked.into_iter().collect();
        let other_bundle = format!("sha256:{}", "d".repeat(64));
        let document = serde_json::json!({
            "last_seen": 1_760_000_000,
            "channels": [{
                "channel": "stable",
                "release_seq": highest,
                "bundle_id": other_bundle,
                "root_version": 1,
                "revoked_releases": revoked,
            }],
        });
        Some(document.to_string())
    }
}

/// Every row that needs a site.
pub fn release_rows() -> Vec<ReleaseRow> {
    let fresh = SiteMemory::default();
    let seen = |highest| SiteMemory { highest: Some(highest), ..fresh };
    vec![
        ReleaseRow {
            id: "F92a",
            what: "a release older than the newest one seen",
            code: "RVB-POLICY-ROLLBACK",
            site: seen(GOOD + 1),
            change: str::to_owned,
        },
        ReleaseRow {
            id: "F92b",
            what: "another bundle of the sequence that was seen",
            code: "RVB-POLICY-EQUIVOCATION",
            site: seen(GOOD),
            change: str::to_owned,
        },
        ReleaseRow {
            id: "F93c",
            what: "a jump ahead that would lock out every honest release",
            code: "RVB-POLICY-JUMP",
            site: seen(GOOD),
            change: |text| text.replace("\"release_seq\":5", "\"release_seq\":10006"),
        },
        ReleaseRow {
            id: "F95",
            what: "a release that an earlier bundle has revoked",
            code: "RVB-POLICY-REVOKED",
            site: SiteMemory { revoked: Some(GOOD), ..fresh },
            change: str::to_owned,
        },
        ReleaseRow {
            id: "F96a",
            what: "another product, signed by keys of this one",
            code: "RVB-POLICY-PRODUCT",
            site: fresh,
            change: |text| {
                text.replace("\"product\":\"sample-notes\"", "\"product\":\"other-notes\"")
            },
        },
        ReleaseRow {
            id: "F96b",
            what: "a bundle for another customer",
            code: "RVB-POLICY-AUDIENCE",
            site: fresh,
            change: |text| text.replace("\"audience\":null", "\"audience\":\"somebody-else\""),
        },
        ReleaseRow {
            id: "F97a",
            what: "a release made years from now",
            code: "RVB-POLICY-CREATED",
            site: fresh,
            change: |text| text.replace("\"created\":1760000000", "\"created\":4102444800"),
        },
        ReleaseRow {
            id: "F97b",
            what: "a release past its time, at a site that refuses those",
            code: "RVB-POLICY-EXPIRED",
            site: SiteMemory { denies_expired: true, ..fresh },
            change: |text| text.replace("\"not_after\":null", "\"not_after\":1760000001"),
        },
        ReleaseRow {
            id: "D77b",
            what: "a bundle for a rivetctl of the future",
            code: "RVB-POLICY-RIVETCTL",
            site: fresh,
            change: |text| {
                text.replace("\"rivetctl_min\":\"0.1.0\"", "\"rivetctl_min\":\"99.0.0\"")
            },
        },
        ReleaseRow {
            id: "D78",
            what: "a bundle for another processor",
            code: "RVB-POLICY-PLATFORM",
            site: fresh,
            change: |text| text.replace("linux/amd64", "linux/arm64"),
        },
    ]
}
