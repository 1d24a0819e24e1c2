//! How an app that nobody adapted comes up.

use std::{fs, time::Duration};

use rivet_conformance::{
    differences::chosen,
    engine::Engine,
    namespace::Namespace,
    node::{self, App},
    ports, program,
    wait::eventually,
};

#[tokio::test]
async fn an_app_on_this_host_registers_its_pool_by_itself() {
    let namespace = Namespace::new(Engine::shared().await).await;
    namespace.delete("/runner-configs/default").await.ok();
    let mut app = App::start(&namespace, node::ALONE);
    app.listed(&namespace).await;
    let found = namespace.get("/runner-configs?runner_name=default").await.ok();
    let config = &found["runner_configs"]["default"]["datacenters"]["default"];
    assert_eq!(config["normal"]["drain_on_version_upgrade"], true);
    eventually("the app's names are known", || async {
        let names = namespace.get("/actors/names").await.ok();
        names["names"]["counter"].is_object().then_some(())
    })
    .await;
    node::client(&namespace, "remember.mjs", &["count", "a", "1", "1"]).await;
}

#[tokio::test]
async fn an_app_waits_until_its_side_process_of_services_is_registered() {
    // All apps of a machine share the port of this side process, so nobody else starts one here.
    let namespace = Namespace::new(Engine::shared().await).await;
    let mut app = App::start(&namespace, &[]);
    app.listed(&namespace).await;
    let services = namespace.get("/envoys?name=services").await.ok();
    assert_eq!(services["envoys"].as_array().unwrap().len(), 1, "{}", app.log());
    node::client(&namespace, "remember.mjs", &["count", "a", "1", "1"]).await;
}

#[tokio::test]
async fn rivetkit_starts_this_engine_itself_when_none_is_there() {
    let engine = program::engine().display().to_string();
    let port = ports::free();
    let port_text = port.to_string();
    // Rivetkit gives the engine that it starts no token.
    let _app = App::start_anywhere(&[
        ("RIVET_ENGINE_BINARY", engine.as_str()),
        ("RIVET_RUN_ENGINE", "1"),
        ("RIVET_RUN_ENGINE_PORT", port_text.as_str()),
        ("RIVET_RUN_SERVICES", "0"),
    ]);
    let _engine = Detached { port };
    let address = format!("http://127.0.0.1:{port}");
    eventually("the engine that rivetkit started has the app", || async {
        let request = rivet_conformance::http::Request::get("/envoys?namespace=default");
        let answer = request.open(port).await.ok()?.collect().await.ok()?;
        (answer.status == 200 && answer.text().contains("envoy_key")).then_some(())
    })
    .await;
    node::client_of(&address, "default", "remember.mjs", &["count", "a", "1", "1"]).await;
}

#[test]
fn without_a_token_an_engine_that_other_hosts_reach_does_not_start() {
    if chosen("no-token-no-start", true, false) {
        // It would listen, open to everybody.
        return;
    }
    let started = std::process::Command::new(program::engine())
        .arg("start")
        .env("RIVET__GUARD__HOST", "0.0.0.0")
        .env("RIVET__GUARD__PORT", "0")
        .output()
        .unwrap();
    assert!(!started.status.success());
}

#[tokio::test]
async fn the_token_of_the_endpoint_has_to_be_right() {
    let engine = Engine::shared().await;
    let namespace = Namespace::new(engine).await;
    let endpoint = format!("http://{}:wrong@127.0.0.1:{}", namespace.name(), engine.port());
    let _app = App::start_anywhere(&[
        ("RIVET_ENDPOINT", &endpoint),
        ("RIVET_POOL", "default"),
        ("RIVET_RUN_SERVICES", "0"),
    ]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let found = namespace.get("/envoys").await.ok();
    assert!(found["envoys"].as_array().unwrap().is_empty());
}

/// The engine that rivetkit started. It detaches it, so it is found by the port it was given.
struct Detached {
    port: u16,
}

impl Drop for Detached {
    fn drop(&mut self) {
        let wanted = format!("RIVET__GUARD__PORT={}", self.port);
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(pid) = name.parse::<i32>() else { continue };
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let engine = environment.split(|byte| *byte == 0).any(|line| line == wanted.as_bytes());
            if engine && let Some(pid) = rustix::process::Pid::from_raw(pid) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}
