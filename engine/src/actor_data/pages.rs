//! The pages of a database: read as they are at one moment, changed by a commit.
//!
//! Pages lie in two tables. A large commit arrives in parts under its own number; publishing it
//! only notes that number in the head, as a *layer* over the other pages. Then its pages are moved
//! to their place in small steps ([`fold`]), each of which leaves what is read as it was. There is
//! one layer at most.

use std::collections::HashMap;

use super::Refusal;
use crate::{
    keyspace::{
        Id, KeyRange, Order, key_bytes,
        tables::{
            PAGE_SIZE, PageKey, PageRow, SqliteHeadRow, SqliteHeads, SqlitePages, StagedPageKey,
            StagedPages,
        },
    },
    storage::{StorageError, Transaction},
};

/// How many pages one request may ask for.
pub(super) const MAX_READ: usize = 8192;

/// How many pages are moved in one step.
const FOLD_STEP: usize = 256;

/// Those of the pages `pgnos` that were written. The others are zeroes, as far as the database
/// reaches.
pub(super) fn read(
    transaction: &mut Transaction<'_>,
    actor: Id,
    head: &SqliteHeadRow,
    pgnos: &[u32],
) -> Result<HashMap<u32, Vec<u8>>, StorageError> {
    let mut wanted: Vec<u32> = pgnos.to_vec();
    wanted.retain(|pgno| *pgno != 0 && *pgno <= head.size_pages);
    wanted.sort_unstable();
    wanted.dedup();
    let mut pages = HashMap::with_capacity(wanted.len());
    for run in wanted.chunk_by(|page, next| page.checked_add(1) == Some(*next)) {
        if let [pgno] = *run {
            let row = read_one(transaction, actor, head, pgno)?;
            pages.extend(row.map(|row| (pgno, row.0)));
        } else if let [first, .., last] = *run {
            let range = placed(actor, first, last);
            let rows = transaction.range::<SqlitePages>(&range, Order::Ascending, run.len())?;
            pages.extend(rows.into_iter().map(|(key, row)| (key.pgno, row.0)));
            let Some(txid) = head.layer else { continue };
            let range = staged(actor, txid, first, last);
            let rows = transaction.range::<StagedPages>(&range, Order::Ascending, run.len())?;
            pages.extend(rows.into_iter().map(|(key, row)| (key.pgno, row.0)));
        }
    }
    Ok(pages)
}

fn read_one(
    transaction: &mut Transaction<'_>,
    actor: Id,
    head: &SqliteHeadRow,
    pgno: u32,
) -> Result<Option<PageRow>, StorageError> {
    if let Some(txid) = head.layer
        && let Some(row) = transaction.get::<StagedPages>(&StagedPageKey { actor, txid, pgno })?
    {
        return Ok(Some(row));
    }
    transaction.get::<SqlitePages>(&PageKey { actor, pgno })
}

/// Makes the next commit out of `pages` and a new size, and returns its head.
pub(super) fn write(
    transaction: &mut Transaction<'_>,
    actor: Id,
    head: Option<SqliteHeadRow>,
    pages: &[(u32, PageRow)],
    size_pages: u32,
) -> Result<SqliteHeadRow, StorageError> {
    let layer = head.and_then(|head| head.layer);
    for (pgno, row) in pages.iter().filter(|(pgno, _)| *pgno <= size_pages) {
        transaction.put::<SqlitePages>(&PageKey { actor, pgno: *pgno }, row);
        if let Some(txid) = layer {
            transaction.delete::<StagedPages>(&StagedPageKey { actor, txid, pgno: *pgno });
        }
    }
    cut(transaction, actor, head, size_pages)?;
    let txid = head.map_or(0, |head| head.txid) + 1;
    let head = SqliteHeadRow { txid, size_pages, layer };
    transaction.put::<SqliteHeads>(&actor, &head);
    Ok(head)
}

/// Lays the staged commit `txid` over the pages, and returns the head.
pub(super) fn publish(
    transaction: &mut Transaction<'_>,
    actor: Id,
    head: Option<SqliteHeadRow>,
    txid: u64,
    size_pages: u32,
) -> Result<SqliteHeadRow, Refusal> {
    if head.is_some_and(|head| head.layer.is_some()) {
        return Err(Refusal::Unfolded);
    }
    cut(transaction, actor, head, size_pages)?;
    if let Some(above) = size_pages.checked_add(1) {
        transaction.erase::<StagedPages>(staged(actor, txid, above, u32::MAX))?;
    }
    let head = SqliteHeadRow { txid, size_pages, layer: Some(txid) };
    transaction.put::<SqliteHeads>(&actor, &head);
    Ok(head)
}

/// Removes the pages that a database of `size_pages` does not have any more: were it to grow
/// again, they would have to be zeroes.
fn cut(
    transaction: &mut Transaction<'_>,
    actor: Id,
    head: Option<SqliteHeadRow>,
    size_pages: u32,
) -> Result<(), StorageError> {
    let Some(head) = head else { return Ok(()) };
    if size_pages < head.size_pages {
        transaction.erase::<SqlitePages>(placed(actor, size_pages + 1, head.size_pages))?;
        if let Some(txid) = head.layer {
            transaction.erase::<StagedPages>(staged(
                actor,
                txid,
                size_pages + 1,
                head.size_pages,
            ))?;
        }
    }
    Ok(())
}

/// Moves some pages of the layer to their place. Says whether there are more.
///
/// It writes the head, although that stays the same: a commit that runs at the same time either
/// sees the pages moved or fails.
pub(super) fn fold(transaction: &mut Transaction<'_>, actor: Id) -> Result<bool, StorageError> {
    let Some(mut head) = transaction.get::<SqliteHeads>(&actor)? else { return Ok(false) };
    let Some(txid) = head.layer else { return Ok(false) };
    let layer = StagedPageKey::range_of_commit(&actor, txid);
    let rows = transaction.range::<StagedPages>(&layer, Order::Ascending, FOLD_STEP)?;
    let more = rows.len() == FOLD_STEP;
    for (key, row) in rows {
        transaction.put::<SqlitePages>(&PageKey { actor, pgno: key.pgno }, &row);
        transaction.delete::<StagedPages>(&key);
    }
    if !more {
        head.layer = None;
    }
    transaction.put::<SqliteHeads>(&actor, &head);
    Ok(more)
}

/// Refuses a database larger than `max_bytes`, unless it shrinks.
pub(super) fn check_size(
    head: Option<SqliteHeadRow>,
    size_pages: u32,
    max_bytes: u64,
) -> Result<(), Refusal> {
    let bytes = |pages: u32| u64::from(pages) * PAGE_SIZE as u64;
    let (now, then) = (bytes(head.map_or(0, |head| head.size_pages)), bytes(size_pages));
    if then > now && then > max_bytes {
        return Err(Refusal::SqliteQuota {
            remaining: max_bytes.saturating_sub(now),
            payload: then - now,
        });
    }
    Ok(())
}

fn placed(actor: Id, first: u32, last: u32) -> KeyRange {
    let end = key_bytes::<SqlitePages>(&PageKey { actor, pgno: last });
    including(key_bytes::<SqlitePages>(&PageKey { actor, pgno: first }), end)
}

fn staged(actor: Id, txid: u64, first: u32, last: u32) -> KeyRange {
    let end = key_bytes::<StagedPages>(&StagedPageKey { actor, txid, pgno: last });
    including(key_bytes::<StagedPages>(&StagedPageKey { actor, txid, pgno: first }), end)
}

fn including(start: Vec<u8>, mut end: Vec<u8>) -> KeyRange {
    end.push(0);
    KeyRange { start, end }
}
