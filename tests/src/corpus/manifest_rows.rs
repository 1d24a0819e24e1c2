//! Rows D: the manifest is signed by the trusted key, and still not one that the packer writes.

use super::{Good, Row};

/// All rows of section D, and the vendor texts of C64.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        edit("D68a", "an unknown field", "RVB-MANIFEST-JSON", |text| {
            text.replacen('{', "{\"extra\":1,", 1)
        }),
        edit("D68b", "a field in another case", "RVB-MANIFEST-JSON", |text| {
            text.replace("\"version\"", "\"Version\"")
        }),
        edit("D68c", "an unknown field deep inside", "RVB-MANIFEST-JSON", |text| {
            text.replace("\"reads_from\":1", "\"reads_from\":1,\"also\":2")
        }),
        edit("D68d", "a field twice", "RVB-MANIFEST-JSON", |text| {
            text.replace("\"channel\":", "\"channel\":\"stable\",\"channel\":")
        }),
        edit("D68e", "a field twice, once with escapes", "RVB-MANIFEST-JSON", |text| {
            text.replace("\"channel\":", "\"channe\\u006c\":\"stable\",\"channel\":")
        }),
        edit("D68f", "a field missing", "RVB-MANIFEST-JSON", |text| {
            text.replace("\"audience\":null,", "")
        }),
        edit("D70a", "a byte order mark", "RVB-MANIFEST-JSON", |text| format!("\u{feff}{text}")),
        edit("D70b", "something after the object", "RVB-MANIFEST-JSON", |text| {
            format!("{text}{{}}")
        }),
        edit("D70c", "a comment", "RVB-MANIFEST-JSON", |text| format!("/* hi */{text}")),
        edit("D70d", "a trailing comma", "RVB-MANIFEST-JSON", |text| {
            format!("{},}}", &text[..text.len() - 1])
        }),
        edit("D70e", "a lone surrogate", "RVB-MANIFEST-JSON", |text| {
            text.replace("a bundle to be broken", "\\ud800")
        }),
        edit("D71a", "white space that the packer does not write", "RVB-MANIFEST-JSON", |text| {
            text.replacen(':', ": ", 1)
        }),
        edit("D71b", "fields in another order", "RVB-MANIFEST-JSON", |text| {
            let moved = text.replacen("\"channel\":\"stable\",", "", 1);
            moved.replacen('{', "{\"channel\":\"stable\",", 1)
        }),
        edit("D72", "two hundred nested arrays", "RVB-MANIFEST-JSON", |text| {
            let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
            text.replace("\"tools\":[]", &format!("\"tools\":{nested}"))
        }),
        edit("D73a", "a manifest above 4 MiB", "RVB-LIMIT", |text| {
            format!("{text}{}", " ".repeat(4 << 20))
        }),
        edit("D73b", "a string above its limit", "RVB-MANIFEST-JSON", |text| {
            text.replace("a bundle to be broken", &"x".repeat(5000))
        }),
        edit("D73c", "more blobs than the limit", "RVB-MANIFEST-RULE", many_blobs),
        edit("D74a", "a size that is not the header's", "RVB-BLOB-LIST", |text| {
            let size = format!("\"digest\":\"{}\",\"size\":", engine_binary(text));
            text.replace(&size, &format!("{size}1"))
        }),
        edit("D74b", "a digest that is not the header's", "RVB-MANIFEST-RULE", |text| {
            let digest = engine_binary(text);
            let (start, last) = digest.split_at(digest.len() - 1);
            let other = if last == "0" { "1" } else { "0" };
            text.replace(&digest, &format!("{start}{other}"))
        }),
        Row::breaking("D74c", "a large blob with one changed byte", "RVB-BLOB-CHUNK", |tar, _| {
            let large = tar.members.iter_mut().find(|member| member.data.len() > 8 << 20).unwrap();
            large.data[5 << 20] ^= 0x10;
        }),
        Row::breaking("D75a", "SHA256SUMS with a changed line", "RVB-BLOB-SUMS", |tar, _| {
            tar.member("SHA256SUMS").data[3] ^= 1;
        }),
        Row::breaking("D75b", "VERIFY.txt with a changed byte", "RVB-BLOB-DIGEST", |tar, _| {
            tar.member("VERIFY.txt").data[10] ^= 1;
        }),
        Row::breaking("D75c", "SHA256SUMS in another place", "RVB-TAR-ORDER", |tar, _| {
            let at = tar.position("SHA256SUMS");
            tar.members.swap(at, at + 1);
        }),
        edit("D76a", "another algorithm", "RVB-MANIFEST-JSON", |text| {
            text.replacen("sha256:", "sha512:", 1)
        }),
        edit("D76b", "the algorithm in upper case", "RVB-MANIFEST-JSON", |text| {
            text.replacen("sha256:", "SHA256:", 1)
        }),
        edit("D76c", "no algorithm", "RVB-MANIFEST-JSON", |text| text.replacen("sha256:", "", 1)),
        edit("D76d", "a digest in upper case", "RVB-MANIFEST-JSON", |text| {
            let at = text.find("sha256:").unwrap() + 7;
            format!("{}{}{}", &text[..at], text[at..at + 64].to_uppercase(), &text[at + 64..])
        }),
        edit("D77a", "a schema of the future", "RVB-MANIFEST-SCHEMA", |text| {
            text.replace("rivet-bundle/1", "rivet-bundle/2")
        }),
        edit("D79a", "an image whose layer is not in the bundle", "RVB-MANIFEST-RULE", |text| {
            let at = text.find("\"blob\":\"sha256:").unwrap() + 15;
            format!("{}{}{}", &text[..at], "e".repeat(64), &text[at + 64..])
        }),
        edit("D79b", "a platform without an engine", "RVB-MANIFEST-RULE", |text| {
            text.replace(
                "\"platforms\":[\"linux/amd64\"]",
                "\"platforms\":[\"linux/amd64\",\"linux/arm64\"]",
            )
        }),
        edit("D79c", "no platform at all", "RVB-MANIFEST-RULE", |text| {
            text.replace("\"platforms\":[\"linux/amd64\"]", "\"platforms\":[]")
        }),
        edit("D79d", "a large blob without a chunk table", "RVB-MANIFEST-RULE", |text| {
            let at = text.find("\"chunk_table\":").unwrap();
            let end = at + text[at..].find('}').unwrap() + 1;
            format!("{}\"chunk_table\":null{}", &text[..at], &text[end..])
        }),
        edit("D79e", "another chunk size", "RVB-MANIFEST-RULE", |text| {
            text.replace("\"chunk_size\":4194304", "\"chunk_size\":1048576")
        }),
        edit("F93a", "sequence zero", "RVB-MANIFEST-RULE", |text| {
            text.replace("\"release_seq\":5", "\"release_seq\":0")
        }),
        edit("F93b", "a sequence above what JSON numbers hold", "RVB-MANIFEST-RULE", |text| {
            text.replace("\"release_seq\":5", "\"release_seq\":9007199254740992")
        }),
    ];
    rows.extend(numbers());
    rows.extend(vendor_texts());
    rows
}

/// The digest of a blob that nothing but the engine's entry depends on.
fn engine_binary(manifest: &str) -> String {
    let manifest: serde_json::Value = serde_json::from_str(manifest).unwrap();
    manifest["engines"][0]["binary"].as_str().unwrap().to_owned()
}

/// Row D69: numbers that some parsers take for the same number.
fn numbers() -> Vec<Row> {
    let spellings = ["5.0", "5e0", "-0", "18446744073709551616", "05", "\"5\""];
    let make = |(at, spelling): (usize, &'static str)| {
        let id = format!("D69{}", char::from(b'a' + u8::try_from(at).unwrap()));
        edit(&id, &format!("{spelling} as a sequence"), "RVB-MANIFEST-JSON", move |text| {
            text.replace("\"release_seq\":5", &format!("\"release_seq\":{spelling}"))
        })
    };
    spellings.into_iter().enumerate().map(make).collect()
}

/// Row C64: what a vendor could make a terminal do.
fn vendor_texts() -> Vec<Row> {
    let texts = [
        ("C64e", "a terminal escape", "\\u001b[2J"),
        ("C64f", "a line break", "a\\nb"),
        ("C64g", "a NUL", "a\\u0000"),
        ("C64h", "a direction override", "\\u202e"),
        ("C64i", "a letter outside ASCII", "\u{e9}"),
    ];
    let make = |(id, what, value): (&str, &str, &'static str)| {
        edit(id, &format!("{what} in the description"), "RVB-MANIFEST-JSON", move |text| {
            text.replace("a bundle to be broken", value)
        })
    };
    texts.into_iter().map(make).collect()
}

fn many_blobs(text: &str) -> String {
    let from = text.find("\"blobs\":[").unwrap() + "\"blobs\":[".len();
    let entry = |n: u32| format!("{{\"digest\":\"sha256:{n:064x}\",\"size\":1}}");
    let blobs: Vec<String> = (0..20_001).map(entry).collect();
    format!("{}{}]}}", &text[..from], blobs.join(","))
}

/// A row whose manifest is changed and then signed again by the trusted key.
fn edit(
    id: &str,
    what: &str,
    code: &'static str,
    change: impl Fn(&str) -> String + 'static,
) -> Row {
    Row::breaking(id, what, code, move |tar, good: &Good| {
        let before = good.manifest_text();
        let after = change(&before);
        assert_ne!(before, after, "the row changes nothing");
        good.sign_into(tar, &after);
    })
}
