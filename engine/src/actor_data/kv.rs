//! Key-value entries: bytes under bytes, in the order of the keys.

use std::collections::HashSet;

use rivet_envoy_protocol as protocol;

use super::{Access, ActorData, Fence, Refusal};
use crate::{
    clock::Millis,
    keyspace::{
        Id, KeyRange, Order, key_bytes,
        tables::{KvEntries, KvEntryKey, KvEntryRow, KvUsageRow, KvUsages},
    },
    storage::{StorageError, Transaction, TypedRow},
};

/// How many keys one request may name.
const MAX_KEYS: usize = 128;

/// How long a key may be, and how long upstream says that it may be: its own framing takes two.
const MAX_KEY: usize = 2046;
const MAX_KEY_AS_TOLD: usize = 2048;

/// How long a value may be.
const MAX_VALUE: usize = 128 << 10;

/// How many bytes one request may write.
const MAX_PUT: usize = 976 << 10;

/// How many entries a list has where the request says nothing.
const LIST_LIMIT: u64 = 16_384;

/// How many bytes an answer may have.
const MAX_ANSWER: usize = 32 << 20;

/// How many entries are read at a time: with the longest values, 8 MiB.
const READ_AT_ONCE: usize = 64;

impl ActorData {
    /// Carries out a request for an actor's entries.
    pub async fn kv(
        &self,
        fence: Fence,
        request: protocol::KvRequestData,
    ) -> protocol::KvResponseData {
        let now = self.0.clock.now();
        let answered = self
            .transact(fence, move |access, transaction, fence| {
                answer(access, transaction, fence.actor, now, &request)
            })
            .await;
        answered.unwrap_or_else(Refusal::into_kv)
    }

    /// The value of a key and when it was written, for those who need no envoy to ask.
    pub async fn kv_get(
        &self,
        actor: Id,
        key: &[u8],
    ) -> Result<Option<(Vec<u8>, Millis)>, StorageError> {
        let key = KvEntryKey { actor, key: key.to_owned() };
        let row = self
            .database()
            .transact(move |transaction| transaction.get::<KvEntries>(&key))
            .await
            .map_err(|error: StorageError| error)?;
        Ok(row.map(|row| (row.value, row.update_ts)))
    }

    /// Up to `limit` entries after the key `after`, in the order of their keys, for those who need
    /// no envoy to ask.
    pub async fn kv_list(
        &self,
        actor: Id,
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<TypedRow<KvEntries>>, StorageError> {
        let mut range = KvEntryKey::range_of_prefix(&actor, &[]);
        if let Some(key) = after {
            range = range.after::<KvEntries>(&KvEntryKey { actor, key });
        }
        self.database()
            .transact(move |transaction| {
                transaction.range::<KvEntries>(&range, Order::Ascending, limit)
            })
            .await
    }
}

fn answer(
    access: &Access,
    transaction: &mut Transaction<'_>,
    actor: Id,
    now: Millis,
    request: &protocol::KvRequestData,
) -> Result<protocol::KvResponseData, Refusal> {
    use protocol::{KvRequestData as Request, KvResponseData as Response};

    match request {
        Request::KvGetRequest(request) => {
            let (keys, values, metadata) = get(transaction, actor, &request.keys)?.into_lists();
            Ok(Response::KvGetResponse(protocol::KvGetResponse { keys, values, metadata }))
        }
        Request::KvListRequest(request) => {
            let (keys, values, metadata) = list(transaction, actor, request)?.into_lists();
            Ok(Response::KvListResponse(protocol::KvListResponse { keys, values, metadata }))
        }
        Request::KvPutRequest(request) => {
            put(access, transaction, actor, now, request)?;
            Ok(Response::KvPutResponse)
        }
        Request::KvDeleteRequest(request) => {
            delete(transaction, actor, &request.keys)?;
            Ok(Response::KvDeleteResponse)
        }
        Request::KvDeleteRangeRequest(request) => {
            delete_range(transaction, actor, request)?;
            Ok(Response::KvDeleteResponse)
        }
        Request::KvDropRequest => {
            // Read, so that a put at the same time conflicts.
            if transaction.get::<KvUsages>(&actor)?.is_some() {
                transaction.delete::<KvUsages>(&actor);
            }
            transaction.erase::<KvEntries>(KvEntryKey::range_of_prefix(&actor, &[]))?;
            Ok(Response::KvDropResponse)
        }
    }
}

/// The entries of an answer.
#[derive(Debug, Default)]
struct Found {
    entries: Vec<TypedRow<KvEntries>>,
    bytes: usize,
}

impl Found {
    fn add(&mut self, entry: TypedRow<KvEntries>) -> Result<(), Refusal> {
        self.bytes += size(&entry.0.key, &entry.1.value);
        if self.bytes > MAX_ANSWER {
            return Err(Refusal::Kv(format!(
                "the answer would have more than {MAX_ANSWER} bytes: ask for fewer entries"
            )));
        }
        self.entries.push(entry);
        Ok(())
    }

    fn into_lists(self) -> (Vec<Vec<u8>>, Vec<Vec<u8>>, Vec<protocol::KvMetadata>) {
        let mut lists = (Vec::new(), Vec::new(), Vec::new());
        for (key, row) in self.entries {
            lists.0.push(key.key);
            lists.1.push(row.value);
            lists.2.push(protocol::KvMetadata {
                version: env!("CARGO_PKG_VERSION").as_bytes().to_owned(),
                update_ts: i64::try_from(row.update_ts).unwrap_or(i64::MAX),
            });
        }
        lists
    }
}

fn get(transaction: &mut Transaction<'_>, actor: Id, keys: &[Vec<u8>]) -> Result<Found, Refusal> {
    check_keys(keys)?;
    let (mut found, mut seen) = (Found::default(), HashSet::new());
    for key in keys.iter().filter(|key| seen.insert(*key)) {
        let key = KvEntryKey { actor, key: key.clone() };
        if let Some(row) = transaction.get::<KvEntries>(&key)? {
            found.add((key, row))?;
        }
    }
    Ok(found)
}

fn list(
    transaction: &mut Transaction<'_>,
    actor: Id,
    request: &protocol::KvListRequest,
) -> Result<Found, Refusal> {
    let range = match &request.query {
        protocol::KvListQuery::KvListAllQuery => KvEntryKey::range_of_prefix(&actor, &[]),
        protocol::KvListQuery::KvListPrefixQuery(query) => {
            check_key("prefix key", &query.key)?;
            KvEntryKey::range_of_prefix(&actor, &query.key)
        }
        protocol::KvListQuery::KvListRangeQuery(query) => {
            let mut range = between(actor, &query.start, &query.end)?;
            if !query.exclusive {
                range.end.push(0);
            }
            range
        }
    };
    let order = if request.reverse == Some(true) { Order::Descending } else { Order::Ascending };
    let limit = usize::try_from(request.limit.unwrap_or(LIST_LIMIT)).unwrap_or(usize::MAX);
    let mut found = Found::default();
    each(transaction, range, order, limit, |entry| found.add(entry))?;
    Ok(found)
}

fn put(
    access: &Access,
    transaction: &mut Transaction<'_>,
    actor: Id,
    now: Millis,
    request: &protocol::KvPutRequest,
) -> Result<(), Refusal> {
    let (keys, values) = (&request.keys, &request.values);
    let bytes: usize = keys.iter().chain(values).map(Vec::len).sum();
    let fits = keys.len() <= MAX_KEYS
        && keys.len() == values.len()
        && bytes <= MAX_PUT
        && keys.iter().all(|key| key.len() <= MAX_KEY)
        && values.iter().all(|value| value.len() <= MAX_VALUE);
    if !fits {
        // What upstream says to all of these.
        return Err(Refusal::Kv("transaction failed".to_owned()));
    }
    let before = transaction.get::<KvUsages>(&actor)?.unwrap_or_default();
    let mut usage = before;
    for (key, value) in keys.iter().zip(values) {
        let key = KvEntryKey { actor, key: key.clone() };
        let old = transaction.get::<KvEntries>(&key)?;
        let old = old.map_or(0, |old| size(&key.key, &old.value));
        let new = size(&key.key, value);
        usage.bytes = (usage.bytes + new as u64).saturating_sub(old as u64);
        transaction.put::<KvEntries>(&key, &KvEntryRow { update_ts: now, value: value.clone() });
    }
    let max = access.limits.kv_bytes;
    if usage.bytes > max && usage.bytes > before.bytes {
        return Err(Refusal::Kv(format!(
            "not enough space left in storage ({} bytes remaining, current payload is {bytes} bytes)",
            max.saturating_sub(before.bytes)
        )));
    }
    // Also when it is the same: it guards the entries.
    transaction.put::<KvUsages>(&actor, &usage);
    Ok(())
}

fn delete(transaction: &mut Transaction<'_>, actor: Id, keys: &[Vec<u8>]) -> Result<(), Refusal> {
    check_keys(keys)?;
    let mut freed = 0;
    for key in keys {
        let key = KvEntryKey { actor, key: key.clone() };
        if let Some(row) = transaction.get::<KvEntries>(&key)? {
            freed += size(&key.key, &row.value) as u64;
            transaction.delete::<KvEntries>(&key);
        }
    }
    free(transaction, actor, freed)
}

fn delete_range(
    transaction: &mut Transaction<'_>,
    actor: Id,
    request: &protocol::KvDeleteRangeRequest,
) -> Result<(), Refusal> {
    let range = between(actor, &request.start, &request.end)?;
    if range.is_empty() {
        return Ok(());
    }
    let mut freed = 0;
    each(transaction, range.clone(), Order::Ascending, usize::MAX, |(key, row)| {
        freed += size(&key.key, &row.value) as u64;
        Ok(())
    })?;
    transaction.erase::<KvEntries>(range)?;
    free(transaction, actor, freed)
}

/// Counts bytes that are gone, and guards the entries that had them.
fn free(transaction: &mut Transaction<'_>, actor: Id, bytes: u64) -> Result<(), Refusal> {
    let usage = transaction.get::<KvUsages>(&actor)?.unwrap_or_default();
    if bytes > 0 {
        let bytes = usage.bytes.saturating_sub(bytes);
        transaction.put::<KvUsages>(&actor, &KvUsageRow { bytes });
    }
    Ok(())
}

/// Shows `look` up to `limit` entries of `range`, without having all of them in memory.
fn each(
    transaction: &mut Transaction<'_>,
    mut range: KeyRange,
    order: Order,
    limit: usize,
    mut look: impl FnMut(TypedRow<KvEntries>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut left = limit;
    while left > 0 {
        let wanted = left.min(READ_AT_ONCE);
        let rows = transaction.range::<KvEntries>(&range, order, wanted)?;
        left -= rows.len();
        let last = rows.last().map(|(key, _)| key.clone());
        let complete = rows.len() < wanted;
        for row in rows {
            look(row)?;
        }
        match last {
            Some(last) if !complete => match order {
                Order::Ascending => range = range.after::<KvEntries>(&last),
                Order::Descending => range.end = key_bytes::<KvEntries>(&last),
            },
            _ => break,
        }
    }
    Ok(())
}

/// The entries from `start` up to and without `end`.
fn between(actor: Id, start: &[u8], end: &[u8]) -> Result<KeyRange, Refusal> {
    check_key("start key", start)?;
    check_key("end key", end)?;
    let bytes = |key: &[u8]| key_bytes::<KvEntries>(&KvEntryKey { actor, key: key.to_owned() });
    Ok(KeyRange { start: bytes(start), end: bytes(end) })
}

fn check_keys(keys: &[Vec<u8>]) -> Result<(), Refusal> {
    if keys.len() > MAX_KEYS {
        return Err(Refusal::Kv(format!("a maximum of {MAX_KEYS} keys is allowed")));
    }
    keys.iter().try_for_each(|key| check_key("key", key))
}

fn check_key(what: &str, key: &[u8]) -> Result<(), Refusal> {
    if key.len() > MAX_KEY {
        return Err(Refusal::Kv(format!("{what} is too long (max {MAX_KEY_AS_TOLD} bytes)")));
    }
    Ok(())
}

fn size(key: &[u8], value: &[u8]) -> usize {
    key.len() + value.len()
}
