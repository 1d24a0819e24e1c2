//! Engine and app are killed in turn while clients write. `RIVET_CONFORMANCE_KILL_ROUNDS` says how often.

use std::{env, fs};

use rivet_conformance::{
    engine::Engine,
    namespace::{Namespace, POOL},
    node::{App, Client},
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
    for round in 1..=rounds {
        if round % 2 == 1 {
            engine.kill();
            engine.resume().await;
        } else {
            others.as_mut().unwrap_or(&mut app).kill();
            others = Some(App::connected(&namespace).await);
        }
        all_answer(round, &mut client, others.as_ref().unwrap_or(&app), &namespace).await;
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
