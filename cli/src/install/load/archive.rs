//! The archive a daemon loads an image from: an OCI layout that is a `docker save` archive too.
//!
//! The classic store reads `manifest.json`, the containerd store `index.json`. Without either the
//! rest is only blobs, so both are written last: they are the commit record.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read, Write},
};

use bundle_spec::{digest::Sha256Digest, manifest::Image, verify::VerifiedBundle};
use serde_json::json;
use tar::{EntryType, Header};

/// Bytes read at a time.
const BUFFER: usize = 256 << 10;

/// Two empty blocks end a tar.
const END: [u8; 1024] = [0; 1024];

/// Writes the archive of `image` without its lowest `skipped` layers.
pub(super) fn write(
    bundle: &mut VerifiedBundle<File>,
    image: &Image,
    tag: &str,
    skipped: usize,
    out: &mut impl Write,
    progress: &mut dyn FnMut(u64),
) -> io::Result<()> {
    file(out, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    for dir in ["blobs/", "blobs/sha256/"] {
        out.write_all(header(dir, 0, EntryType::Directory, 0o755)?.as_bytes())?;
    }
    // An image may name one layer twice.
    let mut written = BTreeSet::new();
    let layers = image.layers[skipped..].iter().map(|layer| layer.blob);
    for digest in [image.manifest, image.config].into_iter().chain(layers) {
        if written.insert(digest) {
            blob(bundle, &digest, out, progress)?;
        }
    }
    let manifest_size = bundle.manifest().blob_size(&image.manifest).unwrap_or(0);
    file(out, "index.json", &index(image, tag, manifest_size))?;
    file(out, "manifest.json", &docker_manifest(image, tag))?;
    out.write_all(&END)
}

fn blob(
    bundle: &mut VerifiedBundle<File>,
    digest: &Sha256Digest,
    out: &mut impl Write,
    progress: &mut dyn FnMut(u64),
) -> io::Result<()> {
    let size = bundle.manifest().blob_size(digest).unwrap_or(0);
    let mut blob = bundle.blob(digest).map_err(io::Error::other)?;
    out.write_all(header(&path(digest), size, EntryType::Regular, 0o644)?.as_bytes())?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = blob.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        out.write_all(&buffer[..read])?;
        progress(read as u64);
    }
    pad(out, size)
}

/// For the containerd store.
fn index(image: &Image, tag: &str, manifest_size: u64) -> Vec<u8> {
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": image.manifest,
            "size": manifest_size,
            "annotations": {
                "io.containerd.image.name": tag,
                "org.opencontainers.image.ref.name": tag.rsplit(':').next(),
            },
        }],
    });
    index.to_string().into_bytes()
}

/// For the classic store.
fn docker_manifest(image: &Image, tag: &str) -> Vec<u8> {
    let layers: Vec<String> = image.layers.iter().map(|layer| path(&layer.blob)).collect();
    json!([{ "Config": path(&image.config), "RepoTags": [tag], "Layers": layers }])
        .to_string()
        .into_bytes()
}

fn path(digest: &Sha256Digest) -> String {
    format!("blobs/sha256/{}", digest.to_hex())
}

fn file(out: &mut impl Write, name: &str, content: &[u8]) -> io::Result<()> {
    let size = content.len() as u64;
    out.write_all(header(name, size, EntryType::Regular, 0o644)?.as_bytes())?;
    out.write_all(content)?;
    pad(out, size)
}

fn header(name: &str, size: u64, kind: EntryType, mode: u32) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_cksum();
    Ok(header)
}

fn pad(out: &mut impl Write, size: u64) -> io::Result<()> {
    let rest = usize::try_from(size % 512).expect("below 512");
    if rest == 0 { Ok(()) } else { out.write_all(&END[..512 - rest]) }
}

#[cfg(test)]
mod tests;
