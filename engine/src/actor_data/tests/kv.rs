//! Key-value entries: the six requests, their limits, and what is refused.

use protocol::{KvRequestData as Request, KvResponseData as Response};

use super::*;

/// Keys and values of an answer, as text.
type Entries = Vec<(String, String)>;

impl World {
    async fn ask(&self, fence: &Fence, request: Request) -> Result<Option<Entries>, String> {
        let entries = |keys: Vec<Vec<u8>>, values: Vec<Vec<u8>>| {
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            keys.into_iter().zip(values).map(|(key, value)| (text(key), text(value))).collect()
        };
        match self.data.kv(fence.clone(), request).await {
            Response::KvErrorResponse(error) => Err(error.message),
            Response::KvGetResponse(found) => Ok(Some(entries(found.keys, found.values))),
            Response::KvListResponse(found) => Ok(Some(entries(found.keys, found.values))),
            Response::KvPutResponse | Response::KvDeleteResponse | Response::KvDropResponse => {
                Ok(None)
            }
        }
    }

    async fn put(&self, fence: &Fence, entries: &[(&str, &str)]) -> Result<(), String> {
        self.ask(fence, put(entries)).await.map(|_| ())
    }

    async fn keys(&self, fence: &Fence, request: Request) -> Vec<String> {
        let entries = self.ask(fence, request).await.unwrap().unwrap();
        entries.into_iter().map(|(key, _)| key).collect()
    }
}

fn bytes(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn put(entries: &[(&str, &str)]) -> Request {
    let (keys, values): (Vec<_>, Vec<_>) = entries.iter().copied().unzip();
    Request::KvPutRequest(protocol::KvPutRequest { keys: bytes(&keys), values: bytes(&values) })
}

fn get(keys: &[&str]) -> Request {
    Request::KvGetRequest(protocol::KvGetRequest { keys: bytes(keys) })
}

fn delete(keys: &[&str]) -> Request {
    Request::KvDeleteRequest(protocol::KvDeleteRequest { keys: bytes(keys) })
}

fn delete_range(start: &str, end: &str) -> Request {
    let (start, end) = (start.as_bytes().to_vec(), end.as_bytes().to_vec());
    Request::KvDeleteRangeRequest(protocol::KvDeleteRangeRequest { start, end })
}

fn list(query: protocol::KvListQuery, reverse: Option<bool>, limit: Option<u64>) -> Request {
    Request::KvListRequest(protocol::KvListRequest { query, reverse, limit })
}

fn all() -> protocol::KvListQuery {
    protocol::KvListQuery::KvListAllQuery
}

fn prefix(key: &str) -> protocol::KvListQuery {
    let key = key.as_bytes().to_vec();
    protocol::KvListQuery::KvListPrefixQuery(protocol::KvListPrefixQuery { key })
}

fn range(start: &str, end: &str, exclusive: bool) -> protocol::KvListQuery {
    let (start, end) = (start.as_bytes().to_vec(), end.as_bytes().to_vec());
    protocol::KvListQuery::KvListRangeQuery(protocol::KvListRangeQuery { start, end, exclusive })
}

async fn with_entries() -> (World, Fence) {
    let world = World::new();
    let actor = world.actor().await;
    let entries = [("a", "1"), ("b", "2"), ("c", "3"), ("ca", "33"), ("d", "4")];
    world.put(&actor, &entries).await.unwrap();
    // Somebody else's are never seen.
    let other = world.actor().await;
    world.put(&other, &[("a", "other"), ("z", "other")]).await.unwrap();
    (world, actor)
}

#[tokio::test]
async fn get_answers_what_is_there_once_and_in_the_order_asked_for() {
    let (world, actor) = with_entries().await;

    let found = world.ask(&actor, get(&["c", "zz", "a", "a"])).await.unwrap().unwrap();

    assert_eq!(found, [("c".to_owned(), "3".to_owned()), ("a".to_owned(), "1".to_owned())]);
}

#[tokio::test]
async fn entries_say_when_they_were_written_and_by_which_version() {
    let (world, actor) = with_entries().await;
    world.clock.set(5000);
    world.put(&actor, &[("a", "new")]).await.unwrap();

    let Response::KvGetResponse(found) = world.data.kv(actor.clone(), get(&["a", "b"])).await
    else {
        panic!("an error")
    };

    let times: Vec<i64> = found.metadata.iter().map(|metadata| metadata.update_ts).collect();
    assert_eq!(times, [5000, 1000]);
    assert_eq!(found.metadata[0].version, env!("CARGO_PKG_VERSION").as_bytes());
    let read = world.data.kv_get(actor.actor, b"a").await.unwrap();
    assert_eq!(read, Some((b"new".to_vec(), 5000)));
    assert_eq!(world.data.kv_get(actor.actor, b"zz").await.unwrap(), None);
}

#[tokio::test]
async fn lists_are_in_order_and_stop_at_their_limit() {
    let (world, actor) = with_entries().await;
    let keys = async |query, reverse, limit| world.keys(&actor, list(query, reverse, limit)).await;

    assert_eq!(keys(all(), None, None).await, ["a", "b", "c", "ca", "d"]);
    assert_eq!(keys(all(), Some(true), Some(2)).await, ["d", "ca"]);
    assert_eq!(keys(prefix("c"), Some(false), None).await, ["c", "ca"]);
    assert_eq!(keys(prefix(""), None, Some(1)).await, ["a"]);
    assert_eq!(keys(range("b", "d", false), None, None).await, ["b", "c", "ca", "d"]);
    assert_eq!(keys(range("b", "d", true), None, None).await, ["b", "c", "ca"]);
    assert_eq!(keys(range("d", "d", false), None, None).await, ["d"]);
    assert_eq!(keys(range("z", "a", false), None, None).await, [] as [&str; 0]);
    assert_eq!(keys(all(), None, Some(0)).await, [] as [&str; 0]);
    assert_eq!(keys(all(), None, Some(u64::MAX)).await.len(), 5);
}

#[tokio::test]
async fn a_long_list_is_whole_in_both_directions() {
    let world = World::new();
    let actor = world.actor().await;
    let expected: Vec<String> = (0..300).map(|number| format!("k{number:03}")).collect();
    for keys in expected.chunks(100) {
        let entries: Vec<_> = keys.iter().map(|key| (key.as_str(), "v")).collect();
        world.put(&actor, &entries).await.unwrap();
    }

    let up = world.keys(&actor, list(all(), None, None)).await;
    let mut down = world.keys(&actor, list(all(), Some(true), None)).await;

    assert_eq!(up, expected);
    down.reverse();
    assert_eq!(down, expected);
    assert_eq!(world.keys(&actor, list(all(), Some(true), Some(130))).await.len(), 130);
}

#[tokio::test]
async fn a_list_ends_after_16384_entries_where_nothing_else_is_said() {
    let world = World::new();
    let actor = world.actor().await;
    let keys: Vec<String> = (0..16_400).map(|number| format!("{number:05}")).collect();
    for keys in keys.chunks(128) {
        let entries: Vec<_> = keys.iter().map(|key| (key.as_str(), "")).collect();
        world.put(&actor, &entries).await.unwrap();
    }

    assert_eq!(world.keys(&actor, list(all(), None, None)).await.len(), 16_384);
}

#[tokio::test]
async fn deleting_takes_what_is_named_and_no_more() {
    let (world, actor) = with_entries().await;

    world.ask(&actor, delete(&["a", "missing"])).await.unwrap();
    assert_eq!(world.keys(&actor, list(all(), None, None)).await, ["b", "c", "ca", "d"]);
    world.ask(&actor, delete_range("b", "ca")).await.unwrap();
    assert_eq!(world.keys(&actor, list(all(), None, None)).await, ["ca", "d"]);
    world.ask(&actor, delete_range("z", "a")).await.unwrap();
    assert_eq!(world.keys(&actor, list(all(), None, None)).await, ["ca", "d"]);
    world.ask(&actor, Request::KvDropRequest).await.unwrap();
    assert_eq!(world.keys(&actor, list(all(), None, None)).await, [] as [&str; 0]);
}

#[tokio::test]
async fn too_many_keys_are_refused() {
    let world = World::new();
    let actor = world.actor().await;
    let keys: Vec<String> = (0..129).map(|number| format!("k{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let entries: Vec<_> = keys.iter().map(|key| (*key, "v")).collect();
    let too_many = Err("a maximum of 128 keys is allowed".to_owned());

    assert_eq!(world.ask(&actor, get(&keys)).await, too_many);
    assert_eq!(world.ask(&actor, delete(&keys)).await, too_many);
    assert_eq!(world.put(&actor, &entries).await, Err("transaction failed".to_owned()));
    assert_eq!(world.put(&actor, &entries[1..]).await, Ok(()));
    assert_eq!(world.ask(&actor, get(&keys[1..])).await.unwrap().unwrap().len(), 128);
}

#[tokio::test]
async fn puts_that_break_a_limit_write_nothing() {
    let world = World::new();
    let actor = world.actor().await;
    let refused = async |request| {
        assert_eq!(world.ask(&actor, request).await, Err("transaction failed".to_owned()));
    };
    let (long, longest) = ("x".repeat(2047), "x".repeat(2046));
    let (large, largest) = ("v".repeat(131_073), "v".repeat(131_072));

    refused(put(&[("a", "1"), (&long, "2")])).await;
    refused(put(&[("a", "1"), ("b", &large)])).await;
    refused(Request::KvPutRequest(protocol::KvPutRequest {
        keys: bytes(&["a", "b"]),
        values: bytes(&["1"]),
    }))
    .await;
    let keys: Vec<String> = (0..8).map(|number| format!("p{number}")).collect();
    let much: Vec<_> = keys.iter().map(|key| (key.as_str(), &largest[..])).collect();
    refused(put(&much)).await;
    assert_eq!(world.keys(&actor, list(all(), None, None)).await, [] as [&str; 0]);

    assert_eq!(world.put(&actor, &much[..7]).await, Ok(()));
    assert_eq!(world.put(&actor, &[(&longest, "v"), ("", "empty key"), ("e", "")]).await, Ok(()));
    assert_eq!(world.put(&actor, &[]).await, Ok(()));
    assert_eq!(world.ask(&actor, get(&["", "e"])).await.unwrap().unwrap().len(), 2);
}

#[tokio::test]
async fn keys_too_long_to_exist_are_refused_in_every_request() {
    let world = World::new();
    let actor = world.actor().await;
    let long = "x".repeat(2047);
    let refused = async |request, what: &str| {
        let text = format!("{what} is too long (max 2048 bytes)");
        assert_eq!(world.ask(&actor, request).await, Err(text));
    };

    refused(get(&[&long]), "key").await;
    refused(delete(&[&long]), "key").await;
    refused(list(prefix(&long), None, None), "prefix key").await;
    refused(list(range(&long, "z", true), None, None), "start key").await;
    refused(list(range("a", &long, true), None, None), "end key").await;
    refused(delete_range(&long, "z"), "start key").await;
}

#[tokio::test]
async fn the_last_value_of_a_key_that_is_put_twice_stays() {
    let world = World::new();
    let actor = world.actor().await;
    world.put(&actor, &[("d", "1"), ("d", "2")]).await.unwrap();

    let found = world.ask(&actor, get(&["d"])).await.unwrap().unwrap();

    assert_eq!(found, [("d".to_owned(), "2".to_owned())]);
}

#[tokio::test]
async fn what_is_replaced_or_deleted_does_not_count_against_the_quota() {
    let world = World::with_limits(DataLimits { kv_bytes: 100, ..DataLimits::default() });
    let actor = world.actor().await;
    let fifty = "v".repeat(49);

    world.put(&actor, &[("a", &fifty)]).await.unwrap();
    for _ in 0..10 {
        world.put(&actor, &[("a", &fifty), ("b", &fifty)]).await.unwrap();
    }
    let over = "not enough space left in storage (0 bytes remaining, current payload is 2 bytes)";
    assert_eq!(world.put(&actor, &[("c", "1")]).await, Err(over.to_owned()));
    world.ask(&actor, delete(&["a"])).await.unwrap();
    world.put(&actor, &[("c", &fifty)]).await.unwrap();
    world.ask(&actor, delete_range("b", "d")).await.unwrap();
    world.put(&actor, &[("a", &fifty), ("b", &fifty)]).await.unwrap();
    assert!(world.put(&actor, &[("c", "1")]).await.is_err());
    world.ask(&actor, Request::KvDropRequest).await.unwrap();
    world.put(&actor, &[("a", &fifty), ("b", &fifty)]).await.unwrap();
}

#[tokio::test]
async fn an_answer_too_large_for_memory_is_refused() {
    let world = World::new();
    let actor = world.actor().await;
    let large = "v".repeat(128 << 10);
    for number in 0..257 {
        world.put(&actor, &[(&format!("{number:03}"), &large)]).await.unwrap();
    }

    let refused = world.ask(&actor, list(all(), None, None)).await.unwrap_err();

    assert!(refused.contains("more than 33554432 bytes"), "{refused}");
    assert_eq!(world.keys(&actor, list(all(), None, Some(200))).await.len(), 200);
}
