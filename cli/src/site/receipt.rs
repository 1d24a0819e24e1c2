//! `receipts/`: one small JSON record per finished install, for whoever has to show what was done.

use bundle_spec::digest::Sha256Digest;
use camino::Utf8PathBuf;
use serde::Serialize;

use super::{Site, SiteError, durable};

/// What was installed, proved and when.
#[derive(Debug, Serialize)]
pub(crate) struct Receipt {
    pub(crate) schema: &'static str,
    pub(crate) event: &'static str,
    pub(crate) install: String,
    pub(crate) product: String,
    pub(crate) channel: String,
    pub(crate) version: String,
    pub(crate) release_seq: u64,
    pub(crate) bundle_id: Sha256Digest,
    pub(crate) root_version: u64,
    pub(crate) signers: Vec<String>,
    pub(crate) generation: u64,
    pub(crate) runtime: String,
    pub(crate) time: String,
    pub(crate) rivetctl: &'static str,
    /// What `prove` saw.
    pub(crate) proved: Vec<String>,
    /// Digest of the last line of the audit log at this moment.
    pub(crate) audit: Sha256Digest,
}

impl Receipt {
    /// Stores it. The name holds install and generation, so that a resumed run writes the same file.
    pub(crate) fn store(&self, site: &Site) -> Result<Utf8PathBuf, SiteError> {
        let id = &self.bundle_id.to_hex()[..16];
        let path = site.receipts().join(format!("{}-{}-{id}.json", self.install, self.generation));
        let json = serde_json::to_vec(self).expect("a receipt is plain data");
        durable::write(&path, &json, durable::PRIVATE_FILE)?;
        Ok(path)
    }
}
