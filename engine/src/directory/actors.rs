//! Actors as lists: by id, by key, by name and age; and the names that there are.

use std::collections::BTreeSet;

use super::{Directory, DirectoryError, namespaces::resolve};
use crate::{
    clock::Millis,
    keyspace::{
        Id, KeyRange, Order, Table, key_bytes,
        tables::{
            ActorAgeKey, ActorKeyKey, ActorKeys, ActorNameKey, ActorNameRow, ActorNames, ActorRow,
            Actors, DestroyedActors, LiveActors,
        },
    },
    storage::{StorageError, Transaction},
};

/// How many actors are read for one page at most.
const PAGE_MAX: usize = 10_000;

/// An actor as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedActor {
    /// Its id.
    pub id: Id,
    /// What is known of it.
    pub row: ActorRow,
}

/// The place in a list, newest first, where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActorsAfter {
    /// When the last actor of the page before was created.
    pub create_ts: Millis,
    /// That actor, when the page ended among several of the same millisecond.
    pub actor_id: Option<Id>,
}

/// A page of actors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorPage {
    /// The actors, newest first.
    pub actors: Vec<ListedActor>,
    /// Where the next page begins. There is one as long as there are actors.
    pub next: Option<ActorsAfter>,
}

impl Directory {
    /// Those of the actors with these ids that are in the namespace, destroyed ones too.
    pub async fn actors_by_id(
        &self,
        namespace: String,
        ids: BTreeSet<Id>,
    ) -> Result<Vec<ListedActor>, DirectoryError> {
        self.database
            .transact(move |transaction| {
                let namespace_id = resolve(transaction, &namespace)?;
                let mut found = Vec::new();
                for id in &ids {
                    let row = transaction.get::<Actors>(id)?;
                    found.extend(row.map(|row| ListedActor { id: *id, row }));
                }
                found.retain(|actor| actor.row.namespace_id == namespace_id);
                found.sort_by_key(|actor| std::cmp::Reverse((actor.row.create_ts, actor.id)));
                Ok(found)
            })
            .await
    }

    /// The actor with this key that is not destroyed.
    pub async fn actor_by_key(
        &self,
        namespace: String,
        name: String,
        key: String,
    ) -> Result<Option<ListedActor>, DirectoryError> {
        self.database
            .transact(move |transaction| {
                let namespace_id = resolve(transaction, &namespace)?;
                let key = ActorKeyKey { namespace_id, name: name.clone(), key: key.clone() };
                let Some(id) = transaction.get::<ActorKeys>(&key)? else { return Ok(None) };
                Ok(transaction.get::<Actors>(&id)?.map(|row| ListedActor { id, row }))
            })
            .await
    }

    /// Up to `limit` actors of a name after `after`, newest first.
    pub async fn list_actors(
        &self,
        namespace: String,
        name: String,
        include_destroyed: bool,
        after: Option<ActorsAfter>,
        limit: usize,
    ) -> Result<ActorPage, DirectoryError> {
        let limit = limit.min(PAGE_MAX);
        self.database
            .transact(move |transaction| {
                let namespace_id = resolve(transaction, &namespace)?;
                let list = List { namespace_id, name: &name, after };
                // One more than asked for: it says whether the page ends within a millisecond.
                let mut ages = list.ages::<LiveActors>(transaction, limit + 1)?;
                if include_destroyed {
                    ages.extend(list.ages::<DestroyedActors>(transaction, limit + 1)?);
                    ages.sort_unstable_by(|a, b| b.cmp(a));
                }
                page(transaction, &ages, limit)
            })
            .await
    }

    /// How many actors of a namespace there are that are not destroyed; at most `limit` are counted.
    pub async fn count_actors(
        &self,
        namespace_id: Id,
        limit: usize,
    ) -> Result<usize, DirectoryError> {
        self.database
            .transact(move |transaction| {
                let range = ActorAgeKey::range_of_namespace::<LiveActors>(&namespace_id);
                Ok(transaction.count(&range, limit)?)
            })
            .await
    }

    /// Up to `limit` names of actors after the name `after`, with what apps say about them.
    pub async fn actor_names(
        &self,
        namespace: String,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<(String, ActorNameRow)>, DirectoryError> {
        let limit = limit.min(PAGE_MAX);
        self.database
            .transact(move |transaction| {
                let namespace_id = resolve(transaction, &namespace)?;
                let mut range = ActorNameKey::range_of_namespace(&namespace_id);
                if let Some(name) = &after {
                    let key = ActorNameKey { namespace_id, name: name.clone() };
                    range = range.after::<ActorNames>(&key);
                }
                let rows = transaction.range::<ActorNames>(&range, Order::Ascending, limit)?;
                Ok(rows.into_iter().map(|(key, row)| (key.name, row)).collect())
            })
            .await
    }
}

/// The actors of a name, from a place on.
struct List<'n> {
    namespace_id: Id,
    name: &'n str,
    after: Option<ActorsAfter>,
}

impl List<'_> {
    /// When and which, newest first.
    fn ages<T>(
        &self,
        transaction: &mut Transaction<'_>,
        limit: usize,
    ) -> Result<Vec<(Millis, Id)>, StorageError>
    where
        T: Table<Key = ActorAgeKey>,
    {
        let mut range = ActorAgeKey::range_of_name::<T>(&self.namespace_id, self.name);
        if let Some(after) = self.after {
            range.end = range.end.min(self.end::<T>(after));
        }
        let rows = transaction.range::<T>(&range, Order::Descending, limit)?;
        Ok(rows.into_iter().map(|(key, _)| (key.create_ts, key.actor_id)).collect())
    }

    /// The first key that is no longer part of what comes after `after`, which is older.
    fn end<T: Table<Key = ActorAgeKey>>(&self, after: ActorsAfter) -> Vec<u8> {
        if let Some(actor_id) = after.actor_id {
            return key_bytes::<T>(&ActorAgeKey {
                namespace_id: self.namespace_id,
                name: self.name.to_owned(),
                create_ts: after.create_ts,
                actor_id,
            });
        }
        let of_that_time = KeyRange::starting_with::<T>(|key| {
            key.id(&self.namespace_id).text(self.name).number(after.create_ts);
        });
        of_that_time.start
    }
}

fn page(
    transaction: &mut Transaction<'_>,
    ages: &[(Millis, Id)],
    limit: usize,
) -> Result<ActorPage, DirectoryError> {
    let shown = &ages[..ages.len().min(limit)];
    let next = shown.last().map(|&(create_ts, id)| {
        let next_is_as_old = ages.get(limit).is_some_and(|next| next.0 == create_ts);
        ActorsAfter { create_ts, actor_id: next_is_as_old.then_some(id) }
    });
    let mut actors = Vec::with_capacity(shown.len());
    for (_, id) in shown {
        let row = transaction.get::<Actors>(id)?;
        actors.extend(row.map(|row| ListedActor { id: *id, row }));
    }
    Ok(ActorPage { actors, next })
}
