//! The program `rivet-engine`: command line, exit codes, and nothing else.

use std::{
    collections::BTreeMap,
    error::Error,
    fs::File,
    io::{Read, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use rivet_engine::{
    backup::{self, RestoreError},
    config::{self, ConfigError, Sources},
    server::{self, ServerError},
    telemetry::logging::{self, LoggingError},
};

/// Where the number of threads that pass requests on is set, if it is; the runtime reads it.
const WORKERS_VARIABLE: &str = "TOKIO_WORKER_THREADS";

/// An engine for stateful actors: one process, one data directory.
#[derive(Debug, Parser)]
#[command(name = "rivet-engine", version, max_term_width = 100)]
struct Cli {
    /// A configuration file, or a directory of them. Repeat it: later ones win.
    /// Without it, /etc/rivet is read when it exists.
    #[arg(long, value_name = "PATH", global = true)]
    config: Vec<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the engine and serve until SIGTERM or SIGINT.
    Start,
    /// Check the archive of a checkpoint and make a data directory of it.
    Restore(Restore),
}

#[derive(Debug, Args)]
struct Restore {
    /// The archive, or `-` for standard input.
    archive: PathBuf,

    /// The data directory to make. It must be empty, or not there.
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    to: Option<PathBuf>,

    /// Check every byte of the archive and write nothing.
    #[arg(long, conflicts_with = "to")]
    check: bool,
}

/// Why the program ends without success.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Logging(#[from] LoggingError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error("the runtime could not be started")]
    Runtime(#[source] std::io::Error),
}

impl Failure {
    /// 78 (`EX_CONFIG`): the operator has to change the configuration. 1: anything else.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Logging(_) | Self::Server(ServerError::Auth(_)) => 78,
            Self::Server(_) | Self::Restore(_) | Self::Runtime(_) => 1,
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Start => start(cli.config),
        Command::Restore(arguments) => restore(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut text = failure.to_string();
            let mut cause = failure.source();
            while let Some(error) = cause {
                text.push_str(": ");
                text.push_str(&error.to_string());
                cause = error.source();
            }
            // There is nowhere left to say that saying so failed.
            let _ = writeln!(std::io::stderr(), "rivet-engine: {text}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn start(given: Vec<PathBuf>) -> Result<(), Failure> {
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    logging::start(&environment)?;
    let sources = Sources { given, fallback: PathBuf::from("/etc/rivet") };
    let loaded = config::load(&sources, &environment)?;
    for file in &loaded.files {
        tracing::info!(path = %file.display(), "configuration read");
    }
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if !environment.contains_key(WORKERS_VARIABLE) {
        runtime.worker_threads(workers());
    }
    let runtime = runtime.enable_all().build().map_err(Failure::Runtime)?;
    runtime.block_on(server::run(loaded.settings))?;
    Ok(())
}

fn restore(arguments: &Restore) -> Result<(), Failure> {
    let archive: Box<dyn Read> = if arguments.archive.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        let path = arguments.archive.clone();
        let opened = File::open(&path).map_err(|source| RestoreError::Unopened { path, source })?;
        Box::new(opened)
    };
    let (manifest, done) = match &arguments.to {
        Some(dir) => (backup::restore(archive, dir)?, format!("restored into {}", dir.display())),
        None => (backup::verify(archive).map_err(RestoreError::from)?, "is whole".to_owned()),
    };
    // The work is done, whether somebody reads it or not.
    let _ = writeln!(
        std::io::stdout(),
        "checkpoint {} {done}: {} files, {} bytes, data format {}, written by rivet-engine {}",
        manifest.id,
        manifest.files.len(),
        manifest.data_bytes(),
        manifest.data_format,
        manifest.engine_version,
    );
    Ok(())
}

/// How many threads pass requests on: one for every two processors. The apps need the others, and a
/// worker that wakes another one only to find nothing to do costs more than the request did.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| processors.get().div_ceil(2))
}
