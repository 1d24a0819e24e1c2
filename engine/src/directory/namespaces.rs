//! Namespaces: created once, never renamed, listed by age.

use super::{Directory, DirectoryError, DisplayName, NamespaceName};
use crate::{
    keyspace::{
        Id, KeyRange, Order,
        tables::{NamespaceAges, NamespaceNames, NamespaceRow, Namespaces},
    },
    storage::{StorageError, Transaction},
};

/// A namespace as it is known outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its id.
    pub id: Id,
    /// The name that requests use.
    pub name: String,
    /// The name that people read.
    pub display_name: String,
    /// When it was created, in milliseconds.
    pub create_ts: u64,
}

impl Directory {
    /// Creates a namespace. Its name must be free.
    pub async fn create_namespace(
        &self,
        name: NamespaceName,
        display_name: DisplayName,
    ) -> Result<Namespace, DirectoryError> {
        let (id, now) = (Id::random(self.datacenter.label), self.clock.now());
        self.database
            .transact(move |transaction| {
                let taken = transaction.get::<NamespaceNames>(&name.as_str().to_owned())?;
                if taken.is_some() {
                    return Err(DirectoryError::NamespaceNameNotUnique);
                }
                // The age is the place in the list, so no two namespaces may share it.
                let mut create_ts = now;
                while transaction.get::<NamespaceAges>(&create_ts)?.is_some() {
                    create_ts += 1;
                }
                let row = NamespaceRow {
                    name: name.as_str().to_owned(),
                    display_name: display_name.as_str().to_owned(),
                    create_ts,
                };
                transaction.put::<Namespaces>(&id, &row);
                transaction.put::<NamespaceNames>(&row.name, &id);
                transaction.put::<NamespaceAges>(&create_ts, &id);
                Ok(Namespace::new(id, row))
            })
            .await
    }

    /// Creates the namespace where there is none of that name. Says whether it did.
    pub async fn ensure_namespace(
        &self,
        name: NamespaceName,
        display_name: DisplayName,
    ) -> Result<bool, DirectoryError> {
        match self.create_namespace(name, display_name).await {
            Ok(_) => Ok(true),
            Err(DirectoryError::NamespaceNameNotUnique) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The namespace called `name`, if there is one.
    pub async fn find_namespace(&self, name: String) -> Result<Option<Namespace>, DirectoryError> {
        self.database
            .transact(move |transaction| {
                let Some(id) = transaction.get::<NamespaceNames>(&name)? else { return Ok(None) };
                Ok(namespace(transaction, id)?)
            })
            .await
    }

    /// Those of the namespaces with these ids that exist, in the order of the ids.
    pub async fn namespaces_by_id(&self, ids: Vec<Id>) -> Result<Vec<Namespace>, DirectoryError> {
        self.database
            .transact(move |transaction| {
                let found = ids.iter().map(|id| namespace(transaction, *id));
                let found = found.collect::<Result<Vec<_>, _>>()?;
                Ok(found.into_iter().flatten().collect())
            })
            .await
    }

    /// Up to `limit` namespaces created after `after`, oldest first.
    pub async fn list_namespaces(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Namespace>, DirectoryError> {
        let mut range = KeyRange::table::<NamespaceAges>();
        if let Some(after) = after {
            range = range.after::<NamespaceAges>(&after);
        }
        self.database
            .transact(move |transaction| {
                let ages = transaction.range::<NamespaceAges>(&range, Order::Ascending, limit)?;
                let found = ages.iter().map(|(_, id)| namespace(transaction, *id));
                let found = found.collect::<Result<Vec<_>, _>>()?;
                Ok(found.into_iter().flatten().collect())
            })
            .await
    }
}

/// The id of the namespace that a request names.
pub(super) fn resolve(
    transaction: &mut Transaction<'_>,
    name: &String,
) -> Result<Id, DirectoryError> {
    transaction.get::<NamespaceNames>(name)?.ok_or(DirectoryError::NamespaceNotFound)
}

fn namespace(transaction: &mut Transaction<'_>, id: Id) -> Result<Option<Namespace>, StorageError> {
    Ok(transaction.get::<Namespaces>(&id)?.map(|row| Namespace::new(id, row)))
}

impl Namespace {
    fn new(id: Id, row: NamespaceRow) -> Self {
        let NamespaceRow { name, display_name, create_ts } = row;
        Self { id, name, display_name, create_ts }
    }
}
