//! What a failed command tells its caller: a class (the exit status), a stable code, what
//! happened, and what to do about it.
//!
//! Every module has an error enum of its own and says here, through [`Explain`], how each variant
//! is to be reported. [`Failure`] is what commands return; it is built by `?`.

use std::{borrow::Cow, error::Error, fmt};

use bundle_spec::BundleError;
use serde::Serialize;

/// Which kind of failure it was. The numbers are the exit statuses and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Class {
    /// Something else: a file that cannot be read or written, a fault of ours.
    Other = 1,
    /// The command line or a file that it names is not what the command needs.
    Usage = 2,
    /// A bundle, signature or root document is not to be trusted.
    Verification = 3,
    /// The host does not fit the plan. Nothing was changed.
    Preflight = 4,
    /// Docker, systemd or a process did not do as it was told.
    Daemon = 5,
    /// It runs, and is not healthy or not closed.
    Health = 6,
}

/// An error that knows how it is reported.
pub(crate) trait Explain: Error + Send + Sync + 'static {
    /// The class, and so the exit status.
    fn class(&self) -> Class;
    /// A stable code in capitals, for scripts and for looking it up.
    fn code(&self) -> Cow<'static, str>;
    /// What the reader can do now: a full sentence, or empty when the message says it all.
    fn advice(&self) -> String;
    /// Whether it only says that the reader of our output has gone (`| head`), which is no failure.
    fn nobody_listens(&self) -> bool {
        false
    }
}

/// A failed command.
pub(crate) struct Failure {
    error: Box<dyn Explain>,
    context: Vec<String>,
}

/// The outcome of a command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// A failure as `--json` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct FailureView {
    code: String,
    class: Class,
    exit: u8,
    message: String,
    advice: String,
}

impl Failure {
    /// Adds what was being done, outermost last.
    pub(crate) fn context(mut self, doing: impl Into<String>) -> Self {
        self.context.push(doing.into());
        self
    }

    /// Whether the reader of our output has gone.
    pub(crate) fn nobody_listens(&self) -> bool {
        self.error.nobody_listens()
    }

    /// The exit status.
    pub(crate) fn exit(&self) -> u8 {
        self.error.class() as u8
    }

    /// The facts, for printing.
    pub(crate) fn view(&self) -> FailureView {
        FailureView {
            code: self.error.code().into_owned(),
            class: self.error.class(),
            exit: self.exit(),
            message: self.message(),
            advice: self.error.advice(),
        }
    }

    /// Context, message and causes, joined by colons; no part is said twice.
    fn message(&self) -> String {
        let mut parts: Vec<String> = self.context.iter().rev().cloned().collect();
        let mut next: Option<&dyn Error> = Some(&*self.error);
        while let Some(error) = next {
            let text = error.to_string();
            if !parts.iter().any(|part| part.contains(&text)) {
                parts.push(text);
            }
            next = error.source();
        }
        parts.join(": ")
    }
}

impl FailureView {
    /// `error[CODE]: message` and, on a line of its own, what to do.
    pub(crate) fn human(&self) -> String {
        let mut text = format!("error[{}]: {}", self.code, self.message);
        if !self.advice.is_empty() {
            text.push_str("\n  what to do: ");
            text.push_str(&self.advice);
        }
        text
    }
}

impl<E: Explain> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: Box::new(error), context: Vec::new() }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error.code(), self.message())
    }
}

/// Adds what was being done to a result on its way up.
pub(crate) trait Context<T> {
    /// Names the deed when it failed.
    fn context(self, doing: impl FnOnce() -> String) -> Outcome<T>;
}

impl<T, E: Into<Failure>> Context<T> for Result<T, E> {
    fn context(self, doing: impl FnOnce() -> String) -> Outcome<T> {
        self.map_err(|error| error.into().context(doing()))
    }
}

/// What [`FileError`] calls the stream that results go to.
pub(crate) const STANDARD_OUTPUT: &str = "standard output";

/// A file or directory that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {path}")]
pub(crate) struct FileError {
    verb: &'static str,
    path: String,
    source: std::io::Error,
}

impl FileError {
    /// A closure for `map_err`: what was tried on which path.
    pub(crate) fn on(
        verb: &'static str,
        path: impl fmt::Display,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_string();
        move |source| Self { verb, path, source }
    }
}

impl Explain for FileError {
    // Copying a blob to a file may fail because of the blob.
    fn class(&self) -> Class {
        BundleError::from_io(&self.source).map_or(Class::Other, Explain::class)
    }

    fn code(&self) -> Cow<'static, str> {
        BundleError::from_io(&self.source).map_or("RCTL-FILE".into(), Explain::code)
    }

    fn nobody_listens(&self) -> bool {
        self.path == STANDARD_OUTPUT && self.source.kind() == std::io::ErrorKind::BrokenPipe
    }

    fn advice(&self) -> String {
        if let Some(error) = BundleError::from_io(&self.source) {
            return Explain::advice(error);
        }
        match self.source.kind() {
            std::io::ErrorKind::NotFound => "Check the path.".into(),
            std::io::ErrorKind::PermissionDenied => {
                "Run as a user who may, or choose another place.".into()
            }
            std::io::ErrorKind::StorageFull => "Free some space and run the command again.".into(),
            _ => String::new(),
        }
    }
}

impl Explain for BundleError {
    fn class(&self) -> Class {
        match self.fault() {
            bundle_spec::Fault::Bundle => Class::Verification,
            bundle_spec::Fault::Environment => Class::Other,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        BundleError::code(self).to_string().into()
    }

    fn advice(&self) -> String {
        BundleError::advice(self).to_owned()
    }
}

impl Explain for bundle_spec::policy::PolicyError {
    fn class(&self) -> Class {
        Class::Verification
    }

    fn code(&self) -> Cow<'static, str> {
        bundle_spec::policy::PolicyError::code(self).to_string().into()
    }

    fn advice(&self) -> String {
        bundle_spec::policy::PolicyError::advice(self).to_string()
    }
}
