//! The sample product's app: a page, and a health check that asks the engine.
//!
//! It stands where a customer's app stands: it knows `RIVET_ENDPOINT` and a setting of its own,
//! and nothing of how it was delivered. `sample-notes check` asks a running one for its health,
//! because an image made from nothing has no other program that could.

mod endpoint;
mod settings;

use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::ExitCode,
    thread,
    time::Duration,
};

use tokio::signal::unix::{SignalKind, signal};

use settings::Settings;

/// A browser needs far less; everything longer is refused.
const LONGEST_REQUEST_LINE: u64 = 8 * 1024;

fn main() -> ExitCode {
    let outcome = match env::args().nth(1).as_deref() {
        None => serve(),
        Some("check") => check(),
        Some(other) => Err(format!("unknown argument {other:?}: expected none, or `check`")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(&format!("level=error message={error:?}"));
            ExitCode::FAILURE
        }
    }
}

/// Answers requests until somebody asks for the end.
fn serve() -> Result<(), String> {
    let settings = Settings::from_environment().map_err(|error| error.to_string())?;
    let listener = TcpListener::bind(("0.0.0.0", settings.port))
        .map_err(|error| format!("cannot listen on port {}: {error}", settings.port))?;
    log(&format!("level=info message=\"serving notes\" port={}", settings.port));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let settings = settings.clone();
            thread::spawn(move || {
                if let Err(error) = answer(stream, &settings) {
                    log(&format!("level=warn message=\"request failed\" error=\"{error}\""));
                }
            });
        }
    });
    wait_for_the_end().map_err(|error| format!("cannot listen for signals: {error}"))?;
    log("level=info message=\"stopping\"");
    Ok(())
}

/// The first process of a container ignores a signal that it has not asked for.
#[tokio::main(flavor = "current_thread")]
async fn wait_for_the_end() -> io::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => (),
        _ = int.recv() => (),
    }
    Ok(())
}

/// Fails unless the app on this host's port is healthy.
fn check() -> Result<(), String> {
    let port = settings::port().map_err(|error| error.to_string())?;
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(8))).build().into();
    let answer = agent.get(format!("http://127.0.0.1:{port}/healthz")).call();
    answer.map(drop).map_err(|error| format!("not healthy: {error}"))
}

fn answer(mut stream: TcpStream, settings: &Settings) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(&stream).take(LONGEST_REQUEST_LINE);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    // Unread headers would turn the end of the connection into a reset.
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let path = line.split(' ').nth(1).unwrap_or("/");
    let (status, body) = match path {
        "/" => ("200 OK", format!("{}\n", settings.title)),
        "/healthz" => match settings.endpoint.check() {
            Ok(()) => ("200 OK", "ok\n".to_owned()),
            Err(error) => ("503 Service Unavailable", format!("{error}\n")),
        },
        _ => ("404 Not Found", "not found\n".to_owned()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )?;
    stream.flush()
}

fn log(line: &str) {
    // Standard output may be closed; there is nowhere left to say so.
    let _ = writeln!(io::stdout(), "{line}");
}
