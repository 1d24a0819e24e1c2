//! Starts the program on a directory of its own and speaks HTTP with it.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use camino::{Utf8Path, Utf8PathBuf};
use camino_tempfile::Utf8TempDir;

pub(crate) use super::connection::{Answer, Connection};

pub(crate) const TOKEN: &str = "rvt_0123456789abcdefghijklmnop";

/// On a busy machine everything takes longer; nothing takes this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How the program is to be started.
pub(crate) struct Setup {
    dir: Utf8TempDir,
    environment: BTreeMap<String, String>,
}

/// What became of a program that has ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) log: String,
}

/// What a program said that was not meant to stay.
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let dir = camino_tempfile::tempdir().unwrap();
        let mut environment = BTreeMap::new();
        for block in ["GUARD", "API_PEER", "METRICS"] {
            environment.insert(format!("RIVET__{block}__HOST"), "127.0.0.1".to_owned());
            environment.insert(format!("RIVET__{block}__PORT"), "0".to_owned());
        }
        let setup = Self { dir, environment };
        let data = setup.data_dir();
        setup
            .with("RIVET__FILE_SYSTEM__PATH", data.as_str())
            .with("RIVET__AUTH__ADMIN_TOKEN", TOKEN)
    }

    /// Without any variable.
    pub(crate) fn bare() -> Self {
        Self { dir: camino_tempfile::tempdir().unwrap(), environment: BTreeMap::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    pub(crate) fn dir(&self) -> &Utf8Path {
        self.dir.path()
    }

    pub(crate) fn data_dir(&self) -> Utf8PathBuf {
        self.dir.path().join("data")
    }

    /// Runs the program until it ends by itself, which it has to.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut child = self.begin(arguments);
        drop(child.stdin.take());
        let stdout = whole(child.stdout.take().unwrap());
        let stderr = whole(child.stderr.take().unwrap());
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > PATIENCE {
                child.kill().unwrap();
                child.wait().unwrap();
                let said = stdout.join().unwrap() + &stderr.join().unwrap();
                panic!(
                    "`rivet-engine {}` goes on where it has to end: {said}",
                    arguments.join(" ")
                );
            }
            thread::sleep(Duration::from_millis(10));
        };
        let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
        Output { code: status.code(), stdout, stderr }
    }

    /// Begins to run the program, for somebody who feeds it or ends it.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(env!("CARGO_BIN_EXE_rivet-engine"));
        command.args(arguments).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Starts the program and waits until it serves.
    pub(crate) fn start(&self) -> Engine {
        let mut command = self.command(env!("CARGO_BIN_EXE_rivet-engine"));
        command.arg("start");
        Self::serve(command)
    }

    /// Starts the program where no file can grow beyond a size, as on a disk that is full.
    pub(crate) fn start_on_a_small_disk(&self) -> Engine {
        let mut command = self.command("/bin/sh");
        let limited = "trap '' XFSZ; ulimit -f 600; exec \"$0\" start";
        command.args(["-c", limited, env!("CARGO_BIN_EXE_rivet-engine")]);
        Self::serve(command)
    }

    /// Starts the program with every call recorded that writes, one file per thread: `TRACE.*`.
    pub(crate) fn start_traced(&self, trace: &Utf8Path) -> Engine {
        let mut command = self.command("strace");
        command.args(["-D", "-ff", "-qq", "-xx", "--string-limit=4000000", "--syscall-times=ns"]);
        command.args([
            "--absolute-timestamps=format:unix,precision:ns",
            "--output",
            trace.as_str(),
        ]);
        command.arg(
            "--trace=openat,accept,accept4,write,writev,pwrite64,sendto,sendmsg,fsync,fdatasync,\
             rename,unlink,ftruncate",
        );
        command.args([env!("CARGO_BIN_EXE_rivet-engine"), "start"]);
        Self::serve(command)
    }

    /// Starts the program. `Err`: what it said when it ended instead.
    pub(crate) fn try_start(&self) -> Result<Engine, String> {
        let mut command = self.command(env!("CARGO_BIN_EXE_rivet-engine"));
        let engine = Self::spawn(command.arg("start"));
        let mut started = false;
        await_until("a start or an end", || {
            let log = engine.log.lock().unwrap();
            started = log.contains("message=ready");
            started || log.contains("rivet-engine: ")
        });
        if started { Ok(engine) } else { Err(engine.end().log) }
    }

    /// Starts the program where it may have `soft` files open, and raise that to `hard`.
    pub(crate) fn start_with_files(&self, soft: u32, hard: u32) -> Engine {
        let mut command = self.command("/bin/sh");
        let limited = format!("ulimit -Sn {soft}; ulimit -Hn {hard}; exec \"$0\" start");
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_rivet-engine")]);
        Self::serve(command)
    }

    fn serve(mut command: Command) -> Engine {
        let engine = Self::spawn(&mut command);
        engine.await_log("ready");
        engine
    }

    fn spawn(command: &mut Command) -> Engine {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::<Mutex<String>>::default();
        let readers = vec![
            collect(child.stdout.take().unwrap(), &log),
            collect(child.stderr.take().unwrap(), &log),
        ];
        Engine { child, log, readers }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.environment).current_dir(self.dir.path());
        command
    }
}

/// Everything that comes out of a pipe, read beside whatever else happens.
fn whole(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}

fn collect(pipe: impl Read + Send + 'static, log: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let log = Arc::clone(log);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    })
}

/// A program that runs. Dropping it kills it.
pub(crate) struct Engine {
    child: Child,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Engine {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where the port with this purpose listens, as the log says.
    pub(crate) fn address(&self, purpose: &str) -> SocketAddr {
        let log = self.log.lock().unwrap();
        let purpose = format!("purpose={purpose}");
        let line = log.lines().find(|line| line.contains(&purpose)).expect("the port is logged");
        let (_, rest) = line.split_once("address=").unwrap();
        rest.split_whitespace().next().unwrap().trim_matches('"').parse().unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, Some(TOKEN), "")
    }

    pub(crate) fn send(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Answer {
        self.at("api", method, path, token, body)
    }

    pub(crate) fn at(
        &self,
        purpose: &str,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> Answer {
        let answer = Connection::open(self.address(purpose))
            .and_then(|connection| connection.request(method, path, token, body));
        answer.unwrap_or_else(|error| {
            panic!("{method} {path}: {error}; its log: {}", self.log.lock().unwrap())
        })
    }

    pub(crate) fn create_namespace(&self, name: &str) {
        let body = format!(r#"{{"name":"{name}","display_name":"{name}"}}"#);
        let answer = self.send("POST", "/namespaces", Some(TOKEN), &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    pub(crate) fn await_log(&self, text: &str) {
        await_until(text, || {
            let log = self.log.lock().unwrap();
            assert!(!log.contains("rivet-engine: "), "it did not start: {log}");
            log.contains(text)
        });
    }

    pub(crate) fn send_signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn signal(self, name: &str) -> Ended {
        self.send_signal(name);
        self.end()
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Ended {
        let mut status: Option<ExitStatus> = None;
        await_until("the end of the process", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let log = self.log.lock().unwrap().clone();
        Ended { code: status.and_then(|status| status.code()), log }
    }

    /// kill -9
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Engine {
    /// kill -9, and waits until the record of its calls is complete.
    pub(crate) fn kill_traced(&mut self, trace: &Utf8Path) {
        let record = format!("{trace}.{}", self.child.id());
        self.kill();
        await_until("the end of the record", || {
            let bytes = std::fs::read(&record).unwrap();
            String::from_utf8_lossy(&bytes).contains("+++ killed by SIGKILL")
        });
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again until `done`, without assuming how long it takes.
pub(crate) fn await_until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}
