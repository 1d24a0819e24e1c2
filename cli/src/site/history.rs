//! What this host has seen of each product: the highest release per channel, and the latest time.
//!
//! This is what makes an old bundle recognizable without a trusted clock. It outlives installs and
//! even the trust in a product, so that removing and adding again does not open the door.

use std::collections::BTreeSet;

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
    /// Version of the root document at that time: only a newer one can reset the sequence.
    pub(crate) root_version: u64,
    /// Every release of the channel that an accepted bundle has revoked, ascending.
    pub(crate) revoked_releases: BTreeSet<u64>,
}

/// Whether a release was accepted because a newer root lowered the highest sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Floor {
    /// The usual rule held.
    Kept,
    /// What is accepted now is the new highest.
    Reset,
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

    /// Remembers an accepted release, if it is higher than what is known of its channel or the
    /// floor was reset, what it revokes in any case, and the time.
    pub(crate) fn remember(&mut self, mut accepted: Highest, floor: Floor, seen: u64) {
        self.last_seen = self.last_seen.max(seen);
        match self.channels.binary_search_by(|known| known.channel.cmp(&accepted.channel)) {
            Ok(at) => {
                let known = &mut self.channels[at];
                accepted.revoked_releases.append(&mut known.revoked_releases);
                if accepted.release_seq > known.release_seq || floor == Floor::Reset {
                    *known = accepted;
                } else {
                    known.revoked_releases = accepted.revoked_releases;
                }
            }
            Err(at) => self.channels.insert(at, accepted),
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

    fn release(release_seq: u64, revoked: &[u64]) -> Highest {
        Highest {
            channel: "stable".parse().unwrap(),
            release_seq,
            bundle_id: Sha256Digest::of(&release_seq.to_le_bytes()),
            root_version: 1,
            revoked_releases: revoked.iter().copied().collect(),
        }
    }

    #[test]
    fn a_lower_release_does_not_lower_the_memory() {
        let mut history = History::default();

        history.remember(release(7, &[2]), Floor::Kept, 100);
        history.remember(release(3, &[1]), Floor::Kept, 90);

        let highest = history.highest(&"stable".parse().unwrap()).unwrap();
        assert_eq!(highest.release_seq, 7);
        assert_eq!(highest.revoked_releases, [1, 2].into());
        assert_eq!(history.last_seen, 100);
    }

    #[test]
    fn a_reset_floor_lowers_the_memory_and_keeps_what_was_revoked() {
        let mut history = History::default();
        history.remember(release(900, &[5]), Floor::Kept, 1);

        history.remember(release(8, &[]), Floor::Reset, 2);

        let highest = history.highest(&"stable".parse().unwrap()).unwrap();
        assert_eq!(highest.release_seq, 8);
        assert_eq!(highest.revoked_releases, [5].into());
    }
}
