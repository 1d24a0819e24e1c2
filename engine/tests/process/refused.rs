//! Data that is not what it should be: the program says what is wrong and what to do, with a code and an
//! exit code of its own, and changes nothing.

use std::{fs, os::unix::fs::FileExt as _};

use camino::Utf8PathBuf;

use crate::engine::{Output, Setup, TOKEN};

/// Data in which something was acknowledged, as a kill -9 leaves it.
fn used() -> Setup {
    let setup = Setup::new();
    let mut engine = setup.start();
    for number in 0..50 {
        engine.create_namespace(&format!("n{number}"));
    }
    engine.kill();
    setup
}

fn file(setup: &Setup, starts: &str, ends: &str) -> Utf8PathBuf {
    let mut entries = setup.data_dir().join("rocksdb").read_dir_utf8().unwrap();
    let is_it = |name: &str| name.starts_with(starts) && name.ends_with(ends);
    entries
        .find_map(|entry| {
            let entry = entry.unwrap();
            is_it(entry.file_name()).then(|| entry.path().to_owned())
        })
        .unwrap()
}

fn flip(path: &Utf8PathBuf, at: u64) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 16], at).unwrap();
}

fn assert_refused(output: &Output, code: &str, advice: &str) {
    assert_eq!(output.code, Some(65), "{}", output.stderr);
    assert!(output.stderr.contains(&format!("rivet-engine: {code}: ")), "{}", output.stderr);
    assert!(output.stderr.contains(advice), "{}", output.stderr);
}

#[test]
fn a_damaged_log_is_refused_with_its_file_and_what_to_do() {
    let setup = used();
    let log = file(&setup, "", ".log");
    flip(&log, 300);

    let output = setup.run(&["start"]);

    assert_refused(&output, "RVE-STORE-DAMAGED", log.as_str());
    assert!(output.stderr.contains("restore a backup"), "{}", output.stderr);
    flip(&log, 300);
    assert!(setup.start().get("/namespaces?limit=100").body.contains("\"n49\""));
}

#[test]
fn a_log_that_ends_before_what_was_acknowledged_is_refused() {
    let setup = used();
    let log = file(&setup, "", ".log");
    let whole = fs::read(&log).unwrap();
    fs::write(&log, &whole[..whole.len() / 2]).unwrap();

    assert_refused(&setup.run(&["start"]), "RVE-STORE-LOST", "ACKNOWLEDGED");

    fs::write(&log, whole).unwrap();
    assert!(setup.start().get("/namespaces?limit=100").body.contains("\"n49\""));
}

#[test]
fn a_database_without_its_first_file_is_refused_and_nothing_in_it_is_removed() {
    let setup = used();
    let current = file(&setup, "CURRENT", "");
    let bytes = fs::read(&current).unwrap();
    fs::remove_file(&current).unwrap();

    assert_refused(&setup.run(&["start"]), "RVE-STORE-DAMAGED", "restore a backup");

    fs::write(&current, bytes).unwrap();
    assert!(setup.start().get("/namespaces?limit=100").body.contains("\"n49\""));
}

#[test]
fn a_data_directory_that_lost_its_database_is_refused() {
    let setup = used();
    let database = setup.data_dir().join("rocksdb");
    let away = setup.dir().join("away");
    fs::rename(&database, &away).unwrap();

    assert_refused(&setup.run(&["start"]), "RVE-STORE-MISSING", "mount the disk");

    fs::rename(away, database).unwrap();
    assert!(setup.start().get("/namespaces?limit=100").body.contains("\"n49\""));
}

#[test]
fn a_mount_that_is_missing_is_noticed_when_a_store_must_exist() {
    let setup = Setup::new().with("RIVET__FILE_SYSTEM__MUST_EXIST", "true");

    assert_refused(&setup.run(&["start"]), "RVE-STORE-ABSENT", "file_system.must_exist");
}

/// Text that does not compress, a different one for each number.
fn noise(number: u64) -> String {
    let mut state = number + 1;
    let digits = (0..2_000).map(|_| {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        format!("{state:016x}")
    });
    digits.collect()
}

/// The block that a read needs is damaged: that read fails and is counted, and the engine goes on.
#[test]
fn damage_that_a_read_meets_is_an_error_and_is_counted_and_other_reads_go_on() {
    let setup = Setup::new();
    let mut engine = setup.start();
    for number in 0..60 {
        let noise = noise(number);
        let body =
            format!(r#"{{"datacenters":{{"default":{{"normal":{{}},"metadata":"{noise}"}}}}}}"#);
        let path = format!("/runner-configs/pool-{number}?namespace=default");
        assert_eq!(engine.send("PUT", &path, Some(TOKEN), &body).status, 200);
    }
    engine.kill();
    // The start after a kill writes the log out into a file.
    setup.start().signal("TERM");
    let tables = setup.data_dir().join("rocksdb").read_dir_utf8().unwrap();
    let tables = tables.map(|entry| entry.unwrap().path().to_owned());
    let tables = tables.filter(|path| path.extension() == Some("sst"));
    let largest = tables.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    flip(&largest, fs::metadata(&largest).unwrap().len() / 2);
    let engine = setup.start();

    let read = engine.get("/runner-configs?namespace=default");

    assert_eq!(read.status, 500, "{}", read.body);
    let metrics = engine.at("metrics", "GET", "/metrics", Some(TOKEN), "").body;
    let counted = "rivet_engine_storage_read_failures_total ";
    let line = metrics.lines().find(|line| line.starts_with(counted)).unwrap();
    assert!(!line.ends_with(" 0"), "{line}");
    assert!(engine.get("/namespaces?name=default").body.contains("default"));
}
