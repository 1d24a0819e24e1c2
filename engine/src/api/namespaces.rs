//! `/namespaces`: list and create.

use axum::{Extension, Json as Answer, extract::State};
use serde::{Deserialize, Serialize};

use super::{
    Api,
    access::{Caller, Noted},
    body::Json,
    error::ApiError,
    query::{FromQuery, Query, QueryOf},
};
use crate::{
    directory::{self, DirectoryError},
    keyspace::Id,
};

const PAGE: usize = 1000;

/// Where the next page begins, when there may be one.
#[derive(Debug, Serialize)]
pub(super) struct Pagination {
    pub(super) cursor: Option<String>,
}

#[derive(Debug)]
pub(super) struct ListQuery {
    limit: usize,
    after: Option<u64>,
    name: Option<String>,
    ids: Vec<Id>,
}

impl FromQuery for ListQuery {
    const PARAMETERS: &'static [&'static str] =
        &["limit", "cursor", "name", "namespace_ids", "namespace_id"];

    fn from_query(query: &Query) -> Result<Self, ApiError> {
        // A cursor that is none of ours starts from the beginning, as upstream does with any.
        let after = query.text("cursor")?.and_then(|cursor| cursor.parse().ok());
        Ok(Self {
            // Upstream answers at least one.
            limit: query.parsed("limit")?.unwrap_or(PAGE).max(1),
            after,
            name: query.text("name")?,
            ids: query.ids("namespace_id", "namespace_ids")?,
        })
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Listed {
    namespaces: Vec<Namespace>,
    pagination: Pagination,
}

#[derive(Debug, Serialize)]
pub(super) struct Created {
    namespace: Namespace,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "clients know these names")]
struct Namespace {
    namespace_id: Id,
    name: String,
    display_name: String,
    create_ts: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateRequest {
    name: String,
    display_name: String,
}

/// Who is bound to a namespace sees that one and no other.
pub(super) async fn list(
    State(api): State<Api>,
    Caller(caller): Caller,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Answer<Listed>, ApiError> {
    let directory = &api.directory;
    if let Some(own) = caller.namespace() {
        let mut found = directory.namespaces_by_id(vec![own.id.0]).await?;
        found.retain(|namespace| query.wants(namespace));
        return Ok(Answer(Listed::of(found, false)));
    }
    let (found, paged) = match (query.name, query.ids) {
        (Some(name), _) => (directory.find_namespace(name).await?.into_iter().collect(), false),
        (None, ids) if !ids.is_empty() => (directory.namespaces_by_id(ids).await?, false),
        (None, _) => (directory.list_namespaces(query.after, query.limit).await?, true),
    };
    Ok(Answer(Listed::of(found, paged)))
}

impl ListQuery {
    fn wants(&self, namespace: &directory::Namespace) -> bool {
        self.name.as_ref().is_none_or(|name| *name == namespace.name)
            && (self.ids.is_empty() || self.ids.contains(&namespace.id))
            && self.after.is_none_or(|after| namespace.create_ts > after)
    }
}

impl Listed {
    fn of(found: Vec<directory::Namespace>, paged: bool) -> Self {
        let cursor = found.last().filter(|_| paged).map(|last| last.create_ts.to_string());
        let namespaces = found.into_iter().map(Namespace::from).collect();
        Self { namespaces, pagination: Pagination { cursor } }
    }
}

pub(super) async fn create(
    State(api): State<Api>,
    Json(request): Json<CreateRequest>,
) -> Result<(Extension<Noted>, Answer<Created>), ApiError> {
    let name = request.name.parse().map_err(DirectoryError::InvalidNamespace)?;
    let display_name = request.display_name.parse().map_err(DirectoryError::InvalidNamespace)?;
    let created = api.directory.create_namespace(name, display_name).await?;
    let noted = Noted::created(&created.id);
    Ok((noted, Answer(Created { namespace: created.into() })))
}

impl From<directory::Namespace> for Namespace {
    fn from(namespace: directory::Namespace) -> Self {
        let directory::Namespace { id, name, display_name, create_ts } = namespace;
        Self { namespace_id: id, name, display_name, create_ts }
    }
}
