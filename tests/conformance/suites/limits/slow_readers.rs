//! Clients that read nothing, and clients and apps that say too much. Nobody else may notice.

use std::fs;

use rivet_conformance::{
    engine::Engine,
    envoy::Options,
    namespace::{Namespace, gateway},
    socket::Closed,
};

use super::{engine, refusals, socket};

const MIB: usize = 1 << 20;

fn resident_mib(engine: &Engine) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", engine.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

async fn others_are_answered(namespace: &Namespace<'_>, actor: &str) {
    for number in 0..10 {
        let path = format!("/{number}");
        assert_eq!(namespace.call(actor, &path).await.text(), format!("GET {path}"));
    }
}

#[tokio::test]
async fn a_socket_that_is_not_read_is_closed_and_what_waits_for_it_is_bounded() {
    let Some(engine) = engine(&[]).await else { return };
    let namespace = Namespace::new(&engine).await;
    namespace.pool("chatty").await;
    let app = namespace.envoy().await;
    let other = namespace.running_actor(&app).await;
    let chatty = namespace.envoy_with(Options::serving_by_hand().pool("chatty")).await;
    let body =
        serde_json::json!({"name": "a", "runner_name_selector": "chatty", "crash_policy": "sleep"});
    let created = namespace.post("/actors", &body).await.ok();
    let actor = created["actor"]["actor_id"].as_str().unwrap().to_owned();
    namespace.connectable(&actor).await;
    let mut deaf = socket(&engine, &actor).await;
    let id = chatty.socket("/ws").await.id;
    chatty.open(&id, false);
    let before = resident_mib(&engine);
    let message = "m".repeat(MIB);

    let mut most = before;
    for _ in 0..16 {
        for _ in 0..8 {
            chatty.say(&id, &message);
        }
        others_are_answered(&namespace, &other).await;
        most = most.max(resident_mib(&engine));
    }

    let (code, reason) = chatty.client_gone(&id).await;
    assert_eq!((code, reason.as_deref()), (Some(1011), Some("ws.downstream_closed")));
    assert_eq!(refusals(&engine, "slow_reader").await, 1);
    // What waits for one client is 48 MiB at most; what an envoy has on its way comes on top.
    assert!(most < before + 160, "{before} MiB, then {most} MiB");
    let closed = deaf.closed().await;
    assert!(
        closed == Closed::Broken || closed.verdict() == "1011 guard.tunnel_response_closed",
        "{closed:?}"
    );
}

#[tokio::test]
async fn an_app_that_ignores_its_window_loses_that_answer_alone() {
    let Some(engine) = engine(&[]).await else { return };
    let namespace = Namespace::new(&engine).await;
    let envoy = namespace.envoy_with(Options::serving_by_hand()).await;
    let actor = namespace.running_actor(&envoy).await;
    let (slow, id) = tokio::join!(gateway("GET", &actor, "/endless").open(engine.port()), async {
        let request = envoy.request("/endless").await;
        envoy.respond_streaming(&request.id, 200, &[]);
        request.id
    });
    let _unread = slow.unwrap();
    let before = resident_mib(&engine);

    for _ in 0..64 {
        envoy.chunk(&id, &vec![7; MIB], false);
    }

    envoy.aborted(&id).await;
    let app = async {
        let request = envoy.request("/other").await;
        envoy.respond(&request.id, 200, &[], b"quick");
    };
    let (answer, ()) = tokio::join!(namespace.call(&actor, "/other"), app);
    assert_eq!(answer.text(), "quick");
    assert!(resident_mib(&engine) < before + 160);
}

#[tokio::test]
async fn a_client_that_says_more_than_its_app_reads_waits_and_others_do_not() {
    let Some(engine) = engine(&[]).await else { return };
    let namespace = Namespace::new(&engine).await;
    let envoy = namespace.envoy().await;
    let (loud, other) =
        (namespace.running_actor(&envoy).await, namespace.running_actor(&envoy).await);
    let before = resident_mib(&engine);
    let mut socket = socket(&engine, &loud).await;
    let text = "t".repeat(64 << 10);
    // It hears nothing of what is echoed, so that it is closed once too much waits for it.
    let flood = async {
        for _ in 0..256 {
            socket.say(&text).await;
        }
    };
    let flood = tokio::time::timeout(std::time::Duration::from_secs(5), flood);
    tokio::join!(
        async {
            let _ = flood.await;
        },
        others_are_answered(&namespace, &other)
    );

    others_are_answered(&namespace, &other).await;
    assert!(resident_mib(&engine) < before + 160);
}

#[tokio::test]
async fn a_flood_of_connections_and_requests_is_refused_and_the_next_client_is_answered() {
    let Some(engine) = engine(&[("LIMITS__MAX_CONNECTIONS", "40")]).await else { return };
    let namespace = Namespace::new(&engine).await;
    let envoy = namespace.envoy().await;
    let actor = namespace.running_actor(&envoy).await;
    let flood: Vec<_> = (0..400)
        .map(|_| tokio::spawn(gateway("GET", &actor, "/flood").open(engine.port())))
        .collect();
    let mut statuses = Vec::new();
    for one in flood {
        if let Ok(answer) = one.await.unwrap() {
            statuses.push(answer.status);
        }
    }

    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&200), "{statuses:?}");
    assert!(refusals(&engine, "connections").await > 0);
    rivet_conformance::wait::eventually("room", || async {
        (namespace.call(&actor, "/x").await.status == 200).then_some(())
    })
    .await;
}
