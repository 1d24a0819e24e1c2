//! Bytes that must never change: bundles in the field were made of them.

use std::io::Cursor;

use bundle_spec::{Sha256Digest, SignatureRegion, pack};

use super::sample::{RELEASE_KEY, ROOT_KEY, Sample, Tar, good, root, sign, signed_root};

#[test]
fn a_header_has_these_bytes() {
    let tar = Tar::parse(&good());
    let header = &tar.0[tar.at("VERIFY.txt")].0;
    let size = format!("{:011o}", pack::VERIFY_TXT.len());
    let mut expected = vec![0; 512];
    for (at, text) in [
        (0, "VERIFY.txt"),
        (100, "0000644"),
        (108, "0000000"),
        (116, "0000000"),
        (124, &size),
        (136, "00000000000"),
        (156, "0"),
        (257, "ustar\x0000"),
    ] {
        expected[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    let sum = expected.iter().map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
    expected[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(header, &expected);
}

/// The manifest without what depends on the text of `VERIFY.txt`, which may be reworded.
#[test]
fn a_manifest_has_these_bytes() {
    let tar = Tar::parse(&good());
    let text = String::from_utf8(tar.0[0].1.clone()).unwrap();
    let stable = &text[..text.find("\"verify_txt\"").unwrap()];
    assert_eq!(stable, include_str!("golden_manifest.txt").trim_end());
    let rest = &text[stable.len()..];
    for field in [
        "\"verify_txt\":{\"digest\":\"sha256:",
        "},\"sums\":\"sha256:",
        ",\"payload_size\":",
        ",\"blobs\":[{\"digest\":",
    ] {
        assert!(rest.contains(field), "{field}");
    }
}

#[test]
fn a_root_document_has_these_bytes() {
    assert_eq!(
        String::from_utf8(root(1).to_bytes()).unwrap(),
        include_str!("golden_root.txt").trim_end()
    );
}

#[test]
fn a_signature_has_these_bytes() {
    assert_eq!(sign(RELEASE_KEY, b"message").to_armored(), include_str!("golden_signature.txt"));
}

#[test]
fn the_names_and_their_order_are_these() {
    let tar = Tar::parse(&Sample::large().signed_by(&[RELEASE_KEY]));
    let names: Vec<String> = tar
        .0
        .iter()
        .map(|(header, _)| {
            String::from_utf8_lossy(&header[..100]).trim_end_matches('\0').to_owned()
        })
        .collect();
    let (sig, by) = (super::sample::key(RELEASE_KEY), super::sample::key(ROOT_KEY));
    assert_eq!(
        names[..6],
        [
            "manifest.json".to_owned(),
            format!("sig/{}.sshsig", sig.public().id().hex()),
            "root/1.json".to_owned(),
            format!("root/1.{}.sshsig", by.public().id().hex()),
            "SHA256SUMS".to_owned(),
            "VERIFY.txt".to_owned(),
        ]
    );
    assert!(
        names[6..].is_sorted() && names[6..].iter().all(|name| name.starts_with("blobs/sha256/"))
    );
    assert_eq!(tar.1, [0; 1024]);
}

#[test]
fn packing_twice_gives_the_same_bytes() {
    assert_eq!(Sample::large().signed_by(&[]), Sample::large().signed_by(&[]));
    // Signatures change nothing after the head, and nothing in the manifest.
    let (unsigned, signed) = (Sample::small().signed_by(&[]), good());
    let payload = |bytes: &[u8]| {
        let tar = Tar::parse(bytes);
        tar.0[tar.at("SHA256SUMS")..].to_vec()
    };
    assert_eq!(payload(&unsigned), payload(&signed));
    assert_eq!(Tar::parse(&unsigned).0[0], Tar::parse(&signed).0[0]);
}

#[test]
fn signing_later_gives_the_bytes_of_signing_at_once() {
    let unsigned = Sample::small().pack(|_| SignatureRegion::default());
    let manifest = Tar::parse(&unsigned).0[0].1.clone();
    let region = SignatureRegion {
        signatures: vec![sign(RELEASE_KEY, &manifest)],
        roots: vec![signed_root(&root(1), &[ROOT_KEY])],
    };
    let mut out = Vec::new();
    let length =
        pack::with_signatures(Cursor::new(&unsigned), &region, &mut out, &mut |_| ()).unwrap();
    assert_eq!(out, good());
    assert_eq!(length, out.len() as u64);
    assert_eq!(Sha256Digest::of(&manifest), super::sample::verify(&out).unwrap().bundle_id());
}
