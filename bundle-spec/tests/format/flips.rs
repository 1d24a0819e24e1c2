//! No changed byte and no cut goes unnoticed, wherever it is; and nothing makes the verifier panic.

use std::{io::Cursor, sync::LazyLock};

use bundle_spec::{Manifest, RootDocument, SshSig, UnverifiedBundle};
use proptest::prelude::*;

use super::sample::{RELEASE_KEY, STRANGER, Sample, check, good, root, trust};

/// Small, with a side of everything: a stranger's signature too.
static BUNDLE: LazyLock<Vec<u8>> =
    LazyLock::new(|| Sample::small().signed_by(&[RELEASE_KEY, STRANGER]));
static LARGE: LazyLock<Vec<u8>> = LazyLock::new(|| Sample::large().signed_by(&[RELEASE_KEY]));

#[test]
fn every_single_byte_of_a_small_bundle_matters() {
    let mut bytes = BUNDLE.clone();
    for at in 0..bytes.len() {
        bytes[at] ^= 1 << (at % 8);
        assert!(check(&bytes).is_err(), "the change of byte {at} was not noticed");
        bytes[at] = BUNDLE[at];
    }
    check(&bytes).unwrap();
}

#[test]
fn every_cut_of_a_small_bundle_is_noticed() {
    for length in 0..BUNDLE.len() {
        assert!(check(&BUNDLE[..length]).is_err(), "a bundle cut to {length} bytes was accepted");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_byte_of_a_large_bundle_is_noticed(at in 0..LARGE.len(), change in 1..=255_u8) {
        let mut bytes = LARGE.clone();
        bytes[at] ^= change;
        prop_assert!(check(&bytes).is_err());
    }

    #[test]
    fn a_cut_of_a_large_bundle_is_noticed(length in 0..LARGE.len()) {
        prop_assert!(check(&LARGE[..length]).is_err());
    }

    #[test]
    fn a_hole_or_a_repetition_is_noticed(from in 0..BUNDLE.len(), length in 1..4096_usize, at in 0..BUNDLE.len()) {
        let to = (from + length).min(BUNDLE.len());
        let without = [&BUNDLE[..from], &BUNDLE[to..]].concat();
        prop_assert!(check(&without).is_err());
        let again = [&BUNDLE[..at], &BUNDLE[from..to], &BUNDLE[at..]].concat();
        prop_assert!(check(&again).is_err());
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..2048), at in 0..2048_usize) {
        let _ = Manifest::parse(&bytes);
        let _ = RootDocument::parse(&bytes);
        let _ = SshSig::parse(&bytes);
        let mut bundle = good();
        let at = at.min(bundle.len());
        let to = bundle.len().min(at + bytes.len());
        bundle[at..to].copy_from_slice(&bytes[..to - at]);
        if let Ok(bundle) = UnverifiedBundle::open(Cursor::new(bundle)) {
            let _ = bundle.verify(&trust(&root(1)));
        }
    }
}
