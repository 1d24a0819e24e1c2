//! Log lines: which are written (`RUST_LOG`), and how they look (`RUST_LOG_FORMAT`).

use std::collections::BTreeMap;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use super::{
    json::{JsonLines, LevelName},
    lines::CountLines,
};

/// The environment asks for log lines that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter does not parse.
    #[error("RUST_LOG is {text:?}, which is not a log filter (example: info,rivet_engine=debug)")]
    Filter {
        /// What was found.
        text: String,
        /// What the parser said.
        source: tracing_subscriber::filter::ParseError,
    },
    /// No such format.
    #[error("RUST_LOG_FORMAT is {0:?}: expected logfmt, json, gcp or text")]
    Format(String),
    /// Something in this process logs already.
    #[error("logging was set up twice: please report this")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Whether log lines can be had as `environment` says.
pub fn check(environment: &BTreeMap<String, String>) -> Result<(), LoggingError> {
    filter(environment)?;
    match environment.get("RUST_LOG_FORMAT").map(String::as_str) {
        None | Some("" | "logfmt" | "json" | "gcp" | "text") => Ok(()),
        Some(other) => Err(LoggingError::Format(other.to_owned())),
    }
}

/// Starts to write log lines to standard output, as `environment` says.
pub fn start(environment: &BTreeMap<String, String>) -> Result<(), LoggingError> {
    let filter = filter(environment)?;
    let lines = match environment.get("RUST_LOG_FORMAT").map(String::as_str) {
        None | Some("" | "logfmt") => logfmt(environment).boxed(),
        Some("json") => json(LevelName::Level).boxed(),
        Some("text") => tracing_subscriber::fmt::layer().with_ansi(false).boxed(),
        Some("gcp") => json(LevelName::Severity).boxed(),
        Some(other) => return Err(LoggingError::Format(other.to_owned())),
    };
    let lines = CountLines.and_then(lines).with_filter(filter);
    tracing_subscriber::registry().with(lines).try_init()?;
    Ok(())
}

fn filter(environment: &BTreeMap<String, String>) -> Result<EnvFilter, LoggingError> {
    let text = environment.get("RUST_LOG").map_or("", String::as_str);
    EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(text)
        .map_err(|source| LoggingError::Filter { text: text.to_owned(), source })
}

fn logfmt<S>(environment: &BTreeMap<String, String>) -> impl Layer<S> + use<S>
where
    S: tracing::Subscriber + for<'l> tracing_subscriber::registry::LookupSpan<'l>,
{
    let on = |name: &str| environment.get(name).is_some_and(|value| value == "1");
    tracing_logfmt::builder()
        .with_span_name(on("RUST_LOG_SPAN_NAME"))
        .with_span_path(on("RUST_LOG_SPAN_PATH"))
        .with_target(on("RUST_LOG_TARGET"))
        .with_location(on("RUST_LOG_LOCATION"))
        .with_module_path(on("RUST_LOG_MODULE_PATH"))
        .layer()
}

fn json<S>(level: LevelName) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'l> tracing_subscriber::registry::LookupSpan<'l>,
{
    tracing_subscriber::fmt::layer().event_format(JsonLines(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str, value: &str) -> BTreeMap<String, String> {
        [(name.to_owned(), value.to_owned())].into()
    }

    #[test]
    fn an_unknown_format_is_refused_with_the_known_ones() {
        let error = start(&environment("RUST_LOG_FORMAT", "xml")).unwrap_err();

        assert_eq!(
            error.to_string(),
            "RUST_LOG_FORMAT is \"xml\": expected logfmt, json, gcp or text"
        );
    }

    #[test]
    fn a_filter_that_does_not_parse_is_refused() {
        assert!(filter(&environment("RUST_LOG", "rivet_engine=loud")).is_err());
        assert!(filter(&environment("RUST_LOG", "info,rivet_engine=debug")).is_ok());
    }
}
