//! Engine and app are killed in turn while clients write. `RIVET_CONFORMANCE_KILL_ROUNDS` says how many
//! rounds: the engine in odd ones, the app in even ones. With `RIVET_CONFORMANCE_START_LIMIT_MS` every start of the engine has to be faster,
//! which is for a machine that does nothing else.

use std::{env, fs, io::Write as _, time::Duration};

use rivet_conformance::{
    engine::Engine,
    namespace::{Namespace, POOL},
    node::{App, Client},
    program::{Flavor, flavor},
    wait::{before_the_deadline, eventually},
};

const ACTORS: usize = 6;

/// Acknowledged writes so far, per actor.
fn acknowledged(client: &Client) -> Vec<usize> {
    let said = client.said();
    (0..ACTORS)
        .map(|actor| {
            let line = format!("acknowledged {actor}");
            said.lines().filter(|said| **said == line).count()
        })
        .collect()
}

/// Waits until every actor has acknowledged more than it had.
async fn all_answer(round: u32, client: &mut Client, app: &App, namespace: &Namespace<'_>) {
    let before = acknowledged(client);
    for (actor, before) in before.into_iter().enumerate() {
        let again =
            before_the_deadline(|| async { (acknowledged(client)[actor] > before).then_some(()) });
        if again.await.is_none() {
            let known = namespace.get("/actors?name=notes").await.ok();
            let envoys = namespace.get(&format!("/envoys?name={POOL}")).await.ok();
            panic!(
                "round {round}: actor {actor} acknowledges nothing any more\n\
                 actors: {known:#}\nenvoys: {envoys:#}\napp: {}\nclient: {}",
                end_of(&app.log()),
                end_of(&client.said()),
            );
        }
    }
    assert_eq!(client.ended(), None, "{}", end_of(&client.said()));
}

/// The last lines of a log.
fn end_of(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// Says how long the starts took, and holds them against the limit where there is one.
fn judge_starts(starts: &[Duration]) {
    let slowest = starts.iter().max().copied().unwrap_or_default();
    let all: Duration = starts.iter().sum();
    let mean = all / u32::try_from(starts.len().max(1)).unwrap();
    let count = starts.len();
    let line = format!("{count} starts after kill -9: mean {mean:.0?}, slowest {slowest:.0?}\n");
    // Not captured, so that a long run shows it.
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    if let Ok(limit) = env::var("RIVET_CONFORMANCE_START_LIMIT_MS") {
        let limit = Duration::from_millis(limit.parse().unwrap());
        assert!(slowest < limit, "the slowest start took {slowest:?}");
    }
}

#[tokio::test]
async fn no_acknowledged_write_is_lost_when_engine_and_app_are_killed() {
    let rounds = env::var("RIVET_CONFORMANCE_KILL_ROUNDS")
        .map_or(2, |rounds| rounds.parse::<u32>().unwrap());
    let engine = Engine::fresh().await;
    let namespace = Namespace::new(&engine).await;
    let mut app = App::connected(&namespace).await;
    let stop = app.home().join("stop");
    let stop_argument = stop.display().to_string();
    let address = format!("http://127.0.0.1:{}", engine.port());
    let arguments = [&ACTORS.to_string(), stop_argument.as_str()];
    let mut client = Client::start(&address, namespace.name(), "journal.mjs", &arguments);
    all_answer(0, &mut client, &app, &namespace).await;
    // The directory of the first app holds the file that ends the client.
    let mut others: Option<App> = None;
    let mut starts = Vec::new();
    for round in 1..=rounds {
        if round % 2 == 1 {
            engine.kill();
            starts.push(engine.resume().await);
        } else {
            others.as_mut().unwrap_or(&mut app).kill();
            others = Some(App::connected(&namespace).await);
        }
        all_answer(round, &mut client, others.as_ref().unwrap_or(&app), &namespace).await;
    }
    judge_starts(&starts);
    if flavor() == Flavor::Ours {
        let files = fs::read_dir(engine.data().join("rocksdb")).unwrap().count();
        assert!(files < 64, "{files} files: something grows with every start");
    }
    fs::write(&stop, "").unwrap();
    let code = eventually("the client has read everything back", || {
        let ended = client.ended();
        async move { ended }
    })
    .await;
    let said = client.said();
    assert_eq!(code, 0, "{}", end_of(&said));
    assert!(said.contains("kept "), "{}", end_of(&said));
}
