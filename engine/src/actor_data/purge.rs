//! The end of an actor's data: noted in the transaction that ends the actor, done afterwards.
//!
//! A crash in between loses nothing: what is noted is found after the next start.

use super::{ActorData, stage};
use crate::{
    keyspace::{
        Id, KeyRange, Order,
        tables::{
            ActorPurges, KvEntries, KvEntryKey, KvUsages, PageKey, PurgeRow, SegmentKey,
            SqliteHeads, SqlitePages, StagedPageKey, StagedPages, StagedSegments,
        },
    },
    storage::{StorageError, Transaction},
};

/// How many actors' data goes in one transaction. What takes long is not the number of their rows:
/// many rows are erased as one range.
const AT_ONCE: usize = 16;

/// Notes that the data of `actor` has to go. Nobody may be let to it any more from this
/// transaction on.
pub fn schedule_purge(transaction: &mut Transaction<'_>, actor: Id) {
    transaction.put::<ActorPurges>(&actor, &PurgeRow {});
}

impl ActorData {
    /// Removes the data of some actors that are due. Says whether it found any.
    pub async fn purge_some(&self) -> Result<bool, StorageError> {
        let purged = self
            .database()
            .for_upkeep()
            .transact(|transaction| {
                let all = KeyRange::table::<ActorPurges>();
                let due = transaction.range::<ActorPurges>(&all, Order::Ascending, AT_ONCE)?;
                for (actor, _) in &due {
                    purge(transaction, actor)?;
                    transaction.delete::<ActorPurges>(actor);
                }
                Ok(due.into_iter().map(|(actor, _)| actor).collect::<Vec<_>>())
            })
            .await
            .map_err(|error: StorageError| error)?;
        for actor in &purged {
            self.0.sessions.close(*actor).await;
        }
        Ok(!purged.is_empty())
    }
}

fn purge(transaction: &mut Transaction<'_>, actor: &Id) -> Result<(), StorageError> {
    stage::discard(transaction, actor)?;
    if transaction.get::<SqliteHeads>(actor)?.is_some() {
        transaction.delete::<SqliteHeads>(actor);
    }
    if transaction.get::<KvUsages>(actor)?.is_some() {
        transaction.delete::<KvUsages>(actor);
    }
    transaction.erase::<SqlitePages>(PageKey::range_of_actor(actor))?;
    transaction.erase::<StagedPages>(StagedPageKey::range_of_actor(actor))?;
    transaction.erase::<StagedSegments>(SegmentKey::range_of_actor(actor))?;
    transaction.erase::<KvEntries>(KvEntryKey::range_of_prefix(actor, &[]))
}
