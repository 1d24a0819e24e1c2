//! The disk fills up under real apps, and has room again. Only for our engine, and for root, who may
//! mount a small disk.

use std::{fs, io::Write as _};

use rivet_conformance::{
    engine::Engine,
    namespace::{Namespace, POOL},
    node::{self, App, Client},
    program::{Flavor, flavor},
    wait::eventually,
};
use serde_json::json;

/// The size of the disk, and what the engine keeps free of it.
const DISK_MIB: u32 = 64;
const RESERVE: (&str, &str) = ("FILE_SYSTEM__MIN_FREE_BYTES", "16777216");

/// Acknowledged writes so far.
fn acknowledged(client: &Client) -> usize {
    client.said().lines().filter(|line| line.starts_with("acknowledged ")).count()
}

async fn writes_go_on(client: &Client) {
    let before = acknowledged(client);
    let more = || async { (acknowledged(client) > before + 10).then_some(()) };
    eventually("writes are acknowledged", more).await;
}

/// Takes so much of the disk that less than `left` bytes stay free.
fn fill(engine: &Engine, left: u64) {
    let ballast = fs::File::create(engine.data().join("ballast")).unwrap();
    let taken = |_| {
        let disk = rustix::fs::statvfs(engine.data()).unwrap();
        let take = (disk.f_bavail * disk.f_frsize).saturating_sub(left);
        rustix::fs::fallocate(&ballast, rustix::fs::FallocateFlags::empty(), 0, take).is_ok()
    };
    // The engine writes at the same time, and may take what was free a moment ago.
    assert!((0..100).any(taken), "the disk cannot be filled");
}

async fn refuses_writes_and_answers_reads(namespace: &Namespace<'_>) {
    let engine = namespace.engine();
    let path = format!("/runner-configs/new?namespace={}", namespace.name());
    let config = json!({"datacenters": {"default": {"normal": {}}}});
    eventually("a write is refused", || async {
        (engine.api_with("PUT", path.as_str(), &config).await.status == 507).then_some(())
    })
    .await;
    let refused = engine.api_with("PUT", path.as_str(), &config).await;
    assert_eq!(refused.json()["code"], "disk_full", "{}", refused.text());
    assert!(!namespace.get(&format!("/envoys?name={POOL}")).await.ok().is_null());
    node::client(namespace, "note.mjs", &["kept", "read", "before"]).await;
    node::client(namespace, "note.mjs", &["refused", "refused", "meanwhile"]).await;
    assert!(engine.log().contains("RVE-STORE-FULL"), "{}", engine.log());
}

fn is_skipped() -> bool {
    let skipped = flavor() == Flavor::Upstream || !rustix::process::geteuid().is_root();
    if skipped {
        std::io::stderr().write_all(b"SKIPPED: only for our engine, as root\n").unwrap();
    }
    skipped
}

/// Whatever is kept free, somebody else may take it: then the database itself finds the disk full.
#[tokio::test]
async fn a_disk_that_is_full_to_the_last_byte_without_warning_is_recovered_from() {
    if is_skipped() {
        return;
    }
    let streaming = ("FEATURES__GUARD_GATEWAY_V3__MODE", "on");
    let none = ("FILE_SYSTEM__MIN_FREE_BYTES", "0");
    let engine = Engine::on_a_small_disk(DISK_MIB, &[streaming, none]).await;
    let namespace = Namespace::new(&engine).await;
    let _app = App::connected(&namespace).await;
    node::client(&namespace, "note.mjs", &["kept", "write", "before"]).await;
    let pid = engine.pid();

    fill(&engine, 0);
    refuses_writes_and_answers_reads(&namespace).await;
    fs::remove_file(engine.data().join("ballast")).unwrap();

    let path = format!("/runner-configs/new?namespace={}", namespace.name());
    let config = json!({"datacenters": {"default": {"normal": {}}}});
    eventually("writes are taken again", || async {
        (engine.api_with("PUT", path.as_str(), &config).await.status == 200).then_some(())
    })
    .await;
    assert_eq!(engine.pid(), pid, "it was never started again");
    engine.kill();
    engine.resume().await;
    node::client(&namespace, "note.mjs", &["kept", "read", "before"]).await;
    assert!(namespace.get("/runner-configs").await.text().contains("\"new\""));
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_answers_reads_and_loses_nothing() {
    if is_skipped() {
        return;
    }
    let streaming = ("FEATURES__GUARD_GATEWAY_V3__MODE", "on");
    let engine = Engine::on_a_small_disk(DISK_MIB, &[streaming, RESERVE]).await;
    let namespace = Namespace::new(&engine).await;
    let app = App::connected(&namespace).await;
    node::client(&namespace, "note.mjs", &["kept", "write", "before"]).await;
    let stop = app.home().join("stop").display().to_string();
    let address = format!("http://127.0.0.1:{}", engine.port());
    let mut client = Client::start(&address, namespace.name(), "journal.mjs", &["3", &stop]);
    writes_go_on(&client).await;
    let pid = engine.pid();

    // The engine sees it coming, and then a disk without a single byte.
    for left in [12 << 20, 0] {
        fill(&engine, left);
        refuses_writes_and_answers_reads(&namespace).await;
        fs::remove_file(engine.data().join("ballast")).unwrap();
        writes_go_on(&client).await;
        node::client(&namespace, "note.mjs", &["kept", "read", "before"]).await;
    }
    assert_eq!(engine.pid(), pid, "it was never started again");

    // It comes up on a full disk, too.
    fill(&engine, 12 << 20);
    engine.kill();
    engine.resume().await;
    fs::remove_file(engine.data().join("ballast")).unwrap();
    writes_go_on(&client).await;
    fs::write(&stop, "").unwrap();
    let code = eventually("the client has read everything back", || {
        let ended = client.ended();
        async move { ended }
    })
    .await;
    assert_eq!(code, 0, "{}", client.said());
}
