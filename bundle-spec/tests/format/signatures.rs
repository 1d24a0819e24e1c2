//! Who signed, with what, over which document.

use std::io::Cursor;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bundle_spec::{
    BundleError, KeyId, PublicKey, Purpose, RootDocument, SignError, Signer, SshSig,
    UnverifiedBundle,
};
use sha2::{Digest as _, Sha512};

use super::sample::{
    RELEASE_KEY, ROOT_KEY, SECOND_RELEASE_KEY, STRANGER, Sample, Tar, good, key, refusal, root,
    sign, signed_root, trust, verify, verify_with,
};

fn two_needed() -> RootDocument {
    let mut document = root(1);
    document.release.threshold = 2;
    document
}

fn code_under(document: &RootDocument, seeds: &[u8]) -> &'static str {
    let bytes = Sample::small().pack(|manifest| bundle_spec::SignatureRegion {
        signatures: seeds.iter().map(|seed| sign(*seed, manifest)).collect(),
        roots: vec![signed_root(document, &[ROOT_KEY])],
    });
    verify_with(&bytes, &trust(document)).map_or_else(|e| e.code().as_str(), |_| "accepted")
}

#[test]
fn the_four_outcomes_have_four_codes() {
    assert_eq!(refusal(&Sample::small().signed_by(&[RELEASE_KEY])), "accepted");
    assert_eq!(refusal(&Sample::small().signed_by(&[])), "RVB-SIG-UNSIGNED");
    assert_eq!(refusal(&Sample::small().signed_by(&[STRANGER])), "RVB-SIG-UNTRUSTED");
    let mut tar = Tar::parse(&good());
    let other = String::from_utf8(tar.0[0].1.clone()).unwrap().replace("spring", "autumn");
    tar.set(0, other.as_bytes());
    assert_eq!(refusal(&tar.bytes()), "RVB-SIG-INVALID");
}

#[test]
fn a_root_key_does_not_sign_releases() {
    assert_eq!(code_under(&root(1), &[ROOT_KEY]), "RVB-SIG-UNTRUSTED");
}

#[test]
fn a_threshold_counts_keys() {
    assert_eq!(code_under(&two_needed(), &[RELEASE_KEY]), "RVB-SIG-THRESHOLD");
    assert_eq!(code_under(&two_needed(), &[RELEASE_KEY, STRANGER]), "RVB-SIG-THRESHOLD");
    assert_eq!(code_under(&two_needed(), &[RELEASE_KEY, SECOND_RELEASE_KEY]), "accepted");
}

#[test]
fn one_key_signing_twice_counts_once() {
    let document = two_needed();
    let bytes = Sample::small().pack(|manifest| bundle_spec::SignatureRegion {
        signatures: vec![sign(RELEASE_KEY, manifest)],
        roots: vec![signed_root(&document, &[ROOT_KEY])],
    });
    let mut bundle = UnverifiedBundle::open(Cursor::new(bytes)).unwrap();
    let again = sign(RELEASE_KEY, bundle.bytes_to_sign()).to_armored();
    bundle.add_side_signature(again.as_bytes()).unwrap();
    let refused = bundle.verify(&trust(&document)).map(|_| ());
    assert!(matches!(refused, Err(BundleError::Threshold { found: 1, needed: 2 })));
}

#[test]
fn a_revoked_key_does_not_count() {
    let mut document = root(1);
    document.revoked_keys = vec![key(RELEASE_KEY).public().id()];
    assert_eq!(code_under(&document, &[RELEASE_KEY]), "RVB-SIG-UNTRUSTED");
    assert_eq!(code_under(&document, &[RELEASE_KEY, SECOND_RELEASE_KEY]), "accepted");
}

#[test]
fn a_strangers_signature_beside_a_good_one_must_fit_too() {
    let mut tar = Tar::parse(&Sample::small().signed_by(&[RELEASE_KEY, STRANGER]));
    assert_eq!(refusal(&tar.bytes()), "accepted");
    let id = key(STRANGER).public().id().hex();
    let at = tar.at(&format!("sig/{id}"));
    tar.set(at, sign(STRANGER, b"something else").to_armored().as_bytes());
    assert_eq!(refusal(&tar.bytes()), "RVB-SIG-INVALID");
}

#[test]
fn a_signature_for_another_kind_of_document_is_refused() {
    let mut tar = Tar::parse(&good());
    let manifest = tar.0[0].1.clone();
    let replayed = SshSig::sign(&key(RELEASE_KEY), Purpose::BundleRoot, &manifest).unwrap();
    tar.set(1, replayed.to_armored().as_bytes());
    assert_eq!(refusal(&tar.bytes()), "RVB-SIG-FORMAT");
    assert!(replayed.verify(Purpose::BundleManifest, &manifest).is_err());

    let bytes = Sample::small().signed_by(&[]);
    let mut bundle = UnverifiedBundle::open(Cursor::new(bytes)).unwrap();
    assert!(bundle.add_side_signature(replayed.to_armored().as_bytes()).is_err());
}

#[test]
fn a_signature_under_another_keys_name_is_refused() {
    let mut tar = Tar::parse(&good());
    tar.rename(1, &format!("sig/{}.sshsig", key(STRANGER).public().id().hex()));
    assert_eq!(refusal(&tar.bytes()), "RVB-SIG-FORMAT");
}

#[test]
fn armor_has_one_form() {
    let good = sign(RELEASE_KEY, b"m").to_armored();
    assert!(SshSig::parse(good.as_bytes()).is_ok());
    let body = good
        .replace('\n', "")
        .replace("-----BEGIN SSH SIGNATURE-----", "")
        .replace("-----END SSH SIGNATURE-----", "");
    let wrapped = |width: usize| {
        let lines: Vec<&str> =
            body.as_bytes().chunks(width).map(|l| std::str::from_utf8(l).unwrap()).collect();
        format!(
            "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
            lines.join("\n")
        )
    };
    assert_eq!(wrapped(70), good);
    assert!(SshSig::parse(wrapped(76).as_bytes()).is_ok());
    for bad in [
        String::new(),
        wrapped(64),
        wrapped(1000),
        good.replace('\n', "\r\n"),
        format!("\n{good}"),
        format!("{good}\n"),
        format!("{good}{good}"),
        good.trim_end().to_owned(),
        good.replace("\n-----END", "\n\n-----END"),
        good.replace("SSH SIGNATURE", "SSH  SIGNATURE"),
    ] {
        assert!(SshSig::parse(bad.as_bytes()).is_err(), "{bad:?}");
    }
}

/// The bytes inside the armor, and back.
fn wire_with(change: impl Fn(&mut Vec<u8>)) -> Result<SshSig, BundleError> {
    let armored = sign(RELEASE_KEY, b"message").to_armored();
    let body: String = armored.lines().filter(|line| !line.starts_with('-')).collect();
    let mut wire = STANDARD.decode(body).unwrap();
    change(&mut wire);
    let encoded = STANDARD.encode(wire);
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(70).map(|l| std::str::from_utf8(l).unwrap()).collect();
    SshSig::parse(
        format!(
            "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
            lines.join("\n")
        )
        .as_bytes(),
    )
}

const KEY_AT: usize = 6 + 4 + 4 + 4 + 11 + 4;
const NAMESPACE_AT: usize = KEY_AT + 32 + 4;

#[test]
fn the_structure_is_fixed() {
    let reserved = NAMESPACE_AT + 24;
    assert!(wire_with(|_| ()).is_ok());
    assert!(wire_with(|wire| wire[0] = b'X').is_err());
    assert!(wire_with(|wire| wire[9] = 2).is_err());
    assert!(wire_with(|wire| wire.push(0)).is_err());
    assert!(wire_with(|wire| wire[10] = 0x7f).is_err());
    assert!(wire_with(|wire| wire[18] = b'X').is_err());
    assert!(wire_with(|wire| wire[NAMESPACE_AT] = b'X').is_err());
    assert!(wire_with(|wire| drop(wire.splice(reserved..reserved + 4, [0, 0, 0, 1, 7]))).is_err());
    assert!(
        wire_with(|wire| wire[reserved + 8 + 3..reserved + 8 + 6].copy_from_slice(b"256")).is_err()
    );
    assert!(wire_with(|wire| wire.truncate(wire.len() - 1)).is_err());
    // An algorithm of the inner signature that is not the key's.
    assert!(wire_with(|wire| wire[reserved + 4 + 10 + 8] = b'X').is_err());
}

#[test]
fn weak_keys_and_strange_encodings_are_refused() {
    // The identity, the point of order 2, and encodings at and above the field's prime.
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut order_two = [0xff; 32];
    (order_two[0], order_two[31]) = (0xec, 0x7f);
    let mut prime = order_two;
    prime[0] = 0xed;
    let mut above = order_two;
    above[0] = 0xf0;
    for bytes in [[0; 32], identity, order_two, prime, above] {
        assert!(PublicKey::from_bytes(&bytes).is_err(), "{bytes:?}");
    }
    // p + 3 is a point in disguise: 3 is a y coordinate of the curve, and not of small order.
    let mut plain = [0; 32];
    plain[0] = 3;
    assert!(PublicKey::from_bytes(&plain).is_ok());
    assert!(PublicKey::from_bytes(&above).is_err());
}

#[test]
fn the_identity_key_verifies_nothing() {
    let forged = wire_with(|wire| {
        wire[KEY_AT..KEY_AT + 32].fill(0);
        wire[KEY_AT] = 1;
        let at = wire.len() - 64;
        wire[at..].fill(0);
        wire[at] = 1;
    });
    assert!(matches!(forged, Err(BundleError::SignatureFormat { .. })));
}

#[test]
fn a_signature_has_one_encoding() {
    // The order of the base point (RFC 8032), little-endian.
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let raised = wire_with(|wire| {
        let at = wire.len() - 32;
        let mut carry = 0_u16;
        for (byte, add) in wire[at..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = u8::try_from(sum & 0xff).unwrap();
            carry = sum >> 8;
        }
    });
    assert!(raised.unwrap().verify(Purpose::BundleManifest, b"message").is_err());
    assert!(wire_with(|_| ()).unwrap().verify(Purpose::BundleManifest, b"message").is_ok());
}

/// Signs with a small-order nonce: the key's owner can, and strict verification must mind.
struct Forger(PublicKey, ed25519_dalek::SigningKey, [u8; 32], [u8; 32]);
impl Signer for Forger {
    fn public(&self) -> &PublicKey {
        &self.0
    }
    fn sign(&self, data: &[u8]) -> Result<[u8; 64], SignError> {
        let hash = Sha512::new()
            .chain_update(self.2)
            .chain_update(self.1.verifying_key().as_bytes())
            .chain_update(data);
        let wide: [u8; 64] = hash.finalize().into();
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&self.2);
        signature[32..].copy_from_slice(&multiply(&wide, &self.3));
        Ok(signature)
    }
}

/// A signature whose R is of small order satisfies the lax equation for one in eight messages.
/// Only strict verification refuses it always.
#[test]
fn a_small_order_nonce_is_refused() {
    // With R the identity and S = k * a, S*B = R + k*A holds; a is known to the key's owner.
    let secret = ed25519_dalek::SigningKey::from_bytes(&[RELEASE_KEY; 32]);
    let scalar = secret.to_scalar();
    let mut nonce = [0; 32];
    nonce[0] = 1;
    let forger =
        Forger(key(RELEASE_KEY).public().clone(), secret.clone(), nonce, scalar.to_bytes());
    // The lax check takes it: the forgery is a real one.
    let data = b"any data";
    let forged = ed25519_dalek::Signature::from_bytes(&forger.sign(data).unwrap());
    assert!(ed25519_dalek::Verifier::verify(&secret.verifying_key(), data, &forged).is_ok());
    // Signing through us checks what a signer answers, strictly.
    assert!(SshSig::sign(&forger, Purpose::BundleManifest, b"message").is_err());
}

/// (wide mod L) * scalar mod L, in schoolbook arithmetic: slow, and independent of the library.
fn multiply(wide: &[u8; 64], scalar: &[u8; 32]) -> [u8; 32] {
    const L: [u64; 4] = [0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 0x1000_0000_0000_0000];
    let reduce = |bits: &mut dyn Iterator<Item = bool>, add: &dyn Fn(bool) -> [u64; 4]| {
        let mut total = [0_u64; 4];
        for bit in bits {
            total = add_mod(&total, &total, &L);
            total = add_mod(&total, &add(bit), &L);
        }
        total
    };
    let k = reduce(&mut bits_from_top(wide), &|bit| [u64::from(bit), 0, 0, 0]);
    let product = reduce(&mut bits_from_top(scalar), &|bit| if bit { k } else { [0; 4] });
    let mut bytes = [0; 32];
    for (at, limb) in product.iter().enumerate() {
        bytes[8 * at..8 * at + 8].copy_from_slice(&limb.to_le_bytes());
    }
    bytes
}

fn bits_from_top(bytes: &[u8]) -> impl Iterator<Item = bool> + '_ {
    bytes.iter().rev().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1))
}

fn add_mod(a: &[u64; 4], b: &[u64; 4], modulus: &[u64; 4]) -> [u64; 4] {
    let mut sum = [0; 4];
    let mut carry = false;
    for at in 0..4 {
        let (x, one) = a[at].overflowing_add(b[at]);
        let (y, two) = x.overflowing_add(u64::from(carry));
        (sum[at], carry) = (y, one || two);
    }
    if sum.iter().rev().ge(modulus.iter().rev()) {
        let mut borrow = false;
        for at in 0..4 {
            let (x, one) = sum[at].overflowing_sub(modulus[at]);
            let (y, two) = x.overflowing_sub(u64::from(borrow));
            (sum[at], borrow) = (y, one || two);
        }
    }
    sum
}

/// A signer that answers with somebody else's signature.
#[test]
fn a_signer_that_answers_nonsense_is_noticed() {
    struct Liar(PublicKey);
    impl Signer for Liar {
        fn public(&self) -> &PublicKey {
            &self.0
        }
        fn sign(&self, data: &[u8]) -> Result<[u8; 64], SignError> {
            key(STRANGER).sign(data)
        }
    }
    let liar = Liar(key(RELEASE_KEY).public().clone());
    assert!(SshSig::sign(&liar, Purpose::BundleManifest, b"m").is_err());
}

#[test]
fn keys_and_ids_have_the_text_forms_of_openssh() {
    let public = key(RELEASE_KEY).public().clone();
    assert_eq!(public.to_string().parse::<PublicKey>().unwrap(), public);
    let id = public.id();
    assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
    assert_eq!(id.hex().parse::<KeyId>().unwrap(), id);
    for bad in
        ["", "ssh-rsa AAAA", "ssh-ed25519", &format!("{public} comment"), &format!(" {public}")]
    {
        assert!(bad.parse::<PublicKey>().is_err(), "{bad}");
    }
    for bad in ["SHA256:", &id.hex().to_uppercase(), &format!("{id}="), &id.to_string()[..49]] {
        assert!(bad.parse::<KeyId>().is_err(), "{bad}");
    }
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let shown = format!("{:?}", key(RELEASE_KEY));
    assert!(shown.contains("SHA256:") && !shown.contains("[2, 2"), "{shown}");
}

#[test]
fn signers_are_reported() {
    let bundle = verify(&Sample::small().signed_by(&[SECOND_RELEASE_KEY, STRANGER])).unwrap();
    assert_eq!(bundle.signers(), [key(SECOND_RELEASE_KEY).public().id()]);
}
