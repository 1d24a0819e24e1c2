//! Checking a bundle touches nothing: no file is written, no socket is opened, on a host that has
//! neither a network nor a place to write. And an install keeps to itself while it is used.

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rivetctl_e2e::{bin, corpus::Good, run::Run, site::Site, vendor::Vendor};

/// Calls that change a file system or reach for the network.
const TOLD: [&str; 19] = [
    "socket",
    "creat",
    "mkdir",
    "mkdirat",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "truncate",
    "ftruncate",
    "chmod",
    "fchmod",
    "fchmodat",
];

#[test]
fn verify_writes_no_file_and_opens_no_socket() {
    let good = Good::pack();
    let scratch = camino_tempfile::tempdir().unwrap();
    let (bundle, log) = (scratch.path().join("good.rvb"), scratch.path().join("calls"));
    fs::write(&bundle, good.bytes()).unwrap();

    Run::of(
        Command::new("unshare")
            .args(["--net", "strace", "--follow-forks", "--trace=%file,%network,%desc"])
            .args(["--output", log.as_str()])
            .arg(bin::path("rivetctl"))
            .args(["verify", bundle.as_str()])
            .args(["--root-fingerprint", &good.fingerprint().to_string()]),
    )
    .ok();

    let calls = fs::read_to_string(&log).unwrap();
    assert!(calls.contains(bundle.as_str()), "the log does not show the program at work");
    let told: Vec<&str> = calls.lines().filter(|call| is_told(call)).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// Whether a call reaches for the network or changes a file. A line is `PID  NAME(ARGUMENTS) = RESULT`.
fn is_told(line: &str) -> bool {
    let call = line.split_once(' ').map_or(line, |(_, call)| call.trim_start());
    let name = call.split('(').next().unwrap_or(call);
    let to_write = ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| call.contains(flag));
    TOLD.contains(&name) || (name.starts_with("open") && to_write)
}

/// An install at work, watched at its edge: every packet that a container of it sends to an address beyond
/// the install's own network is counted, and every question of the engine to a name server.
/// `RIVETCTL_SILENCE_SECONDS` says for how long.
#[test]
fn nothing_that_runs_in_an_install_sends_a_packet_out_of_its_network() {
    let vendor = Vendor::shared();
    let site = Site::trusting("silent", &vendor);
    site.install(vendor.whole_bundle(), "compose");
    let seconds =
        std::env::var("RIVETCTL_SILENCE_SECONDS").map_or(10, |text| text.parse().unwrap());
    let start = Instant::now();
    let watched: Vec<Watched> = site.container_ids().iter().map(|id| watch(&site, id)).collect();
    assert_eq!(watched.len(), 3, "engine, notes and tally");

    let mut rounds = 0;
    while rounds == 0 || start.elapsed() < Duration::from_secs(seconds) {
        let key = format!("round-{rounds}");
        site.client(&["use", &key]);
        assert_eq!(site.write_note(&key).status, 303);
        assert_eq!(site.notes("/").status, 200);
        assert_eq!(site.api("/metadata", None).status, 200);
        assert_eq!(site.api("/namespaces", Some(&site.token())).status, 200);
        rounds += 1;
        // An hour of use is none of load.
        if seconds > 60 {
            thread::sleep(Duration::from_secs(10));
        }
    }

    for container in &watched {
        assert_eq!(container.packets(), [0, 0], "{container:?}");
    }
    // The counters do count: somebody in the engine's place asks for a name and for a stranger.
    let engine = watched.iter().find(|container| container.name.contains("rivet-engine")).unwrap();
    let stranger = ["timeout", "1", "bash", "-c", "exec 3<>/dev/udp/192.0.2.9/53; echo >&3"];
    let name_server = ["timeout", "1", "bash", "-c", "exec 3<>/dev/udp/127.0.0.11/53; echo >&3"];
    engine.inside(&stranger).ok();
    engine.inside(&name_server).ok();
    let [strangers, questions] = engine.packets();
    // Docker asks on for the name, from the container's network, and that is counted, too.
    assert!(strangers >= 1, "{strangers}");
    assert_eq!(questions, 1);
}

/// A container whose way out is watched.
#[derive(Debug)]
struct Watched {
    name: String,
    pid: String,
}

/// Counts in the container's network namespace from now on.
fn watch(site: &Site, id: &str) -> Watched {
    let network = "{{range .NetworkSettings.Networks}}{{.Gateway}}/{{.IPPrefixLen}}{{end}}";
    let format = format!("{{{{.Name}}}} {{{{.State.Pid}}}} {network}");
    let line = site.docker(["inspect", "--format", &format, id]).remove(0);
    let [name, pid, network] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
    let watched = Watched { name: name.to_owned(), pid: pid.to_owned() };
    // Before Docker's own rules send a question for its name server elsewhere.
    let rule = ["iptables", "--wait", "--table", "raw"];
    watched.inside(&[&rule[..], &["--new-chain", "out"]].concat()).ok();
    let to_strangers = ["!", "--destination", network, "!", "--out-interface", "lo"];
    let to_the_name_server = ["--destination", "127.0.0.11", "--protocol", "udp", "--dport", "53"];
    for which in [&to_strangers[..], &to_the_name_server] {
        watched.inside(&[&rule[..], &["--append", "out"], which].concat()).ok();
    }
    watched.inside(&[&rule[..], &["--append", "OUTPUT", "--jump", "out"]].concat()).ok();
    watched
}

impl Watched {
    /// Packets to strangers; and, of the engine, to the name server. Apps ask that for the engine's address.
    fn packets(&self) -> [u64; 2] {
        let list =
            ["iptables", "--wait", "--table", "raw", "--list", "out", "--verbose", "--exact"];
        let listed = self.inside(&list).ok().stdout;
        let counts: Vec<u64> = listed
            .lines()
            .skip(2)
            .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
            .collect();
        let [strangers, questions] = counts[..] else { panic!("{listed}") };
        [strangers, if self.name.contains("rivet-engine") { questions } else { 0 }]
    }

    /// Runs a program of the host in the container's network.
    fn inside(&self, command: &[&str]) -> Run {
        Run::of(Command::new("nsenter").args(["--net", "--target", &self.pid]).args(command))
    }
}
