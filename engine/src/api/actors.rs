//! `/actors`: create, find, destroy, put to sleep, move; where they run, what they keep; list names.

mod kv;
mod list;
mod placement;
mod wire;

use std::collections::BTreeMap;

use axum::{Extension, Json as Answer, extract::State};
use serde::Serialize;

use self::wire::{Actor, CreateRequest, GetOrCreateRequest};
pub(super) use self::{
    kv::{kv_entries, kv_value},
    list::{ListQuery, Selection, list},
    placement::placement,
};
use super::{
    Api,
    access::Noted,
    body::{Done, Json, Nothing, Path},
    error::ApiError,
    namespaces::Pagination,
    query::{FromQuery, NamespaceQuery, Query, QueryOf},
};
use crate::{
    keyspace::{
        Id,
        tables::{ActorNameRow, ActorRow},
    },
    lifecycle::LifecycleError,
};

const NAMES_PAGE: usize = 100;

#[derive(Debug, Serialize)]
pub(super) struct Created {
    actor: Actor,
}

#[derive(Debug, Serialize)]
pub(super) struct Got {
    actor: Actor,
    created: bool,
}

pub(super) async fn create(
    State(api): State<Api>,
    QueryOf(NamespaceQuery { namespace }): QueryOf<NamespaceQuery>,
    Json(request): Json<CreateRequest>,
) -> Result<(Extension<Noted>, Answer<Created>), ApiError> {
    let created = api.lifecycle.create(request.in_namespace(namespace)).await?;
    let actor = Actor::new(created.id, created.row, &api.directory.datacenter().name);
    Ok((Noted::created(&created.id), Answer(Created { actor })))
}

pub(super) async fn get_or_create(
    State(api): State<Api>,
    QueryOf(NamespaceQuery { namespace }): QueryOf<NamespaceQuery>,
    Json(request): Json<GetOrCreateRequest>,
) -> Result<(Extension<Noted>, Answer<Got>), ApiError> {
    let (got, created) = api.lifecycle.get_or_create(request.in_namespace(namespace)).await?;
    let actor = Actor::new(got.id, got.row, &api.directory.datacenter().name);
    let noted = if created { Noted::created(&got.id) } else { Extension(Noted::Unchanged) };
    Ok((noted, Answer(Got { actor, created })))
}

/// Answers when the actor is gone: its app has stopped it.
pub(super) async fn destroy(
    State(api): State<Api>,
    Path(actor_id): Path<Id>,
    QueryOf(NamespaceQuery { namespace }): QueryOf<NamespaceQuery>,
) -> Result<Answer<Done>, ApiError> {
    check_datacenter(&api, &actor_id)?;
    api.lifecycle.destroy(&namespace, actor_id).await?;
    Ok(Answer(Done {}))
}

pub(super) async fn sleep(
    State(api): State<Api>,
    Path(actor_id): Path<Id>,
    QueryOf(NamespaceQuery { namespace }): QueryOf<NamespaceQuery>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer<Done>, ApiError> {
    check_datacenter(&api, &actor_id)?;
    api.lifecycle.sleep(&namespace, actor_id).await?;
    Ok(Answer(Done {}))
}

pub(super) async fn reschedule(
    State(api): State<Api>,
    Path(actor_id): Path<Id>,
    QueryOf(NamespaceQuery { namespace }): QueryOf<NamespaceQuery>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer<Done>, ApiError> {
    check_datacenter(&api, &actor_id)?;
    api.lifecycle.reschedule(&namespace, actor_id).await?;
    Ok(Answer(Done {}))
}

/// An actor of the namespace, destroyed ones included.
async fn row_of(api: &Api, namespace: &str, actor_id: Id) -> Result<ActorRow, ApiError> {
    check_datacenter(api, &actor_id)?;
    let namespace_id = api.lifecycle.namespace_id(namespace).await?;
    let row = api.lifecycle.row(actor_id).await?;
    let row = row.filter(|row| row.namespace_id == namespace_id).ok_or(LifecycleError::NotFound)?;
    Ok(row)
}

/// An id says in which datacenter it was made, and its actor never leaves that.
fn check_datacenter(api: &Api, actor_id: &Id) -> Result<(), ApiError> {
    if actor_id.datacenter_label() == api.directory.datacenter().label {
        Ok(())
    } else {
        Err(LifecycleError::DatacenterNotFound.into())
    }
}

#[derive(Debug)]
pub(super) struct NamesQuery {
    namespace: String,
    limit: usize,
    after: Option<String>,
}

impl FromQuery for NamesQuery {
    const PARAMETERS: &'static [&'static str] = &["namespace", "limit", "cursor"];

    fn from_query(query: &Query) -> Result<Self, ApiError> {
        Ok(Self {
            namespace: query.required("namespace")?,
            limit: query.parsed("limit")?.unwrap_or(NAMES_PAGE),
            after: query.text("cursor")?,
        })
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Names {
    names: BTreeMap<String, ActorNameRow>,
    pagination: Pagination,
}

pub(super) async fn names(
    State(api): State<Api>,
    QueryOf(query): QueryOf<NamesQuery>,
) -> Result<Answer<Names>, ApiError> {
    let NamesQuery { namespace, limit, after } = query;
    let found = api.directory.actor_names(namespace, after, limit).await?;
    let cursor = found.last().map(|(name, _)| name.clone());
    Ok(Answer(Names { names: found.into_iter().collect(), pagination: Pagination { cursor } }))
}
