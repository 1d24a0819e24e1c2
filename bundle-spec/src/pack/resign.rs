//! Replacing the signatures of a bundle that exists. Manifest and payload keep their bytes.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::{PackError, SignatureRegion, write_head};
use crate::{archive::ArchiveWriter, error::BundleError, verify::UnverifiedBundle};

/// Copies a bundle to `out` with `region` in place of its signatures and root documents.
///
/// Says how long the new bundle is. `progress` is called with the number of bytes done since its
/// last call. The payload is copied as it is; whether it fits the manifest is for a verifier.
pub fn with_signatures(
    source: impl Read + Seek,
    region: &SignatureRegion,
    out: &mut impl Write,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, PackError> {
    let bundle = UnverifiedBundle::open(source)?;
    let mut archive = ArchiveWriter::new(out);
    write_head(&mut archive, bundle.bytes_to_sign(), region)?;
    let head = archive.written();

    let (mut source, payload) = bundle.into_payload();
    let read = |error| PackError::Invalid(BundleError::Read(error));
    source.seek(SeekFrom::Start(payload)).map_err(read)?;
    let mut buffer = vec![0; 1 << 20];
    let mut copied = 0;
    loop {
        let length = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(read(error)),
        };
        out.write_all(&buffer[..length]).map_err(PackError::Write)?;
        copied += length as u64;
        progress(length as u64);
    }
    out.flush().map_err(PackError::Write)?;
    Ok(head + copied)
}
