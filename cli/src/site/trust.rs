//! The trust store: per product, the newest root document this host has accepted, and the chain
//! that led there.

use bundle_spec::{root::TrustedRoot, text::Name};
use camino::Utf8PathBuf;

use super::{Site, SiteError, durable};

/// The trusted roots of a site.
#[derive(Debug)]
pub(crate) struct TrustStore<'a> {
    site: &'a Site,
}

impl<'a> TrustStore<'a> {
    /// The store of `site`.
    pub(crate) fn of(site: &'a Site) -> Self {
        Self { site }
    }

    /// Every product's newest root, by product.
    pub(crate) fn roots(&self) -> Result<Vec<TrustedRoot>, SiteError> {
        let dir = self.site.trust();
        let Ok(entries) = dir.read_dir_utf8() else { return Ok(Vec::new()) };
        let mut products: Vec<Name> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| entry.file_name().parse().ok())
            .collect();
        products.sort();
        let roots = products.iter().map(|product| self.root(product));
        roots.filter_map(Result::transpose).collect()
    }

    /// The newest trusted root of `product`.
    pub(crate) fn root(&self, product: &Name) -> Result<Option<TrustedRoot>, SiteError> {
        let path = self.dir(product).join("root.json");
        let Some(bytes) = durable::read_if_there(&path)? else { return Ok(None) };
        let damaged = |reason: String| SiteError::Damaged { path: path.clone(), reason };
        let root = TrustedRoot::reload(&bytes).map_err(|error| damaged(error.to_string()))?;
        if root.document().product != *product {
            return Err(damaged(format!("it is the root of {}", root.document().product)));
        }
        Ok(Some(root))
    }

    /// Every root document of `product` that was ever trusted here, as bytes.
    pub(crate) fn chain(&self, product: &Name) -> Result<Vec<Vec<u8>>, SiteError> {
        let Ok(entries) = self.dir(product).read_dir_utf8() else { return Ok(Vec::new()) };
        let mut chain = Vec::new();
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            if name.starts_with("root.") && entry.path().extension() == Some("json") {
                chain.extend(durable::read_if_there(entry.path())?);
            }
        }
        Ok(chain)
    }

    /// Makes `root` the newest of its product. An older one never replaces a newer one.
    pub(crate) fn accept(&self, root: &TrustedRoot) -> Result<(), SiteError> {
        let document = root.document();
        if self
            .root(&document.product)?
            .is_some_and(|known| known.document().version >= document.version)
        {
            return Ok(());
        }
        self.site.create()?;
        let dir = self.dir(&document.product);
        durable::create_dir(&dir, durable::PRIVATE_DIR)?;
        let numbered = dir.join(format!("root.{}.json", document.version));
        durable::write(&numbered, root.bytes(), durable::PRIVATE_FILE)?;
        Ok(durable::write(&dir.join("root.json"), root.bytes(), durable::PRIVATE_FILE)?)
    }

    /// Forgets the roots of `product`; what was seen of its releases stays remembered.
    pub(crate) fn remove(&self, product: &Name) -> Result<(), SiteError> {
        let dir = self.dir(product);
        durable::remove_file(&dir.join("root.json"))?;
        let Ok(entries) = dir.read_dir_utf8() else { return Ok(()) };
        for entry in entries.filter_map(Result::ok) {
            if entry.file_name().starts_with("root.") {
                durable::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn dir(&self, product: &Name) -> Utf8PathBuf {
        self.site.trust().join(product.as_str())
    }
}
