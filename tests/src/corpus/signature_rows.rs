//! Rows E: signatures, keys and roots that prove nothing.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bundle_spec::{Purpose, SecretKey, SshSig};

use super::{
    Good, RELEASE, ROOT, RawRoot, Row, SECOND_RELEASE, STRANGER, STRANGERS_FRIEND,
    archive::{Archive, Member},
    pack_with, pack_with_roots, root_document,
};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
const END: &str = "-----END SSH SIGNATURE-----\n";

/// All rows of section E.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = files();
    rows.extend(wire());
    rows.extend(points());
    rows.extend(thresholds());
    rows.extend(roots());
    rows
}

/// Row E80: the signature file itself.
fn files() -> Vec<Row> {
    vec![
        Row::breaking("E80a", "no signature", "RVB-SIG-UNSIGNED", |tar, _| {
            tar.members.remove(1);
        }),
        armor("E80b", "an empty signature", |_| String::new()),
        Row::breaking("E80c", "a signature above 64 KiB", "RVB-LIMIT", |tar, _| {
            tar.members[1].set_data(vec![b'A'; (64 << 10) + 1]);
        }),
        armor("E80d", "text before the armor", |good| format!("hello\n{good}")),
        armor("E80e", "text after the armor", |good| format!("{good}hello\n")),
        armor("E80f", "two signatures in one file", |good| format!("{good}{good}")),
        armor("E80g", "line breaks of another system", |good| good.replace('\n', "\r\n")),
        Row::breaking("E80h", "seventeen signatures", "RVB-LIMIT", |tar, _| {
            let signature = tar.members[1].data.clone();
            for n in 0..17_u8 {
                let name = format!("sig/{n:064x}.sshsig");
                tar.members.insert(1 + usize::from(n), Member::file(&name, &signature));
            }
            tar.members.remove(18);
        }),
        Row::breaking(
            "E80i",
            "a signature under another key's name",
            "RVB-SIG-FORMAT",
            |tar, _| {
                let data = tar.members[1].data.clone();
                tar.members[1] = Member::file(&format!("sig/{}.sshsig", "0".repeat(64)), &data);
            },
        ),
    ]
}

/// Row E81: bytes of the SSHSIG structure.
fn wire() -> Vec<Row> {
    vec![
        wire_edit("E81a", "another magic", |wire| wire[0] = b'X'),
        wire_edit("E81b", "version 2", |wire| wire[9] = 2),
        wire_edit("E81c", "bytes after the structure", |wire| wire.push(0)),
        wire_edit("E81d", "a length past the end", |wire| wire[10] = 0x7f),
        wire_edit("E81e", "a key of another type", |wire| {
            replace(wire, b"ssh-ed25519", b"ssh-ed25518");
        }),
        wire_edit("E81f", "another hash", |wire| replace(wire, b"sha512", b"sha256")),
        wire_edit("E81g", "a reserved field that is not empty", |wire| {
            let at = find(wire, b"sha512") - 8;
            wire.splice(at..at + 4, [0, 0, 0, 1, 0xaa]);
        }),
        Row::new("E81h", "a signature for another namespace", "RVB-SIG-FORMAT", |_| {
            let root = root_document(1, 1, &[ROOT], 1, &[RELEASE, SECOND_RELEASE]);
            pack_with(&root, |manifest| {
                vec![
                    SshSig::sign(&SecretKey::from_seed(RELEASE), Purpose::BundleRoot, manifest)
                        .unwrap(),
                ]
            })
        }),
    ]
}

/// Row E85: numbers and points that a lax verifier accepts.
fn points() -> Vec<Row> {
    vec![
        wire_edit_as("E85a", "S raised by the group order", "RVB-SIG-INVALID", |wire| {
            // The order of the base point, RFC 8032 section 5.1, little-endian.
            const ORDER: [u8; 32] = [
                0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9,
                0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
            ];
            let start = wire.len() - 32;
            let mut carry = 0_u16;
            for (byte, add) in wire[start..].iter_mut().zip(ORDER) {
                let sum = u16::from(*byte) + u16::from(add) + carry;
                *byte = (sum & 0xff) as u8;
                carry = sum >> 8;
            }
        }),
        wire_edit("E85b", "the identity as a key, zero as a signature", |wire| {
            // The identity's encoding is 1; its signature R = identity, S = 0 fits any message.
            let key = find(wire, b"ssh-ed25519") + 11 + 4;
            wire[key..key + 32].fill(0);
            wire[key] = 1;
            let start = wire.len() - 64;
            wire[start..].fill(0);
            wire[start] = 1;
        }),
        wire_edit("E85c", "a key that is not a canonical encoding", |wire| {
            // 2^255 - 19 + 1, which reduces to the identity.
            let key = find(wire, b"ssh-ed25519") + 11 + 4;
            wire[key..key + 32].fill(0xff);
            wire[key] = 0xee;
            wire[key + 31] = 0x7f;
        }),
        Row::breaking(
            "E85d",
            "a signature over another manifest",
            "RVB-SIG-INVALID",
            |tar, good| {
                let other =
                    good.manifest_text().replace("\"version\":\"1.0.0\"", "\"version\":\"9.9.9\"");
                tar.members[0].set_data(other.into_bytes());
            },
        ),
    ]
}

/// Rows E82 and E84: who signed, and how often.
fn thresholds() -> Vec<Row> {
    vec![
        Row::new("E82a", "a good signature by a stranger", "RVB-SIG-UNTRUSTED", |_| {
            let root = root_document(1, 1, &[ROOT], 1, &[RELEASE, SECOND_RELEASE]);
            pack_with(&root, |manifest| vec![signature(STRANGER, manifest)])
        }),
        Row::new("E82b", "a stranger who brings a root of his own", "RVB-ROOT-THRESHOLD", |good| {
            let own = root_document(2, 1, &[STRANGER], 1, &[STRANGERS_FRIEND]);
            let chain = [first(good), RawRoot { version: 2, bytes: &own, signers: &[STRANGER] }];
            pack_with_roots(&chain, |manifest| vec![signature(STRANGERS_FRIEND, manifest)])
        }),
        Row::new("E84a", "one signature twice, to reach two", "RVB-TAR-ORDER", |_| {
            let mut tar = two_needed(&[RELEASE]);
            let again = tar.members[1].clone();
            tar.members.insert(2, again);
            tar.to_bytes()
        }),
        Row::new("E84b", "one key under two names, to reach two", "RVB-SIG-FORMAT", |_| {
            let mut tar = two_needed(&[RELEASE]);
            let data = tar.members[1].data.clone();
            tar.members.insert(2, Member::file(&format!("sig/{}.sshsig", "f".repeat(64)), &data));
            tar.to_bytes()
        }),
        Row::new("E84c", "one of two needed signatures", "RVB-SIG-THRESHOLD", |_| {
            two_needed(&[RELEASE]).to_bytes()
        }),
        Row::new("E84d", "a release key and a stranger, two needed", "RVB-SIG-THRESHOLD", |_| {
            two_needed(&[RELEASE, STRANGER]).to_bytes()
        }),
        Row::new("E89", "a root signature over the manifest", "RVB-SIG-FORMAT", |_| {
            let root = root_document(1, 1, &[ROOT], 1, &[RELEASE, SECOND_RELEASE]);
            pack_with(&root, |manifest| {
                vec![
                    SshSig::sign(&SecretKey::from_seed(ROOT), Purpose::BundleRoot, manifest)
                        .unwrap(),
                ]
            })
        }),
        Row::new(
            "E90",
            "a signature by a root key, which is no release key",
            "RVB-SIG-UNTRUSTED",
            |_| {
                let root = root_document(1, 1, &[ROOT], 1, &[RELEASE, SECOND_RELEASE]);
                pack_with(&root, |manifest| vec![signature(ROOT, manifest)])
            },
        ),
    ]
}

/// Rows E86 and E88: the chain of root documents.
fn roots() -> Vec<Row> {
    const NEW_ROOT: [u8; 32] = [2; 32];
    let chain =
        |id: &str, what: &str, code: &'static str, second: Vec<u8>, by: &'static [[u8; 32]]| {
            let version = if id == "E86a" { 3 } else { 2 };
            Row::new(id, what, code, move |good| {
                let chain = [first(good), RawRoot { version, bytes: &second, signers: by }];
                pack_with_roots(&chain, |manifest| vec![signature(RELEASE, manifest)])
            })
        };
    let two = |version| root_document(version, 1, &[NEW_ROOT], 1, &[RELEASE]);
    let edited = |from: &str, to: &str| {
        let text = String::from_utf8(two(2)).unwrap();
        assert!(text.contains(from), "{from}");
        text.replace(from, to).into_bytes()
    };
    vec![
        chain("E86a", "root 3 without root 2", "RVB-ROOT-SEQUENCE", two(3), &[ROOT, NEW_ROOT]),
        chain("E86b", "root 2 signed by itself alone", "RVB-ROOT-THRESHOLD", two(2), &[NEW_ROOT]),
        chain("E86c", "root 2 signed by root 1 alone", "RVB-ROOT-THRESHOLD", two(2), &[ROOT]),
        chain(
            "E86d",
            "root 2 with threshold 0",
            "RVB-ROOT-FORMAT",
            edited("\"threshold\":1", "\"threshold\":0"),
            &[ROOT, NEW_ROOT],
        ),
        chain(
            "E86e",
            "root 2 with a threshold above its keys",
            "RVB-ROOT-FORMAT",
            edited("\"threshold\":1", "\"threshold\":2"),
            &[ROOT, NEW_ROOT],
        ),
        chain(
            "E86f",
            "root 2 with a key twice",
            "RVB-ROOT-FORMAT",
            root_document(2, 2, &[NEW_ROOT, NEW_ROOT], 1, &[RELEASE]),
            &[ROOT, NEW_ROOT],
        ),
        chain(
            "E86g",
            "root 2 with one key in both roles",
            "RVB-ROOT-FORMAT",
            root_document(2, 1, &[NEW_ROOT], 1, &[NEW_ROOT]),
            &[ROOT, NEW_ROOT],
        ),
        chain(
            "E86h",
            "root 2 of another product",
            "RVB-ROOT-FORMAT",
            edited("sample-notes", "other-notes"),
            &[ROOT, NEW_ROOT],
        ),
        chain(
            "E86i",
            "root 2 with an unknown field",
            "RVB-ROOT-FORMAT",
            edited("\"reset_floor\":null", "\"reset_floor\":null,\"more\":1"),
            &[ROOT, NEW_ROOT],
        ),
        chain(
            "E88a",
            "a release by a key that the newest carried root revokes",
            "RVB-SIG-UNTRUSTED",
            edited(
                "\"revoked_keys\":[]",
                &format!("\"revoked_keys\":[\"{}\"]", SecretKey::from_seed(RELEASE).public().id()),
            ),
            &[ROOT, NEW_ROOT],
        ),
        chain(
            "E88b",
            "a release by a key that the newest carried root no longer has",
            "RVB-SIG-UNTRUSTED",
            root_document(2, 1, &[NEW_ROOT], 1, &[SECOND_RELEASE]),
            &[ROOT, NEW_ROOT],
        ),
        Row::new("E91", "no root that the site knows", "RCTL-TRUST-FINGERPRINT", |_| {
            let own = root_document(1, 1, &[STRANGER], 1, &[STRANGERS_FRIEND]);
            let chain = [RawRoot { version: 1, bytes: &own, signers: &[STRANGER] }];
            pack_with_roots(&chain, |manifest| vec![signature(STRANGER, manifest)])
        }),
    ]
}

/// A bundle whose root asks for two release signatures. The site trusts this root.
fn two_needed(signers: &[[u8; 32]]) -> Archive {
    let root = root_document(1, 1, &[ROOT], 1, &[RELEASE, SECOND_RELEASE]);
    let two = root_document(2, 1, &[ROOT], 2, &[RELEASE, SECOND_RELEASE]);
    let chain = [
        RawRoot { version: 1, bytes: &root, signers: &[ROOT] },
        RawRoot { version: 2, bytes: &two, signers: &[ROOT] },
    ];
    let bytes = pack_with_roots(&chain, |manifest| {
        signers.iter().map(|seed| signature(*seed, manifest)).collect()
    });
    Archive::parse(&bytes)
}

/// The root document that the site trusts.
fn first(good: &Good) -> RawRoot<'_> {
    RawRoot { version: 1, bytes: good.root(), signers: &[ROOT] }
}

fn signature(seed: [u8; 32], manifest: &[u8]) -> SshSig {
    SshSig::sign(&SecretKey::from_seed(seed), Purpose::BundleManifest, manifest).unwrap()
}

/// A row that changes the signature's text.
fn armor(id: &str, what: &str, change: impl Fn(&str) -> String + 'static) -> Row {
    Row::breaking(id, what, "RVB-SIG-FORMAT", move |tar, _: &Good| {
        let good = String::from_utf8(tar.members[1].data.clone()).unwrap();
        tar.members[1].set_data(change(&good).into_bytes());
    })
}

/// A row that changes the bytes inside the armor.
fn wire_edit(id: &str, what: &str, change: impl Fn(&mut Vec<u8>) + 'static) -> Row {
    wire_edit_as(id, what, "RVB-SIG-FORMAT", change)
}

fn wire_edit_as(
    id: &str,
    what: &str,
    code: &'static str,
    change: impl Fn(&mut Vec<u8>) + 'static,
) -> Row {
    Row::breaking(id, what, code, move |tar, _: &Good| {
        let text = String::from_utf8(tar.members[1].data.clone()).unwrap();
        let body = text.strip_prefix(BEGIN).unwrap().strip_suffix(END).unwrap().replace('\n', "");
        let mut wire = STANDARD.decode(body).unwrap();
        change(&mut wire);
        let encoded = STANDARD.encode(wire);
        let lines: Vec<&str> =
            encoded.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let armored = format!("{BEGIN}{}\n{END}", lines.join("\n"));
        tar.members[1].set_data(armored.into_bytes());
    })
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).unwrap()
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    while let Some(at) = bytes.windows(from.len()).position(|window| window == from) {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
}
