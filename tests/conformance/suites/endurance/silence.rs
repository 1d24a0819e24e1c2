//! Nothing leaves the host. An engine and its apps work in a network of their own, whose only way out is an
//! interface on which every packet is counted. `RIVET_CONFORMANCE_SILENCE_SECONDS` says for how long.

use std::{
    env, fs,
    io::Write as _,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rivet_conformance::{
    engine::Engine,
    home::Home,
    http::Request,
    namespace::Namespace,
    node::{self, App},
    program::{Flavor, flavor},
    serverless::Serverless,
    wait::{before_the_deadline, eventually},
};
use serde_json::json;

/// Says that this process is in the network.
const INSIDE: &str = "RIVET_CONFORMANCE_SILENCE_INSIDE";

/// From how many seconds on it is an hour of use and not of load: then there is a pause between rounds.
const LONG: u64 = 60;
const PAUSE: Duration = Duration::from_secs(10);

/// A way out for everything, and a name server beyond it.
const NETWORK: &str = r#"
ip link set lo up
ip link add out type veth peer beyond
for end in out beyond; do echo 1 >/proc/sys/net/ipv6/conf/$end/disable_ipv6; done
ip link set beyond up
ip addr add 192.0.2.1/24 dev out
ip link set out up
ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev out
ip route add default via 192.0.2.2
echo "nameserver 192.0.2.53" >"$1"
mount --bind "$1" /etc/resolv.conf
shift
exec "$@"
"#;

/// Runs the test `name` of this program in the network.
fn run_inside(name: &str) {
    if flavor() == Flavor::Upstream || !rustix::process::geteuid().is_root() {
        std::io::stderr().write_all(b"SKIPPED: only for our engine, as root\n").unwrap();
        return;
    }
    let home = Home::new();
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "sh", "-ec", NETWORK, "sh"]).arg(home.path().join("dns"));
    command.arg(env::current_exe().unwrap()).args([name, "--exact", "--nocapture"]);
    let output = command.env(INSIDE, "1").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// How many packets went out.
fn packets_out() -> u64 {
    let devices = fs::read_to_string("/proc/self/net/dev").unwrap();
    let line = devices.lines().find_map(|line| line.trim().strip_prefix("out:")).unwrap();
    line.split_whitespace().nth(9).unwrap().parse().unwrap()
}

/// Writes down every address that the engine connects or sends to.
fn watched(engine: &Engine, home: &Home) -> Child {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "--trace=connect,sendto,sendmsg,sendmmsg", "--string-limit=0"]);
    strace.arg("--output").arg(home.path().join("calls")).arg("-p");
    strace
        .arg(engine.pid().to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The addresses in the record, without those of the host itself.
fn strangers(home: &Home) -> Vec<String> {
    let calls = fs::read_to_string(home.path().join("calls")).unwrap();
    assert!(calls.contains("connect("), "the record shows no call to the serverless pool");
    let addressed = calls.lines().filter(|call| call.contains("sa_family="));
    let strange = |call: &&str| !call.contains("inet_addr(\"127.0.0.1\")");
    addressed.filter(strange).map(str::to_owned).collect()
}

/// What people do with an engine, once.
async fn use_everything(namespace: &Namespace<'_>) {
    let engine = namespace.engine();
    for script in ["actions.mjs", "sleep.mjs", "schedule.mjs", "sqlite.mjs", "sockets.mjs"] {
        node::client(namespace, script, &[]).await;
    }
    for page in ["/ui/", "/metadata", "/figures", "/actors/names", "/audit", "/datacenters"] {
        engine.api("GET", page).await;
    }
    let metrics = Request::get("/metrics").send(engine.metrics_port()).await;
    assert_eq!(metrics.status, 200);
    let token = json!({"name": "silent", "kind": "secret"});
    namespace.post("/tokens", &token).await;
}

async fn serve_a_pool_of_this_host(namespace: &Namespace<'_>, app: &Serverless) {
    namespace.put("/runner-configs/sl", &app.pool(&json!({}))).await.ok();
    eventually("the pool was asked what it is", || async {
        (!app.asked("GET /api/rivet/metadata").is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn nothing_leaves_the_host_while_everything_is_used() {
    if env::var_os(INSIDE).is_none() {
        return run_inside("endurance::silence::nothing_leaves_the_host_while_everything_is_used");
    }
    let seconds =
        env::var("RIVET_CONFORMANCE_SILENCE_SECONDS").map_or(30, |text| text.parse().unwrap());
    let (home, start) = (Home::new(), Instant::now());
    let engine = Engine::fresh().await;
    let mut strace = watched(&engine, &home);
    let namespace = Namespace::new(&engine).await;
    let _app = App::connected(&namespace).await;
    let pool = Serverless::start().await;
    let mut rounds = 0;
    while rounds == 0 || start.elapsed() < Duration::from_secs(seconds) {
        use_everything(&namespace).await;
        serve_a_pool_of_this_host(&namespace, &pool).await;
        rounds += 1;
        if seconds > LONG {
            tokio::time::sleep(PAUSE).await;
        }
    }
    engine.terminate().await;
    strace.wait().unwrap();

    assert_eq!(strangers(&home), Vec::<String>::new());
    assert_eq!(packets_out(), 0, "packets left the host");
}

/// Shows that the story above would notice: a pool elsewhere has to be found, and asked.
#[tokio::test]
async fn a_pool_elsewhere_is_seen_on_the_way_out() {
    if env::var_os(INSIDE).is_none() {
        return run_inside("endurance::silence::a_pool_elsewhere_is_seen_on_the_way_out");
    }
    let engine = Engine::fresh().await;
    let namespace = Namespace::new(&engine).await;
    assert_eq!(packets_out(), 0);

    let pool = json!({"datacenters": {"default": {"serverless": {
        "url": "https://pool.example.com/api/rivet", "request_lifespan": 3600, "max_runners": 1,
        "metadata_poll_interval": 1000, "headers": {},
    }}}});
    namespace.put("/runner-configs/away", &pool).await;

    let left = before_the_deadline(|| async { (packets_out() > 0).then_some(()) }).await;
    let found = namespace.get("/runner-configs?runner_name=away").await.text();
    assert!(left.is_some(), "no packet left: {found}\n{}", engine.log());
}
