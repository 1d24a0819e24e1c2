//! Root documents: where trust starts, how it moves on, and how it does not.

use bundle_spec::{BundleError, Fingerprint, RootDocument, SignedRoot, TrustedRoot};

use super::sample::{
    NEXT_ROOT_KEY, RELEASE_KEY, ROOT_KEY, SECOND_RELEASE_KEY, STRANGER, Sample, Tar, key, refusal,
    root, root_signatures, signed_root, trust, verify_with,
};

fn advance(next: &RootDocument, seeds: &[u8]) -> Result<TrustedRoot, BundleError> {
    let bytes = next.to_bytes();
    trust(&root(1)).advance(&bytes, &root_signatures(&bytes, seeds))
}

/// Root 2 with another root key.
fn second() -> RootDocument {
    let mut next = root(2);
    next.root.keys = vec![key(NEXT_ROOT_KEY).public().clone()];
    next
}

fn parse_error(document: &RootDocument) -> String {
    let error = RootDocument::parse(&document.to_bytes()).unwrap_err();
    assert_eq!(error.code().as_str(), "RVB-ROOT-FORMAT");
    error.to_string()
}

#[test]
fn a_document_is_trusted_by_its_fingerprint() {
    let bytes = root(1).to_bytes();
    let fingerprint = Fingerprint::of(&bytes);
    for form in
        [fingerprint.to_string(), fingerprint.hex(), format!("sha256:{}", fingerprint.hex())]
    {
        let typed: Fingerprint = form.parse().unwrap();
        assert_eq!(TrustedRoot::bootstrap(&bytes, &typed).unwrap().fingerprint(), fingerprint);
    }
    for bad in ["", "SHA256:", &fingerprint.hex()[1..], &fingerprint.hex().to_uppercase()] {
        assert!(bad.parse::<Fingerprint>().is_err());
    }
    let other = Fingerprint::of(b"other");
    let refused = TrustedRoot::bootstrap(&bytes, &other);
    assert!(matches!(refused, Err(BundleError::RootFingerprint { .. })));
}

#[test]
fn a_root_follows_when_both_signed_it() {
    assert_eq!(advance(&second(), &[ROOT_KEY, NEXT_ROOT_KEY]).unwrap().document().version, 2);
    assert!(matches!(
        advance(&second(), &[ROOT_KEY]),
        Err(BundleError::RootThreshold { by: 2, .. })
    ));
    assert!(matches!(
        advance(&second(), &[NEXT_ROOT_KEY]),
        Err(BundleError::RootThreshold { by: 1, .. })
    ));
    assert!(matches!(advance(&second(), &[]), Err(BundleError::RootThreshold { .. })));
}

#[test]
fn the_same_signature_twice_counts_once() {
    let mut next = root(2);
    next.root.threshold = 2;
    next.root.keys.push(key(NEXT_ROOT_KEY).public().clone());
    assert!(matches!(
        advance(&next, &[ROOT_KEY, ROOT_KEY]),
        Err(BundleError::RootThreshold { found: 1, .. })
    ));
    assert!(advance(&next, &[ROOT_KEY, NEXT_ROOT_KEY]).is_ok());
}

#[test]
fn a_release_key_signs_no_root() {
    assert!(advance(&root(2), &[RELEASE_KEY]).is_err());
}

#[test]
fn a_revoked_root_key_does_not_count() {
    let mut next = root(2);
    next.revoked_keys = vec![key(ROOT_KEY).public().id()];
    assert!(matches!(advance(&next, &[ROOT_KEY]), Err(BundleError::RootThreshold { by: 2, .. })));
}

#[test]
fn a_signature_that_does_not_fit_is_never_skipped() {
    let bytes = root(2).to_bytes();
    let mut signatures = root_signatures(&bytes, &[ROOT_KEY]);
    signatures.extend(root_signatures(b"another document", &[STRANGER]));
    let refused = trust(&root(1)).advance(&bytes, &signatures);
    assert!(matches!(refused, Err(BundleError::SignatureInvalid { .. })));
}

#[test]
fn versions_rise_by_one() {
    for version in [1, 3] {
        let refused = advance(&root(version), &[ROOT_KEY]);
        assert!(matches!(refused, Err(BundleError::RootSequence { after: 1, .. })), "{version}");
    }
}

#[test]
fn another_product_does_not_follow() {
    let mut next = root(2);
    next.product = "other".parse().unwrap();
    assert_eq!(advance(&next, &[ROOT_KEY]).unwrap_err().code().as_str(), "RVB-ROOT-FORMAT");
}

#[test]
fn thresholds_and_keys_make_sense() {
    let with = |change: &dyn Fn(&mut RootDocument)| {
        let mut document = root(1);
        change(&mut document);
        parse_error(&document)
    };
    assert!(with(&|d| d.release.threshold = 0).contains("threshold 0"));
    assert!(with(&|d| d.release.threshold = 3).contains("threshold 3 and 2 key(s)"));
    assert!(with(&|d| d.root.threshold = 2).contains("threshold 2 and 1 key(s)"));
    assert!(with(&|d| d.release.keys = vec![d.release.keys[0].clone(); 2]).contains("a key twice"));
    assert!(with(&|d| d.root.keys = vec![d.release.keys[0].clone()]).contains("in both roles"));
    assert!(with(&|d| d.version = 0).contains("version is 0"));
    assert!(with(&|d| d.version = 1 << 53).contains("version is"));
    assert!(with(&|d| d.schema = "rivet-root/2".to_owned()).contains("schema"));
    assert!(with(&|d| d.revoked_releases = vec![2, 1]).contains("ascending"));
    assert!(with(&|d| d.revoked_releases = vec![1 << 53]).contains("is above"));
    assert!(with(&|d| d.reset_floor = Some(1 << 53)).contains("is above"));
    assert!(with(&|d| d.revoked_keys = vec![key(1).public().id(); 2]).contains("ascending"));
    assert!(
        with(&|d| d.release.keys = (10..75).map(|n| key(n).public().clone()).collect())
            .contains("65 keys")
    );
}

#[test]
fn a_root_document_has_one_spelling() {
    let text = String::from_utf8(root(1).to_bytes()).unwrap();
    for (from, to) in [
        ("\"version\":1", "\"version\": 1"),
        ("\"version\":1", "\"version\":1,\"version\":1"),
        ("\"version\":1", "\"version\":1,\"more\":1"),
        ("\"reset_floor\":null", "\"reset_floor\":null "),
        (",\"reset_floor\":null", ""),
        ("ssh-ed25519 ", "ssh-ed25519  "),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert_eq!(
            RootDocument::parse(changed.as_bytes()).unwrap_err().code().as_str(),
            "RVB-ROOT-FORMAT",
            "{to}"
        );
    }
}

fn carrying(roots: &[SignedRoot]) -> Vec<u8> {
    Sample::small().with_roots(roots)
}

#[test]
fn a_site_follows_the_chain_that_a_bundle_carries() {
    let chain =
        [signed_root(&root(1), &[ROOT_KEY]), signed_root(&second(), &[ROOT_KEY, NEXT_ROOT_KEY])];
    let bytes = carrying(&chain);

    let bundle = verify_with(&bytes, &trust(&root(1))).unwrap();
    assert_eq!(bundle.root().document(), &second());
    assert_eq!(bundle.root_chain(), &chain[1..]);
    // A site that is there already follows nothing.
    assert!(verify_with(&bytes, &trust(&second())).unwrap().root_chain().is_empty());
    // A bundle older than the site's root, and one without any root.
    assert!(verify_with(&carrying(&chain[..1]), &trust(&second())).is_ok());
    assert!(verify_with(&carrying(&[]), &trust(&second())).is_ok());
}

#[test]
fn a_chain_that_does_not_pass_through_the_trusted_root_is_refused() {
    let mut own = root(1);
    own.root.keys = vec![key(STRANGER).public().clone()];
    let bytes = carrying(&[signed_root(&own, &[STRANGER])]);
    assert_eq!(refusal(&bytes), "RVB-ROOT-UNKNOWN");
}

#[test]
fn a_stranger_cannot_bring_a_root_of_his_own() {
    let mut own = root(2);
    own.root.keys = vec![key(STRANGER).public().clone()];
    let bytes = carrying(&[signed_root(&root(1), &[ROOT_KEY]), signed_root(&own, &[STRANGER])]);
    assert_eq!(refusal(&bytes), "RVB-ROOT-THRESHOLD");
}

#[test]
fn a_gap_in_a_carried_chain_is_refused() {
    let bytes = carrying(&[signed_root(&root(1), &[ROOT_KEY]), signed_root(&root(3), &[ROOT_KEY])]);
    assert_eq!(refusal(&bytes), "RVB-ROOT-SEQUENCE");
    // Also before the root that the site trusts.
    let bytes = carrying(&[signed_root(&root(1), &[ROOT_KEY]), signed_root(&root(3), &[ROOT_KEY])]);
    let refused = verify_with(&bytes, &trust(&root(3))).map(|_| ());
    assert!(matches!(refused, Err(BundleError::RootSequence { .. })));
}

#[test]
fn a_release_key_that_the_newest_carried_root_revokes_does_not_count() {
    let mut next = root(2);
    next.revoked_keys = vec![key(RELEASE_KEY).public().id()];
    let chain = [signed_root(&root(1), &[ROOT_KEY]), signed_root(&next, &[ROOT_KEY])];
    assert_eq!(refusal(&carrying(&chain)), "RVB-SIG-UNTRUSTED");
    next.revoked_keys.clear();
    next.release.keys = vec![key(SECOND_RELEASE_KEY).public().clone()];
    let chain = [signed_root(&root(1), &[ROOT_KEY]), signed_root(&next, &[ROOT_KEY])];
    assert_eq!(refusal(&carrying(&chain)), "RVB-SIG-UNTRUSTED");
}

#[test]
fn a_document_under_another_version_is_refused() {
    let mut tar = Tar::parse(&carrying(&[signed_root(&root(1), &[ROOT_KEY])]));
    for at in [2, 3] {
        let name = String::from_utf8(tar.0[at].0[..100].to_vec()).unwrap();
        tar.rename(at, &name.trim_end_matches('\0').replace("root/1.", "root/2."));
    }
    assert_eq!(refusal(&tar.bytes()), "RVB-ROOT-SEQUENCE");
    // At the trusted version and below, where nothing is followed.
    assert_eq!(
        verify_with(&tar.bytes(), &trust(&root(3))).map(|_| ()).unwrap_err().code().as_str(),
        "RVB-ROOT-FORMAT"
    );
}

#[test]
fn an_unsigned_document_below_the_trusted_one_is_refused() {
    let bytes = carrying(&[signed_root(&root(1), &[])]);
    assert_eq!(refusal(&bytes), "RVB-ROOT-THRESHOLD");
}

#[test]
fn a_manifest_of_another_product_is_refused() {
    let mut sample = Sample::small();
    sample.draft.product = "other".parse().unwrap();
    assert_eq!(refusal(&sample.signed_by(&[RELEASE_KEY])), "RVB-POLICY-PRODUCT");
}
