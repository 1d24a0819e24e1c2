//! `rivetctl bundle` — one signed file out of a recipe.

use bundle_spec::Sha256Digest;
use camino::Utf8PathBuf;
use indicatif::HumanBytes;
use serde::Serialize;

use crate::{
    error::Outcome,
    output::{Output, Report},
    produce::{self, Cache, Created, Order, ProduceError, Produced, Recipe, RecipeFlags},
    signing::SigningArgs,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Recipe to follow [default: rivet-bundle.toml, when it exists]
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    recipe: Option<Utf8PathBuf>,

    /// Bundle to write
    #[arg(short, long, value_name = "FILE", required_unless_present = "print_schema")]
    output: Option<Utf8PathBuf>,

    /// Overwrite the output file
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    signing: SigningArgs,

    /// Write the bundle without a signature, for `rivetctl sign`; until then it is refused everywhere
    #[arg(long, conflicts_with = "keys")]
    sign_later: bool,

    /// Time of creation (RFC 3339 or seconds) [default: `SOURCE_DATE_EPOCH`, or now]
    #[arg(long, value_name = "TIME")]
    created: Option<String>,

    /// Cache of layers and packages [default: rivetctl in the user's cache directory]
    #[arg(long, value_name = "DIR", env = "RIVETCTL_CACHE")]
    cache: Option<Utf8PathBuf>,

    /// Print the JSON Schema of recipes and do nothing else
    #[arg(long, exclusive = true)]
    print_schema: bool,

    #[command(flatten)]
    fields: RecipeFlags,
}

/// The recipe that is read when none is named.
const DEFAULT_RECIPE: &str = "rivet-bundle.toml";

pub(crate) fn run(args: Args, out: &mut Output) -> Outcome {
    if args.print_schema {
        return out.raw(produce::recipe_schema().as_bytes());
    }
    let output = args.output.expect("clap demands it");
    if output.symlink_metadata().is_ok() && !args.force {
        return Err(ProduceError::OutputExists { path: output }.into());
    }
    if args.signing.is_empty() && !args.sign_later {
        return Err(ProduceError::Unsigned.into());
    }
    let mut recipe = match args.recipe {
        Some(path) => produce::load_recipe(&path)?,
        None if std::path::Path::new(DEFAULT_RECIPE).exists() => {
            produce::load_recipe(DEFAULT_RECIPE.into())?
        }
        None => Recipe::default(),
    };
    args.fields.apply(&mut recipe);

    let epoch = std::env::var("SOURCE_DATE_EPOCH").ok();
    let created = Created::decide(args.created.as_deref(), epoch.as_deref())?;
    let cache = Cache::open(args.cache)?;
    // Before any work, so that a wrong passphrase does not cost an hour.
    let signers = args.signing.open()?;
    let order = Order { recipe, created, signers: &signers, output: &output, cache: &cache };
    let produced = produce::produce(&order, out)?;
    warn(&produced, out);
    out.report(&view(output, produced))
}

fn warn(produced: &Produced, out: &mut Output) {
    let signed = produced.signers.len();
    match produced.threshold {
        None => out.warn(
            "the bundle carries no root documents: operators need them by another way (--roots DIR carries them)",
        ),
        Some(threshold) if signed < threshold as usize => out.warn(&format!(
            "{signed} of {threshold} signatures are made: add the others with `rivetctl sign` before the bundle can be installed"
        )),
        Some(_) => (),
    }
    if produced.threshold.is_none() && signed == 0 {
        out.warn("the bundle is not signed: add signatures with `rivetctl sign`");
    }
}

fn view(path: Utf8PathBuf, produced: Produced) -> Bundled {
    let draft = produced.draft;
    Bundled {
        path,
        bundle_id: produced.bundle_id,
        length: produced.length,
        product: draft.product.to_string(),
        channel: draft.channel.to_string(),
        version: draft.version.to_string(),
        sequence: draft.release_seq,
        platforms: draft.platforms.iter().map(ToString::to_string).collect(),
        engines: draft
            .engines
            .iter()
            .map(|engine| format!("{} {} for {}", engine.image, engine.version, engine.platform))
            .collect(),
        images: draft
            .images
            .iter()
            .map(|image| format!("{} for {}", image.source, image.platform))
            .collect(),
        allowed_risks: draft.allowed_risks.iter().map(ToString::to_string).collect(),
        signers: produced.signers.iter().map(ToString::to_string).collect(),
        root_fingerprint: produced.root_fingerprint,
    }
}

#[derive(Debug, Serialize)]
struct Bundled {
    path: Utf8PathBuf,
    bundle_id: Sha256Digest,
    length: u64,
    product: String,
    channel: String,
    version: String,
    sequence: u64,
    platforms: Vec<String>,
    engines: Vec<String>,
    images: Vec<String>,
    allowed_risks: Vec<String>,
    signers: Vec<String>,
    root_fingerprint: Option<String>,
}

impl Report for Bundled {
    fn human(&self) -> String {
        let mut lines = vec![
            format!("wrote {} ({})", self.path, HumanBytes(self.length)),
            format!(
                "  release   {} {}, channel {}, sequence {}",
                self.product, self.version, self.channel, self.sequence
            ),
            format!("  bundle id {}", self.bundle_id),
            format!("  platforms {}", self.platforms.join(", ")),
        ];
        lines.extend(self.engines.iter().map(|engine| format!("  engine    {engine}")));
        lines.extend(self.images.iter().map(|image| format!("  image     {image}")));
        lines.extend(self.allowed_risks.iter().map(|risk| format!("  allowed   {risk}")));
        lines.extend(self.signers.iter().map(|signer| format!("  signed by {signer}")));
        if let Some(fingerprint) = &self.root_fingerprint {
            lines.push(format!("  root      {fingerprint}  (give this to operators another way)"));
        }
        lines.join("\n")
    }
}
