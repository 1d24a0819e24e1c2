//! What this host has seen of each product: the highest release per channel, and the latest time.
//!
//! This is what makes an old bundle recognizable without a trusted clock. It outlives installs and
//! even the trust in a product, so that removing and adding again does not open the door.

use bundle_spec::{digest::Sha256Digest, text::Name};
use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use super::{Site, SiteError, durable};

/// The releases seen of one product.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct History {
    /// Latest time that an accepted bundle or this host's clock has shown, seconds since 1970.
    pub(crate) last_seen: u64,
    /// The highest release of each channel, sorted by channel.
    pub(crate) channels: Vec<Highest>,
}

/// The highest release seen of one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Highest {
    /// The channel.
    pub(crate) channel: Name,
    /// Its highest sequence.
    pub(crate) release_seq: u64,
    /// The bundle that had it.
    pub(crate) bundle_id: Sha256Digest,
}

impl History {
    /// What is remembered of `product`; none when nothing ever was.
    pub(crate) fn load(site: &Site, product: &Name) -> Result<Option<Self>, SiteError> {
        let path = path(site, product);
        let Some(bytes) = durable::read_if_there(&path)? else { return Ok(None) };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| SiteError::Damaged { path, reason: error.to_string() })
    }

    /// The highest release of `channel`.
    pub(crate) fn highest(&self, channel: &Name) -> Option<&Highest> {
        self.channels.iter().find(|highest| highest.channel == *channel)
    }

    /// Remembers a release, if it is higher than what is known of its channel, and the time.
    pub(crate) fn remember(&mut self, channel: &Name, release_seq: u64, bundle_id: Sha256Digest, seen: u64) {
        self.last_seen = self.last_seen.max(seen);
        let fresh = Highest { channel: channel.clone(), release_seq, bundle_id };
        match self.channels.binary_search_by(|known| known.channel.cmp(channel)) {
            Ok(at) if self.channels[at].release_seq < release_seq => self.channels[at] = fresh,
            Ok(_) => (),
            Err(at) => self.channels.insert(at, fresh),
        }
    }

    /// Makes it durable.
    pub(crate) fn store(&self, site: &Site, product: &Name) -> Result<(), SiteError> {
        durable::create_dir(&site.trust().join(product.as_str()), durable::PRIVATE_DIR)?;
        let json = serde_json::to_vec(self).expect("a history is plain data");
        Ok(durable::write(&path(site, product), &json, durable::PRIVATE_FILE)?)
    }
}

fn path(site: &Site, product: &Name) -> Utf8PathBuf {
    site.trust().join(product.as_str()).join("seen.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lower_release_does_not_lower_the_memory() {
        let channel: Name = "stable".parse().unwrap();
        let mut history = History::default();

        history.remember(&channel, 7, Sha256Digest::of(b"7"), 100);
        history.remember(&channel, 3, Sha256Digest::of(b"3"), 90);

        assert_eq!(history.highest(&channel).unwrap().release_seq, 7);
        assert_eq!(history.last_seen, 100);
    }
}
