//! Keys and rows of what actors keep: their order, and their bytes.

use proptest::prelude::*;

use super::*;
use crate::keyspace::{key_bytes, parse_key};

fn id(byte: u8) -> Id {
    let mut bytes = [byte; Id::LENGTH];
    bytes[0] = 1;
    Id::from_slice(&bytes).unwrap()
}

fn entry_key() -> impl Strategy<Value = KvEntryKey> {
    (0..3_u8, "[\0\u{1}a]{0,4}")
        .prop_map(|(actor, key)| KvEntryKey { actor: id(actor), key: key.into_bytes() })
}

fn staged_page_key() -> impl Strategy<Value = StagedPageKey> {
    (0..3_u8, 0..3_u64, any::<u32>()).prop_map(|(actor, txid, pgno)| StagedPageKey {
        actor: id(actor),
        txid,
        pgno,
    })
}

proptest! {
    #[test]
    fn byte_order_of_entries_is_their_order(a in entry_key(), b in entry_key()) {
        let (in_bytes_a, in_bytes_b) = (key_bytes::<KvEntries>(&a), key_bytes::<KvEntries>(&b));
        prop_assert_eq!(a.cmp(&b), in_bytes_a.cmp(&in_bytes_b));
        prop_assert_eq!(parse_key::<KvEntries>(&in_bytes_a), Ok(a));
    }

    #[test]
    fn byte_order_of_staged_pages_is_their_order(
        a in staged_page_key(),
        b in staged_page_key(),
    ) {
        let (in_bytes_a, in_bytes_b) =
            (key_bytes::<StagedPages>(&a), key_bytes::<StagedPages>(&b));
        prop_assert_eq!(a.cmp(&b), in_bytes_a.cmp(&in_bytes_b));
        prop_assert_eq!(parse_key::<StagedPages>(&in_bytes_a), Ok(a));
    }

    #[test]
    fn a_prefix_holds_its_entries_and_no_others(a in entry_key(), b in entry_key()) {
        let range = KvEntryKey::range_of_prefix(&a.actor, &a.key);
        let within = b.actor == a.actor && b.key.starts_with(&a.key);
        prop_assert_eq!(range.contains(&key_bytes::<KvEntries>(&b)), within);
    }

    #[test]
    fn a_page_comes_back_as_it_went(
        kinds in proptest::collection::vec(any::<bool>(), 16),
        noise in proptest::collection::vec(any::<u8>(), 256),
    ) {
        let zeroes = vec![0; 256];
        let page: Vec<u8> =
            kinds.into_iter().flat_map(|random| if random { &noise } else { &zeroes }).copied().collect();
        let row = PageRow(page);

        prop_assert!(row.encode().len() <= PAGE_SIZE + 1);
        prop_assert_eq!(PageRow::decode(&row.encode()), Ok(row));
    }

    #[test]
    fn no_bytes_make_the_reader_of_rows_panic(bytes in any::<Vec<u8>>()) {
        let _ = PageRow::decode(&bytes);
        let _ = PageRow::decode(&[&[LZ4], bytes.as_slice()].concat());
        let _ = KvEntryRow::decode(&bytes);
        let _ = parse_key::<StagedSegments>(&bytes);
    }
}

#[test]
fn half_empty_pages_are_kept_small() {
    let mut page = vec![0; PAGE_SIZE];
    page[..100].fill(7);

    assert!(PageRow(page).encode().len() < 100);
}

/// These bytes are on customers' disks. If this test fails, write a migration, not a fix.
#[test]
fn the_keys_on_disk_have_not_changed() {
    let actor = id(7);
    let bytes = actor.as_bytes();
    let (txid, pgno) = (0x0102, 0x0304);

    assert_eq!(key_bytes::<KvUsages>(&actor), [&b"\x40"[..], bytes].concat());
    assert_eq!(
        key_bytes::<KvEntries>(&KvEntryKey { actor, key: b"a\0".to_vec() }),
        [&b"\x41"[..], bytes, b"a\0"].concat()
    );
    assert_eq!(key_bytes::<SqliteHeads>(&actor), [&b"\x42"[..], bytes].concat());
    assert_eq!(
        key_bytes::<SqlitePages>(&PageKey { actor, pgno }),
        [&b"\x43"[..], bytes, b"\0\0\x03\x04"].concat()
    );
    assert_eq!(key_bytes::<SqliteStages>(&actor), [&b"\x44"[..], bytes].concat());
    assert_eq!(
        key_bytes::<StagedSegments>(&SegmentKey { actor, txid, first_pgno: pgno }),
        [&b"\x45"[..], bytes, b"\0\0\0\0\0\0\x01\x02\0\0\x03\x04"].concat()
    );
    assert_eq!(
        key_bytes::<StagedPages>(&StagedPageKey { actor, txid, pgno }),
        [&b"\x46"[..], bytes, b"\0\0\0\0\0\0\x01\x02\0\0\x03\x04"].concat()
    );
    assert_eq!(key_bytes::<ActorPurges>(&actor), [&b"\x47"[..], bytes].concat());
}

/// So are these.
#[test]
fn the_rows_on_disk_have_not_changed() {
    let text = |row: Vec<u8>| String::from_utf8(row).unwrap();
    let head = SqliteHeadRow { txid: 3, size_pages: 2, layer: None };
    let stage = SqliteStageRow { txid: 3, segments: 1, pages: 2, last_segment: Some(64) };

    assert_eq!(text(KvUsageRow { bytes: 5 }.encode()), r#"{"bytes":5}"#);
    assert_eq!(text(head.encode()), r#"{"txid":3,"size_pages":2}"#);
    assert_eq!(
        text(SqliteHeadRow { layer: Some(3), ..head }.encode()),
        r#"{"txid":3,"size_pages":2,"layer":3}"#
    );
    assert_eq!(text(stage.encode()), r#"{"txid":3,"segments":1,"pages":2,"last_segment":64}"#);
    assert_eq!(
        KvEntryRow { update_ts: 0x0102, value: b"v".to_vec() }.encode(),
        b"\0\0\0\0\0\0\x01\x02v"
    );
    assert_eq!(PageRow(vec![0; PAGE_SIZE]).encode()[0], LZ4);
    let noise: Vec<u8> = (0..PAGE_SIZE).map(|n| (n * n * 2_654_435_761).to_le_bytes()[1]).collect();
    assert_eq!(PageRow(noise.clone()).encode(), [&[RAW], noise.as_slice()].concat());
}
