//! How many bytes an install needs, and on which file system.

use std::collections::BTreeMap;

use bundle_spec::manifest::{Engine, Manifest, Platform};
use indicatif::HumanBytes;

use super::{ImageAction, PlannedImage, PlannedSpace};
use crate::install::{
    InstallError,
    host::{HostFacts, Space},
    images::ImageStore,
};

/// Kept free for the engine's data, so that it does not start on a full disk.
const DATA_RESERVE: u64 = 256 << 20;

/// Rendered files, logs and records.
const FILES: u64 = 4 << 20;

/// Adds up the needs of each file system, and refuses when one of them is too small.
///
/// The daemon first copies an archive whole (the largest one counts, since there is one archive
/// per image), then unpacks the layers it lacks; the containerd store keeps the compressed bytes
/// as well. The bundle itself is read where it lies.
pub(super) fn needed(
    manifest: &Manifest,
    platform: Platform,
    facts: &HostFacts,
    images: &[PlannedImage],
    engine: &Engine,
) -> Result<Vec<PlannedSpace>, InstallError> {
    let mut needs: BTreeMap<u64, PlannedSpace> = BTreeMap::new();
    let mut need = |space: &Space, bytes: u64, what: String| {
        let entry = needs.entry(space.device).or_insert_with(|| PlannedSpace {
            filesystem: space.path.to_string(),
            needed: 0,
            free: space.free,
            what: String::new(),
        });
        entry.needed += bytes;
        if !entry.what.is_empty() {
            entry.what.push_str(" + ");
        }
        entry.what.push_str(&what);
    };
    need(
        &facts.site_space,
        DATA_RESERVE,
        format!("{} reserve for the engine's data", HumanBytes(DATA_RESERVE)),
    );
    need(&facts.site_space, FILES, format!("{} files", HumanBytes(FILES)));
    match &facts.docker {
        None => {
            let program = manifest.blob_size(&engine.binary).unwrap_or(0);
            need(
                &facts.site_space,
                program,
                format!("{} the engine's program", HumanBytes(program)),
            );
        }
        Some(docker) => {
            let (largest, unpacked, sent) = image_bytes(manifest, platform, images);
            if let Some(space) = docker.space.as_ref().filter(|_| largest > 0) {
                need(
                    space,
                    largest,
                    format!("{} the largest image while it is sent", HumanBytes(largest)),
                );
                need(space, unpacked, format!("{} unpacked layers", HumanBytes(unpacked)));
                if docker.store == ImageStore::Containerd {
                    need(space, sent, format!("{} compressed layers", HumanBytes(sent)));
                }
            }
        }
    }
    let needs: Vec<PlannedSpace> = needs.into_values().collect();
    match needs.iter().find(|need| need.needed > need.free) {
        None => Ok(needs),
        Some(need) => Err(InstallError::DiskFull {
            filesystem: format!("the file system of {}", need.filesystem),
            free: need.free,
            needed: need.needed,
            what: need.what.clone(),
        }),
    }
}

/// Bytes of the largest archive, of all new layers unpacked, and of all archives.
fn image_bytes(
    manifest: &Manifest,
    platform: Platform,
    planned: &[PlannedImage],
) -> (u64, u64, u64) {
    let (mut largest, mut unpacked, mut sent) = (0, 0, 0);
    for image in manifest.images_for(platform) {
        let action =
            planned.iter().find(|planned| planned.name == image.name).map(|planned| planned.action);
        if let Some(ImageAction::Send { bytes, layers_skipped, .. }) = action {
            largest = largest.max(bytes);
            sent += bytes;
            unpacked += image.layers[layers_skipped..]
                .iter()
                .map(|layer| layer.uncompressed_size)
                .sum::<u64>();
        }
    }
    (largest, unpacked, sent)
}
