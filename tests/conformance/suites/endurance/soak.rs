//! A mixed load, compressed. `RIVET_CONFORMANCE_SOAK_SECONDS` says for how long.

use std::{
    env, fs,
    time::{Duration, Instant},
};

use rivet_conformance::{
    engine::{Engine, TOKEN},
    envoy::{
        Envoy,
        sqlite::{Fence, pages},
    },
    namespace::Namespace,
    program::{Flavor, flavor},
    socket::Socket,
};

/// What an engine's process takes.
#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    resident_kib: u64,
    files: u64,
    threads: u64,
}

fn usage(engine: &Engine) -> Usage {
    let process = format!("/proc/{}", engine.pid());
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    let field = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let files = fs::read_dir(format!("{process}/fd")).unwrap().count();
    Usage {
        resident_kib: field("VmRSS:"),
        files: u64::try_from(files).unwrap(),
        threads: field("Threads:"),
    }
}

/// An actor's whole life: created, called, written to, put to sleep, woken, destroyed.
async fn life(namespace: &Namespace<'_>, envoy: &Envoy) {
    let actor = namespace.running_actor(envoy).await;
    assert_eq!(namespace.call(&actor, "/a").await.text(), "GET /a");
    envoy.kv_put(&actor, &[("a", "1"), ("b", "2")]).await.unwrap();
    envoy.commit(&actor, pages(1..=20, 7), 20, Fence::at(1, 0)).await.unwrap();
    envoy.get_pages(&actor, 1..=20, Fence::at(1, 1)).await.unwrap();
    let token = format!("rivet_token.{TOKEN}");
    let target = format!("/gateway/{actor}/ws");
    let mut socket = Socket::open(namespace.engine().port(), &target, &["rivet", &token]).await;
    for text in ["one", "two", "three"] {
        socket.say(text).await;
        assert_eq!(socket.hear().await, text);
    }
    envoy.wants_sleep(&actor, 1);
    socket.closed().await;
    assert_eq!(namespace.call(&actor, "/b").await.text(), "GET /b");
    namespace.delete(&format!("/actors/{actor}")).await.ok();
}

#[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
#[tokio::test]
async fn memory_files_and_threads_stay_level_under_load() {
    if flavor() == Flavor::Upstream {
        println!("SKIPPED: upstream's engine still grows after this time");
        return;
    }
    let seconds =
        env::var("RIVET_CONFORMANCE_SOAK_SECONDS").map_or(20, |text| text.parse().unwrap());
    let third = Duration::from_secs(seconds) / 3;
    let engine = Engine::fresh().await;
    let mut peaks = Vec::new();
    for _ in 0..3 {
        let start = Instant::now();
        let mut peak = Usage::default();
        while start.elapsed() < third {
            // A new connection and a new namespace now and then, as deployments make them.
            let namespace = Namespace::new(&engine).await;
            let envoy = namespace.envoy().await;
            for _ in 0..5 {
                let lives = (0..4).map(|_| life(&namespace, &envoy));
                futures_util::future::join_all(lives).await;
            }
            let now = usage(&engine);
            peak.resident_kib = peak.resident_kib.max(now.resident_kib);
            peak.files = peak.files.max(now.files);
            peak.threads = peak.threads.max(now.threads);
        }
        peaks.push(peak);
    }
    let (first, last) = (peaks[0], peaks[2]);
    for (name, peak) in ["first", "second", "last"].into_iter().zip(&peaks) {
        let Usage { resident_kib, files, threads } = peak;
        println!("{name} third: {resident_kib} KiB, {files} files, {threads} threads at most");
    }
    let slack_kib = first.resident_kib / 4 + (32 << 10);
    assert!(last.resident_kib < first.resident_kib + slack_kib, "{peaks:?}");
    assert!(last.files < first.files + 50, "{peaks:?}");
    assert!(last.threads < first.threads + 10, "{peaks:?}");
}
