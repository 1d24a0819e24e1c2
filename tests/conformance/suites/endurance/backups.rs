//! A backup of an engine that real apps write to, and an engine that goes on from it.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use rivet_conformance::{
    engine::Engine,
    namespace::Namespace,
    node::{self, App, Client},
    program::{self, Flavor, flavor},
};
use serde_json::json;

const ACTORS: usize = 6;

/// The last entry that was acknowledged, of each actor.
fn acknowledged(said: &str) -> [usize; ACTORS] {
    let entries = said.lines().filter_map(|line| line.strip_prefix("entered "));
    let mut last = [0; ACTORS];
    for entry in entries {
        // The last line may be written at this moment.
        let Some((actor, number)) = entry.split_once(' ') else { continue };
        let (Ok(actor), Ok(number)) = (actor.parse::<usize>(), number.parse()) else { continue };
        last[actor] = last[actor].max(number);
    }
    last
}

/// Waits until every actor has so many entries more than it had.
async fn goes_on(client: &Client, count: usize) {
    let goal = acknowledged(&client.said()).map(|last| last + count);
    let reached =
        |said: &str| acknowledged(said).iter().zip(goal).all(|(last, goal)| *last >= goal);
    client.until("every actor acknowledges more", reached).await;
}

/// Puts the engine's data away and the backup in their place.
fn replace_data(engine: &Engine, archive: &[u8]) {
    let data = engine.data();
    fs::rename(&data, data.with_extension("lost")).unwrap();
    let mut restore = Command::new(program::engine());
    restore.args(["restore", "-", "--to"]).arg(&data);
    let mut restore = restore.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    restore.stdin.take().unwrap().write_all(archive).unwrap();
    assert!(restore.wait().unwrap().success());
}

fn list(numbers: impl IntoIterator<Item = usize>) -> String {
    numbers.into_iter().map(|number| number.to_string()).collect::<Vec<_>>().join(",")
}

#[tokio::test]
async fn a_backup_under_load_has_every_actors_state_and_database_as_they_were() {
    if flavor() == Flavor::Upstream {
        std::io::stderr().write_all(b"SKIPPED: upstream's engine makes no backups\n").unwrap();
        return;
    }
    let engine = Engine::fresh().await;
    let namespace = Namespace::new(&engine).await;
    let mut app = App::connected(&namespace).await;
    let stop = app.home().join("stop");
    let arguments = ["write", &ACTORS.to_string(), &stop.display().to_string()];
    let address = format!("http://127.0.0.1:{}", engine.port());
    let client = Client::start(&address, namespace.name(), "ledger.mjs", &arguments);
    goes_on(&client, 5).await;

    let before = acknowledged(&client.said());
    let made = engine.api_with("POST", "/admin/checkpoint", &json!({})).await.ok();
    let under_way = acknowledged(&client.said());
    // So many that the backup cannot be taken for what was lost.
    goes_on(&client, 20).await;
    let id = made["id"].as_str().unwrap();
    let archive = engine.api("GET", format!("/admin/checkpoints/{id}/archive")).await;
    assert_eq!(archive.status, 200);
    fs::write(&stop, "").unwrap();
    engine.kill();
    app.kill();
    drop(client);

    replace_data(&engine, &archive.body);
    engine.resume().await;
    let _app = App::connected(&namespace).await;

    // What the client heard of late, and one entry that it never heard of.
    let most = list(under_way.map(|number| number + 5));
    node::client(&namespace, "ledger.mjs", &["check", &list(before), &most]).await;
}
