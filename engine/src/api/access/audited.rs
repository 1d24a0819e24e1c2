//! What the audit log says about a call.

use axum::{Extension, extract::Request, response::Response};

use crate::{
    api::{error::ErrorCode, query::Query, request::RayId},
    auth::{ClientAddress, Credential},
    clock::Millis,
    keyspace::tables::{AuditActor, AuditRow},
};

/// The longest text of a client that is written down, in characters.
const TEXT_MAX: usize = 256;

/// What a route wants the audit log to know about its answer.
#[derive(Debug, Clone)]
pub(in crate::api) enum Noted {
    /// The id or name of what was created, and in which namespace when the query does not say.
    Created { what: String, namespace: Option<String> },
    /// Nothing has changed, so nothing is written down.
    Unchanged,
}

impl Noted {
    /// Says what was created.
    pub(in crate::api) fn created(what: &impl ToString) -> Extension<Self> {
        Extension(Self::Created { what: what.to_string(), namespace: None })
    }

    /// Says what was created in a namespace that the body names.
    pub(in crate::api) fn created_in(namespace: &str, what: &impl ToString) -> Extension<Self> {
        Extension(Self::Created { what: what.to_string(), namespace: Some(bounded(namespace)) })
    }
}

/// A call, before it is answered.
#[derive(Debug)]
pub(super) struct Call {
    actor: AuditActor,
    address: Option<String>,
    method: String,
    path: String,
    namespace: Option<String>,
    ray_id: String,
}

impl Call {
    pub(super) fn of(request: &Request, credential: Option<&Credential>) -> Self {
        let extensions = request.extensions();
        let address = extensions.get::<ClientAddress>().map(|from| from.ip().to_string());
        let ray_id = extensions.get::<RayId>().map(|RayId(id)| id.clone());
        let namespace = Query::lenient(request.uri()).required("namespace").ok();
        Self {
            actor: AuditActor {
                kind: credential.map_or("nobody", Credential::kind).to_owned(),
                token_id: credential.and_then(Credential::token_id).map(|id| id.0),
                subject: credential.and_then(Credential::subject).map(str::to_owned),
            },
            address,
            method: bounded(request.method().as_str()),
            path: bounded(request.uri().path()),
            namespace: namespace.as_deref().map(bounded),
            ray_id: ray_id.unwrap_or_default(),
        }
    }

    /// The entry about the call, unless it has changed nothing.
    pub(super) fn entry(self, ts: Millis, response: &Response) -> Option<AuditRow> {
        let extensions = response.extensions();
        let (created, body_namespace) = match extensions.get::<Noted>() {
            Some(Noted::Unchanged) => return None,
            Some(Noted::Created { what, namespace }) => (Some(what.clone()), namespace.clone()),
            None => (None, None),
        };
        let error =
            extensions.get::<ErrorCode>().map(|ErrorCode(group, code)| format!("{group}.{code}"));
        let Self { actor, address, method, path, namespace, ray_id } = self;
        Some(AuditRow {
            ts,
            actor,
            address,
            method,
            path,
            namespace: namespace.or(body_namespace),
            created,
            status: response.status().as_u16(),
            error,
            ray_id,
        })
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}
