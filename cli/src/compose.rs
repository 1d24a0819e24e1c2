//! What a vendor's Compose fragments may say: text in, findings out.
//!
//! Pure, and used twice: when a bundle is made, so that the vendor hears of it, and when it is
//! installed, so that a signature says who and this says what. What is not known is refused;
//! what is known and dangerous is a [`Risk`] that the vendor has to declare.

mod document;
mod image;
mod ports;
mod risks;
mod service;
mod variables;
mod volumes;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_yaml_ng::Mapping;

/// The service that the installer provides; fragments may depend on it and never define it.
pub(crate) const ENGINE_SERVICE: &str = "rivet-engine";

/// Variables that the installer sets for every fragment.
pub(crate) const OUR_VARIABLES: [&str; 6] = [
    "RIVET_ENDPOINT",
    "RIVET_ENGINE_URL",
    "RIVET_NAMESPACE",
    "RIVET_TOKEN",
    "RIVETCTL_DATA_DIR",
    "RIVETCTL_INSTALL",
];

/// Those of [`OUR_VARIABLES`] that hold the admin token.
pub(crate) const OUR_SECRETS: [&str; 2] = ["RIVET_ENDPOINT", "RIVET_TOKEN"];

/// What fragments can refer to: the rest of the bundle.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// Every spelling under which a fragment may name an image: references and names.
    pub(crate) images: BTreeSet<String>,
    /// Properties of the config schema, and whether each is a secret.
    pub(crate) properties: BTreeMap<String, Sensitivity>,
}

/// Whether a variable's value must stay out of command lines, labels and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sensitivity {
    Plain,
    Secret,
}

/// Something that a fragment must not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// Stable code.
    pub(crate) code: &'static str,
    /// Which template.
    pub(crate) file: String,
    /// Where in it: `services.app.image`.
    pub(crate) at: String,
    /// What is there.
    pub(crate) found: String,
    /// What to write instead.
    pub(crate) advice: String,
}

/// A setting that gives a container power over its host or opens it to the network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Risk {
    /// Stable id, `<risk>:<service>`: what `allow` names.
    pub(crate) id: String,
    /// What it means for the host.
    pub(crate) meaning: String,
}

/// Everything there is to say about a set of fragments.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Reasons to refuse. Empty when the fragments may be used.
    pub(crate) problems: Vec<Problem>,
    /// Sorted, each once.
    pub(crate) risks: BTreeSet<Risk>,
    /// The parsed fragments, in the order given; complete only when there are no problems.
    pub(crate) fragments: Vec<Fragment>,
}

/// A parsed fragment: one YAML mapping with aliases and merges resolved.
#[derive(Debug, Clone)]
pub(crate) struct Fragment {
    /// Which template it is.
    pub(crate) file: String,
    /// Its content. Rendering from this, not from the text, leaves no second reading of it.
    pub(crate) content: Mapping,
}

/// Checks fragments together: names are looked up in all of them.
pub(crate) fn check<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
    surroundings: &Surroundings,
) -> Findings {
    let mut findings = Findings::default();
    for (file, text) in files {
        match document::parse(text) {
            Ok(content) => findings.fragments.push(Fragment { file: file.to_owned(), content }),
            Err(refusal) => findings.problems.push(refusal.in_file(file)),
        }
    }

    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    let fragments = std::mem::take(&mut findings.fragments);
    for fragment in &fragments {
        for name in fragment.service_names() {
            if let Some(first) = owners.insert(name.to_owned(), fragment.file.clone()) {
                findings.problems.push(Problem {
                    code: "RCTL-COMPOSE-SERVICE",
                    file: fragment.file.clone(),
                    at: format!("services.{name}"),
                    found: format!("the service is also defined in {first}"),
                    advice: "Give every service a name of its own.".into(),
                });
            }
        }
    }
    let services: BTreeSet<String> = owners.into_keys().collect();
    for fragment in &fragments {
        let mut scan = Scan {
            file: &fragment.file,
            services: &services,
            surroundings,
            findings: &mut findings,
        };
        document::check(&fragment.content, &mut scan);
    }
    findings.fragments = fragments;
    findings
}

impl Fragment {
    /// The services it defines.
    pub(crate) fn service_names(&self) -> impl Iterator<Item = &str> {
        self.content
            .get("services")
            .and_then(|services| services.as_mapping())
            .into_iter()
            .flat_map(|services| services.keys())
            .filter_map(|name| name.as_str())
    }
}

/// One fragment being checked, and where the findings go.
struct Scan<'a> {
    file: &'a str,
    services: &'a BTreeSet<String>,
    surroundings: &'a Surroundings,
    findings: &'a mut Findings,
}

impl Scan<'_> {
    fn problem(
        &mut self,
        code: &'static str,
        at: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        let (at, found, advice) = (at.into(), found.into(), advice.into());
        self.findings.problems.push(Problem {
            code,
            file: self.file.to_owned(),
            at,
            found,
            advice,
        });
    }

    /// Declares a risk of `service` (or of a volume or network of that name).
    fn risk(&mut self, risk: impl AsRef<str>, service: &str, meaning: impl Into<String>) {
        // Ids are signed and printed, so they are plain ASCII whatever the vendor wrote.
        let id = format!("{}:{service}", risk.as_ref()).escape_default().to_string();
        self.findings.risks.insert(Risk { id, meaning: meaning.into() });
    }
}

#[cfg(test)]
mod tests;
