//! A store that somebody damaged is refused, or has everything that was acknowledged. Every file of it
//! is broken in turn, in many places.

use std::{fs, path::Path};

use super::*;

const ROWS: u64 = 400;

/// A store in which `ROWS` rows were acknowledged: most in files, the last ones in the log. It is left
/// as a process leaves it that was killed.
fn store() -> Utf8TempDir {
    let dir = camino_tempfile::tempdir().unwrap();
    let original = camino_tempfile::tempdir().unwrap();
    let storage = open(&original);
    let name = "x".repeat(2_000);
    for number in 0..ROWS {
        if number == ROWS / 2 {
            storage.db.flush().unwrap();
        }
        let mut row = Transaction::new(storage.begin());
        row.put::<NamespaceAges>(&number, &Id::random(1));
        row.put::<NamespaceNames>(&format!("{number}{name}"), &Id::random(1));
        row.commit().unwrap().wait_blocking().unwrap();
    }
    copy(original.path().as_std_path(), dir.path().as_std_path());
    dir
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// What became of a store: `Ok` when every row is there.
#[derive(Debug)]
enum Outcome {
    AllThere,
    RefusedAtStart(OpenError),
    RefusedWhenRead,
    /// Rows are missing, and nobody said so.
    SilentlyLost,
}

fn try_out(dir: &Path) -> Outcome {
    let storage = match RocksStorage::open(dir, Durability::Strict, Arc::<Groups>::default()) {
        Ok(storage) => storage,
        Err(error) => return Outcome::RefusedAtStart(error),
    };
    let all = KeyRange::table::<NamespaceAges>();
    let names = KeyRange::table::<NamespaceNames>();
    let mut reading = Transaction::new(storage.begin());
    let rows = reading.range::<NamespaceAges>(&all, Order::Ascending, usize::MAX);
    let names = reading.range::<NamespaceNames>(&names, Order::Ascending, usize::MAX);
    let wanted = usize::try_from(ROWS).unwrap();
    match (rows, names) {
        (Ok(rows), Ok(names)) if rows.len() == wanted && names.len() == wanted => Outcome::AllThere,
        (Ok(_), Ok(_)) => Outcome::SilentlyLost,
        _ => Outcome::RefusedWhenRead,
    }
}

/// The files of the database that mean something, by name.
fn files(dir: &Utf8TempDir) -> Vec<String> {
    let database = database_dir(dir.path().as_std_path());
    let names = fs::read_dir(database).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with("LOG") && name != "LOCK");
    names.sort();
    names
}

/// The log that was written last.
fn last_log(dir: &Utf8TempDir) -> String {
    let is_log = |name: &String| Path::new(name).extension().is_some_and(|kind| kind == "log");
    files(dir).into_iter().rfind(is_log).unwrap()
}

/// Breaks the file `name` of a copy of `store` with `how`, and opens what comes of it.
fn broken(store: &Utf8TempDir, name: &str, how: impl FnOnce(&mut Vec<u8>)) -> Outcome {
    let dir = camino_tempfile::tempdir().unwrap();
    copy(store.path().as_std_path(), dir.path().as_std_path());
    let path = database_dir(dir.path().as_std_path()).join(name);
    let mut bytes = fs::read(&path).unwrap();
    how(&mut bytes);
    fs::write(path, bytes).unwrap();
    try_out(dir.path().as_std_path())
}

/// About `count` places spread over `length` bytes, with the ends.
fn places(length: usize, count: usize) -> impl Iterator<Item = usize> {
    let step = (length / count).max(1);
    (0..length).step_by(step).chain(length.saturating_sub(3)..length)
}

#[test]
fn a_store_that_was_only_copied_has_everything() {
    assert!(matches!(try_out(store().path().as_std_path()), Outcome::AllThere));
}

#[test]
fn a_flipped_bit_in_any_file_loses_nothing_silently() {
    let store = store();
    for name in files(&store) {
        let length =
            fs::metadata(database_dir(store.path().as_std_path()).join(&name)).unwrap().len();
        for at in places(usize::try_from(length).unwrap(), 60) {
            let outcome = broken(&store, &name, |bytes| bytes[at] ^= 1 << (at % 8));
            assert!(!matches!(outcome, Outcome::SilentlyLost), "{name}, byte {at}");
        }
    }
}

#[test]
fn a_file_that_was_cut_loses_nothing_silently() {
    let store = store();
    for name in files(&store) {
        let length =
            fs::metadata(database_dir(store.path().as_std_path()).join(&name)).unwrap().len();
        for at in places(usize::try_from(length).unwrap(), 60) {
            let outcome = broken(&store, &name, |bytes| bytes.truncate(at));
            assert!(!matches!(outcome, Outcome::SilentlyLost), "{name}, cut at {at}");
        }
    }
}

#[test]
fn a_file_that_was_removed_loses_nothing_silently_and_the_start_is_refused() {
    let store = store();
    for name in files(&store) {
        let dir = camino_tempfile::tempdir().unwrap();
        copy(store.path().as_std_path(), dir.path().as_std_path());
        fs::remove_file(database_dir(dir.path().as_std_path()).join(&name)).unwrap();

        let outcome = try_out(dir.path().as_std_path());

        // Nothing is read of these.
        let is_needless = name.starts_with("OPTIONS")
            || ["IDENTITY", acknowledged::FILE].contains(&name.as_str());
        match outcome {
            Outcome::AllThere => assert!(is_needless, "{name}"),
            Outcome::RefusedAtStart(error) => assert!(error.is_about_the_data(), "{name}: {error}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_database_that_is_gone_is_missed() {
    let store = store();
    fs::remove_dir_all(database_dir(store.path().as_std_path())).unwrap();

    let outcome = try_out(store.path().as_std_path());

    assert!(matches!(outcome, Outcome::RefusedAtStart(OpenError::Missing { .. })), "{outcome:?}");
    assert!(!database_dir(store.path().as_std_path()).exists());
}

#[test]
fn a_refused_store_keeps_every_file_as_it_is() {
    let store = store();
    let name = files(&store).into_iter().find(|name| name.starts_with("MANIFEST")).unwrap();
    let database = database_dir(store.path().as_std_path());
    let manifest = fs::read(database.join(&name)).unwrap();
    // The last change of the manifest named the newest file of the database.
    fs::write(database.join(&name), &manifest[..manifest.len() - 4]).unwrap();
    let before = files(&store);

    let outcome = try_out(store.path().as_std_path());

    assert!(matches!(outcome, Outcome::RefusedAtStart(_)), "{outcome:?}");
    assert_eq!(files(&store), before);
}

#[test]
fn a_log_without_its_last_write_is_refused_where_it_was_acknowledged() {
    let store = store();
    let log = last_log(&store);

    let outcome = broken(&store, &log, |bytes| bytes.truncate(bytes.len() - 9));

    assert!(matches!(outcome, Outcome::RefusedAtStart(OpenError::Lost { .. })), "{outcome:?}");
}

#[test]
fn a_torn_write_that_nobody_was_told_about_is_dropped() {
    let store = store();
    let log = last_log(&store);

    // A record in which a page did not arrive, as a loss of power leaves it.
    let outcome = broken(&store, &log, |bytes| {
        let record = bytes[bytes.len() - 300..].to_vec();
        bytes.extend([1, 2, 3, 4, 150, 0, 1]);
        bytes.extend(&record[..150]);
    });

    assert!(matches!(outcome, Outcome::AllThere), "{outcome:?}");
}

#[test]
fn a_first_start_that_was_cut_short_is_begun_again() {
    let dir = camino_tempfile::tempdir().unwrap();
    let database = database_dir(dir.path().as_std_path());
    fs::create_dir_all(&database).unwrap();
    for name in ["IDENTITY", "MANIFEST-000001", "000001.dbtmp"] {
        fs::write(database.join(name), "").unwrap();
    }

    drop(open(&dir));

    assert!(dir.path().join(opening::MARK).exists());
}

#[test]
fn a_first_start_that_was_cut_short_before_its_first_row_is_begun_again() {
    let dir = camino_tempfile::tempdir().unwrap();
    let database = database_dir(dir.path().as_std_path());
    fs::create_dir_all(&database).unwrap();
    let mut creating = options();
    creating.create_if_missing(true);
    drop(DB::open(&creating, &database).unwrap());

    drop(open(&dir));

    drop(open(&dir));
}

#[test]
fn no_store_is_made_where_one_has_to_be() {
    let dir = camino_tempfile::tempdir().unwrap();
    let settings = StorageSettings { may_create: false, ..Durability::Strict.into() };

    let error = RocksStorage::open(dir.path().as_std_path(), settings, Arc::<Groups>::default())
        .unwrap_err();

    assert!(matches!(error, OpenError::Absent { .. }), "{error}");
    assert!(!database_dir(dir.path().as_std_path()).exists());
}

#[test]
fn an_engine_that_cannot_tell_what_was_acknowledged_does_not_start() {
    let store = store();

    for length in [0, 8, 15] {
        let outcome = broken(&store, acknowledged::FILE, |bytes| bytes.truncate(length));
        assert!(
            matches!(outcome, Outcome::RefusedAtStart(OpenError::Damaged { .. })),
            "{length} bytes: {outcome:?}"
        );
    }
    let outcome = broken(&store, acknowledged::FILE, |bytes| bytes[3] ^= 1);
    assert!(matches!(outcome, Outcome::RefusedAtStart(OpenError::Damaged { .. })), "{outcome:?}");
}

/// Every file of the database with its content, by name, but for what `RocksDB` writes about itself.
fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let database = database_dir(dir);
    let mut all: Vec<_> = fs::read_dir(&database)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("LOG"))
        .map(|name| (name.clone(), fs::read(database.join(name)).unwrap()))
        .collect();
    all.sort();
    all
}

/// Whatever the data may lose: an older engine does not know what it would break.
#[test]
fn data_of_a_newer_engine_is_refused_whatever_may_be_lost_and_left_as_it_is() {
    let dir = camino_tempfile::tempdir().unwrap();
    let path = dir.path().as_std_path();
    drop(open(&dir));
    let db = DB::open(&options(), database_dir(path)).unwrap();
    let row = FormatRow { format: FORMAT + 1, written_by: "9.0.0".to_owned() };
    db.put(key_bytes::<Meta>(&MetaKey::Format), serde_json::to_vec(&row).unwrap()).unwrap();
    drop(db);
    let before = contents(path);

    for durability in [Durability::Strict, Durability::Relaxed] {
        let refused = RocksStorage::open(path, durability, Arc::<Groups>::default()).unwrap_err();

        assert!(matches!(refused, OpenError::NewerFormat { .. }), "{durability:?}: {refused}");
        assert!(contents(path) == before, "{durability:?}: the files have changed");
    }
}

#[test]
fn a_store_whose_rows_do_not_say_whose_they_are_is_refused() {
    let dir = camino_tempfile::tempdir().unwrap();
    let path = dir.path().as_std_path();
    drop(open(&dir));
    let db = DB::open(&options(), database_dir(path)).unwrap();
    db.delete(key_bytes::<Meta>(&MetaKey::Format)).unwrap();
    drop(db);

    let refused = RocksStorage::open(path, Durability::Strict, Arc::<Groups>::default());

    assert!(matches!(refused, Err(OpenError::Damaged { .. })), "{refused:?}");
}

/// A restore and a copy of the database alone have no mark: what is in the directory has to speak for itself.
#[test]
fn what_may_hold_rows_is_never_taken_for_an_empty_directory() {
    for name in ["CURRENT", acknowledged::FILE, "000009.sst", "000008.log"] {
        let dir = camino_tempfile::tempdir().unwrap();
        let database = database_dir(dir.path().as_std_path());
        fs::create_dir_all(&database).unwrap();
        fs::write(database.join(name), "something").unwrap();

        let outcome = try_out(dir.path().as_std_path());

        assert!(matches!(outcome, Outcome::RefusedAtStart(_)), "{name}: {outcome:?}");
        assert_eq!(fs::read(database.join(name)).unwrap(), b"something", "{name}");
    }
}

/// As when somebody made the database anew in the place of one that held rows.
#[test]
fn a_blank_database_where_there_was_a_store_is_refused() {
    let store = store();
    let database = database_dir(store.path().as_std_path());
    fs::remove_dir_all(&database).unwrap();
    let mut creating = options();
    creating.create_if_missing(true);
    drop(DB::open(&creating, &database).unwrap());

    let outcome = try_out(store.path().as_std_path());

    assert!(matches!(outcome, Outcome::RefusedAtStart(OpenError::Damaged { .. })), "{outcome:?}");
}
