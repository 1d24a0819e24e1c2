//! One layer: what it is uncompressed, checked against what the image configuration says.

use std::io::{self, BufRead, BufReader, Read};

use bundle_spec::{
    Sha256Digest,
    manifest::{Compression, Layer},
};
use flate2::bufread::GzDecoder;
use sha2::{Digest as _, Sha256};

use super::ImageError;
use crate::{error::FileError, produce::located::Located};

/// Reads the layer at `located` once and describes it.
///
/// `expected` is the uncompressed digest that the image's configuration names.
pub(super) fn inspect(
    located: &Located,
    compression: Compression,
    expected: Sha256Digest,
    seen: &mut dyn FnMut(u64),
) -> Result<Layer, ImageError> {
    let source = located.open().map_err(FileError::on("read", &located.path))?;
    let mut source = Hashing { inner: source, hasher: Sha256::new(), length: 0, seen };
    let (diff_id, uncompressed_size) = match compression {
        Compression::None => {
            let (digest, length) = Sha256Digest::of_reader(&mut source)
                .map_err(FileError::on("read", &located.path))?;
            (digest, length)
        }
        Compression::Gzip => gunzip(BufReader::with_capacity(64 * 1024, &mut source))?,
    };
    if source.length != located.length {
        let short = io::Error::from(io::ErrorKind::UnexpectedEof);
        return Err(FileError::on("read", &located.path)(short).into());
    }
    let blob = Sha256Digest::from_bytes(source.hasher.finalize().into());
    if diff_id != expected {
        return Err(ImageError::DiffId { layer: blob, found: diff_id, expected });
    }
    Ok(Layer { blob, diff_id, uncompressed_size, compression })
}

/// The compression that a layer's first bytes show, for sources that do not say.
pub(super) fn sniff(located: &Located) -> Result<Compression, ImageError> {
    let mut magic = Vec::with_capacity(4);
    located
        .open()
        .and_then(|source| source.take(4).read_to_end(&mut magic))
        .map_err(FileError::on("read", &located.path))?;
    match magic[..] {
        [0x1f, 0x8b, ..] => Ok(Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd] => {
            Err(ImageError::LayerType { found: "a zstd-compressed layer".into() })
        }
        _ => Ok(Compression::None),
    }
}

/// One gzip member and nothing after it: readers disagree about what follows.
fn gunzip(source: impl BufRead) -> Result<(Sha256Digest, u64), ImageError> {
    let broken = |source| ImageError::Gzip { source };
    let mut decoder = GzDecoder::new(source);
    let described = Sha256Digest::of_reader(&mut decoder).map_err(broken)?;
    let rest = decoder.into_inner().fill_buf().map_err(broken)?.len();
    if rest > 0 {
        let trailing =
            io::Error::new(io::ErrorKind::InvalidData, "more bytes follow the gzip member");
        return Err(broken(trailing));
    }
    Ok(described)
}

/// Hashes what passes.
struct Hashing<'a, R> {
    inner: R,
    hasher: Sha256,
    length: u64,
    seen: &'a mut dyn FnMut(u64),
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.length += read as u64;
        (self.seen)(read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use camino_tempfile::NamedUtf8TempFile;
    use flate2::{Compression as Level, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Level::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn describe(
        bytes: &[u8],
        compression: Compression,
        expected: &[u8],
    ) -> Result<Layer, ImageError> {
        let mut file = NamedUtf8TempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let located = Located::file(file.path()).unwrap();
        inspect(&located, compression, Sha256Digest::of(expected), &mut |_| ())
    }

    #[test]
    fn a_gzip_layer_is_described_by_both_of_its_forms() {
        let bytes = gzip(b"tar");
        let layer = describe(&bytes, Compression::Gzip, b"tar").unwrap();

        assert_eq!(layer.blob, Sha256Digest::of(&bytes));
        assert_eq!((layer.diff_id, layer.uncompressed_size), (Sha256Digest::of(b"tar"), 3));
    }

    #[test]
    fn a_layer_with_other_content_than_the_configuration_says_is_refused() {
        for (bytes, compression) in
            [(gzip(b"tar"), Compression::Gzip), (b"tar".to_vec(), Compression::None)]
        {
            assert!(matches!(
                describe(&bytes, compression, b"other"),
                Err(ImageError::DiffId { .. })
            ));
        }
    }

    #[test]
    fn anything_after_the_gzip_member_is_refused() {
        let mut two = gzip(b"tar");
        two.extend(gzip(b""));
        let mut junk = gzip(b"tar");
        junk.push(0);
        for bytes in [two, junk] {
            assert!(matches!(
                describe(&bytes, Compression::Gzip, b"tar"),
                Err(ImageError::Gzip { .. })
            ));
        }
    }

    #[test]
    fn a_cut_or_altered_gzip_layer_is_refused() {
        let good = gzip(b"tar");
        let mut wrong_crc = good.clone();
        let at = wrong_crc.len() - 8;
        wrong_crc[at] ^= 1;
        for bytes in [&good[..good.len() - 1], &good[..good.len() - 8], &wrong_crc] {
            assert!(matches!(
                describe(bytes, Compression::Gzip, b"tar"),
                Err(ImageError::Gzip { .. })
            ));
        }
    }
}
