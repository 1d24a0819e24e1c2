//! What becomes data, and what does not, whole or in part.

use std::os::unix::fs::PermissionsExt as _;

use camino_tempfile::Utf8TempDir;
use rocksdb::DB;

use super::*;
use crate::{
    backup::{
        ArchiveError, CheckpointId, FileName, Sha256Hex,
        manifest::{DIGEST_ENTRY, FORM, MANIFEST_ENTRY},
        tar,
    },
    keyspace::{
        key_bytes,
        tables::{FORMAT, FormatRow, Meta, MetaKey},
    },
    storage::OpenError,
};

type Files = Vec<(String, Vec<u8>)>;

/// The files of a database that says that its data has this format.
fn database(format: u32) -> Files {
    let dir = camino_tempfile::tempdir().unwrap();
    let db = DB::open_default(dir.path()).unwrap();
    let row = FormatRow { format, written_by: "0.1.0".to_owned() };
    db.put(key_bytes::<Meta>(&MetaKey::Format), serde_json::to_vec(&row).unwrap()).unwrap();
    db.flush().unwrap();
    drop(db);
    files_of(&dir)
}

/// The files in the directory of a database that nobody has open.
fn files_of(dir: &Utf8TempDir) -> Files {
    let entries = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap());
    let mut files: Files = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| name != "LOCK")
        .collect();
    files.sort();
    files
}

fn manifest(files: impl IntoIterator<Item = File>) -> Manifest {
    Manifest {
        form: FORM.to_owned(),
        id: CheckpointId::new(1_700_000_000_000),
        create_ts: 1_700_000_000_000,
        engine_version: "0.1.0".to_owned(),
        data_format: FORMAT,
        sequence: 1,
        files: files.into_iter().collect(),
    }
}

fn name(text: &str) -> FileName {
    text.to_owned().try_into().unwrap()
}

fn entry(name: &str, content: &[u8]) -> Vec<u8> {
    let bytes = u64::try_from(content.len()).unwrap();
    [&tar::header(name, bytes)[..], content, &vec![0; tar::padding(bytes)]].concat()
}

/// What an archive with this manifest begins with.
fn about(manifest: &Manifest) -> Vec<u8> {
    let text = manifest.to_bytes();
    let digest = Manifest::digest_line(&text);
    [entry(MANIFEST_ENTRY, &text), entry(DIGEST_ENTRY, digest.as_bytes())].concat()
}

/// The archive of these files, as an engine would write it.
fn archive(files: &Files) -> Vec<u8> {
    let manifest = manifest(files.iter().map(|(file, content)| File {
        name: name(file),
        bytes: u64::try_from(content.len()).unwrap(),
        sha256: Sha256Hex::of(content),
    }));
    let entries = files.iter().map(|(file, content)| entry(&format!("rocksdb/{file}"), content));
    [about(&manifest), entries.collect::<Vec<_>>().concat(), vec![0; 1024]].concat()
}

fn left_in(dir: &Utf8TempDir) -> Vec<String> {
    let entries = fs::read_dir(dir.path()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn into(dir: &Utf8TempDir, archive: &[u8]) -> Result<Manifest, RestoreError> {
    restore(archive, dir.path().as_std_path())
}

#[test]
fn what_was_copied_is_brought_back_for_the_engines_user_alone() {
    let dir = camino_tempfile::tempdir().unwrap();
    let files = database(FORMAT);

    into(&dir, &archive(&files)).unwrap();

    let restored = database_dir(dir.path().as_std_path());
    for (file, content) in &files {
        assert_eq!(fs::read(restored.join(file)).unwrap(), *content, "{file}");
        let mode = fs::metadata(restored.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file}: {mode:o}");
    }
    assert_eq!(fs::metadata(restored).unwrap().permissions().mode() & 0o077, 0);
}

#[test]
fn files_that_are_what_the_manifest_says_and_no_database_are_not_put_in_place() {
    let dir = camino_tempfile::tempdir().unwrap();
    let files = vec![("CURRENT".to_owned(), b"MANIFEST-000005\n".to_vec())];

    let refused = into(&dir, &archive(&files));

    assert!(matches!(refused, Err(RestoreError::Unusable(_))), "{refused:?}");
    assert_eq!(left_in(&dir), [LOCK_FILE]);
}

#[test]
fn a_database_of_somebody_else_is_not_put_in_place() {
    let dir = camino_tempfile::tempdir().unwrap();
    let theirs = camino_tempfile::tempdir().unwrap();
    drop(DB::open_default(theirs.path()).unwrap());

    let refused = into(&dir, &archive(&files_of(&theirs)));

    assert!(matches!(refused, Err(RestoreError::Unusable(_))), "{refused:?}");
    assert_eq!(left_in(&dir), [LOCK_FILE]);
}

#[test]
fn data_of_another_format_than_the_manifest_says_is_not_put_in_place() {
    let dir = camino_tempfile::tempdir().unwrap();

    let refused = into(&dir, &archive(&database(FORMAT + 1)));

    let expected = FORMAT + 1;
    assert!(
        matches!(refused, Err(RestoreError::OtherFormat { stated: FORMAT, found }) if found == expected),
        "{refused:?}"
    );
    assert_eq!(left_in(&dir), [LOCK_FILE]);
}

#[test]
fn an_archive_that_breaks_off_leaves_nothing_behind() {
    let archive = archive(&database(FORMAT));
    for length in [0, 100, archive.len() / 2, archive.len() - 1025, archive.len() - 1] {
        let dir = camino_tempfile::tempdir().unwrap();

        let refused = into(&dir, &archive[..length]);

        assert!(
            matches!(refused, Err(RestoreError::Archive(ArchiveError::Truncated(_)))),
            "{length}: {refused:?}"
        );
        assert_eq!(left_in(&dir), [LOCK_FILE], "{length}");
    }
}

/// As many bytes as no disk of a test has: it is refused by what the manifest says, before the rest comes.
#[test]
fn data_that_the_disk_has_no_room_for_is_refused_before_any_of_it_is_written() {
    let dir = camino_tempfile::tempdir().unwrap();
    let files = (0..100_000).map(|number| File {
        name: name(&format!("{number:06}.sst")),
        bytes: tar::ENTRY_MAX,
        sha256: Sha256Hex::of(b""),
    });

    let refused = into(&dir, &about(&manifest(files)));

    assert!(matches!(refused, Err(RestoreError::NoRoom { .. })), "{refused:?}");
    assert_eq!(left_in(&dir), [LOCK_FILE]);
}

#[test]
fn a_directory_with_anything_in_it_is_refused_and_left_as_it_is() {
    let archive = archive(&database(FORMAT));
    for there in ["rocksdb", "checkpoints", "engine.store", "notes.txt", ".hidden"] {
        let dir = camino_tempfile::tempdir().unwrap();
        fs::write(dir.path().join(there), "kept").unwrap();

        let refused = into(&dir, &archive);

        assert!(
            matches!(&refused, Err(RestoreError::NotEmpty { found, .. }) if found == there),
            "{refused:?}"
        );
        assert_eq!(fs::read(dir.path().join(there)).unwrap(), b"kept");
        assert_eq!(left_in(&dir).len(), 2);
    }
    let theirs = camino_tempfile::tempdir().unwrap();
    fs::write(theirs.path().join("CURRENT"), "").unwrap();
    let refused = into(&theirs, &archive);
    assert!(matches!(refused, Err(RestoreError::Directory(OpenError::Foreign { .. }))));
}

#[test]
fn what_an_interrupted_restore_left_is_replaced_as_is_a_volume_that_was_just_made() {
    let dir = camino_tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("lost+found")).unwrap();
    fs::create_dir(dir.path().join(UNFINISHED)).unwrap();
    fs::write(dir.path().join(UNFINISHED).join("000099.sst"), "half").unwrap();

    into(&dir, &archive(&database(FORMAT))).unwrap();

    let restored = database_dir(dir.path().as_std_path());
    assert!(!restored.join("000099.sst").exists());
    assert!(!dir.path().join(UNFINISHED).exists());
}
