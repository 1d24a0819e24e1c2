//! What the packer refuses to write.

use std::io::Cursor;

use bundle_spec::{
    BundleError, PackError, PackedBundle, Purpose, Sha256Digest, SignError, SignatureRegion,
    SshSig, pack,
};

use super::sample::{RELEASE_KEY, ROOT_KEY, Sample, key, root, sign, signed_root};

fn try_pack(
    sample: &Sample,
    region: &mut dyn FnMut(&[u8]) -> Result<SignatureRegion, SignError>,
) -> (Result<PackedBundle, PackError>, Vec<u8>) {
    let mut out = Cursor::new(Vec::new());
    let sizes = sample.sizes();
    let result = pack::pack(sample.draft.clone(), &sizes, sample, &mut out, region, &mut |_| ());
    (result, out.into_inner())
}

#[expect(clippy::unnecessary_wraps, reason = "the packer asks for this signature")]
fn unsigned(_: &[u8]) -> Result<SignatureRegion, SignError> {
    Ok(SignatureRegion::default())
}

#[test]
fn a_store_with_damaged_content_does_not_become_a_bundle() {
    for change in [|bytes: &mut Vec<u8>| bytes[0] ^= 1, |bytes: &mut Vec<u8>| bytes[600] ^= 1] {
        let mut sample = Sample::small();
        let blob = sample.blobs.values_mut().find(|bytes| bytes.len() == 700).unwrap();
        change(blob);
        assert!(matches!(try_pack(&sample, &mut unsigned).0, Err(PackError::Content { .. })));
    }
}

#[test]
fn a_store_whose_blob_has_another_length_is_refused() {
    for extra in [-1_i64, 1] {
        let sample = Sample::small();
        let mut sizes = sample.sizes();
        let digest = *sizes.iter().find(|(_, size)| **size == 10).unwrap().0;
        *sizes.get_mut(&digest).unwrap() = u64::try_from(10 + extra).unwrap();
        let mut out = Vec::new();
        let packed =
            pack::pack(sample.draft.clone(), &sizes, &sample, &mut out, &mut unsigned, &mut |_| ());
        assert!(matches!(packed, Err(PackError::Content { .. })), "{extra}");
    }
}

#[test]
fn a_blob_that_the_store_does_not_have_is_named() {
    let sample = Sample::small();
    let sizes = sample.sizes();
    let mut without = sample.clone();
    let gone = *without.blobs.keys().next().unwrap();
    without.blobs.remove(&gone);
    let packed = pack::pack(
        sample.draft.clone(),
        &sizes,
        &without,
        &mut Vec::new(),
        &mut unsigned,
        &mut |_| (),
    );
    assert!(matches!(packed, Err(PackError::Blob { digest, .. }) if digest == gone));
}

#[test]
fn a_draft_that_breaks_a_rule_writes_nothing() {
    let mut sample = Sample::small();
    sample.draft.release_seq = 0;
    let (result, out) = try_pack(&sample, &mut unsigned);
    assert!(matches!(result, Err(PackError::Invalid(BundleError::ManifestRule { .. }))));
    assert!(out.is_empty());
}

#[test]
fn signatures_that_do_not_fit_are_not_written() {
    let (result, _) = try_pack(&Sample::small(), &mut |_| {
        Ok(SignatureRegion {
            signatures: vec![sign(RELEASE_KEY, b"something else")],
            roots: vec![],
        })
    });
    assert!(matches!(result, Err(PackError::Invalid(BundleError::SignatureInvalid { .. }))));

    let (result, _) = try_pack(&Sample::small(), &mut |manifest| {
        let replayed = SshSig::sign(&key(RELEASE_KEY), Purpose::BundleRoot, manifest)?;
        Ok(SignatureRegion { signatures: vec![replayed], roots: vec![] })
    });
    assert!(matches!(result, Err(PackError::Invalid(BundleError::SignatureFormat { .. }))));

    let (result, _) = try_pack(&Sample::small(), &mut |_| {
        Ok(SignatureRegion {
            signatures: vec![],
            roots: vec![signed_root(&root(1), &[ROOT_KEY]); 2],
        })
    });
    assert!(matches!(result, Err(PackError::Invalid(BundleError::RootSequence { .. }))));
}

#[test]
fn a_signer_that_fails_writes_nothing() {
    let (result, out) =
        try_pack(&Sample::small(), &mut |_| Err(SignError::new("the device was pulled out")));
    assert!(matches!(result, Err(PackError::Sign(_))));
    assert!(out.is_empty());
}

#[test]
fn what_was_packed_is_reported() {
    let (result, out) = try_pack(&Sample::large(), &mut unsigned);
    let packed = result.unwrap();
    assert_eq!(packed.length, out.len() as u64);
    assert_eq!(packed.bundle_id, Sha256Digest::of(&packed.manifest_bytes));
}

#[test]
fn progress_adds_up_to_the_work() {
    let sample = Sample::large();
    let (sizes, mut sum) = (sample.sizes(), 0);
    pack::pack(
        sample.draft.clone(),
        &sizes,
        &sample,
        &mut Vec::new(),
        &mut unsigned,
        &mut |bytes| sum += bytes,
    )
    .unwrap();
    assert_eq!(sum, pack::work(&sizes));
}
