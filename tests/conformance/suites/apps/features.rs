//! What an app of rivetkit's can do, driven by rivetkit's own client. Each test is a script of
//! `apps/clients/` against the one app of `apps/app.mjs`.

use rivet_conformance::{differences::chosen, node};

async fn run(script: &str) {
    node::client(node::shared().await, script, &[]).await;
}

#[tokio::test]
async fn actions_are_called_over_http() {
    run("actions.mjs").await;
}

#[tokio::test]
async fn actions_are_called_over_sockets_and_events_reach_all_who_listen() {
    run("events.mjs").await;
}

#[tokio::test]
async fn several_clients_call_at_once() {
    run("crowd.mjs").await;
}

#[tokio::test]
async fn actors_are_created_found_and_destroyed() {
    run("creation.mjs").await;
}

#[tokio::test]
async fn actors_sleep_and_wake_with_their_state() {
    run("sleep.mjs").await;
}

#[tokio::test]
async fn scheduled_actions_run_and_wake_their_actor() {
    run("schedule.mjs").await;
}

#[tokio::test]
async fn requests_and_streams_reach_an_actor() {
    let attempts = chosen("cut-answer", "5", "1");
    node::client(node::shared().await, "requests.mjs", &[attempts]).await;
}

#[tokio::test]
async fn sockets_reach_an_actor_and_outlive_its_sleep() {
    run("sockets.mjs").await;
}

#[tokio::test]
async fn an_actor_has_a_sqlite_database() {
    run("sqlite.mjs").await;
}

#[tokio::test]
async fn queues_and_workflows_go_on_where_they_were() {
    run("workflows.mjs").await;
}
