//! `rivetctl key new` — a key pair in files.

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::{
    error::Outcome,
    output::{Output, Report},
    signing::{self, Passphrase},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Private key file to write; FILE.pub gets the public key
    #[arg(long, value_name = "FILE")]
    out: Utf8PathBuf,

    /// Comment in both files
    #[arg(long, value_name = "TEXT", default_value = "rivetctl")]
    comment: String,

    /// File whose first line is the passphrase; asked for on the terminal otherwise
    #[arg(
        long,
        value_name = "FILE",
        env = "RIVETCTL_PASSPHRASE_FILE",
        conflicts_with = "no_passphrase"
    )]
    passphrase_file: Option<Utf8PathBuf>,

    /// Do not encrypt the private key
    #[arg(long)]
    no_passphrase: bool,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Outcome {
    let passphrase = match (&args.passphrase_file, args.no_passphrase) {
        (_, true) => {
            out.warn("the private key is not encrypted: whoever reads the file can sign");
            None
        }
        (Some(file), false) => Some(Passphrase::from_file(file)?),
        (None, false) => Some(Passphrase::choose(&args.out)?),
    };
    let comment: String = args.comment.chars().filter(|c| !c.is_control()).collect();
    let key = signing::create(&args.out, &comment, passphrase.as_ref())?;
    out.report(&Made {
        key: key.public.id().to_string(),
        key_hex: key.public.id().hex(),
        public_key: key.public.to_string(),
        private_path: key.private_path,
        public_path: key.public_path,
    })
}

#[derive(Debug, Serialize)]
struct Made {
    key: String,
    key_hex: String,
    public_key: String,
    private_path: Utf8PathBuf,
    public_path: Utf8PathBuf,
}

impl Report for Made {
    fn human(&self) -> String {
        format!(
            "made {}\n  private key {}\n  public key  {}",
            self.key, self.private_path, self.public_path
        )
    }
}
