//! Who signs: turns `--key` into something that can sign, wherever the private half lives.
//!
//! A key is named by its private key file, or by its public key file or `SHA256:` id when the
//! private half is held by an ssh-agent. Nothing outside this module sees a secret or a passphrase.

mod agent;
mod error;
mod key_file;
mod passphrase;

use bundle_spec::{
    KeyId, PublicKey, Signer,
    sshsig::{Purpose, SshSig},
};
use camino::{Utf8Path, Utf8PathBuf};

pub(crate) use error::SigningError;
pub(crate) use key_file::{create, public_key_of};
pub(crate) use passphrase::Passphrase;

/// The flags of every command that signs.
#[derive(Debug, clap::Args)]
pub(crate) struct SigningArgs {
    /// Key to sign with: a private key file, or a .pub file or `SHA256:` id whose private half is in the ssh-agent; may be repeated
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<String>,

    /// File whose first line is the passphrase of the private key files
    #[arg(long, value_name = "FILE", env = "RIVETCTL_PASSPHRASE_FILE")]
    passphrase_file: Option<Utf8PathBuf>,
}

/// Keys that are ready to sign, each public key once.
pub(crate) struct Signers(Vec<Box<dyn Signer>>);

impl SigningArgs {
    /// Whether any key was named.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Unlocks every key that was named.
    pub(crate) fn open(&self) -> Result<Signers, SigningError> {
        let mut signers: Vec<Box<dyn Signer>> = Vec::new();
        for key in &self.keys {
            let signer = open(key, self.passphrase_file.as_deref())?;
            if signers.iter().any(|known| known.public() == signer.public()) {
                return Err(SigningError::Repeated { key: signer.public().id() });
            }
            signers.push(signer);
        }
        Ok(Signers(signers))
    }
}

impl Signers {
    /// The public halves, in the order of the command line.
    pub(crate) fn public_keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.iter().map(|signer| signer.public())
    }

    /// Signs `message` once with every key.
    pub(crate) fn sign(
        &self,
        purpose: Purpose,
        message: &[u8],
    ) -> Result<Vec<SshSig>, SigningError> {
        self.0.iter().map(|signer| sign(&**signer, purpose, message)).collect()
    }
}

/// Signs, and checks the result: an agent is another program, and may hold another key than it says.
fn sign(signer: &dyn Signer, purpose: Purpose, message: &[u8]) -> Result<SshSig, SigningError> {
    let key = signer.public().id();
    let signature = SshSig::sign(signer, purpose, message)
        .map_err(|source| SigningError::Refused { key, source })?;
    signature.verify(purpose, message).map_err(|_| SigningError::Useless { key })?;
    Ok(signature)
}

fn open(key: &str, passphrase_file: Option<&Utf8Path>) -> Result<Box<dyn Signer>, SigningError> {
    if key.starts_with("SHA256:") {
        let id =
            key.parse::<KeyId>().map_err(|_| SigningError::NotAnId { found: key.to_owned() })?;
        return Ok(Box::new(agent::AgentKey::by_id(id)?));
    }
    match key_file::read(Utf8Path::new(key))? {
        key_file::KeyFile::Private(private) => Ok(Box::new(
            private.unlock(|| passphrase::for_key(Utf8Path::new(key), passphrase_file))?,
        )),
        key_file::KeyFile::Public(public) => Ok(Box::new(agent::AgentKey::by_id(public.id())?)),
    }
}
