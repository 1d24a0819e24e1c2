//! The program `rivet-engine`: command line, exit codes, and nothing else.

use std::{
    collections::BTreeMap,
    error::Error,
    ffi::OsString,
    fs::File,
    io::{Read, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use rivet_engine::{
    auth::{self, AuthError},
    backup::{self, RestoreError},
    config::{self, ConfigError, Entry, Environment, Found, Loaded, Sources},
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
    /// Look at the configuration without starting anything.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Check the archive of a checkpoint and make a data directory of it.
    Restore(Restore),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Say whether the engine would start with this configuration, and all that keeps it from that.
    /// Exit code 78 if there is something.
    Check,
    /// Print every key that holds, with its value and where that comes from. Secrets are masked.
    Show {
        /// For people, or for programs.
        #[arg(long, value_enum, default_value_t = ShowFormat::Text)]
        format: ShowFormat,
        /// Only what is not the default.
        #[arg(long)]
        changed: bool,
    },
    /// Print all keys that there are, set or not.
    Schema {
        /// A JSON Schema for editors and other programs, or a table.
        #[arg(long, value_enum, default_value_t = SchemaFormat::Json)]
        format: SchemaFormat,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ShowFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SchemaFormat {
    Json,
    Markdown,
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
    Tokens(#[from] AuthError),
    #[error("{WORKERS_VARIABLE} is {0:?}: expected a number of threads, at least 1")]
    Workers(String),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error("the runtime could not be started")]
    Runtime(#[source] std::io::Error),
    #[error("standard output cannot be written to")]
    Output(#[from] std::io::Error),
}

impl Failure {
    /// 78 (`EX_CONFIG`): the operator has to change the configuration. 65 (`EX_DATAERR`): the data is
    /// not what it should be. 1: anything else.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Server(ServerError::Open(error)) if error.is_about_the_data() => 65,
            Self::Config(_)
            | Self::Logging(_)
            | Self::Tokens(_)
            | Self::Workers(_)
            | Self::Server(ServerError::Auth(_)) => 78,
            Self::Server(_) | Self::Restore(_) | Self::Runtime(_) | Self::Output(_) => 1,
        }
    }

    /// The stable name of what is wrong with the data.
    fn code(&self) -> Option<&'static str> {
        match self {
            Self::Server(ServerError::Open(error)) => Some(error.code()),
            Self::Server(ServerError::StorageFailed) => Some("RVE-STORE-WRITE"),
            _ => None,
        }
    }

    /// One line on standard error.
    fn report(&self) {
        let mut text = self.code().map_or_else(String::new, |code| format!("{code}: "));
        text.push_str(&self.to_string());
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        // There is nowhere left to say that saying so failed.
        let _ = writeln!(std::io::stderr(), "rivet-engine: {text}");
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let environment: BTreeMap<String, String> = std::env::vars_os().filter_map(as_text).collect();
    let sources = Sources { given: cli.config, fallback: PathBuf::from("/etc/rivet") };
    let failures = match cli.command {
        Command::Start => start(&sources, &environment),
        Command::Restore(arguments) => restore(&arguments).map_err(|failure| vec![failure]),
        Command::Config { command } => match command {
            ConfigCommand::Check => check(&sources, &environment),
            ConfigCommand::Show { format, changed } => {
                show(&sources, &environment, format, changed)
            }
            ConfigCommand::Schema { format } => print(&match format {
                SchemaFormat::Json => pretty(&config::schema()),
                SchemaFormat::Markdown => config::markdown(),
            }),
        },
    };
    let Err(failures) = failures else { return ExitCode::SUCCESS };
    for failure in &failures {
        failure.report();
    }
    ExitCode::from(failures.first().map_or(1, Failure::exit_code))
}

/// A variable as text. One of the configuration that is none stays, with a mark in it for which it is refused:
/// without it the engine would start with something else than was asked for.
fn as_text((name, value): (OsString, OsString)) -> Option<(String, String)> {
    let name = name.into_string().ok()?;
    match value.into_string() {
        Ok(value) => Some((name, value)),
        Err(value) if config::is_variable(&name) => {
            Some((name, value.to_string_lossy().into_owned()))
        }
        Err(_) => None,
    }
}

/// What `start` starts with, or all that keeps it from that.
fn prepared(found: Found, environment: &Environment) -> Result<Loaded, Vec<Failure>> {
    let mut failures = Vec::new();
    failures.extend(logging::check(environment).err().map(Failure::Logging));
    if let Some(text) = environment.get(WORKERS_VARIABLE)
        && !text.parse::<usize>().is_ok_and(|threads| threads > 0)
    {
        failures.push(Failure::Workers(text.clone()));
    }
    let tokens = auth::check(found.auth()).into_iter().map(Failure::Tokens);
    match found.loaded() {
        Ok(loaded) => {
            failures.extend(tokens);
            if failures.is_empty() { Ok(loaded) } else { Err(failures) }
        }
        Err(problems) => {
            failures.extend(problems.0.into_iter().map(Failure::Config));
            failures.extend(tokens);
            Err(failures)
        }
    }
}

fn check(sources: &Sources, environment: &Environment) -> Result<(), Vec<Failure>> {
    let loaded = prepared(Found::read(sources, environment), environment)?;
    let mut text = String::new();
    for warning in &loaded.warnings {
        text.push_str("warning: ");
        text.push_str(warning);
        text.push('\n');
    }
    text.push_str("ok\n");
    print(&text)
}

/// Shows what was found even where the engine does not start with it, and then says why.
fn show(
    sources: &Sources,
    environment: &Environment,
    format: ShowFormat,
    changed: bool,
) -> Result<(), Vec<Failure>> {
    let found = Found::read(sources, environment);
    let mut entries = found.entries();
    entries.retain(|entry| !changed || !entry.is_default);
    print(&match format {
        ShowFormat::Text => Entry::text(&entries),
        ShowFormat::Json => pretty(&Entry::list(&entries)),
    })?;
    prepared(found, environment).map(|_| ())
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn print(text: &str) -> Result<(), Vec<Failure>> {
    let mut output = std::io::stdout();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.map_err(|error| vec![Failure::Output(error)])
}

fn start(sources: &Sources, environment: &Environment) -> Result<(), Vec<Failure>> {
    let loaded = prepared(Found::read(sources, environment), environment)?;
    serve(loaded, environment).map_err(|failure| vec![failure])
}

fn serve(loaded: Loaded, environment: &Environment) -> Result<(), Failure> {
    logging::start(environment)?;
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
    let outcome = runtime.block_on(server::run(loaded.settings));
    if matches!(outcome, Err(ServerError::AtOnce)) {
        // What still runs is waited for by nobody.
        runtime.shutdown_background();
    }
    Ok(outcome?)
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
