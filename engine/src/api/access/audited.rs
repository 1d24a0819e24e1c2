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
            path: bounded(&without_tokens(request.uri().path())),
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

/// How tokens that the engine issues begin, and the shortest of them, in bytes.
const TOKENS: [&str; 3] = ["sk_", "pk_", "eyJ"];
const TOKEN_MIN: usize = 32;

/// The path without what looks like a token: somebody may have put one where its id belongs, and the log is
/// kept for years.
fn without_tokens(path: &str) -> String {
    let masked = |segment: &str| match TOKENS.iter().find(|start| segment.starts_with(**start)) {
        Some(start) if segment.len() >= TOKEN_MIN => format!("{start}…"),
        _ => segment.to_owned(),
    };
    path.split('/').map(masked).collect::<Vec<_>>().join("/")
}

fn bounded(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_where_an_id_belongs_is_not_written_down() {
        let token = format!("sk_{}", "A1".repeat(20));
        assert_eq!(
            without_tokens(&format!("/auth/secret-tokens/{token}")),
            "/auth/secret-tokens/sk_…"
        );
        let jwt = format!("eyJ{}.eyJ{}.x", "a".repeat(20), "b".repeat(20));
        assert_eq!(without_tokens(&format!("/auth/tokens/{jwt}")), "/auth/tokens/eyJ…");
        for path in
            ["/runner-configs/sk_pool", "/auth/tokens/0123456789abcdef0123456789abcdef", "/"]
        {
            assert_eq!(without_tokens(path), path);
        }
    }
}
