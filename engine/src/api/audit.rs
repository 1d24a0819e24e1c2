//! `/audit`: who did what, newest first.

use axum::{Json as Answer, extract::State};
use serde::Serialize;

use super::{
    Api,
    error::ApiError,
    namespaces::Pagination,
    query::{FromQuery, Query, QueryOf},
};
use crate::{audit::AuditEntry, directory::DirectoryError, keyspace::tables::AuditRow};

const PAGE: usize = 100;
const PAGE_MAX: usize = 1000;

#[derive(Debug)]
pub(super) struct ListQuery {
    limit: usize,
    before: Option<u64>,
}

impl FromQuery for ListQuery {
    const PARAMETERS: &'static [&'static str] = &["limit", "cursor"];

    fn from_query(query: &Query) -> Result<Self, ApiError> {
        Ok(Self {
            limit: query.parsed("limit")?.unwrap_or(PAGE).min(PAGE_MAX),
            before: query.parsed("cursor")?,
        })
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Listed {
    entries: Vec<Entry>,
    pagination: Pagination,
}

#[derive(Debug, Serialize)]
struct Entry {
    number: u64,
    #[serde(flatten)]
    row: AuditRow,
}

pub(super) async fn list(
    State(api): State<Api>,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Answer<Listed>, ApiError> {
    let page = api.audit.page(query.before, query.limit).await.map_err(DirectoryError::Storage)?;
    let cursor = page.last().filter(|_| page.len() == query.limit);
    let cursor = cursor.map(|last| last.number.to_string());
    let entries = page.into_iter().map(|AuditEntry { number, row }| Entry { number, row });
    Ok(Answer(Listed { entries: entries.collect(), pagination: Pagination { cursor } }))
}
