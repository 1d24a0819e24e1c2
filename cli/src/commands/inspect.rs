//! `rivetctl inspect`: what is in a bundle. Nothing of an unverified bundle is shown.

use bundle_spec::{
    digest::Sha256Digest,
    manifest::{EngineFlavor, Manifest},
};
use indicatif::HumanBytes;
use serde::Serialize;

use super::verify::{BundleArgs, Identity};
use crate::{
    error::{Class, Explain, Outcome},
    output::{Output, Report},
};

/// Largest template or schema that is printed.
const DOCUMENT_MAX: u64 = 4 << 20;

/// Show what is in a bundle, after checking who signed it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    bundle: BundleArgs,

    /// Print this template and nothing else
    #[arg(long, value_name = "PATH", conflicts_with = "schema")]
    template: Option<String>,

    /// Print the JSON Schema of the product's values and nothing else
    #[arg(long)]
    schema: bool,
}

#[derive(Debug, thiserror::Error)]
enum InspectError {
    #[error("the bundle has no template {wanted:?}; it has {found}")]
    NoTemplate { wanted: String, found: String },

    #[error("the product has no values, so there is no schema")]
    NoSchema,
}

impl Explain for InspectError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::NoTemplate { .. } => "RCTL-NO-TEMPLATE",
            Self::NoSchema => "RCTL-NO-SCHEMA",
        }
        .into()
    }

    fn advice(&self) -> String {
        "`rivetctl inspect BUNDLE` lists what there is.".into()
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Outcome {
    let mut bundle = args.bundle.verify(out)?;
    let document = match &args.template {
        Some(path) => Some(template(bundle.manifest(), path)?),
        None if args.schema => Some(bundle.manifest().config_schema.ok_or(InspectError::NoSchema)?),
        None => None,
    };
    if let Some(digest) = document {
        let bytes = bundle.read_blob(&digest, DOCUMENT_MAX)?;
        return out.raw(&bytes);
    }
    let contents = Contents::of(bundle.manifest());
    out.report(&Inspected { identity: Identity::of(&bundle), contents })
}

fn template(manifest: &Manifest, path: &str) -> Result<Sha256Digest, InspectError> {
    let found = manifest.templates.iter().find(|template| template.path.as_str() == path);
    found.map(|template| template.blob).ok_or_else(|| {
        let paths: Vec<&str> =
            manifest.templates.iter().map(|template| template.path.as_str()).collect();
        let found = if paths.is_empty() { "none".to_owned() } else { paths.join(", ") };
        InspectError::NoTemplate { wanted: path.to_owned(), found }
    })
}

#[derive(Debug, Serialize)]
struct Inspected {
    #[serde(flatten)]
    identity: Identity,
    #[serde(flatten)]
    contents: Contents,
}

#[derive(Debug, Serialize)]
struct Contents {
    description: Option<String>,
    rivetctl_min: String,
    min_from_seq: u64,
    audience: Option<String>,
    not_after: Option<u64>,
    engines: Vec<EngineView>,
    images: Vec<ImageView>,
    tools: Vec<String>,
    templates: Vec<String>,
    pools: Vec<String>,
    risks: Vec<String>,
    revoked_releases: Vec<u64>,
    has_values: bool,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct EngineView {
    platform: &'static str,
    flavor: EngineFlavor,
    version: String,
}

#[derive(Debug, Serialize)]
struct ImageView {
    name: String,
    platform: &'static str,
    reference: String,
    source: String,
    config: String,
    layers: usize,
    bytes: u64,
}

impl Contents {
    fn of(manifest: &Manifest) -> Self {
        let size = |digest: &Sha256Digest| manifest.blob_size(digest).unwrap_or(0);
        let images = manifest.images.iter().map(|image| ImageView {
            name: image.name.to_string(),
            platform: image.platform.as_str(),
            reference: image.reference.to_string(),
            source: image.source.to_string(),
            config: image.config.to_string(),
            layers: image.layers.len(),
            bytes: size(&image.config)
                + image.layers.iter().map(|layer| size(&layer.blob)).sum::<u64>(),
        });
        let engines = manifest.engines.iter().map(|engine| EngineView {
            platform: engine.platform.as_str(),
            flavor: engine.flavor,
            version: engine.version.to_string(),
        });
        Self {
            description: manifest.description.as_ref().map(ToString::to_string),
            rivetctl_min: manifest.rivetctl_min.to_string(),
            min_from_seq: manifest.min_from_seq,
            audience: manifest.audience.as_ref().map(ToString::to_string),
            not_after: manifest.not_after,
            engines: engines.collect(),
            images: images.collect(),
            tools: manifest
                .tools
                .iter()
                .map(|tool| format!("{} {} {}", tool.name, tool.version, tool.platform))
                .collect(),
            templates: manifest
                .templates
                .iter()
                .map(|template| template.path.to_string())
                .collect(),
            pools: manifest.pools.iter().map(|pool| pool.name.to_string()).collect(),
            risks: manifest.allowed_risks.iter().map(ToString::to_string).collect(),
            revoked_releases: manifest.revoked_releases.clone(),
            has_values: manifest.config_schema.is_some(),
            bytes: manifest.payload_size,
        }
    }
}

impl Report for Inspected {
    fn human(&self) -> String {
        let contents = &self.contents;
        let mut lines = vec![self.identity.human()];
        lines.extend(contents.description.iter().map(|text| format!("about      {text}")));
        lines.push(format!("size       {}", HumanBytes(contents.bytes)));
        for engine in &contents.engines {
            let flavor = match engine.flavor {
                EngineFlavor::RivetEngine => "rivet-engine",
                EngineFlavor::Upstream => "upstream",
            };
            lines.push(format!("engine     {flavor} {} for {}", engine.version, engine.platform));
        }
        for image in &contents.images {
            let size = HumanBytes(image.bytes);
            lines.push(format!(
                "image      {} for {} ({} layers, {size}) from {}",
                image.name, image.platform, image.layers, image.source
            ));
        }
        let lists = [
            ("tool", &contents.tools),
            ("template", &contents.templates),
            ("pool", &contents.pools),
            ("risk", &contents.risks),
        ];
        for (name, entries) in lists {
            lines.extend(entries.iter().map(|entry| format!("{name:<10} {entry}")));
        }
        if contents.has_values {
            lines.push("values     asked for; `--schema` prints the schema".to_owned());
        }
        lines.join("\n")
    }
}
