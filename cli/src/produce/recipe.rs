//! `rivet-bundle.toml`: the description of one product, as the vendor writes it.
//!
//! The types are the documentation: their comments become the JSON Schema that editors use.

mod flags;
mod text;

use bundle_spec::{
    manifest::{EngineFlavor, Platform},
    text::{Line, Name, TemplatePath, Version},
};
use camino::Utf8PathBuf;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use flags::RecipeFlags;
pub(crate) use text::{RecipeError, load};

/// Everything that goes into a bundle.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Recipe {
    /// Which product and release this is.
    pub(crate) product: Product,
    /// Platforms the bundle can be installed on; the platform of the running rivetctl when empty.
    #[schemars(with = "Vec<PlatformName>")]
    pub(crate) platforms: Vec<Platform>,
    /// The engine.
    pub(crate) engine: Engine,
    /// The rivetctl that the bundle carries for the operator.
    pub(crate) rivetctl: Tool,
    /// Container images besides the engine's own.
    pub(crate) images: Vec<Image>,
    /// Files that an install is rendered from.
    pub(crate) templates: Vec<Template>,
    /// Values that an operator may set.
    pub(crate) config: Config,
    /// Pools that the install registers with the engine, for apps that connect to it.
    pub(crate) pools: Vec<Pool>,
    /// Ids of risky settings in templates that this product needs.
    pub(crate) allow: Vec<String>,
    /// Sequences of this channel that must not be installed any more.
    pub(crate) revoked_releases: Vec<u64>,
    /// Directory of root documents and their signatures, carried so that an operator needs only
    /// the bundle and a fingerprint.
    #[schemars(with = "Option<String>")]
    pub(crate) roots: Option<Utf8PathBuf>,
}

/// Which product and release a bundle is.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Product {
    /// Product name: a lower-case DNS label. Trust is kept per product.
    #[schemars(with = "Option<String>", regex(pattern = NAME))]
    pub(crate) name: Option<Name>,
    /// Release channel; "stable" when absent.
    #[schemars(with = "Option<String>", regex(pattern = NAME))]
    pub(crate) channel: Option<Name>,
    /// What people call the release. Never compared.
    #[schemars(with = "Option<String>")]
    pub(crate) version: Option<Version>,
    /// Position in the channel, 1 or more, higher than every release before.
    #[schemars(range(min = 1))]
    pub(crate) sequence: Option<u64>,
    /// Lowest sequence an existing install may be upgraded from; 0 means any.
    pub(crate) min_from_sequence: Option<u64>,
    /// One sentence for the operator, printable ASCII.
    #[schemars(with = "Option<String>")]
    pub(crate) description: Option<Line>,
    /// The one customer this bundle is for; everybody when absent.
    #[schemars(with = "Option<String>", regex(pattern = NAME))]
    pub(crate) audience: Option<Name>,
    /// After this time (RFC 3339, for example "2027-01-01T00:00:00Z") sites may refuse the bundle.
    pub(crate) not_after: Option<String>,
}

/// Where the engine comes from.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Engine {
    /// "ours" (the default): the `rivet-engine` beside the running rivetctl. "file": `path`.
    /// "npm": the upstream engine's npm package, fetched with your own npm.
    pub(crate) source: EngineSource,
    /// File of the executable, for source "file"; `{arch}` stands for amd64 or arm64.
    #[schemars(with = "Option<String>")]
    pub(crate) path: Option<Utf8PathBuf>,
    /// Whose engine the file is, which decides how it is configured.
    #[schemars(with = "Option<FlavorName>")]
    pub(crate) flavor: Option<EngineFlavor>,
    /// Version of the file, or of the npm package.
    #[schemars(with = "Option<String>")]
    pub(crate) version: Option<Version>,
    /// npm package; `{npm_arch}` stands for x64 or arm64. Default: the upstream project's static build.
    pub(crate) package: Option<String>,
    /// Integrity strings ("sha512-…") that the npm packages must have, one per platform.
    pub(crate) integrity: Vec<String>,
}

/// Sources of an engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EngineSource {
    /// The rivet-engine beside the running rivetctl
    #[default]
    Ours,
    /// A file
    File,
    /// The upstream engine's npm package
    Npm,
}

/// The rivetctl that a bundle carries.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tool {
    /// File of the executable; `{arch}` stands for amd64 or arm64. Default: the running one.
    #[schemars(with = "Option<String>")]
    pub(crate) path: Option<Utf8PathBuf>,
    /// Version of the file, when it is not the running one's.
    #[schemars(with = "Option<String>")]
    pub(crate) version: Option<Version>,
}

/// A container image.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    /// Its name inside the bundle: a lower-case DNS label.
    #[schemars(with = "String", regex(pattern = NAME))]
    pub(crate) name: Name,
    /// Where it is taken from.
    pub(crate) source: ImageSource,
    /// What templates call it, for example "my-app:1.4"; also which image of a source is meant.
    #[schemars(with = "String")]
    pub(crate) reference: Line,
    /// The archive or directory, for sources "archive" and "oci-layout"; `{arch}` stands for amd64 or arm64.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) path: Option<Utf8PathBuf>,
}

/// Sources of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ImageSource {
    /// The local Docker daemon, which pulls the image when it does not have it.
    Docker,
    /// A file made by `docker save`.
    Archive,
    /// An OCI image layout directory.
    OciLayout,
}

/// A file that an install is rendered from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Template {
    /// What it is for.
    #[serde(default)]
    pub(crate) kind: TemplateKindName,
    /// Where it goes below the template directory, for example "compose/app.yaml".
    #[schemars(with = "String")]
    pub(crate) path: TemplatePath,
    /// The file.
    #[schemars(with = "String")]
    pub(crate) file: Utf8PathBuf,
}

/// What a template is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TemplateKindName {
    /// Compose services to run beside the engine.
    #[default]
    Compose,
}

/// The values that an operator may set.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// File of a JSON Schema (2020-12) that describes them.
    #[schemars(with = "Option<String>")]
    pub(crate) schema: Option<Utf8PathBuf>,
}

/// A pool of envoys that an app connects to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pool {
    /// Its name; "default" unless the app sets `RIVET_POOL`.
    #[schemars(with = "String", regex(pattern = NAME))]
    pub(crate) name: Name,
    /// Whether actors leave envoys of an older version.
    #[serde(default = "yes")]
    pub(crate) drain_on_version_upgrade: bool,
}

/// Pattern of a name, for the schema; the rule itself is `bundle_spec::text::Name`.
const NAME: &str = "^[a-z0-9]+(-[a-z0-9]+)*$";

fn yes() -> bool {
    true
}

/// Platforms, as the schema shows them.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it only exists for the schema")]
enum PlatformName {
    #[serde(rename = "linux/amd64")]
    LinuxAmd64,
    #[serde(rename = "linux/arm64")]
    LinuxArm64,
}

/// Flavors, as the schema shows them.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "it only exists for the schema")]
enum FlavorName {
    RivetEngine,
    Upstream,
}

/// The JSON Schema of a recipe, as it is checked in under docs/.
pub(crate) fn schema() -> String {
    let schema = schemars::schema_for!(Recipe);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
