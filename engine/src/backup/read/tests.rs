use super::*;
use crate::{
    backup::{CheckpointId, manifest::FORM},
    keyspace::tables::FORMAT,
};

/// A manifest of these files, and its archive, as an engine would write it.
fn good() -> (Manifest, Vec<(&'static str, Vec<u8>)>) {
    let contents = vec![
        ("000009.sst", vec![7; 700]),
        ("CURRENT", b"MANIFEST-000005\n".to_vec()),
        ("OPTIONS-000007", Vec::new()),
    ];
    let files = contents.iter().map(|(name, content)| File {
        name: (*name).to_owned().try_into().unwrap(),
        bytes: u64::try_from(content.len()).unwrap(),
        sha256: Sha256Hex::of(content),
    });
    let manifest = Manifest {
        form: FORM.to_owned(),
        id: CheckpointId::new(1_700_000_000_000),
        create_ts: 1_700_000_000_000,
        engine_version: "0.1.0".to_owned(),
        data_format: FORMAT,
        sequence: 42,
        files: files.collect(),
    };
    (manifest, contents)
}

fn entry(name: &str, content: &[u8]) -> Vec<u8> {
    let bytes = u64::try_from(content.len()).unwrap();
    let mut entry = tar::header(name, bytes).to_vec();
    entry.extend_from_slice(content);
    entry.resize(entry.len() + tar::padding(bytes), 0);
    entry
}

/// The two entries about a manifest, whose text may be any.
fn about(manifest: &[u8]) -> Vec<u8> {
    let line = Manifest::digest_line(manifest);
    [entry(MANIFEST_ENTRY, manifest), entry(DIGEST_ENTRY, line.as_bytes())].concat()
}

fn archive(manifest: &[u8], entries: &[Vec<u8>]) -> Vec<u8> {
    [about(manifest), entries.concat(), vec![0; 1024]].concat()
}

fn entries() -> Vec<Vec<u8>> {
    let (_, contents) = good();
    contents.iter().map(|(name, content)| entry(&format!("rocksdb/{name}"), content)).collect()
}

fn well_made() -> Vec<u8> {
    archive(&good().0.to_bytes(), &entries())
}

/// An archive whose manifest is text that somebody has changed, and hashed again.
fn with_manifest(change: impl Fn(&str) -> String) -> Result<Manifest, ArchiveError> {
    let text = String::from_utf8(good().0.to_bytes()).unwrap();
    let changed = change(&text);
    assert_ne!(changed, text);
    verify(archive(changed.as_bytes(), &entries()).as_slice())
}

#[test]
fn what_an_engine_writes_is_read_and_is_as_long_as_it_was_said_to_be() {
    let (well_made, (manifest, _)) = (well_made(), good());

    let read = verify(well_made.as_slice()).unwrap();

    assert_eq!(read.files, manifest.files);
    assert_eq!(u64::try_from(well_made.len()), Ok(read.archive_bytes()));
}

#[test]
fn every_changed_byte_is_found() {
    let well_made = well_made();
    for at in 0..well_made.len() {
        for change in [1, 0x80] {
            let mut changed = well_made.clone();
            changed[at] ^= change;
            assert!(verify(changed.as_slice()).is_err(), "byte {at}");
        }
    }
}

#[test]
fn an_archive_that_ends_early_or_goes_on_is_refused() {
    let well_made = well_made();
    for length in 0..well_made.len() {
        assert!(verify(&well_made[..length]).is_err(), "{length} bytes");
    }
    let longer = [well_made, vec![0]].concat();
    assert_eq!(verify(longer.as_slice()), Err(ArchiveError::Trailing));
}

#[test]
fn names_that_lead_elsewhere_are_refused_before_anything_else_is_read() {
    for name in ["../CURRENT", "/etc/passwd", "a/b", "..", ".", "", ".hidden", "a\\u0000b", "a b"] {
        let outcome = with_manifest(|text| text.replace("CURRENT", name));
        // And not because it would stand in the wrong place.
        let Err(ArchiveError::Manifest(reason)) = outcome else { panic!("{name}: {outcome:?}") };
        assert!(reason.contains("expected the name of a file of the database"), "{name}: {reason}");
    }
}

#[test]
fn links_directories_and_other_names_are_not_what_the_manifest_says() {
    let (manifest, _) = good();
    let change = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut entries = entries();
        change(&mut entries[1]);
        // With a checksum that is right, as whoever makes such a thing on purpose would have it.
        entries[1][148..156].fill(b' ');
        let sum: u32 = entries[1][..512].iter().map(|byte| u32::from(*byte)).sum();
        entries[1][148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        verify(archive(&manifest.to_bytes(), &entries).as_slice())
    };
    for kind in *b"123456789xgLKS" {
        let outcome = change(&|entry| entry[156] = kind);
        assert_eq!(outcome, Err(ArchiveError::Entry("rocksdb/CURRENT".to_owned())));
    }
    for name in [&b"/ocksdb/CURRENT"[..], b"../ksdb/CURRENT", b"rocksdb/CURREN2"] {
        let outcome = change(&|entry| entry[..name.len()].copy_from_slice(name));
        assert_eq!(outcome, Err(ArchiveError::Entry("rocksdb/CURRENT".to_owned())));
    }
    let mode = change(&|entry| entry[100..108].copy_from_slice(b"0004777\0"));
    assert_eq!(mode, Err(ArchiveError::Entry("rocksdb/CURRENT".to_owned())));
    let larger = change(&|entry| entry[124..136].copy_from_slice(b"77777777777\0"));
    assert_eq!(larger, Err(ArchiveError::Entry("rocksdb/CURRENT".to_owned())));
}

#[test]
fn entries_that_are_missing_twice_there_or_in_another_order_are_refused() {
    let manifest = good().0.to_bytes();
    let [one, two, three] = entries().try_into().unwrap();
    for other in [
        vec![one.clone(), three.clone()],
        vec![two.clone(), one.clone(), three.clone()],
        vec![one.clone(), two.clone(), two.clone(), three.clone()],
        vec![one, two, three, entry("rocksdb/more", b"x")],
    ] {
        assert!(verify(archive(&manifest, &other).as_slice()).is_err());
    }
}

#[test]
fn a_manifest_is_read_as_an_engine_writes_it_and_not_otherwise() {
    let refused = |outcome: Result<Manifest, ArchiveError>| {
        assert!(matches!(outcome, Err(ArchiveError::Manifest(_))), "{outcome:?}");
    };
    refused(with_manifest(|text| text.replace("  ", " ")));
    refused(with_manifest(|text| text.replace("\"sequence\": 42", "\"sequence\": 42.0")));
    refused(with_manifest(|text| text.replace("\"sequence\"", "\"other\": 1,\n  \"sequence\"")));
    refused(with_manifest(|text| text.replace("000009.sst", "ZZZZZZ.sst")));
    refused(with_manifest(|text| text.replace("OPTIONS-000007", "CURRENT")));
    refused(with_manifest(|text| text.replace("\"bytes\": 700", "\"bytes\": 99999999999999")));
    refused(with_manifest(|_| "{}".to_owned()));
}

#[test]
fn other_forms_and_newer_data_are_refused_by_name() {
    let form = with_manifest(|text| text.replace("rivet-checkpoint/1", "rivet-checkpoint/2"));
    assert_eq!(form, Err(ArchiveError::Form { found: "rivet-checkpoint/2".to_owned() }));
    let newer = with_manifest(|text| text.replace("\"data_format\": 1", "\"data_format\": 2"));
    let expected = ArchiveError::DataFormat { found: 2, written_by: "0.1.0".to_owned() };
    assert_eq!(newer, Err(expected));
}

#[test]
fn a_manifest_of_any_size_is_not_held_in_memory() {
    let header = tar::header(MANIFEST_ENTRY, MANIFEST_MAX + 1);
    assert!(matches!(verify(header.as_slice()), Err(ArchiveError::Manifest(_))));
}
