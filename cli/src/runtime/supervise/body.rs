//! The supervisor's own loop: start the engine, wait, start it again; end when told to.

use std::{
    io::{self, BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use camino::Utf8Path;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

use super::{Record, log::RotatingLog, log_file, record_file};
use crate::{
    error::FileError,
    runtime::{RuntimeError, process::ProcessIdentity},
    site::{durable, lock::Lock},
};

/// Wait before the first new start, and the longest wait.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// An engine that ran this long is not in a crash loop.
const SETTLED: Duration = Duration::from_mins(1);

/// How long the engine has to stop by itself.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// The engine's exit status when it refuses its data (`EX_DATAERR` of sysexits): damaged, not there,
/// or written by a newer engine. Starting it again changes nothing until somebody has acted.
const DATA_REFUSED: i32 = 65;

/// How often the engine is looked at.
const POLL: Duration = Duration::from_millis(100);

/// Runs `command` until this process is told to stop, or the engine refuses its data.
pub(crate) fn run(dir: &Utf8Path, command: &[String]) -> Result<(), RuntimeError> {
    // Fails only where we lead a group already, and then the terminal has let go of us.
    let _ = rustix::process::setsid();
    let _lock = Lock::take(&dir.join("supervisor.lock"), "the engine of this install")?;
    let path = log_file(dir);
    let log = Arc::new(Mutex::new(RotatingLog::open(&path).map_err(FileError::on("open", &path))?));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(FileError::on("watch signals for", dir))?;
    runtime.block_on(supervise(dir, command, &log))
}

async fn supervise(
    dir: &Utf8Path,
    command: &[String],
    log: &Arc<Mutex<RotatingLog>>,
) -> Result<(), RuntimeError> {
    let watch = |kind| signal(kind).map_err(FileError::on("watch signals for", dir));
    let (mut terminate, mut interrupt, mut hangup) = (
        watch(SignalKind::terminate())?,
        watch(SignalKind::interrupt())?,
        watch(SignalKind::hangup())?,
    );
    let supervisor = ProcessIdentity::own().expect("we are running");
    let mut record = Record { supervisor, engine: None, restarts: 0, command: command.to_vec() };
    let mut backoff = BACKOFF.0;
    loop {
        let started = Instant::now();
        let mut engine = start(command, log)?;
        record.engine = ProcessIdentity::of(engine.id());
        write(dir, &record)?;
        let status = loop {
            tokio::select! {
                _ = terminate.recv() => return stop(dir, &mut record, &mut engine),
                _ = interrupt.recv() => return stop(dir, &mut record, &mut engine),
                // The engine reads its token file again on this signal.
                _ = hangup.recv() => tell(&record, Signal::HUP),
                () = tokio::time::sleep(POLL) => (),
            }
            if let Some(status) = engine.try_wait().map_err(FileError::on("watch", &command[0]))? {
                break status;
            }
        };
        record.engine = None;
        if status.code() == Some(DATA_REFUSED) {
            note(log, "the engine refuses its data, see above; it is not started again");
            return write(dir, &record);
        }
        note(log, &format!("engine ended ({status}); starting again in {} s", backoff.as_secs()));
        record.restarts += 1;
        write(dir, &record)?;
        if started.elapsed() >= SETTLED {
            backoff = BACKOFF.0;
        }
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            () = tokio::time::sleep(backoff) => (),
        }
        backoff = (backoff * 2).min(BACKOFF.1);
    }
}

fn start(command: &[String], log: &Arc<Mutex<RotatingLog>>) -> Result<Child, RuntimeError> {
    let (program, arguments) = command.split_first().expect("clap requires a program");
    let mut engine = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| RuntimeError::Spawn { program: program.clone(), source })?;
    if let Some(output) = engine.stdout.take() {
        copy(output, Arc::clone(log));
    }
    if let Some(errors) = engine.stderr.take() {
        copy(errors, Arc::clone(log));
    }
    Ok(engine)
}

/// Copies lines to the log on a thread of its own, until the engine closes its end.
fn copy(output: impl Read + Send + 'static, log: Arc<Mutex<RotatingLog>>) {
    std::thread::spawn(move || {
        let mut lines = BufReader::new(output);
        let mut line = Vec::new();
        // Bounded, because an engine gone wrong may write without line breaks.
        while let Ok(1..) = (&mut lines).take(1 << 16).read_until(b'\n', &mut line) {
            // A full disk must not stop the engine: the line is lost, the pipe is drained.
            let _ = append(&log, &line);
            line.clear();
        }
    });
}

fn append(log: &Mutex<RotatingLog>, line: &[u8]) -> io::Result<()> {
    log.lock().unwrap_or_else(PoisonError::into_inner).write(line)
}

fn note(log: &Mutex<RotatingLog>, text: &str) {
    let _ = append(log, format!("rivetctl: {text}\n").as_bytes());
}

fn stop(dir: &Utf8Path, record: &mut Record, engine: &mut Child) -> Result<(), RuntimeError> {
    tell(record, Signal::TERM);
    let asked = Instant::now();
    while asked.elapsed() < STOP_PATIENCE {
        if engine.try_wait().map_err(FileError::on("watch", "the engine"))?.is_some() {
            record.engine = None;
            return write(dir, record);
        }
        std::thread::sleep(POLL);
    }
    let _ = engine.kill();
    let _ = engine.wait();
    record.engine = None;
    write(dir, record)
}

fn tell(record: &Record, signal: Signal) {
    if let Some(engine) = &record.engine {
        engine.signal(signal);
    }
}

fn write(dir: &Utf8Path, record: &Record) -> Result<(), RuntimeError> {
    let json = serde_json::to_vec(record).expect("a record is plain data");
    Ok(durable::write(&record_file(dir), &json, durable::PRIVATE_FILE)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_refuses_its_data_is_started_once() {
        let dir = camino_tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("logs")).unwrap();
        let starts = dir.path().join("starts");
        let refuse = format!("echo refused | tee -a {starts}; exit {DATA_REFUSED}");

        run(dir.path(), &["sh".into(), "-c".into(), refuse]).unwrap();

        assert_eq!(std::fs::read_to_string(&starts).unwrap(), "refused\n");
        let log = std::fs::read_to_string(log_file(dir.path())).unwrap();
        assert!(log.contains("it is not started again"), "{log}");
        let record = std::fs::read(record_file(dir.path())).unwrap();
        let record: Record = serde_json::from_slice(&record).unwrap();
        assert_eq!((record.engine.is_none(), record.restarts), (true, 0));
    }
}
