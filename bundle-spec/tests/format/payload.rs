//! The payload: every byte after the head is the one that was signed.

use std::io::Read as _;

use bundle_spec::{BundleError, Sha256Digest};

use super::sample::{RELEASE_KEY, Sample, Tar, check, good, refusal, sign, verify};

fn large() -> Vec<u8> {
    Sample::large().signed_by(&[RELEASE_KEY])
}

/// Where the content of the large blob starts.
fn large_blob_start(bytes: &[u8]) -> usize {
    let tar = Tar::parse(bytes);
    let mut at = 0;
    for (_, content) in &tar.0 {
        if content.len() == 9_000_000 {
            return at + 512;
        }
        at += 512 + content.len().div_ceil(512) * 512;
    }
    unreachable!("the large sample has a large blob")
}

#[test]
fn a_missing_blob_is_refused() {
    for at in Tar::parse(&good()).at("blobs/")..Tar::parse(&good()).0.len() {
        let mut tar = Tar::parse(&good());
        tar.0.remove(at);
        let code = refusal(&tar.bytes());
        assert!(["RVB-BLOB-LIST", "RVB-TAR-ORDER"].contains(&code), "{at}: {code}");
    }
}

#[test]
fn an_unlisted_blob_is_refused_wherever_it_stands() {
    for digit in ["0", "f"] {
        let mut tar = Tar::parse(&good());
        let at = if digit == "0" { tar.at("blobs/") } else { tar.0.len() };
        tar.0.insert(at, tar.0[tar.0.len() - 1].clone());
        tar.rename(at, &format!("blobs/sha256/{}", digit.repeat(64)));
        assert_eq!(refusal(&tar.bytes()), "RVB-BLOB-LIST");
    }
}

#[test]
fn a_blob_of_another_length_is_refused() {
    let mut tar = Tar::parse(&good());
    let last = tar.0.len() - 1;
    let shorter = tar.0[last].1[1..].to_vec();
    tar.set(last, &shorter);
    assert_eq!(refusal(&tar.bytes()), "RVB-BLOB-LIST");
}

#[test]
fn changed_sums_are_refused() {
    let mut tar = Tar::parse(&good());
    let at = tar.at("SHA256SUMS");
    tar.0[at].1[0] ^= 1;
    assert_eq!(refusal(&tar.bytes()), "RVB-BLOB-SUMS");
    let longer = [&tar.0[at].1[..], b"\n"].concat();
    tar.set(at, &longer);
    assert_eq!(refusal(&tar.bytes()), "RVB-BLOB-SUMS");
}

#[test]
fn a_changed_verify_txt_is_refused() {
    let mut tar = Tar::parse(&good());
    let at = tar.at("VERIFY.txt");
    tar.0[at].1[0] ^= 1;
    assert_eq!(refusal(&tar.bytes()), "RVB-BLOB-DIGEST");
}

#[test]
fn another_payload_size_is_refused() {
    let mut tar = Tar::parse(&good());
    let mut manifest: bundle_spec::Manifest = serde_json::from_slice(&tar.0[0].1).unwrap();
    manifest.payload_size += 512;
    tar.resign(&manifest.to_bytes());
    assert_eq!(refusal(&tar.bytes()), "RVB-TAR-LENGTH");
}

#[test]
fn a_changed_small_blob_yields_no_byte() {
    let mut tar = Tar::parse(&good());
    let last = tar.0.len() - 1;
    let digest = Sha256Digest::of(&tar.0[last].1);
    tar.0[last].1[0] ^= 1;
    assert!(matches!(check(&tar.bytes()), Err(BundleError::BlobDigest { .. })));

    let mut bundle = verify(&tar.bytes()).unwrap();
    let mut reader = bundle.blob(&digest).unwrap();
    let mut out = [0; 16];
    let error = reader.read(&mut out).unwrap_err();
    assert!(matches!(BundleError::from_io(&error), Some(BundleError::BlobDigest { .. })));
    assert!(reader.read(&mut out).is_err());
    assert_eq!(out, [0; 16]);
    assert!(matches!(bundle.read_blob(&digest, 1 << 20), Err(BundleError::BlobDigest { .. })));
}

#[test]
fn a_changed_chunk_is_found_and_nothing_of_it_is_yielded() {
    for (offset, chunk) in [(0, 0), (5 << 20, 1), (8_999_999, 2)] {
        let mut bytes = large();
        let start = large_blob_start(&bytes);
        bytes[start + offset] ^= 0x80;
        let Err(BundleError::BlobChunk { blob, from, .. }) = check(&bytes) else {
            panic!("the change at {offset} was not found")
        };
        assert_eq!(from, (start + chunk * (4 << 20)) as u64);

        let mut bundle = verify(&bytes).unwrap();
        let mut out = Vec::new();
        let error = bundle.blob(&blob).unwrap().read_to_end(&mut out).unwrap_err();
        assert!(matches!(BundleError::from_io(&error), Some(BundleError::BlobChunk { .. })));
        assert_eq!(out.len(), chunk * (4 << 20));
    }
}

/// A blob whose chunks are as signed, under a name that is not its digest.
#[test]
fn chunk_digests_do_not_replace_the_whole_digest() {
    let sample = Sample::large();
    let bytes = sample.signed_by(&[RELEASE_KEY]);
    let mut tar = Tar::parse(&bytes);
    let at = tar.0.iter().position(|(_, content)| content.len() == 9_000_000).unwrap();
    let honest = Sha256Digest::of(&tar.0[at].1);
    let changed = {
        let mut content = tar.0[at].1.clone();
        content[0] ^= 1;
        content
    };
    // The vendor's table is made of the changed content, and the name of the honest one.
    let table_at = tar.0.iter().position(|(_, content)| content.len() == 96).unwrap();
    let old_table = Sha256Digest::of(&tar.0[table_at].1);
    let mut table = tar.0[table_at].1.clone();
    table[..32].copy_from_slice(Sha256Digest::of(&changed[..4 << 20]).as_bytes());
    let new_table = Sha256Digest::of(&table);
    let mut manifest: bundle_spec::Manifest = serde_json::from_slice(&tar.0[0].1).unwrap();
    for blob in &mut manifest.blobs {
        if blob.digest == old_table {
            blob.digest = new_table;
        }
    }
    manifest.blobs.sort();
    manifest.chunk_table.as_mut().unwrap().blob = new_table;
    manifest.sums = Sha256Digest::of(manifest.sums_text().as_bytes());
    let (sums, blobs_from) = (manifest.sums_text(), tar.at("blobs/"));
    tar.0[at].1 = changed;
    tar.set(table_at, &table);
    tar.rename(table_at, &format!("blobs/sha256/{}", new_table.to_hex()));
    let sums_at = tar.at("SHA256SUMS");
    tar.set(sums_at, sums.as_bytes());
    tar.0[blobs_from..].sort();
    tar.resign(&manifest.to_bytes());

    assert!(matches!(check(&tar.bytes()), Err(BundleError::BlobDigest { .. })));
    let mut bundle = verify(&tar.bytes()).unwrap();
    let error = bundle.blob(&honest).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    assert!(matches!(BundleError::from_io(&error), Some(BundleError::BlobDigest { .. })));
}

#[test]
fn a_damaged_chunk_table_is_refused_before_it_is_used() {
    let mut tar = Tar::parse(&large());
    let at = tar.0.iter().position(|(_, content)| content.len() == 96).unwrap();
    tar.0[at].1[40] ^= 1;
    assert!(matches!(verify(&tar.bytes()).map(|_| ()), Err(BundleError::BlobDigest { .. })));
}

#[test]
fn blobs_come_back_as_they_went_in() {
    let sample = Sample::large();
    let mut bundle = verify(&large()).unwrap();
    for (digest, content) in &sample.blobs {
        assert_eq!(&bundle.read_blob(digest, 16 << 20).unwrap(), content);
    }
}

#[test]
fn a_blob_longer_than_the_caller_allows_is_refused() {
    let mut bundle = verify(&large()).unwrap();
    let digest =
        Sha256Digest::of(&Sample::large().blobs.values().max_by_key(|b| b.len()).unwrap()[..]);
    assert!(matches!(bundle.read_blob(&digest, 8 << 20), Err(BundleError::Limit { .. })));
}

#[test]
fn a_blob_that_is_not_there_is_said_to_be_absent() {
    let mut bundle = verify(&good()).unwrap();
    let absent = Sha256Digest::of(b"nothing like it");
    assert!(matches!(bundle.read_blob(&absent, 1), Err(BundleError::BlobAbsent { .. })));
}

#[test]
fn an_empty_blob_is_checked_too() {
    let sample = Sample::with_layer(b"");
    assert_eq!(refusal(&sample.signed_by(&[RELEASE_KEY])), "accepted");

    // The same length, another name: only the digest can tell.
    let mut tar = Tar::parse(&sample.signed_by(&[RELEASE_KEY]));
    let (empty, other) = (Sha256Digest::of(b""), "f".repeat(64));
    let text = String::from_utf8(tar.0[0].1.clone()).unwrap().replace(&empty.to_hex(), &other);
    let mut manifest: bundle_spec::Manifest = serde_json::from_str(&text).unwrap();
    manifest.blobs.sort();
    manifest.sums = Sha256Digest::of(manifest.sums_text().as_bytes());
    let at = tar.at(&format!("blobs/sha256/{}", empty.to_hex()));
    tar.rename(at, &format!("blobs/sha256/{other}"));
    let blobs = tar.at("blobs/");
    tar.0[blobs..].sort();
    let sums_at = tar.at("SHA256SUMS");
    tar.set(sums_at, manifest.sums_text().as_bytes());
    tar.resign(&manifest.to_bytes());
    assert_eq!(refusal(&tar.bytes()), "RVB-BLOB-DIGEST");
    let digest = Sha256Digest::from_hex(&other).unwrap();
    let mut bundle = verify(&tar.bytes()).unwrap();
    assert!(matches!(bundle.read_blob(&digest, 10), Err(BundleError::BlobDigest { .. })));
}

#[test]
fn progress_adds_up_to_all_blobs() {
    let mut bundle = verify(&large()).unwrap();
    let (expected, mut sum) = (bundle.blob_bytes(), 0);
    bundle.check_all(&mut |bytes| sum += bytes).unwrap();
    assert_eq!(sum, expected);
}

#[test]
fn a_side_signature_counts_like_one_inside() {
    let sample = Sample::small();
    let unsigned = sample.signed_by(&[]);
    let manifest = Tar::parse(&unsigned).0[0].1.clone();
    let open =
        || bundle_spec::UnverifiedBundle::open(std::io::Cursor::new(unsigned.clone())).unwrap();
    let trust = super::sample::trust(&super::sample::root(1));
    assert!(matches!(open().verify(&trust).map(|_| ()), Err(BundleError::Unsigned)));

    let mut bundle = open();
    assert_eq!(bundle.bytes_to_sign(), manifest);
    bundle.add_side_signature(sign(RELEASE_KEY, &manifest).to_armored().as_bytes()).unwrap();
    assert_eq!(bundle.verify(&trust).unwrap().signers().len(), 1);
}
