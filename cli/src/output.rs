//! The only module that writes to the terminal.
//!
//! Results go to standard output and can be piped; everything said about the work (progress,
//! notes, warnings, errors) goes to standard error. With `--json`, standard output holds exactly
//! one JSON document of one shape for every command:
//!
//! `{"schema":"rivetctl/1","command":"…","ok":true,"result":{…},"warnings":[…]}` or
//! `{"schema":"rivetctl/1","command":"…","ok":false,"error":{"code","class","exit","message","advice"},"warnings":[…]}`

mod progress;

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use serde::Serialize;

use crate::error::{Failure, FailureView, FileError, Outcome, STANDARD_OUTPUT};

pub(crate) use progress::Progress;

/// Flags that every command takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct OutputArgs {
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    json: bool,

    /// Print results and errors only
    #[arg(long, short, global = true)]
    quiet: bool,
}

/// A command's result: in words here, as facts through [`Serialize`].
pub(crate) trait Report: Serialize {
    /// The lines a person reads, without a final line break.
    fn human(&self) -> String;
}

/// Where a command's words go.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag or a fact about the terminal")]
pub(crate) struct Output {
    command: &'static str,
    json: bool,
    quiet: bool,
    terminal: bool,
    color: bool,
    warnings: Vec<String>,
    /// What a failed command found out all the same.
    facts: Option<serde_json::Value>,
    stdout: Box<dyn Write>,
    stderr: Box<dyn Write>,
}

#[derive(Serialize)]
struct Document<'a, R: Serialize> {
    schema: &'static str,
    command: &'a str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a R>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FailureView>,
    warnings: &'a [String],
}

impl Output {
    /// Writes to this process's standard streams.
    pub(crate) fn to_terminal(args: &OutputArgs, command: &'static str) -> Self {
        let terminal = io::stderr().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            command,
            json: args.json,
            quiet: args.quiet,
            terminal,
            color: terminal && !plain,
            warnings: Vec::new(),
            facts: None,
            stdout: Box::new(io::stdout()),
            stderr: Box::new(io::stderr()),
        }
    }

    /// Prints a command's result. Call it once, last.
    pub(crate) fn report<R: Report>(&mut self, report: &R) -> Outcome {
        let text = if self.json {
            let document = Document {
                schema: "rivetctl/1",
                command: self.command,
                ok: true,
                result: Some(report),
                error: None,
                warnings: &self.warnings,
            };
            serde_json::to_string(&document).expect("reports are plain data")
        } else {
            report.human()
        };
        self.line(&text)
    }

    /// Prints facts that are themselves the bad news, and gives the failure back for the status:
    /// with `--json` one document holds both.
    pub(crate) fn report_failed<R: Report>(&mut self, report: &R, failure: Failure) -> Outcome {
        if self.json {
            self.facts = serde_json::to_value(report).ok();
        } else {
            let text = report.human();
            self.line(&text)?;
        }
        Err(failure)
    }

    /// Prints text that is itself the product (a script, a man page, a token), as it is.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> Outcome {
        self.stdout.write_all(bytes).map_err(FileError::on("write to", STANDARD_OUTPUT))?;
        Ok(())
    }

    /// Whether the caller asked for JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Says what is being done.
    pub(crate) fn note(&mut self, text: &str) {
        if !self.quiet {
            // A closed standard error cannot be reported anywhere; the exit status still is.
            let _ = writeln!(self.stderr, "{text}");
        }
    }

    /// Says what the reader should look at; also part of the JSON document.
    pub(crate) fn warn(&mut self, text: &str) {
        self.warnings.push(text.to_owned());
        let label = self.paint("33", "warning:");
        let _ = writeln!(self.stderr, "{label} {text}");
    }

    /// Starts showing progress over `total` bytes.
    pub(crate) fn progress(&self, label: &str, total: u64) -> Progress {
        Progress::start(label, total, self.terminal, self.quiet)
    }

    /// Prints a failure and gives its exit status.
    pub(crate) fn failure(&mut self, failure: &Failure) -> ExitCode {
        if failure.nobody_listens() {
            return ExitCode::SUCCESS;
        }
        let view = failure.view();
        let text = view.human();
        if self.json {
            let document = Document {
                schema: "rivetctl/1",
                command: self.command,
                ok: false,
                result: self.facts.as_ref(),
                error: Some(view),
                warnings: &self.warnings,
            };
            let json = serde_json::to_string(&document).expect("failures are plain data");
            let _ = writeln!(self.stdout, "{json}");
        }
        let painted = match text.split_once(':') {
            Some((label, rest)) => format!("{}:{rest}", self.paint("31", label)),
            None => text,
        };
        let _ = writeln!(self.stderr, "{painted}");
        ExitCode::from(failure.exit())
    }

    fn line(&mut self, text: &str) -> Outcome {
        writeln!(self.stdout, "{text}").map_err(FileError::on("write to", STANDARD_OUTPUT))?;
        Ok(())
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Prints what clap has to say: help and version are results, everything else is a usage error.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}
