//! Every field of a recipe as a flag. A flag wins over the file; a list given by flags replaces
//! the file's list, except `--allow`, which adds to it.

use bundle_spec::{
    manifest::{EngineFlavor, Platform},
    text::{Line, Name, Version},
};
use camino::Utf8PathBuf;

use super::{
    EngineSource, Image, ImageSource, Pool, Recipe, RecipeError, Template, TemplateKindName,
};

/// The recipe's fields as flags.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Recipe fields")]
pub(crate) struct RecipeFlags {
    /// Product name [product.name]
    #[arg(long, value_name = "NAME")]
    product: Option<Name>,
    /// Release channel [product.channel]
    #[arg(long, value_name = "NAME")]
    channel: Option<Name>,
    /// Version as people call it [product.version]
    #[arg(long, value_name = "VERSION")]
    release_version: Option<Version>,
    /// Position in the channel, higher than every release before [product.sequence]
    #[arg(long, value_name = "N")]
    sequence: Option<u64>,
    /// Lowest sequence that may be upgraded from [`product.min_from_sequence`]
    #[arg(long, value_name = "N")]
    min_from_sequence: Option<u64>,
    /// One sentence for the operator [product.description]
    #[arg(long, value_name = "TEXT")]
    description: Option<Line>,
    /// The one customer this bundle is for [product.audience]
    #[arg(long, value_name = "NAME")]
    audience: Option<Name>,
    /// Time after which sites may refuse the bundle, RFC 3339 [`product.not_after`]
    #[arg(long, value_name = "TIME")]
    not_after: Option<String>,
    /// Platform to bundle for; may be repeated [platforms]
    #[arg(long = "platform", value_name = "OS/ARCH", value_parser = parse_platform)]
    platforms: Vec<Platform>,
    /// Where the engine comes from [engine.source]
    #[arg(long = "engine", value_enum, value_name = "SOURCE")]
    engine_source: Option<EngineSource>,
    /// Engine executable; `{arch}` stands for amd64 or arm64 [engine.path]
    #[arg(long, value_name = "FILE")]
    engine_path: Option<Utf8PathBuf>,
    /// Whose engine the file is: rivet-engine or upstream [engine.flavor]
    #[arg(long, value_name = "FLAVOR", value_parser = parse_flavor)]
    engine_flavor: Option<EngineFlavor>,
    /// Version of the engine file or npm package [engine.version]
    #[arg(long, value_name = "VERSION")]
    engine_version: Option<Version>,
    /// npm package of the engine; `{npm_arch}` stands for x64 or arm64 [engine.package]
    #[arg(long, value_name = "PACKAGE")]
    engine_package: Option<String>,
    /// Integrity ("sha512-…") that an npm package must have; may be repeated [engine.integrity]
    #[arg(long, value_name = "INTEGRITY")]
    engine_integrity: Vec<String>,
    /// rivetctl executable to carry; `{arch}` stands for amd64 or arm64 [rivetctl.path]
    #[arg(long, value_name = "FILE")]
    rivetctl: Option<Utf8PathBuf>,
    /// Version of that rivetctl [rivetctl.version]
    #[arg(long, value_name = "VERSION")]
    rivetctl_version: Option<Version>,
    /// Image, as `name=N,source=docker|archive|oci-layout,reference=R[,path=P]`; may be repeated [[images]]
    #[arg(long = "image", value_name = "FIELDS", value_parser = parse_image)]
    images: Vec<Image>,
    /// Template, as `path=P,file=F[,kind=compose]`; may be repeated [[templates]]
    #[arg(long = "template", value_name = "FIELDS", value_parser = parse_template)]
    templates: Vec<Template>,
    /// JSON Schema of the values an operator may set [config.schema]
    #[arg(long, value_name = "FILE")]
    config_schema: Option<Utf8PathBuf>,
    /// Pool, as `NAME[,drain_on_version_upgrade=false]`; may be repeated [[pools]]
    #[arg(long = "pool", value_name = "FIELDS", value_parser = parse_pool)]
    pools: Vec<Pool>,
    /// Risky setting that this product needs, added to the recipe's; may be repeated [allow]
    #[arg(long, value_name = "RISK")]
    allow: Vec<String>,
    /// Sequence that must not be installed any more; may be repeated [`revoked_releases`]
    #[arg(long = "revoke-release", value_name = "N")]
    revoked_releases: Vec<u64>,
    /// Directory of root documents to carry [roots]
    #[arg(long, value_name = "DIR")]
    roots: Option<Utf8PathBuf>,
}

impl RecipeFlags {
    /// Writes the flags over `recipe`.
    pub(crate) fn apply(self, recipe: &mut Recipe) {
        let product = &mut recipe.product;
        replace(&mut product.name, self.product);
        replace(&mut product.channel, self.channel);
        replace(&mut product.version, self.release_version);
        replace(&mut product.sequence, self.sequence);
        replace(&mut product.min_from_sequence, self.min_from_sequence);
        replace(&mut product.description, self.description);
        replace(&mut product.audience, self.audience);
        replace(&mut product.not_after, self.not_after);
        replace_list(&mut recipe.platforms, self.platforms);

        let engine = &mut recipe.engine;
        if let Some(source) = self.engine_source {
            engine.source = source;
        }
        replace(&mut engine.path, self.engine_path);
        replace(&mut engine.flavor, self.engine_flavor);
        replace(&mut engine.version, self.engine_version);
        replace(&mut engine.package, self.engine_package);
        replace_list(&mut engine.integrity, self.engine_integrity);

        replace(&mut recipe.rivetctl.path, self.rivetctl);
        replace(&mut recipe.rivetctl.version, self.rivetctl_version);
        replace_list(&mut recipe.images, self.images);
        replace_list(&mut recipe.templates, self.templates);
        replace(&mut recipe.config.schema, self.config_schema);
        replace_list(&mut recipe.pools, self.pools);
        recipe.allow.extend(self.allow);
        replace_list(&mut recipe.revoked_releases, self.revoked_releases);
        replace(&mut recipe.roots, self.roots);
    }
}

fn replace<T>(field: &mut Option<T>, flag: Option<T>) {
    if flag.is_some() {
        *field = flag;
    }
}

fn replace_list<T>(field: &mut Vec<T>, flag: Vec<T>) {
    if !flag.is_empty() {
        *field = flag;
    }
}

fn parse_platform(text: &str) -> Result<Platform, RecipeError> {
    [Platform::LinuxAmd64, Platform::LinuxArm64]
        .into_iter()
        .find(|platform| platform.as_str() == text)
        .ok_or_else(|| bad("the platform", text, "linux/amd64 or linux/arm64"))
}

fn parse_flavor(text: &str) -> Result<EngineFlavor, RecipeError> {
    match text {
        "rivet-engine" => Ok(EngineFlavor::RivetEngine),
        "upstream" => Ok(EngineFlavor::Upstream),
        _ => Err(bad("the flavor", text, "rivet-engine or upstream")),
    }
}

fn parse_image(text: &str) -> Result<Image, RecipeError> {
    let fields = Fields::parse(text, &["name", "source", "reference", "path"])?;
    let source = match fields.required("source")? {
        "docker" => ImageSource::Docker,
        "archive" => ImageSource::Archive,
        "oci-layout" => ImageSource::OciLayout,
        other => return Err(bad("source", other, "docker, archive or oci-layout")),
    };
    Ok(Image {
        name: fields.parsed("name")?,
        source,
        reference: fields.parsed("reference")?,
        path: fields.optional("path").map(Utf8PathBuf::from),
    })
}

fn parse_template(text: &str) -> Result<Template, RecipeError> {
    let fields = Fields::parse(text, &["path", "file", "kind"])?;
    match fields.optional("kind") {
        None | Some("compose") => (),
        Some(other) => return Err(bad("kind", other, "compose")),
    }
    Ok(Template {
        kind: TemplateKindName::Compose,
        path: fields.parsed("path")?,
        file: fields.required("file")?.into(),
    })
}

fn parse_pool(text: &str) -> Result<Pool, RecipeError> {
    let (name, rest) = text.split_once(',').unwrap_or((text, ""));
    let name = name.strip_prefix("name=").unwrap_or(name);
    let name = name.parse().map_err(|error: bundle_spec::text::ParseTextError| {
        bad("the pool", name, &error.to_string())
    })?;
    let drain_on_version_upgrade = match rest.strip_prefix("drain_on_version_upgrade=") {
        None if rest.is_empty() => true,
        Some("true") => true,
        Some("false") => false,
        _ => return Err(bad("the pool", rest, "drain_on_version_upgrade=true or false")),
    };
    Ok(Pool { name, drain_on_version_upgrade })
}

/// `key=value` pairs joined by commas.
struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    fn parse(text: &'a str, known: &[&str]) -> Result<Self, RecipeError> {
        let mut fields: Vec<(&str, &str)> = Vec::new();
        for field in text.split(',') {
            let expected = || {
                bad(
                    "the field",
                    field,
                    &format!("key=value with a key of {}, each once", known.join(", ")),
                )
            };
            let (key, value) = field.split_once('=').ok_or_else(expected)?;
            if !known.contains(&key) || fields.iter().any(|(seen, _)| *seen == key) {
                return Err(expected());
            }
            fields.push((key, value));
        }
        Ok(Self(fields))
    }

    fn optional(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    fn required(&self, key: &'static str) -> Result<&'a str, RecipeError> {
        self.optional(key)
            .ok_or(RecipeError::Missing { field: key, expected: "key=value pairs that include it" })
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        key: &'static str,
    ) -> Result<T, RecipeError> {
        let value = self.required(key)?;
        value.parse().map_err(|error: T::Err| bad(key, value, &error.to_string()))
    }
}

fn bad(field: &str, found: &str, expected: &str) -> RecipeError {
    RecipeError::Value {
        field: field.to_owned(),
        found: found.to_owned(),
        expected: expected.to_owned(),
    }
}
