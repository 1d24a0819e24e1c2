//! `rivetctl bundle`, run as a vendor runs it.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

#[allow(dead_code, unreachable_pub, reason = "each test file uses a part of the desk")]
mod vendor;

use bundle_spec::manifest::{Compression, EngineFlavor};
use vendor::{Vendor, executable};

#[test]
fn a_bundle_holds_what_the_recipe_says_and_verifies() {
    let vendor = Vendor::new();
    let result = vendor.bundle("notes.rvb", &["--json"]).result();

    let mut bundle = vendor.verify("notes.rvb").unwrap();
    assert_eq!(result["bundle_id"], bundle.bundle_id().to_string());
    let manifest = bundle.manifest().clone();
    assert_eq!((manifest.product.as_str(), manifest.channel.as_str()), ("notes", "stable"));
    assert_eq!((manifest.release_seq, manifest.created), (7, 1_767_323_045));
    assert_eq!(manifest.engines[0].flavor, EngineFlavor::RivetEngine);
    assert_eq!(manifest.tools[0].name.as_str(), "rivetctl");
    assert_eq!(manifest.pools[0].name.as_str(), "default");
    let names: Vec<&str> = manifest.images.iter().map(|image| image.name.as_str()).collect();
    assert_eq!(names, ["notes", "rivet-engine"]);
    assert!(manifest.images.iter().all(|image| image.layers[0].compression == Compression::Gzip));
    let engine = bundle.read_blob(&manifest.engines[0].binary, 1 << 20).unwrap();
    assert_eq!(engine, executable(62));
}

#[test]
fn the_engines_image_is_one_executable_on_an_empty_root_file_system() {
    let vendor = Vendor::new();
    assert_eq!(vendor.bundle("notes.rvb", &[]).status, 0);
    let mut bundle = vendor.verify("notes.rvb").unwrap();
    let image = bundle.manifest().images[1].clone();

    let config = bundle.read_blob(&image.config, 1 << 20).unwrap();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(config["config"]["Entrypoint"][0], "/usr/local/bin/rivet-engine");
    assert_eq!(config["config"]["Cmd"][0], "start");
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["created"], "2026-01-02T03:04:05Z");

    let layer = bundle.read_blob(&image.layers[0].blob, 1 << 20).unwrap();
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&layer[..]));
    let entries: Vec<(String, u32, u64)> = tar
        .entries()
        .unwrap()
        .map(|entry| {
            let header = entry.unwrap().header().clone();
            let path = String::from_utf8(header.path_bytes().into_owned()).unwrap();
            (path, header.mode().unwrap(), header.uid().unwrap())
        })
        .collect();
    assert!(entries.contains(&("usr/local/bin/rivet-engine".into(), 0o755, 0)));
    assert!(entries.contains(&("data/".into(), 0o700, 65532)));
    assert!(entries.contains(&("tmp/".into(), 0o1777, 0)));
    assert_eq!(entries.len(), 8);
}

#[test]
fn the_same_inputs_give_the_same_bytes_before_signatures() {
    let vendor = Vendor::new();
    let unsigned = ["bundle", "--sign-later", "--created=1767323045"];
    vendor.ok(&[&unsigned[..], &["-o", "one.rvb"]].concat());
    vendor.ok(&[&unsigned[..], &["-o", "two.rvb", "--cache=another-cache"]].concat());
    let read = |name: &str| std::fs::read(vendor.path(name)).unwrap();
    assert!(read("one.rvb") == read("two.rvb"));

    // The environment's time is the flag's time, and a signature changes nothing else.
    let epoch = [("SOURCE_DATE_EPOCH", "1767323045")];
    let run = vendor.run_with(&["bundle", "--key=release.key", "-o", "three.rvb"], &epoch);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let signed = vendor.verify("three.rvb").unwrap();
    let later = vendor.run(&["sign", "one.rvb", "--key=release.key"]);
    assert_eq!(later.status, 0, "{}", later.stderr);
    assert_eq!(vendor.verify("one.rvb").unwrap().bundle_id(), signed.bundle_id());
    assert!(read("one.rvb") == read("three.rvb"));
}

#[test]
fn an_unsigned_bundle_is_only_made_when_signing_comes_later() {
    let vendor = Vendor::new();
    assert_eq!(vendor.refused(&["bundle", "-o", "notes.rvb"]), "RCTL-BUNDLE-UNSIGNED");
    let run = vendor.ok(&["bundle", "--sign-later", "-o", "notes.rvb"]);
    assert!(run.stderr.contains("warning:"), "{}", run.stderr);
    assert!(matches!(vendor.verify("notes.rvb"), Err(bundle_spec::BundleError::Unsigned)));
}

#[test]
fn an_existing_file_is_not_overwritten_unasked() {
    let vendor = Vendor::new();
    vendor.write("notes.rvb", b"precious");
    assert_eq!(vendor.bundle("notes.rvb", &[]).code(), "RCTL-BUNDLE-EXISTS");
    assert_eq!(std::fs::read(vendor.path("notes.rvb")).unwrap(), b"precious");
    assert_eq!(vendor.bundle("notes.rvb", &["--force"]).status, 0);
}

#[test]
fn a_bundle_that_fails_leaves_nothing_behind() {
    let vendor = Vendor::new();
    vendor.edit("schema.json", "NOTES_TITLE", "NOTES_TITEL");
    let before = vendor.list(".");
    assert_eq!(vendor.bundle("notes.rvb", &[]).code(), "RCTL-COMPOSE-VARIABLE");
    vendor.edit("schema.json", "NOTES_TITEL", "NOTES_TITLE");
    // Found while packing: the format refuses two pools of one name.
    let run = vendor.bundle("notes.rvb", &["--pool=a", "--pool=a"]);
    assert_eq!((run.code(), run.status), ("RCTL-BUNDLE-RULES", 2));
    let after: Vec<String> = vendor.list(".").into_iter().filter(|name| name != "home").collect();
    assert_eq!(after, before);
}

#[test]
fn a_key_that_no_site_would_accept_is_refused_before_any_work() {
    let vendor = Vendor::new();
    vendor.keys(&["stranger.key"]);
    let run = vendor.run(&["bundle", "--key=stranger.key", "-o", "notes.rvb"]);
    assert_eq!((run.code(), run.status), ("RCTL-ROOT-KEY", 3));
    assert_eq!(vendor.bundle("notes.rvb", &["--product=other"]).code(), "RCTL-ROOT-PRODUCT");
    assert_eq!(vendor.bundle("notes.rvb", &["--key=release.key.pub"]).code(), "RCTL-AGENT-ABSENT");
    assert_eq!(vendor.bundle("notes.rvb", &["--key=release.key"]).code(), "RCTL-KEY-REPEATED");
}

#[test]
fn a_risk_has_to_be_allowed_and_is_recorded() {
    let vendor = Vendor::new();
    vendor.edit("compose.yaml", "ports: [\"127.0.0.1:", "privileged: true\n    ports: [\"");
    let run = vendor.bundle("notes.rvb", &[]);
    assert_eq!((run.code(), run.status), ("RCTL-COMPOSE-RISK", 2));
    assert!(run.stderr.contains("--allow 'privileged:notes'"), "{}", run.stderr);

    let both = [
        "--allow=privileged:notes",
        "--allow=publishes-on-all-interfaces:notes",
        "--allow=host-pid:notes",
    ];
    let run = vendor.bundle("notes.rvb", &both);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("host-pid:notes, but no template takes this risk"),
        "{}",
        run.stderr
    );
    let manifest = vendor.manifest("notes.rvb");
    let risks: Vec<&str> = manifest.allowed_risks.iter().map(|risk| risk.as_str()).collect();
    assert_eq!(risks, ["privileged:notes", "publishes-on-all-interfaces:notes"]);
}

#[test]
fn an_engine_that_could_not_run_there_is_refused() {
    let vendor = Vendor::new();
    for (bytes, found) in [
        (executable(183), "ELF file for ARM64"),
        (b"#!/bin/sh\n".to_vec(), "a script"),
        (b"MZ".to_vec(), "not an ELF file"),
    ] {
        vendor.write("rivet-engine", &bytes);
        let run = vendor.bundle("notes.rvb", &[]);
        assert_eq!((run.code(), run.status), ("RCTL-ENGINE-ELF", 2));
        assert!(run.stderr.contains(found), "{}", run.stderr);
    }
    vendor.write("rivet-engine", &executable(62));
    vendor.write("rivetctl", b"no program");
    let run = vendor.bundle("notes.rvb", &[]);
    assert!(
        run.code() == "RCTL-ENGINE-ELF" && run.stderr.contains("the rivetctl for linux/amd64"),
        "{}",
        run.stderr
    );
    assert_eq!(vendor.bundle("notes.rvb", &["--engine=ours"]).code(), "RCTL-ENGINE-UNUSED");
    assert_eq!(vendor.bundle("notes.rvb", &["--platform=linux/arm64"]).code(), "RCTL-ENGINE-ELF");
}

#[test]
fn two_platforms_share_one_bundle() {
    let vendor = Vendor::new();
    for (arch, machine) in [("amd64", 62), ("arm64", 183)] {
        vendor.write(&format!("dist/{arch}/rivet-engine"), &executable(machine));
        vendor.write(&format!("dist/{arch}/rivetctl"), &executable(machine));
    }
    vendor.edit("rivet-bundle.toml", "[[templates]]", "[[templates_off]]");
    vendor.edit(
        "rivet-bundle.toml",
        "path = \"rivet-engine\"",
        "path = \"dist/{arch}/rivet-engine\"",
    );
    vendor.edit("rivet-bundle.toml", "path = \"rivetctl\"", "path = \"dist/{arch}/rivetctl\"");
    let run = vendor.bundle("notes.rvb", &[]);
    assert_eq!((run.code(), run.status), ("RCTL-RECIPE-SYNTAX", 2));
    assert!(run.stderr.contains("templates_off"), "{}", run.stderr);

    vendor.edit("rivet-bundle.toml", "[[templates_off]]", "[[templates]]");
    let both = ["--platform=linux/arm64", "--platform=linux/amd64"];
    // The app's image is for one platform only.
    assert_eq!(vendor.bundle("notes.rvb", &both).code(), "RCTL-IMAGE-PLATFORM");
}

#[test]
fn an_operators_choices_are_checked_against_the_schema_language() {
    let vendor = Vendor::new();
    vendor.edit("schema.json", "\"additionalProperties\": false,", "");
    assert_eq!(vendor.bundle("notes.rvb", &[]).code(), "RCTL-SCHEMA");
}

#[test]
fn missing_fields_are_named_with_their_flags() {
    let vendor = Vendor::new();
    vendor.write("rivet-bundle.toml", b"");
    for (flag, field) in [
        ("--product=notes", "product.name"),
        ("--release-version=1", "product.version"),
        ("--sequence=1", "product.sequence"),
    ] {
        let all = ["--product=notes", "--release-version=1", "--sequence=1"];
        let without: Vec<&str> = all.into_iter().filter(|other| *other != flag).collect();
        let run = vendor.bundle("notes.rvb", &without);
        assert_eq!(run.code(), "RCTL-RECIPE-MISSING");
        assert!(run.stderr.contains(field), "{}", run.stderr);
    }
    let soon = ["bundle", "--sign-later", "--created=soon", "-o", "notes.rvb"];
    assert_eq!(vendor.refused(&soon), "RCTL-BUNDLE-TIME");
}

#[test]
fn a_whole_recipe_fits_on_the_command_line() {
    let vendor = Vendor::new();
    std::fs::remove_file(vendor.path("rivet-bundle.toml")).unwrap();
    let run = vendor.bundle(
        "notes.rvb",
        &[
            "--product=notes",
            "--channel=beta",
            "--release-version=2",
            "--sequence=9",
            "--min-from-sequence=3",
            "--audience=acme",
            "--not-after=2030-01-01T00:00:00Z",
            "--platform=linux/amd64",
            "--engine=file",
            "--engine-path=rivet-engine",
            "--engine-flavor=upstream",
            "--engine-version=2.3.19",
            "--rivetctl=rivetctl",
            "--image=name=notes,source=oci-layout,reference=notes:1.0.0,path=image",
            "--template=path=compose/notes.yaml,file=compose.yaml",
            "--config-schema=schema.json",
            "--pool=default",
            "--revoke-release=4",
            "--roots=root",
        ],
    );
    assert_eq!(run.status, 0, "{}", run.stderr);
    let manifest = vendor.manifest("notes.rvb");
    assert_eq!((manifest.channel.as_str(), manifest.min_from_seq), ("beta", 3));
    assert_eq!(manifest.audience.unwrap().as_str(), "acme");
    assert_eq!(manifest.not_after, Some(1_893_456_000));
    assert_eq!(manifest.revoked_releases, [4]);
    assert_eq!(manifest.engines[0].flavor, EngineFlavor::Upstream);
}
