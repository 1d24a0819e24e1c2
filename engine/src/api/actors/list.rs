//! `GET /actors`: by id, by key or by name.

use std::collections::BTreeSet;

use axum::{Json as Answer, extract::State};
use serde::Serialize;

use super::wire::Actor;
use crate::{
    api::{
        Api,
        cursor::Cursor,
        error::ApiError,
        namespaces::Pagination,
        query::{FromQuery, Query, QueryOf},
    },
    directory::{ActorPage, ActorsAfter, ListedActor},
    keyspace::Id,
};

const PAGE: usize = 100;

/// How many actors are asked for by id at once.
const IDS_MAX: usize = 32;

#[derive(Debug)]
pub(in crate::api) struct ListQuery {
    pub(in crate::api) namespace: String,
    pub(in crate::api) selection: Selection,
    limit: usize,
}

/// Which actors are asked for.
#[derive(Debug)]
pub(in crate::api) enum Selection {
    Ids(BTreeSet<Id>),
    Key { name: String, key: String },
    Name { name: String, include_destroyed: bool, after: Option<ActorsAfter> },
}

impl FromQuery for ListQuery {
    const PARAMETERS: &'static [&'static str] = &[
        "namespace",
        "name",
        "key",
        "actor_ids",
        "actor_id",
        "include_destroyed",
        "limit",
        "cursor",
    ];

    fn from_query(query: &Query) -> Result<Self, ApiError> {
        let namespace = query.required("namespace")?;
        let (name, key) = (query.text("name")?, query.text("key")?);
        let include_destroyed = query.parsed("include_destroyed")?.unwrap_or(false);
        let limit = query.parsed("limit")?.unwrap_or(PAGE);
        let mut ids = query.repeated_ids("actor_id")?;
        // In the list of the past, what is no id names no actor.
        ids.extend(query.list("actor_ids")?.iter().filter_map(|id| id.parse::<Id>().ok()));

        if !ids.is_empty() && (name.is_some() || key.is_some()) {
            return Err(ApiError::invalid_input(
                "Cannot provide both actor_id and (name + key). Use either actor_id or (name + \
                 key).",
            ));
        }
        if ids.len() > IDS_MAX {
            return Err(ApiError::too_many_actor_ids(IDS_MAX, ids.len()));
        }
        let selection = match (ids.is_empty(), name, key) {
            (false, ..) => Selection::Ids(ids.into_iter().collect()),
            (true, Some(name), Some(key)) => Selection::Key { name, key },
            (true, Some(name), None) => {
                let after = query.parsed::<Cursor<Id>>("cursor")?;
                let after = after
                    .map(|Cursor { create_ts, last }| ActorsAfter { create_ts, actor_id: last });
                Selection::Name { name, include_destroyed, after }
            }
            (true, None, Some(_)) => {
                return Err(ApiError::invalid_input("Name is required when key is provided."));
            }
            (true, None, None) => {
                let message = "Name is required when not using actor_ids.";
                return Err(ApiError::invalid_input(message));
            }
        };
        Ok(Self { namespace, selection, limit })
    }
}

#[derive(Debug, Serialize)]
pub(in crate::api) struct Listed {
    actors: Vec<Actor>,
    pagination: Pagination,
}

pub(in crate::api) async fn list(
    State(api): State<Api>,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Answer<Listed>, ApiError> {
    let ListQuery { namespace, selection, limit } = query;
    let directory = &api.directory;
    let page = match selection {
        Selection::Ids(ids) => all_on_one(directory.actors_by_id(namespace, ids).await?, limit),
        Selection::Key { name, key } => {
            let found = directory.actor_by_key(namespace, name, key).await?;
            all_on_one(found.into_iter().collect(), limit)
        }
        Selection::Name { name, include_destroyed, after } => {
            directory.list_actors(namespace, name, include_destroyed, after, limit).await?
        }
    };
    let cursor = page.next.map(|ActorsAfter { create_ts, actor_id }| {
        Cursor { create_ts, last: actor_id }.to_string()
    });
    let datacenter = &directory.datacenter().name;
    let actors = page.actors.into_iter();
    let actors = actors.map(|ListedActor { id, row }| Actor::new(id, row, datacenter)).collect();
    Ok(Answer(Listed { actors, pagination: Pagination { cursor } }))
}

fn all_on_one(mut actors: Vec<ListedActor>, limit: usize) -> ActorPage {
    actors.truncate(limit);
    let last = actors.last();
    let next = last.map(|last| ActorsAfter { create_ts: last.row.create_ts, actor_id: None });
    ActorPage { actors, next }
}
