//! The vendor's templates: read, checked against the rest of the bundle, and their risks against
//! what the vendor declared.

use std::{borrow::Cow, collections::BTreeSet, fmt::Write as _};

use bundle_spec::{
    manifest::{self, TemplateKind},
    text::Line,
};

use super::{
    located::{Blobs, Located},
    recipe::{Template, TemplateKindName},
};
use crate::{
    compose::{self, Problem, Risk, Surroundings},
    error::{Class, Explain, FileError},
};

/// Longest template.
const MAX_TEMPLATE: u64 = 1024 * 1024;

/// Templates that cannot go into a bundle.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error(transparent)]
    File(#[from] FileError),
    /// Not text.
    #[error("the template {path} is not UTF-8 text")]
    Text { path: String },
    /// Things that a fragment must not say; all of them, so that one run shows everything.
    #[error("{}", list_problems(problems))]
    Problems { problems: Vec<Problem> },
    /// Risks that nobody allowed.
    #[error("{}", list_risks(risks))]
    Risks { risks: Vec<Risk> },
    /// An id in `allow` that cannot be recorded.
    #[error("allow names {found:?}, which is no risk id")]
    Allow { found: String },
}

impl Explain for TemplateError {
    fn class(&self) -> Class {
        match self {
            Self::File(error) => error.class(),
            _ => Class::Usage,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::File(error) => error.code(),
            Self::Text { .. } => "RCTL-COMPOSE-YAML".into(),
            Self::Problems { problems } => {
                problems.first().map_or("RCTL-COMPOSE-YAML", |first| first.code).into()
            }
            Self::Risks { .. } => "RCTL-COMPOSE-RISK".into(),
            Self::Allow { .. } => "RCTL-COMPOSE-ALLOW".into(),
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::File(error) => error.advice(),
            Self::Text { .. } => "Save it as UTF-8.".into(),
            Self::Problems { .. } => {
                "Change the fragment as said behind each line, and bundle again.".into()
            }
            Self::Risks { risks } => {
                let flags: Vec<String> =
                    risks.iter().map(|risk| format!("--allow '{}'", risk.id)).collect();
                format!(
                    "Remove them from the fragment; or, if the product needs them, declare them in `allow` or with {}. The operator is shown every one before installing.",
                    flags.join(" ")
                )
            }
            Self::Allow { .. } => "Copy the ids from the message that reports the risks.".into(),
        }
    }
}

/// Templates that were checked.
#[derive(Debug)]
pub(crate) struct Templates {
    /// Their entries, sorted by path.
    pub(crate) entries: Vec<manifest::Template>,
    /// The risks that they take and the vendor allowed, sorted.
    pub(crate) allowed: Vec<Line>,
    /// Ids that were allowed without need.
    pub(crate) unused: Vec<String>,
}

/// Reads `templates`, checks them and adds their blobs.
pub(crate) fn resolve(
    templates: &[Template],
    allow: &[String],
    surroundings: &Surroundings,
    blobs: &mut Blobs,
) -> Result<Templates, TemplateError> {
    let mut texts: Vec<(String, String)> = Vec::new();
    let mut entries = Vec::new();
    for template in templates {
        let bytes = Located::file(&template.file)?.read(MAX_TEMPLATE)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| TemplateError::Text { path: template.path.to_string() })?;
        let kind = match template.kind {
            TemplateKindName::Compose => TemplateKind::Compose,
        };
        let blob = blobs.add_bytes(text.clone().into_bytes());
        entries.push(manifest::Template { path: template.path.clone(), kind, blob });
        texts.push((template.path.to_string(), text));
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));

    let findings = compose::check(
        texts.iter().map(|(path, text)| (path.as_str(), text.as_str())),
        surroundings,
    );
    if !findings.problems.is_empty() {
        return Err(TemplateError::Problems { problems: findings.problems });
    }
    let allow: BTreeSet<&str> = allow.iter().map(String::as_str).collect();
    let (allowed, refused): (Vec<Risk>, Vec<Risk>) =
        findings.risks.into_iter().partition(|risk| allow.contains(risk.id.as_str()));
    if !refused.is_empty() {
        return Err(TemplateError::Risks { risks: refused });
    }
    let unused = allow
        .iter()
        .filter(|id| !allowed.iter().any(|risk| risk.id == **id))
        .map(|id| (*id).to_owned())
        .collect();
    let allowed = allowed
        .iter()
        .map(|risk| risk.id.parse().map_err(|_| TemplateError::Allow { found: risk.id.clone() }))
        .collect::<Result<_, _>>()?;
    Ok(Templates { entries, allowed, unused })
}

fn list_problems(problems: &[Problem]) -> String {
    let mut text = match problems.len() {
        1 => "the templates cannot be used:".to_owned(),
        count => format!("the templates cannot be used, for {count} reasons:"),
    };
    for Problem { code, file, at, found, advice } in problems {
        let at = if at.is_empty() { String::new() } else { format!(", {at}") };
        let _ = write!(text, "\n  {file}{at}: found {found} [{code}]\n    {advice}");
    }
    text
}

fn list_risks(risks: &[Risk]) -> String {
    let mut text = "the templates take risks that are not allowed:".to_owned();
    for Risk { id, meaning } in risks {
        let _ = write!(text, "\n  {id}: {meaning}");
    }
    text
}
