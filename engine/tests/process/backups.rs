//! Checkpoints of an engine that is written to, and engines that start on what was brought back.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::Value;

use crate::engine::{Answer, Connection, Engine, PATIENCE, Setup, TOKEN, await_until};

fn json(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn checkpoint(engine: &Engine) -> Value {
    json(&engine.send("POST", "/admin/checkpoint", Some(TOKEN), "{}"))
}

/// The head and the body of an answer, which is no text.
fn download(address: SocketAddr, path: &str, token: Option<&str>) -> (String, Vec<u8>) {
    let authorization =
        token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: engine\r\nconnection: close\r\n{authorization}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let body = answer.split_off(end);
    (String::from_utf8(answer).unwrap().to_lowercase(), body)
}

fn archive(engine: &Engine, id: &str) -> Vec<u8> {
    let path = format!("/admin/checkpoints/{id}/archive");
    let (head, body) = download(engine.address("api"), &path, Some(TOKEN));
    assert!(head.starts_with("http/1.1 200"), "{head}");
    body
}

/// Writers that create a pair of namespaces' worth of rows each time: a namespace, and a runner
/// config in it. What is acknowledged is remembered with the number of the moment.
struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<BTreeMap<String, usize>>>,
    moment: Arc<AtomicUsize>,
    writers: Vec<thread::JoinHandle<()>>,
}

impl Load {
    fn on(engine: &Engine) -> Self {
        let (stop, moment) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let acknowledged = Arc::<Mutex<BTreeMap<_, _>>>::default();
        let writers = (0..4)
            .map(|writer| {
                let address = engine.address("api");
                let (stop, moment) = (Arc::clone(&stop), Arc::clone(&moment));
                let acknowledged = Arc::clone(&acknowledged);
                thread::spawn(move || {
                    for number in 0.. {
                        if stop.load(Ordering::SeqCst) {
                            return;
                        }
                        let name = format!("w{writer}-{number}");
                        let body = format!(r#"{{"name":"{name}","display_name":"{name}"}}"#);
                        let answer = Connection::open(address)
                            .and_then(|c| c.request("POST", "/namespaces", Some(TOKEN), &body));
                        assert_eq!(answer.unwrap().status, 200);
                        let mut acknowledged = acknowledged.lock().unwrap();
                        acknowledged.insert(name, moment.load(Ordering::SeqCst));
                    }
                })
            })
            .collect();
        Self { stop, acknowledged, moment, writers }
    }

    fn await_more(&self) {
        let goal = self.acknowledged.lock().unwrap().len() + 100;
        await_until("more writes", || self.acknowledged.lock().unwrap().len() >= goal);
    }

    fn end(self) -> BTreeMap<String, usize> {
        self.stop.store(true, Ordering::SeqCst);
        for writer in self.writers {
            writer.join().unwrap();
        }
        Arc::try_unwrap(self.acknowledged).unwrap().into_inner().unwrap()
    }
}

fn restored(setup: &Setup, archive: &[u8]) -> Setup {
    let target = Setup::new();
    let file = setup.dir().join("backup.tar");
    fs::write(&file, archive).unwrap();
    let output = target.run(&["restore", file.as_str(), "--to", target.data_dir().as_str()]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    target
}

#[test]
fn a_checkpoint_made_under_load_has_every_write_that_was_acknowledged_before_it() {
    let setup = Setup::new();
    let mut engine = setup.start();
    let load = Load::on(&engine);
    load.await_more();
    load.moment.store(1, Ordering::SeqCst);
    // Whoever read the moment before may note it late, never early: those are in the checkpoint.
    let made = checkpoint(&engine);
    load.await_more();
    let acknowledged = load.end();
    let archive = archive(&engine, made["id"].as_str().unwrap());
    engine.kill();

    let target = restored(&setup, &archive);
    let engine = target.start();

    let listed = json(&engine.get("/namespaces?limit=1000000"));
    let names: BTreeMap<_, _> = listed["namespaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["namespace_id"].as_str().unwrap()))
        .collect();
    let before = acknowledged.iter().filter(|(_, moment)| **moment == 0);
    let missing: Vec<_> =
        before.clone().filter(|(name, _)| !names.contains_key(name.as_str())).collect();
    assert!(before.count() >= 100);
    assert!(missing.is_empty(), "{missing:?}");
    assert!(names.len() < acknowledged.len(), "the checkpoint is from before the last writes");
    // A namespace is three rows. Each is found by name, too, or was written by half.
    for name in names.keys() {
        let found = json(&engine.get(&format!("/namespaces?name={name}")));
        assert_eq!(found["namespaces"].as_array().unwrap().len(), 1, "{name}");
    }
    // And the engine goes on from there.
    engine.create_namespace("afterwards");
    assert_eq!(engine.signal("TERM").code, Some(0));
}

#[test]
fn a_changed_byte_is_found_before_anything_is_put_in_place() {
    let setup = Setup::new();
    let engine = setup.start();
    let made = checkpoint(&engine);
    let archive = archive(&engine, made["id"].as_str().unwrap());
    assert_eq!(u64::try_from(archive.len()).ok(), made["archive_bytes"].as_u64());
    let file = setup.dir().join("backup.tar");
    let target = setup.dir().join("restored");
    for at in [0, 600, archive.len() / 3, archive.len() / 2, archive.len() - 1] {
        let mut changed = archive.clone();
        changed[at] ^= 1;
        fs::write(&file, changed).unwrap();

        let restored = setup.run(&["restore", file.as_str(), "--to", target.as_str()]);
        let checked = setup.run(&["restore", file.as_str(), "--check"]);

        assert_eq!((restored.code, checked.code), (Some(1), Some(1)), "byte {at}");
        let left: Vec<_> = fs::read_dir(&target).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["engine.lock"], "byte {at}");
    }
}

#[test]
fn nothing_is_restored_over_data_or_into_a_directory_that_is_in_use() {
    let setup = Setup::new();
    let engine = setup.start();
    let made = checkpoint(&engine);
    let archive = archive(&engine, made["id"].as_str().unwrap());
    let file = setup.dir().join("backup.tar");
    fs::write(&file, &archive).unwrap();
    let restore = || setup.run(&["restore", file.as_str(), "--to", setup.data_dir().as_str()]);

    let in_use = restore();
    assert!(in_use.stderr.contains("in use by another process"), "{}", in_use.stderr);
    engine.signal("TERM");
    let not_empty = restore();
    assert!(not_empty.stderr.contains("is not empty"), "{}", not_empty.stderr);
    assert_eq!((in_use.code, not_empty.code), (Some(1), Some(1)));
}

#[test]
fn an_engine_does_not_start_on_a_restore_that_was_interrupted_and_a_second_one_mends_it() {
    let setup = Setup::new();
    let engine = setup.start();
    let made = checkpoint(&engine);
    let archive = archive(&engine, made["id"].as_str().unwrap());
    engine.signal("TERM");
    let target = Setup::new();
    let half = target.data_dir().join("rocksdb.restoring");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("CURRENT"), "half").unwrap();

    let refused = target.run(&["start"]);
    assert!(refused.stderr.contains("was not finished"), "{}", refused.stderr);

    let file = setup.dir().join("backup.tar");
    fs::write(&file, &archive).unwrap();
    let output = target.run(&["restore", file.as_str(), "--to", target.data_dir().as_str()]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert_eq!(target.start().get("/namespaces?name=default").status, 200);
}

/// The names of what a restore has begun to write into a data directory.
fn begun(target: &Setup) -> Vec<String> {
    let Ok(entries) = fs::read_dir(target.data_dir()) else { return Vec::new() };
    let filled = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| fs::read_dir(path).is_ok_and(|mut files| files.next().is_some()));
    filled.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Whatever moment it is killed at: what is there then has another name than data has.
#[test]
fn a_restore_that_is_killed_leaves_no_data_and_no_engine_starts_on_it() {
    let setup = Setup::new();
    let engine = setup.start();
    let made = checkpoint(&engine);
    let archive = archive(&engine, made["id"].as_str().unwrap());
    let target = Setup::new();
    let mut restoring = target.begin(&["restore", "-", "--to", target.data_dir().as_str()]);
    let mut input = restoring.stdin.take().unwrap();
    input.write_all(&archive[..archive.len() - 1]).unwrap();
    await_until("the first files", || !begun(&target).is_empty());

    restoring.kill().unwrap();
    restoring.wait().unwrap();

    assert_eq!(begun(&target), ["rocksdb.restoring"]);
    let refused = target.run(&["start"]);
    assert_eq!(refused.code, Some(65), "{}", refused.stderr);
    assert!(refused.stderr.contains("RVE-STORE-UNFINISHED"), "{}", refused.stderr);
}

#[test]
fn a_ticket_downloads_one_checkpoint_once_and_without_a_token() {
    let setup = Setup::new();
    let engine = setup.start();
    let id = checkpoint(&engine)["id"].as_str().unwrap().to_owned();
    let path = format!("/admin/checkpoints/{id}/ticket");
    let ticket = json(&engine.send("POST", &path, Some(TOKEN), "{}"));
    let path = ticket["path"].as_str().unwrap();

    let (head, first) = download(engine.address("api"), path, None);
    let (refused, _) = download(engine.address("api"), path, None);

    assert!(head.contains(&format!("filename=\"rivet-{}.tar\"", id.to_lowercase())), "{head}");
    assert_eq!(first, archive(&engine, &id));
    assert!(refused.starts_with("http/1.1 403"), "{refused}");
    // Making it, the ticket, and the download with a token: who took the data is written down.
    let audit = json(&engine.get("/audit"));
    let paths: Vec<_> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["path"].as_str().unwrap().to_owned())
        .collect();
    let below = |rest: &str| format!("/admin/checkpoints/{id}/{rest}");
    assert_eq!(paths, [below("archive"), below("ticket"), "/admin/checkpoint".to_owned()]);
    assert!(!engine.signal("TERM").log.contains(path.rsplit('/').next().unwrap()));
}

#[test]
fn as_many_checkpoints_are_kept_as_the_operator_says() {
    let setup = Setup::new().with("RIVET__CHECKPOINTS__MAX_COUNT", "2");
    let engine = setup.start();
    let [_, second, third] = [(), (), ()].map(|()| checkpoint(&engine)["id"].clone());

    let listed = json(&engine.get("/admin/checkpoints"));

    let mut ids: Vec<_> =
        listed["checkpoints"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    let mut kept = vec![second, third.clone()];
    ids.sort_by_key(ToString::to_string);
    kept.sort_by_key(ToString::to_string);
    assert_eq!(ids, kept);
    let path = format!("/admin/checkpoints/{}", third.as_str().unwrap());
    assert_eq!(engine.send("DELETE", &path, Some(TOKEN), "").status, 200);
    let again = engine.send("DELETE", &path, Some(TOKEN), "");
    assert!(again.body.contains(r#""code":"not_found""#), "{}", again.body);
}

#[test]
fn storage_is_described_and_compaction_gives_room_back() {
    let setup = Setup::new();
    let engine = setup.start();
    for number in 0..50 {
        engine.create_namespace(&format!("n{number}"));
    }

    let compacted = json(&engine.send("POST", "/admin/compact", Some(TOKEN), "{}"));
    let storage = json(&engine.get("/admin/storage"));

    assert!(compacted["bytes_after"].as_u64().unwrap() > 0, "{compacted}");
    assert_eq!(storage["format"]["data"], 1, "{storage}");
    assert_eq!(storage["durability"], "strict");
    assert!(storage["keys_estimate"].as_u64().unwrap() > 150, "{storage}");
    assert!(storage["disk"]["free_bytes"].as_u64().unwrap() > 0, "{storage}");
    let tables = storage["tables"].as_array().unwrap();
    let namespaces = tables.iter().find(|one| one["table"] == "namespaces").unwrap();
    assert!(namespaces["bytes"].as_u64().unwrap() > 0, "{storage}");
}
