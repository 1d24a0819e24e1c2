//! The manifest: one spelling, and rules that span fields. Each row is signed by the release key
//! and breaks one rule.

use bundle_spec::{BundleError, Manifest};

use super::sample::{RELEASE_KEY, Sample, Tar, good, refusal};

fn manifest() -> Manifest {
    Manifest::parse(&Tar::parse(&good()).0[0].1).unwrap()
}

/// The code for a manifest text that was changed and signed again.
fn with_text(from: &str, to: &str) -> &'static str {
    let mut tar = Tar::parse(&good());
    let text = String::from_utf8(tar.0[0].1.clone()).unwrap();
    assert!(text.contains(from), "{from}");
    tar.resign(text.replacen(from, to, 1).as_bytes());
    refusal(&tar.bytes())
}

/// The rule that a changed manifest breaks; what is derived is made to fit.
fn rule(change: impl FnOnce(&mut Manifest)) -> String {
    let mut manifest = manifest();
    change(&mut manifest);
    manifest.sums = bundle_spec::Sha256Digest::of(manifest.sums_text().as_bytes());
    match Manifest::parse(&manifest.to_bytes()) {
        Err(BundleError::ManifestRule { rule }) => rule,
        Err(other) => panic!("{other}"),
        Ok(_) => "accepted".to_owned(),
    }
}

fn assert_rule(expected: &str, change: impl FnOnce(&mut Manifest)) {
    let found = rule(change);
    assert!(found.contains(expected), "{found:?}, expected {expected:?}");
}

#[test]
fn a_manifest_has_one_spelling() {
    for (from, to) in [
        ("{\"schema\"", " {\"schema\""),
        ("\"channel\":", "\"channel\": "),
        (
            "\"channel\":\"stable\",\"version\":\"1.2.3\"",
            "\"version\":\"1.2.3\",\"channel\":\"stable\"",
        ),
        ("stable", "st\\u0061ble"),
        ("\"release_seq\":5", "\"release_seq\":5.0"),
        ("\"release_seq\":5", "\"release_seq\":-0"),
        ("\"audience\":null,", ""),
        ("\"audience\":null", "\"audience\":null,\"audience\":null"),
        ("\"audience\":null", "\"Audience\":null,\"audience\":null"),
        ("\"writes\":2", "\"writes\":2,\"more\":1"),
        ("\"tools\":[", "\"tools\":[[[["),
    ] {
        assert_eq!(with_text(from, to), "RVB-MANIFEST-JSON", "{from} -> {to}");
    }
}

#[test]
fn a_manifest_of_another_version_is_named_before_its_fields_are_read() {
    assert_eq!(
        with_text("rivet-bundle/1\",", "rivet-bundle/2\",\"new\":1,"),
        "RVB-MANIFEST-SCHEMA"
    );
}

#[test]
fn messages_about_json_are_safe_to_print() {
    let text = String::from_utf8(manifest().to_bytes()).unwrap();
    let evil = text.replace("\"stable\"", "\"\u{1b}[2J\u{202e}\\u001b\"");
    let message = Manifest::parse(evil.as_bytes()).unwrap_err().to_string();
    assert!(message.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{message:?}");
}

#[test]
fn numbers_stay_in_their_ranges() {
    assert_rule("release_seq is 0", |m| m.release_seq = 0);
    assert_rule("release_seq is 9007199254740992", |m| m.release_seq = 1 << 53);
    assert_rule("min_from_seq 6 is above", |m| m.min_from_seq = 6);
    assert_rule("a time is above", |m| m.created = 1 << 53);
    assert_rule("not later than created", |m| m.not_after = Some(m.created));
    assert_rule("expected MAJOR.MINOR.PATCH", |m| m.rivetctl_min = "1.2".parse().unwrap());
    assert_rule("expected MAJOR.MINOR.PATCH", |m| m.rivetctl_min = "1.02.3".parse().unwrap());
    assert_rule("impossible state_format", |m| m.engines[0].state_format.reads_from = 0);
    assert_rule("impossible state_format", |m| m.engines[0].state_format.reads_from = 3);
}

#[test]
fn lists_are_sorted_and_without_repetition() {
    assert_rule("blobs are not in ascending order", |m| m.blobs.swap(0, 1));
    assert_rule("blobs are not in ascending order", |m| m.blobs.insert(0, m.blobs[0]));
    assert_rule("platforms are not", |m| m.platforms.clear());
    assert_rule("platforms are not", |m| m.platforms.push(m.platforms[0]));
    assert_rule("engines are not exactly one", |m| m.engines.push(m.engines[0].clone()));
    assert_rule("engines are not exactly one", |m| m.engines.clear());
    assert_rule("tools are not sorted", |m| m.tools.push(m.tools[0].clone()));
    assert_rule("images are not sorted", |m| m.images.push(m.images[0].clone()));
    assert_rule("templates are not sorted", |m| m.templates.push(m.templates[0].clone()));
    assert_rule("pools are not sorted", |m| m.pools.push(m.pools[0].clone()));
    assert_rule("allowed_risks are not", |m| m.allowed_risks.push(m.allowed_risks[0].clone()));
    assert_rule("revoked_releases are not", |m| m.revoked_releases.push(1));
    assert_rule("which is this release", |m| m.revoked_releases.push(5));
}

#[test]
fn what_is_named_is_there() {
    let absent = bundle_spec::Sha256Digest::of(b"absent");
    assert_rule("which is not listed", |m| m.engines[0].binary = absent);
    assert_rule("which is not listed", |m| m.tools[0].binary = absent);
    assert_rule("which is not listed", |m| m.images[0].config = absent);
    assert_rule("which is not listed", |m| m.images[0].manifest = absent);
    assert_rule("which is not listed", |m| m.images[0].layers[0].blob = absent);
    assert_rule("which is not listed", |m| m.templates[0].blob = absent);
    assert_rule("which is not listed", |m| m.config_schema = Some(absent));
    assert_rule("names image other", |m| m.engines[0].image = "other".parse().unwrap());
    assert_rule("not among platforms", |m| m.tools[0].platform = bundle_spec::Platform::LinuxArm64);
    assert_rule("not among platforms", |m| {
        let mut other = m.images[0].clone();
        other.platform = bundle_spec::Platform::LinuxArm64;
        m.images.push(other);
    });
}

#[test]
fn a_blob_that_nothing_uses_is_refused() {
    assert_rule("is not used by anything", |m| m.config_schema = None);
}

#[test]
fn a_plain_layer_is_its_own_content() {
    assert_rule("a plain layer", |m| m.images[0].layers[0].uncompressed_size += 1);
    assert_rule("a plain layer", |m| m.images[0].layers[0].diff_id = m.engines[0].binary);
    assert_rule("unpacks to more than", |m| {
        m.images[0].layers[0].compression = bundle_spec::manifest::Compression::Gzip;
        m.images[0].layers[0].uncompressed_size = 1 << 53;
    });
}

#[test]
fn two_images_cannot_answer_to_one_reference() {
    assert_rule("the same reference", |m| {
        let mut other = m.images[0].clone();
        other.name = "zzz".parse().unwrap();
        m.images.push(other);
    });
}

#[test]
fn a_template_is_not_the_directory_of_another() {
    assert_rule("is also the directory", |m| {
        let mut below = m.templates[0].clone();
        below.path = "app.yaml/x".parse().unwrap();
        m.templates.push(below);
    });
}

#[test]
fn large_blobs_have_chunk_digests_and_small_ones_have_none() {
    let large = |change: &dyn Fn(&mut Manifest)| {
        let mut m = Manifest::parse(&Tar::parse(&Sample::large().signed_by(&[RELEASE_KEY])).0[0].1)
            .unwrap();
        change(&mut m);
        m.sums = bundle_spec::Sha256Digest::of(m.sums_text().as_bytes());
        Manifest::parse(&m.to_bytes()).map(|_| ()).unwrap_err().to_string()
    };
    assert!(large(&|m| m.chunk_table = None).contains("chunk_table is null"));
    assert!(large(&|m| m.chunk_table.as_mut().unwrap().chunk_size = 1).contains("chunk_size is 1"));
    assert!(
        large(&|m| m.chunk_table.as_mut().unwrap().blob = m.engines[0].binary)
            .contains("the chunk table has")
    );
    assert_rule("the chunk table has", |m| {
        m.chunk_table = Some(bundle_spec::manifest::ChunkTable {
            blob: m.engines[0].binary,
            chunk_size: 4 << 20,
        });
    });
}

#[test]
fn sizes_are_limited() {
    assert_rule("is longer than 8589934591 bytes", |m| m.blobs[0].size = 1 << 33);
    assert_rule("VERIFY.txt is longer", |m| m.verify_txt.size = 1 << 20);
    assert_rule("there are 20001 blobs", |m| m.blobs = vec![m.blobs[0]; 20_001]);
    let config = manifest().images[0].config;
    assert_rule("at most 8388608 are allowed", |m| {
        m.blobs.iter_mut().find(|blob| blob.digest == config).unwrap().size = (8 << 20) + 1;
    });
    let long = vec![b' '; (4 << 20) + 1];
    assert_eq!(Manifest::parse(&long).unwrap_err().code().as_str(), "RVB-LIMIT");
}

#[test]
fn sums_follow_from_blobs() {
    let mut m = manifest();
    m.sums = m.blobs[0].digest;
    let error = Manifest::parse(&m.to_bytes()).unwrap_err().to_string();
    assert!(error.contains("sums is not the digest"), "{error}");
}
