//! `rivetctl key root` — the documents that say which keys a product's bundles are signed with.

use bundle_spec::{
    KeyId, PublicKey,
    root::{ROOT_SCHEMA, Role, RootDocument},
    sshsig::Purpose,
    text::Name,
};
use camino::{Utf8Path, Utf8PathBuf};

use super::{root_change, root_show};
use crate::{
    error::{Class, Explain, FileError, Outcome},
    output::Output,
    produce::{RootFile, RootsError, directory_of, place},
    signing::{self, SigningArgs},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: RootCommand,
}

#[derive(Debug, clap::Subcommand)]
enum RootCommand {
    /// Create the first root document of a product
    New(NewArgs),
    /// Create the next root document, with other keys, thresholds or revocations
    Rotate(root_change::Args),
    /// Sign a root document
    Sign(SignArgs),
    /// Show a root document, its fingerprint and which signatures are missing
    Show(root_show::Args),
}

#[derive(Debug, clap::Args)]
struct NewArgs {
    /// Product the keys are for
    #[arg(long, value_name = "NAME")]
    product: Name,

    /// File to write; its name is part of the chain
    #[arg(long, value_name = "FILE", default_value = "root/1.json")]
    out: Utf8PathBuf,

    /// Public key of the root role: a key file, or `ssh-ed25519 AAAA…`; may be repeated
    #[arg(long = "root-key", value_name = "KEY", required = true)]
    root_keys: Vec<String>,

    /// Signatures that a root document needs [default: 1 with one key]
    #[arg(long, value_name = "N")]
    root_threshold: Option<u32>,

    /// Public key of the release role; may be repeated
    #[arg(long = "release-key", value_name = "KEY", required = true)]
    release_keys: Vec<String>,

    /// Signatures that a bundle needs [default: 1 with one key]
    #[arg(long, value_name = "N")]
    release_threshold: Option<u32>,
}

#[derive(Debug, clap::Args)]
struct SignArgs {
    /// Root document to sign
    #[arg(value_name = "ROOT")]
    root: Utf8PathBuf,

    #[command(flatten)]
    signing: SigningArgs,
}

/// A root document that would not do.
#[derive(Debug, thiserror::Error)]
pub(super) enum RootError {
    /// A threshold that was left open.
    #[error("the {role} role has {keys} keys and no threshold")]
    NoThreshold { role: &'static str, keys: usize },
    /// The document breaks a rule.
    #[error("the root document would break a rule")]
    Rules(#[source] bundle_spec::BundleError),
    /// A root document is never overwritten: it may be signed and in use.
    #[error("{path} exists, and a root document is never overwritten")]
    Exists { path: Utf8PathBuf },
    /// The name is not the one of the chain.
    #[error("{path} is root {version}, whose file name is {version}.json")]
    Named { path: Utf8PathBuf, version: u64 },
    /// A key that has nothing to say about this root.
    #[error("{key} is no root key of root {version}{before}")]
    Stranger { key: KeyId, version: u64, before: String },
    /// A change that changes nothing, or that cannot be made.
    #[error("{problem}")]
    Change { problem: String },
    /// Nothing to sign with.
    #[error("no key to sign with")]
    NoKey,
}

impl Explain for RootError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::NoThreshold { .. } => "RCTL-ROOT-NO-THRESHOLD",
            Self::Rules(source) => return source.code().to_string().into(),
            Self::Exists { .. } => "RCTL-ROOT-EXISTS",
            Self::Named { .. } => "RCTL-ROOT-NUMBER",
            Self::Stranger { .. } => "RCTL-ROOT-STRANGER",
            Self::Change { .. } => "RCTL-ROOT-CHANGE",
            Self::NoKey => "RCTL-ROOT-NO-KEY",
        }
        .into()
    }

    fn advice(&self) -> String {
        match self {
            Self::NoThreshold { role, keys } => {
                format!("Say how many of them have to sign: --{role}-threshold 1 to {keys}.")
            }
            Self::Rules(source) => source.advice().to_owned(),
            Self::Exists { .. } => "Choose another directory, or rotate with `rivetctl key root rotate`.".into(),
            Self::Named { version, .. } => format!("Name it {version}.json: bundles and sites look for that."),
            Self::Stranger { .. } => {
                "Sign with a root key; `rivetctl key root show` lists them. The previous root has to be in the same directory.".into()
            }
            Self::Change { .. } => "See `rivetctl key root rotate --help` and `rivetctl key root show`.".into(),
            Self::NoKey => "Name it with --key.".into(),
        }
    }
}

impl Args {
    pub(super) fn name(&self) -> &'static str {
        match &self.command {
            RootCommand::New(_) => "key root new",
            RootCommand::Rotate(_) => "key root rotate",
            RootCommand::Sign(_) => "key root sign",
            RootCommand::Show(_) => "key root show",
        }
    }
}

pub(super) fn run(args: Args, out: &mut Output) -> Outcome {
    match args.command {
        RootCommand::New(args) => new(&args, out),
        RootCommand::Rotate(args) => root_change::run(&args, out),
        RootCommand::Sign(args) => sign(&args, out),
        RootCommand::Show(args) => root_show::run(&args, out),
    }
}

fn new(args: &NewArgs, out: &mut Output) -> Outcome {
    let root = role("root", &args.root_keys, args.root_threshold)?;
    let release = role("release", &args.release_keys, args.release_threshold)?;
    let document = RootDocument {
        schema: ROOT_SCHEMA.to_owned(),
        product: args.product.clone(),
        version: 1,
        root,
        release,
        revoked_keys: Vec::new(),
        revoked_releases: Vec::new(),
        reset_floor: None,
    };
    write(&document, &args.out)?;
    root_show::show(&args.out, out)
}

fn role(name: &'static str, keys: &[String], threshold: Option<u32>) -> Outcome<Role> {
    let keys = public_keys(keys)?;
    let threshold = match (threshold, keys.len()) {
        (Some(threshold), _) => threshold,
        (None, 1) => 1,
        (None, keys) => return Err(RootError::NoThreshold { role: name, keys }.into()),
    };
    Ok(Role { threshold, keys })
}

pub(super) fn public_keys(arguments: &[String]) -> Outcome<Vec<PublicKey>> {
    arguments.iter().map(|argument| Ok(signing::public_key_of(argument)?)).collect()
}

/// Writes a new root document under its own name.
pub(super) fn write(document: &RootDocument, path: &Utf8Path) -> Outcome {
    let version = document.version;
    if path.file_name() != Some(&*format!("{version}.json")) {
        return Err(RootError::Named { path: path.to_owned(), version }.into());
    }
    if path.symlink_metadata().is_ok() {
        return Err(RootError::Exists { path: path.to_owned() }.into());
    }
    let bytes = document.to_bytes();
    RootDocument::parse(&bytes).map_err(RootError::Rules)?;
    let directory = directory_of(path);
    std::fs::create_dir_all(directory).map_err(FileError::on("create", directory))?;
    put(path, &bytes)
}

fn put(path: &Utf8Path, bytes: &[u8]) -> Outcome {
    let directory = directory_of(path);
    let mut file = camino_tempfile::NamedUtf8TempFile::new_in(directory)
        .map_err(FileError::on("write to", directory))?;
    std::io::Write::write_all(&mut file, bytes).map_err(FileError::on("write", path))?;
    Ok(place(file, path)?)
}

fn sign(args: &SignArgs, out: &mut Output) -> Outcome {
    let root = RootFile::read(&args.root)?;
    let version = root.document.version;
    let before = previous(&args.root, version)?;
    let signers = args.signing.open()?;
    if args.signing.is_empty() {
        return Err(RootError::NoKey.into());
    }
    for key in signers.public_keys() {
        let known = root.document.root.keys.contains(key)
            || before.as_ref().is_some_and(|before| before.document.root.keys.contains(key));
        if !known {
            let before =
                if version > 1 { format!(" or root {}", version - 1) } else { String::new() };
            return Err(RootError::Stranger { key: key.id(), version, before }.into());
        }
    }
    for signature in signers.sign(Purpose::BundleRoot, &root.bytes)? {
        let name = format!("{version}.{}.sshsig", signature.key().id().hex());
        put(&directory_of(&args.root).join(name), signature.to_armored().as_bytes())?;
    }
    root_show::show(&args.root, out)
}

/// The root before this one, when it lies beside it.
pub(super) fn previous(path: &Utf8Path, version: u64) -> Result<Option<RootFile>, RootsError> {
    let before = directory_of(path).join(format!("{}.json", version.saturating_sub(1)));
    if version <= 1 || !before.exists() {
        return Ok(None);
    }
    RootFile::read(&before).map(Some)
}
