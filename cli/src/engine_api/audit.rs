//! The engine's audit log, as it answers it.

use serde::{Deserialize, Serialize};

use super::{EngineApi, EngineApiError};
use crate::site::secret::Secret;

/// The most entries in one answer.
pub(crate) const PAGE_MAX: usize = 1000;

/// A part of the log, newest first.
#[derive(Debug, Deserialize)]
pub(crate) struct AuditPage {
    pub(crate) entries: Vec<AuditEntry>,
    pub(crate) pagination: Pagination,
}

/// Where the next part begins; none after the last.
#[derive(Debug, Deserialize)]
pub(crate) struct Pagination {
    pub(crate) cursor: Option<String>,
}

/// A call of the API.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditEntry {
    pub(crate) number: u64,
    /// Milliseconds since 1970.
    pub(crate) ts: u64,
    pub(crate) actor: AuditActor,
    pub(crate) address: Option<String>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) namespace: Option<String>,
    /// What came of it, where the path does not say.
    pub(crate) created: Option<String>,
    pub(crate) status: u16,
    /// `group.code` of an answer that is an error.
    pub(crate) error: Option<String>,
    pub(crate) ray_id: String,
}

/// Who asked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditActor {
    pub(crate) kind: String,
    pub(crate) token_id: Option<String>,
    pub(crate) subject: Option<String>,
}

impl EngineApi {
    /// Up to `limit` entries, newest first, from where `cursor` says.
    pub(crate) fn audit_entries(
        &self,
        token: &Secret,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<AuditPage, EngineApiError> {
        let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let answer = self.get(&format!("/audit?limit={limit}{cursor}"), Some(token))?;
        let body = answer.expect_ok("GET /audit")?;
        serde_json::from_value(body).map_err(|error| EngineApiError::NotAnEngine {
            address: self.address,
            body: error.to_string(),
        })
    }
}
