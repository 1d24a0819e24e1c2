//! Rows A and C: the container is not the one that the packer writes.
//!
//! Each row starts from the good bundle and breaks one thing. Where readers of tar are known to
//! disagree (PAX, GNU and Solaris extensions, typed members with content), the member smuggled in
//! is named `blobs/sha256/smuggled`, so that an accepted row would be seen.

use super::{
    Good, Row,
    archive::{Archive, BLOCK, Member, field, pax_record},
};

/// All rows of section A.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn structure() -> Vec<Row> {
    let mut rows = vec![
        row("A01", "a blob twice, the second one shorter", "RVB-TAR-ORDER", |tar, _| {
            let mut again = tar.last().clone();
            let short = again.data[..again.data.len() - 1].to_vec();
            again.set_data(short);
            tar.members.push(again);
        }),
        row("A02", "a second manifest.json", "RVB-TAR-ORDER", |tar, _| {
            let again = tar.members[0].clone();
            tar.insert_before_blobs(again);
        }),
        row("A04", "a symbolic link, and a file below it", "RVB-TAR-TYPE", |tar, _| {
            let mut link = Member::of_type(b'2', b"blobs/sha256/link", b"");
            link.put(field::LINK, b"/tmp").seal();
            tar.insert_before_blobs(link);
            tar.insert_before_blobs(Member::file("blobs/sha256/link/smuggled", b"x"));
        }),
        row("A05a", "a hard link to a file outside", "RVB-TAR-TYPE", |tar, _| {
            let mut link = Member::of_type(b'1', b"blobs/sha256/passwd", b"");
            link.put(field::LINK, b"/etc/passwd").seal();
            tar.insert_before_blobs(link);
        }),
        row("A05b", "a hard link to an earlier blob", "RVB-TAR-TYPE", |tar, _| {
            let target = tar.members[tar.first_blob()].name().to_owned();
            let mut link = tar.last().clone();
            link.set_data(Vec::new())
                .put(field::TYPE, b"1")
                .put(field::LINK, target.as_bytes())
                .seal();
            *tar.last() = link;
        }),
        row("A08", "a directory", "RVB-TAR-TYPE", |tar, _| {
            tar.insert_before_blobs(Member::of_type(b'5', b"blobs/sha256/", b""));
        }),
        row("A09", "a directory with content that is a member", "RVB-TAR-TYPE", |tar, _| {
            let smuggled = Member::file("blobs/sha256/smuggled", b"").header;
            tar.insert_before_blobs(Member::of_type(b'5', b"blobs/", &smuggled));
        }),
        row("A10", "a symbolic link with content that is a member", "RVB-TAR-TYPE", |tar, _| {
            let smuggled = Member::file("blobs/sha256/smuggled", b"").header;
            let mut link = Member::of_type(b'2', b"blobs/link", &smuggled);
            link.put(field::LINK, b"x").seal();
            tar.insert_before_blobs(link);
        }),
        pax("A12", "a PAX path", &pax_record("path", b"blobs/sha256/smuggled")),
        row("A13", "a PAX size above a ustar size of 0", "RVB-TAR-TYPE", |tar, _| {
            tar.insert_before_blobs(Member::pax(&pax_record("size", b"1024")));
            let mut empty = Member::file("blobs/sha256/outer", b"");
            empty.padding = Member::file("blobs/sha256/smuggled", &[0; BLOCK]).header.to_vec();
            empty.padding.extend_from_slice(&[0; BLOCK]);
            tar.insert_before_blobs(empty);
        }),
        row("A14", "a PAX size of 0 over content that is a member", "RVB-TAR-TYPE", |tar, _| {
            tar.insert_before_blobs(Member::pax(&pax_record("size", b"0")));
            let smuggled = Member::file("blobs/sha256/smuggled", b"").header;
            tar.insert_before_blobs(Member::file("blobs/sha256/outer", &smuggled));
        }),
        pax("A16", "two PAX paths in one header", &{
            let mut both = pax_record("path", b"blobs/sha256/smuggled");
            both.extend(pax_record("path", b"blobs/sha256/other"));
            both
        }),
        pax("A17", "a NUL in a PAX path", &pax_record("path", b"blobs/sha256/a\0b")),
        pax("A18", "a PAX record of the wrong length", b"99 path=blobs/sha256/smuggled\n"),
        row("A20", "a GNU long name and a PAX path for one file", "RVB-TAR-TYPE", |tar, _| {
            tar.insert_before_blobs(Member::of_type(b'L', b"././@LongLink", b"blobs/sha256/gnu\0"));
            tar.insert_before_blobs(Member::pax(&pax_record("path", b"blobs/sha256/pax")));
        }),
        row("A21", "a NUL inside a GNU long name", "RVB-TAR-TYPE", |tar, _| {
            tar.insert_before_blobs(Member::of_type(b'L', b"././@LongLink", b"blobs/a\0b\0"));
        }),
        row("A22", "a PAX header with nothing after it", "RVB-TAR-TYPE", |tar, _| {
            tar.members.push(Member::pax(&pax_record("path", b"blobs/sha256/smuggled")));
        }),
        row("A24", "a Solaris extended header", "RVB-TAR-TYPE", |tar, _| {
            let record = pax_record("path", b"blobs/sha256/smuggled");
            tar.insert_before_blobs(Member::of_type(b'X', b"PaxHeaders/x", &record));
        }),
        pax("A25", "a PAX link path", &pax_record("linkpath", b"/etc/passwd")),
        row("A26", "a size in base 256", "RVB-TAR-HEADER", |tar, _| {
            let length = tar.last().data.len() as u64;
            let mut size = [0_u8; 12];
            size[0] = 0x80;
            size[4..].copy_from_slice(&length.to_be_bytes());
            tar.last().put(field::SIZE, &size).seal();
        }),
        pax("A28a", "a PAX size of -1", &pax_record("size", b"-1")),
        pax("A28b", "a PAX size of +4", &pax_record("size", b"+4")),
        row("A29a", "a size without its terminator", "RVB-TAR-HEADER", |tar, _| {
            let size = format!("{:012o}", tar.last().data.len());
            tar.last().put(field::SIZE, size.as_bytes()).seal();
        }),
        row("A29b", "a size with spaces", "RVB-TAR-HEADER", |tar, _| {
            let size = format!("{:>11o} ", tar.last().data.len());
            tar.last().put(field::SIZE, size.as_bytes()).seal();
        }),
        row("A29c", "a size that is not octal", "RVB-TAR-HEADER", |tar, _| {
            tar.last().put(field::SIZE, b"00000000089\0").seal();
        }),
        row("A30", "a wrong header checksum", "RVB-TAR-CHECKSUM", |tar, _| {
            tar.last().put(field::CHECKSUM, b"0000000\0");
        }),
        row("A32", "members after the end marker", "RVB-TAR-TRAILER", |tar, _| {
            let late = Member::file("blobs/sha256/smuggled", b"x");
            tar.trailer.extend_from_slice(&late.header);
            tar.trailer.extend_from_slice(&late.data);
            tar.trailer.extend_from_slice(&late.padding);
            tar.trailer.extend_from_slice(&[0; 2 * BLOCK]);
        }),
        row("A33", "no end marker", "RVB-TAR-TRUNCATED", |tar, _| tar.trailer.clear()),
        row("A33b", "half an end marker", "RVB-TAR-TRUNCATED", |tar, _| {
            tar.trailer.truncate(BLOCK);
        }),
        row("A34", "cut inside a blob", "RVB-TAR-TRUNCATED", |tar, _| {
            tar.trailer.clear();
            let last = tar.last();
            last.padding.clear();
            last.data.truncate(last.data.len() / 2);
        }),
        row("A36", "padding that is not zero", "RVB-TAR-PADDING", |tar, _| {
            let padded = tar.members.iter_mut().rev().find(|member| !member.padding.is_empty());
            padded.unwrap().padding[0] = 1;
        }),
        row("A37a", "a ZIP archive after the end", "RVB-TAR-TRAILER", |tar, _| {
            tar.trailer.extend_from_slice(b"PK\x05\x06");
            tar.trailer.extend_from_slice(&[0; 18]);
        }),
        row("A37b", "more zero blocks than two", "RVB-TAR-TRAILER", |tar, _| {
            tar.trailer.extend_from_slice(&[0; 8 * BLOCK]);
        }),
        row("A38", "a prefix that makes a relative path", "RVB-TAR-HEADER", |tar, _| {
            tar.last().put(field::PREFIX, b"blobs/..").seal();
        }),
        row("A41", "the old type NUL with a trailing slash", "RVB-TAR-TYPE", |tar, _| {
            let name = format!("{}/", tar.last().name());
            tar.last().put(field::NAME, name.as_bytes()).put(field::TYPE, b"\0").seal();
        }),
        row("A42", "a regular file with a trailing slash", "RVB-NAME", |tar, _| {
            let name = format!("{}/", tar.last().name());
            tar.last().put(field::NAME, name.as_bytes()).seal();
        }),
        row("A45a", "a PAX header that declares 1 TiB", "RVB-TAR-TYPE", |tar, _| {
            let mut huge = Member::pax(b"");
            let mut size = [0_u8; 12];
            size[0] = 0x80;
            size[4..].copy_from_slice(&(1_u64 << 40).to_be_bytes());
            huge.put(field::SIZE, &size).seal();
            tar.insert_before_blobs(huge);
        }),
        row("A45b", "a manifest.json that declares 8 GiB", "RVB-LIMIT", |tar, _| {
            tar.members[0].put(field::SIZE, b"77777777777\0").seal();
        }),
        row("A46", "twenty thousand empty members too many", "RVB-TAR-ORDER", |tar, _| {
            let empty = tar.last().clone().set_data(Vec::new()).clone();
            tar.members.extend(std::iter::repeat_n(empty, 20_001));
        }),
        row("A48", "a total length that is not the signed one", "RVB-TAR-LENGTH", |tar, good| {
            let text = good.manifest_text();
            let size = between(&text, "\"payload_size\":", ",").to_owned();
            let longer = size.parse::<u64>().unwrap() + 512;
            good.sign_into(
                tar,
                &text.replace(
                    &format!("\"payload_size\":{size}"),
                    &format!("\"payload_size\":{longer}"),
                ),
            );
        }),
        row("A50", "other magic (old GNU tar)", "RVB-TAR-HEADER", |tar, _| {
            tar.last().put(field::MAGIC, b"ustar ").put(field::VERSION, b" \0").seal();
        }),
        row("A51", "an empty file", "RVB-TAR-TRUNCATED", |tar, _| {
            tar.members.clear();
            tar.trailer.clear();
        }),
        row("A52", "an end marker and nothing else", "RVB-TAR-ORDER", |tar, _| tar.members.clear()),
    ];
    rows.extend(devices());
    rows.extend(unknown_types());
    rows.extend(fixed_fields());
    rows
}

/// Row A06: every kind of special file.
fn devices() -> Vec<Row> {
    let kinds = [(b'3', "character device"), (b'4', "block device"), (b'6', "FIFO")];
    let make = |(kind, what): (u8, &str)| {
        row(
            &format!("A06-{}", kind as char),
            &format!("a {what}"),
            "RVB-TAR-TYPE",
            move |tar, _| {
                tar.insert_before_blobs(Member::of_type(kind, b"blobs/sha256/device", b""));
            },
        )
    };
    kinds.into_iter().map(make).collect()
}

/// Row A40: types that some readers take for files.
fn unknown_types() -> Vec<Row> {
    let make = |kind: u8| {
        let what = format!("a member of type {}", kind as char);
        row(&format!("A40-{}", kind as char), &what, "RVB-TAR-TYPE", move |tar, _| {
            tar.last().put(field::TYPE, &[kind]).seal();
        })
    };
    [b'Q', b'7', b'M', b'V', b'N', b'D', b'S', b'g', b'K'].into_iter().map(make).collect()
}

/// Row A44: fields that are fixed in our profile.
fn fixed_fields() -> Vec<Row> {
    let fields: [(&str, field_of::Field, &'static [u8]); 6] = [
        ("mode", field::MODE, b"0000755\0"),
        ("uid", field::UID, b"0001750\0"),
        ("gid", field::GID, b"0001750\0"),
        ("mtime", field::MTIME, b"14700000000\0"),
        ("uname", field::UNAME, b"root"),
        ("gname", field::GNAME, b"root"),
    ];
    let make = |(name, at, value): (&str, field_of::Field, &'static [u8])| {
        let what = format!("a {name} that is not the fixed one");
        row(&format!("A44-{name}"), &what, "RVB-TAR-HEADER", move |tar, _| {
            tar.last().put(at, value).seal();
        })
    };
    fields.into_iter().map(make).collect()
}

use super::archive as field_of;

/// All rows of section C.
pub(super) fn names() -> Vec<Row> {
    let mut rows = vec![
        row("C65a", "a digest in upper case", "RVB-NAME", |tar, _| {
            let upper = tar.last().name()["blobs/sha256/".len()..].to_uppercase();
            tar.last().put(field::NAME, format!("blobs/sha256/{upper}").as_bytes()).seal();
        }),
        row("C65b", "a digest one digit short", "RVB-NAME", |tar, _| {
            let name = tar.last().name().to_owned();
            tar.last().put(field::NAME, &name.as_bytes()[..name.len() - 1]).seal();
        }),
        row("C65c", "content that is not the digest in its name", "RVB-BLOB-DIGEST", |tar, _| {
            let at = tar.first_blob();
            let small = tar.members[at..].iter_mut().find(|blob| blob.data.len() < 1024);
            small.unwrap().data[0] ^= 1;
        }),
        row("C66a", "a blob that the manifest does not list", "RVB-BLOB-LIST", |tar, _| {
            let name = format!("blobs/sha256/{}", "f".repeat(64));
            tar.members.push(Member::file(&name, b"unlisted"));
        }),
        row("C66b", "a listed blob that is absent", "RVB-BLOB-LIST", |tar, _| {
            tar.members.pop();
        }),
        row("C66c", "a listed blob that is there twice", "RVB-TAR-ORDER", |tar, _| {
            let again = tar.last().clone();
            tar.members.push(again);
        }),
        row("C67", "blobs in another order", "RVB-TAR-ORDER", |tar, _| {
            let last = tar.members.len() - 1;
            tar.members.swap(last, last - 1);
        }),
    ];
    rows.extend(odd_names());
    rows
}

/// Rows C60 to C64: names that some file system, terminal or reader takes for something else.
fn odd_names() -> Vec<Row> {
    let names: [(&str, &str, &'static [u8]); 13] = [
        ("C60a", "a backslash", b"blobs\\sha256\\a"),
        ("C60b", "a drive letter", b"c:/blobs/a"),
        ("C60c", "an alternate stream", b"blobs/sha256/a:b"),
        ("C60d", "a device name", b"blobs/con"),
        ("C60e", "a trailing dot", b"blobs/sha256/a."),
        ("C60f", "a trailing space", b"blobs/sha256/a "),
        ("C61", "bytes that are not UTF-8", b"blobs/sha256/\xff\xfe"),
        ("C62a", "a composed letter", "blobs/sha256/\u{e9}".as_bytes()),
        ("C62b", "a decomposed letter", "blobs/sha256/e\u{301}".as_bytes()),
        ("C64a", "a terminal escape", b"blobs/sha256/\x1b[2Ja"),
        ("C64b", "a line break", b"blobs/sha256/a\nb"),
        ("C64c", "a direction override", "blobs/sha256/\u{202e}a".as_bytes()),
        ("C64d", "an absolute path", b"/etc/passwd"),
    ];
    let make = |(id, what, name): (&str, &str, &'static [u8])| {
        row(id, &format!("{what} in a name"), "RVB-NAME", move |tar, _| {
            tar.insert_before_blobs(Member::of_type(b'0', name, b"x"));
        })
    };
    names.into_iter().map(make).collect()
}

fn row(
    id: &str,
    what: &str,
    code: &'static str,
    change: impl Fn(&mut Archive, &Good) + 'static,
) -> Row {
    Row::breaking(id, what, code, change)
}

/// A PAX header in front of the first blob.
fn pax(id: &str, what: &str, records: &[u8]) -> Row {
    let records = records.to_vec();
    row(id, what, "RVB-TAR-TYPE", move |tar, _| {
        tar.insert_before_blobs(Member::pax(&records));
    })
}

/// The text between `start` and the next `end`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let from = text.find(start).unwrap() + start.len();
    let to = from + text[from..].find(end).unwrap();
    &text[from..to]
}
