//! The container: one spelling, one order, no extras.

use super::sample::{RELEASE_KEY, Sample, Tar, good, refusal};

/// Breaks the header of the last member at `at` and seals it.
fn header_with(at: usize, bytes: &[u8]) -> &'static str {
    let mut tar = Tar::parse(&good());
    let last = tar.0.len() - 1;
    tar.0[last].0[at..at + bytes.len()].copy_from_slice(bytes);
    tar.seal(last);
    refusal(&tar.bytes())
}

#[test]
fn a_good_bundle_is_accepted() {
    assert_eq!(refusal(&good()), "accepted");
    assert_eq!(refusal(&Sample::large().signed_by(&[RELEASE_KEY])), "accepted");
}

#[test]
fn every_field_of_a_header_is_fixed() {
    for (at, bytes) in [
        (100, &b"0000755\0"[..]), // mode
        (108, b"0001750\0"),      // owner
        (116, b"0001750\0"),      // group
        (135, b" "),              // end of size
        (124, b"0000000008"),     // not octal
        (136, b"00000000001\0"),  // time
        (157, b"/etc/passwd"),    // link target
        (257, b"ustar  \0"),      // GNU magic
        (265, b"root"),           // owner name
        (297, b"root"),           // group name
        (329, b"0000000\0"),      // device
        (345, b"blobs/.."),       // prefix
        (500, b"x"),              // reserved
        (99, b"x"),               // behind the name's NUL
    ] {
        assert_eq!(header_with(at, bytes), "RVB-TAR-HEADER", "field at {at}");
    }
    assert_eq!(header_with(156, b"2"), "RVB-TAR-TYPE");
    assert_eq!(header_with(156, b"\0"), "RVB-TAR-TYPE");
}

#[test]
fn a_wrong_checksum_is_refused() {
    let mut tar = Tar::parse(&good());
    tar.0[0].0[148] ^= 1;
    assert_eq!(refusal(&tar.bytes()), "RVB-TAR-CHECKSUM");
}

#[test]
fn another_spelling_of_a_right_checksum_is_refused() {
    let mut tar = Tar::parse(&good());
    tar.0[0].0[154..156].copy_from_slice(b" \0");
    assert_eq!(refusal(&tar.bytes()), "RVB-TAR-HEADER");
}

#[test]
fn names_outside_the_closed_set_are_refused() {
    for name in [
        "manifest.json/",
        "Manifest.json",
        "blobs/sha256/../x",
        "blobs/x",
        "root/0.json",
        "root/01.json",
        "root/x.json",
        "root/1.json.sshsig",
        "root/9007199254740992.json",
        "sig/1.sshsig",
        "sha256sums",
    ] {
        let mut tar = Tar::parse(&good());
        let last = tar.0.len() - 1;
        tar.rename(last, name);
        assert_eq!(refusal(&tar.bytes()), "RVB-NAME", "{name}");
    }
}

#[test]
fn members_stand_in_one_order() {
    let count = Tar::parse(&good()).0.len();
    for at in 0..count - 1 {
        let mut tar = Tar::parse(&good());
        tar.0.swap(at, at + 1);
        // Behind SHA256SUMS, a root's signature is missing where it belongs.
        let expected = if at == 3 { "RVB-ROOT-THRESHOLD" } else { "RVB-TAR-ORDER" };
        assert_eq!(refusal(&tar.bytes()), expected, "member {at}");
    }
}

#[test]
fn a_member_stands_once() {
    let count = Tar::parse(&good()).0.len();
    for at in 0..count {
        let mut tar = Tar::parse(&good());
        tar.0.insert(at, tar.0[at].clone());
        assert_eq!(refusal(&tar.bytes()), "RVB-TAR-ORDER", "member {at}");
    }
}

#[test]
fn padding_is_zero() {
    let mut bytes = good();
    let tar = Tar::parse(&bytes);
    bytes[512 + tar.0[0].1.len()] = 1;
    assert_eq!(refusal(&bytes), "RVB-TAR-PADDING");

    let mut bytes = good();
    let end = bytes.len() - tar.1.len() - 1;
    bytes[end] = 1;
    assert_eq!(refusal(&bytes), "RVB-TAR-PADDING");
}

#[test]
fn nothing_follows_the_end() {
    for extra in [&b"x"[..], &[0; 512], &[0; 9216]] {
        let mut bytes = good();
        bytes.extend_from_slice(extra);
        assert_eq!(refusal(&bytes), "RVB-TAR-TRAILER");
    }
    let mut bytes = good();
    *bytes.last_mut().unwrap() = 1;
    assert_eq!(refusal(&bytes), "RVB-TAR-TRAILER");
}

#[test]
fn lengths_are_limited_before_anything_is_read() {
    let declared = |at: usize, size: u64| {
        let mut tar = Tar::parse(&good());
        tar.0[at].0[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        tar.seal(at);
        refusal(&tar.bytes())
    };
    assert_eq!(declared(0, (4 << 20) + 1), "RVB-LIMIT");
    assert_eq!(declared(1, (64 << 10) + 1), "RVB-LIMIT");
    assert_eq!(declared(2, (256 << 10) + 1), "RVB-LIMIT");
    assert_eq!(declared(3, (64 << 10) + 1), "RVB-LIMIT");
    // Within the limit, and past the end of the file.
    assert_eq!(declared(0, 4 << 20), "RVB-TAR-TRUNCATED");
}

#[test]
fn signatures_and_roots_are_limited_in_number() {
    let with = |count: u64, name: &dyn Fn(u64) -> String, from: usize| {
        let mut tar = Tar::parse(&good());
        let model = tar.0[from].clone();
        for n in 0..count {
            tar.0.insert(from + usize::try_from(n).unwrap(), model.clone());
            tar.rename(from + usize::try_from(n).unwrap(), &name(n));
        }
        refusal(&tar.bytes())
    };
    assert_eq!(with(16, &|n| format!("sig/{n:064x}.sshsig"), 1), "RVB-LIMIT");
    assert_eq!(with(1024, &|n| format!("root/{}.json", n + 2), 4), "RVB-LIMIT");
    assert_eq!(with(16, &|n| format!("root/1.{n:064x}.sshsig"), 3), "RVB-LIMIT");
}

#[test]
fn the_region_is_limited_as_a_whole() {
    let mut tar = Tar::parse(&good());
    let model = tar.0[2].clone();
    for n in 0..70_usize {
        tar.0.insert(4 + n, model.clone());
        tar.rename(4 + n, &format!("root/{}.json", n + 2));
        tar.set(4 + n, &vec![b' '; 256 << 10]);
    }
    assert_eq!(refusal(&tar.bytes()), "RVB-LIMIT");
}

#[test]
fn a_root_signature_without_its_document_is_refused() {
    let mut tar = Tar::parse(&good());
    tar.0.remove(2);
    assert_eq!(refusal(&tar.bytes()), "RVB-TAR-ORDER");
}
