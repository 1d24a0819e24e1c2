//! Engine and app are killed in turn while clients write. `RIVET_CONFORMANCE_KILL_ROUNDS` says how often.

use std::{env, fs};

use rivet_conformance::{
    engine::Engine,
    namespace::Namespace,
    node::{App, Client},
    wait::eventually,
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
async fn all_answer(client: &mut Client) {
    let before = acknowledged(client);
    for (actor, before) in before.into_iter().enumerate() {
        eventually("every actor acknowledges writes again", || async {
            (acknowledged(client)[actor] > before).then_some(())
        })
        .await;
    }
    assert_eq!(client.ended(), None, "{}", client.said());
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
    all_answer(&mut client).await;
    // The directory of the first app holds the file that ends the client.
    let mut others: Option<App> = None;
    for round in 0..rounds {
        if round % 2 == 0 {
            engine.kill();
            engine.resume().await;
        } else {
            others.as_mut().unwrap_or(&mut app).kill();
            others = Some(App::connected(&namespace).await);
        }
        all_answer(&mut client).await;
    }
    fs::write(&stop, "").unwrap();
    let code = eventually("the client has read everything back", || {
        let ended = client.ended();
        async move { ended }
    })
    .await;
    let said = client.said();
    let last: Vec<&str> = said.lines().rev().take(30).collect();
    assert_eq!(code, 0, "{last:?}");
    assert!(said.contains("kept "), "{last:?}");
}
